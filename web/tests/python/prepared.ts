import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Lock, LockedFile } from "../../python/boot";
import { CORE, CORE_FOLDER, platformZip } from "../../python/parts";
import { zip } from "../../python/zip";

/** A prepared folder with the files of this folder as the study, and no packages. */
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
    packages: [],
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
