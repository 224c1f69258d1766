import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, sep } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Interpreter, PythonError, STUDY, type Stage, startPython } from "../python/boot";
import { CORE_FOLDER, headlessProgram, platformZip } from "../python/parts";
import { prepare } from "./python/prepared";

const STEPS = 40;
const configuration = (kwargs: object = {}) => ({
  environment: { file: "tug.py", kwargs },
  base: STUDY,
  bindings: [0, 1, 2],
});

let prepared: ReturnType<typeof prepare>;
let python: Interpreter;
const stages: Stage[] = [];
const printed: string[] = [];
let breaths = 0;

beforeAll(async () => {
  prepared = prepare();
  python = await startPython(prepared.lock, {
    core: CORE_FOLDER + sep,
    fetchBlob: async ({ sha256 }) =>
      new Uint8Array(readFileSync(join(prepared.folder, "blobs", sha256))),
    handleStage: (stage) => stages.push(stage),
    handleText: (line) => printed.push(line),
    breathe: async () => {
      breaths += 1;
    },
  });
}, 60_000);

afterAll(() => rmSync(prepared.folder, { recursive: true }));

/** Players' inputs that differ from frame to frame. */
function batch(from: number, steps: number, load?: number): Uint8Array {
  const bytes = [1, 0];
  const u32 = (value: number) => bytes.push(value & 255, (value >> 8) & 255, 0, 0);
  if (load !== undefined) {
    bytes.push(1);
    u32(load);
  }
  for (let frame = from; frame < from + steps; frame += 1) {
    bytes.push(2);
    u32(frame);
    bytes.push(3);
    u32(frame);
    bytes.push(2, 1, frame % 3, 1, (frame >> 1) % 3);
  }
  bytes.push(7, 5, 0);
  return Uint8Array.from(bytes);
}

test("the package is the same bytes each time", () => {
  const packed = Buffer.from(platformZip());
  expect(packed.equals(platformZip())).toBe(true);
  expect(packed.includes("interactive_gym/worker.py")).toBe(true);
});

test("the interpreter says what it does, and keeps the lock's hash seed", () => {
  expect(stages).toEqual(["starting", "unpacking", "importing"]);
  // After the core, after its one package, after its imports.
  expect(breaths).toBe(3);
  const runtime = python.open(JSON.stringify(configuration()));
  const description = JSON.parse(runtime.describe());
  expect(description).toMatchObject({
    hash_seed: "0",
    agents: ["left", "right"],
    size: [200, 100],
  });
  expect(JSON.parse(runtime.measure()).step_us).toBeGreaterThan(0);
  runtime.destroy();
  expect(python.versions()).toEqual({
    pyodide: "0.28.3",
    python: "3.13.2",
    packages: { ropes: "1.0" },
  });
});

test("a rollback leads to the same answers as straight play", () => {
  const runtime = python.open(JSON.stringify(configuration()));
  runtime.reset(7);
  const straight = runtime.run(batch(0, STEPS));
  runtime.run(batch(10, STEPS - 20, 10));
  const again = runtime.run(batch(0, STEPS, 0));
  expect(text(straight)).toContain('"knot"');
  expect(again).toEqual(straight);
  runtime.reset(8);
  expect(runtime.run(batch(0, STEPS))).not.toEqual(straight);
  runtime.destroy();
});

test("errors name the study's file and line", () => {
  expect(() => python.open(JSON.stringify(configuration({ unknown: 1 })))).toThrow(PythonError);
  const runtime = python.open(JSON.stringify(configuration({ breaks_at: 1000 })));
  runtime.reset(7);
  const answer = text(runtime.run(batch(0, 1001)));
  const error = JSON.parse(answer.slice(answer.indexOf('{"kind"')));
  expect(error).toMatchObject({ kind: "environment", file: `${STUDY}/tug.py`, frame: 999 });
  expect(error.message).toContain("the rope broke");
  runtime.destroy();
});

test("the program for Node answers as the interpreter in the page does", async () => {
  const program = join(prepared.folder, "headless.mjs");
  writeFileSync(program, await headlessProgram());
  const child = spawn(process.execPath, [program, prepared.folder, prepared.digest]);
  const ask = asking(child);
  const opened = await ask(1, JSON.stringify(configuration()));
  expect([opened.status, opened.body[0]]).toEqual([0, 0]);
  expect(JSON.parse(text(opened.body.subarray(1)))).toMatchObject({ agents: ["left", "right"] });

  const runtime = python.open(JSON.stringify(configuration()));
  const reset = await ask(2, Uint8Array.of(0, 7, 0, 0, 0));
  expect(reset).toEqual({ status: 0, body: Buffer.from(runtime.reset(7)) });
  const played = await ask(3, Buffer.concat([Uint8Array.of(0), batch(0, STEPS)]));
  expect(played).toEqual({ status: 0, body: Buffer.from(runtime.run(batch(0, STEPS))) });
  runtime.destroy();

  expect(JSON.parse(text((await ask(4, Uint8Array.of(0))).body)).rollback_10_us).toBeGreaterThan(0);
  const conditions = ["plain", "again", "rollback", "drawn"];
  const traces: Record<string, unknown> = {};
  for (const condition of conditions) {
    const wanted = { configuration: configuration(), condition, frames: 20, seed: 1 };
    const trace = await ask(6, JSON.stringify(wanted));
    traces[condition] = JSON.parse(text(trace.body));
  }
  const report = await ask(7, JSON.stringify({ traces, name: "tug" }));
  expect(JSON.parse(text(report.body))).toMatchObject({ deterministic: true });
  const versions = JSON.parse(text((await ask(8, "")).body));
  expect(versions).toMatchObject({ pyodide: "0.28.3", node: process.version });

  const refused = await ask(1, JSON.stringify(configuration({ unknown: 1 })));
  expect(refused.status).toBe(1);
  expect(JSON.parse(text(refused.body)).message).toContain("unknown");
  expect((await ask(5, Uint8Array.of(0))).status).toBe(0);
  const closed = await ask(3, Uint8Array.of(0, 1, 0));
  expect(JSON.parse(text(closed.body))).toMatchObject({ kind: "protocol" });
  child.stdin?.end();
  await new Promise((resolve) => child.once("exit", resolve));
  expect(child.exitCode).toBe(0);
}, 60_000);

test("a damaged file of the prepared folder is named", async () => {
  const program = join(prepared.folder, "headless.mjs");
  writeFileSync(program, await headlessProgram());
  const damaged = prepare();
  writeFileSync(join(damaged.folder, "blobs", damaged.lock.study.sha256), "damaged");
  const child = spawn(process.execPath, [program, damaged.folder, damaged.digest]);
  let said = "";
  child.stderr.on("data", (chunk) => {
    said += chunk;
  });
  await new Promise((resolve) => child.once("close", resolve));
  expect(child.exitCode).toBe(1);
  expect(said).toContain(`${damaged.lock.study.sha256} is damaged`);
  rmSync(damaged.folder, { recursive: true });
}, 60_000);

interface Answered {
  status: number;
  body: Buffer;
}

function asking(child: ChildProcess) {
  const waiting: ((answer: Answered) => void)[] = [];
  let pending = Buffer.alloc(0);
  child.stdout?.on("data", (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= 4 && pending.length >= 4 + pending.readUInt32LE(0)) {
      const end = 4 + pending.readUInt32LE(0);
      waiting.shift()?.({
        status: pending.readUInt8(4),
        body: Buffer.from(pending.subarray(5, end)),
      });
      pending = pending.subarray(end);
    }
  });
  return (operation: number, body: string | Uint8Array): Promise<Answered> => {
    const bytes = Buffer.concat([Uint8Array.of(operation), Buffer.from(body as Uint8Array)]);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(bytes.length);
    child.stdin?.write(Buffer.concat([length, bytes]));
    return new Promise((resolve) => waiting.push(resolve));
  };
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
