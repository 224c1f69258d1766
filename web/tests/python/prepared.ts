import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Lock, LockedFile } from "../../python/boot";
import { CORE, CORE_FOLDER, platformZip } from "../../python/parts";
import { zip } from "../../python/zip";

const ROPES = `
STRENGTH = 50


def snap():
    raise RuntimeError("the rope broke")
`;

/** A package that the study needs. */
function wheel(): Uint8Array {
  const metadata = "Metadata-Version: 2.1\nName: ropes\nVersion: 1.0\n";
  const tags = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n";
  const files = {
    "ropes.py": ROPES,
    "ropes-1.0.dist-info/METADATA": metadata,
    "ropes-1.0.dist-info/WHEEL": tags,
    "ropes-1.0.dist-info/RECORD": "",
  };
  return zip(Object.entries(files).map(([name, text]) => ({ name, content: Buffer.from(text) })));
}

/** A prepared folder with a game of this folder as the study, and one package. */
export function prepare(): { folder: string; digest: string; lock: Lock } {
  const folder = mkdtempSync(join(tmpdir(), "igym-prepared-"));
  mkdirSync(join(folder, "blobs"));
  const keep = (content: Uint8Array): LockedFile => {
    const sha256 = sha256Of(content);
    writeFileSync(join(folder, "blobs", sha256), content);
    return { sha256, bytes: content.length };
  };
  const tug = readFileSync(new URL("tug.py", import.meta.url));
  const lock: Lock = {
    format: 1,
    pyodide: "0.28.3",
    hash_seed: "0",
    core: CORE.map((name) => ({ name, ...keep(readFileSync(join(CORE_FOLDER, name))) })),
    packages: [
      { name: "ropes", version: "1.0", file: "ropes-1.0-py3-none-any.whl", ...keep(wheel()) },
    ],
    platform: { file: "interactive_gym.zip", ...keep(platformZip()) },
    study: { file: "study.zip", ...keep(zip([{ name: "tug.py", content: tug }])) },
    stubs: ["cv2"],
    imports: ["json"],
  };
  const text = JSON.stringify(lock);
  const digest = sha256Of(Buffer.from(text));
  writeFileSync(join(folder, `${digest}.json`), text);
  return { folder, digest, lock };
}

function sha256Of(content: Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}
