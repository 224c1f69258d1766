// The WebAssembly module computes what the native program computes, and needs nothing it should not.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { bytes, igym, root } from "./module.mjs";

test("the parity probe gives the same hashes as the native build", () => {
  const path = join(root, "crates/envs/tests/golden/slime_volleyball.txt");
  const golden = readFileSync(path, "utf8");
  const sections = golden.split(/^seed (\d+)\n/m).slice(1);
  assert.ok(sections.length >= 4, "the golden file has several seeds");
  for (let i = 0; i < sections.length; i += 2) {
    const seed = Number(sections[i]);
    const lines = sections[i + 1].trimEnd().split("\n");
    const frames = Number(lines.at(-1).split(" ")[0]);
    assert.ok(frames >= 1000, "a trajectory is long");
    const found = igym.reference_trajectory(seed, frames);
    assert.deepEqual(found.trimEnd().split("\n"), lines, `seed ${seed}`);
  }
});

test("the module imports only what wasm-bindgen provides", () => {
  const imports = WebAssembly.Module.imports(new WebAssembly.Module(bytes));
  const modules = new Set(imports.map((entry) => entry.module));
  assert.deepEqual([...modules], ["./igym_browser_bg.js"]);
});

test("digests are BLAKE3 in hexadecimal", () => {
  assert.equal(
    igym.digest_hex(new Uint8Array()),
    "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
  );
  const digest = igym.environment_digest("slime_volleyball", "{}");
  assert.match(digest, /^[0-9a-f]{64}$/);
  assert.notEqual(digest, igym.environment_digest("slime_volleyball", "{ }"));
});

test("a production module cannot be told to flip a bit", () => {
  const fault = process.env.IGYM_WASM_FAULT === "1";
  assert.equal(bytes.includes("igymFlipAtFrame"), fault);
});
