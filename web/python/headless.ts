/**
 * Python without a browser, for a program that starts Node:
 *
 *     node headless.mjs <prepared folder> <digest of a lock> [<hash seed>]
 *
 * Requests on the standard input, answers on the standard output, in order; each is a length (u32,
 * little-endian) and so many bytes. A request is an operation (u8) and what it needs; an answer is
 * 0 and its bytes, or 1 and the JSON of an error. What Python prints goes to the standard error.
 *
 * | operation  | request                                                | answer                    |
 * |------------|--------------------------------------------------------|---------------------------|
 * | 1 open     | configuration, JSON                                    | handle u8, description JSON |
 * | 2 reset    | handle u8, seed u32                                    | answer of `reset`         |
 * | 3 run      | handle u8, batch                                       | answer of `run`           |
 * | 4 measure  | handle u8                                              | JSON                      |
 * | 5 close    | handle u8                                              |                           |
 * | 6 trace    | JSON: `configuration`, `condition`, `frames`, `seed`   | JSON                      |
 * | 7 diagnose | JSON: `traces`, `name`                                 | JSON                      |
 * | 8 versions |                                                        | JSON                      |
 */

import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Interpreter,
  type Lock,
  type LockedFile,
  PythonError,
  type PythonErrorWords,
  type Runtime,
  startPython,
} from "./boot";

const HANDLES = 256;
/** No request and no answer comes near it; a length above it is a stream out of step. */
const FRAME_BYTES = 1 << 30;

class Service {
  readonly #runtimes = new Map<number, Runtime>();

  constructor(private readonly python: Interpreter) {}

  get broken(): string | undefined {
    return this.python.broken;
  }

  handle(request: Buffer): Uint8Array {
    const rest = request.subarray(1);
    switch (request[0]) {
      case 1:
        return this.#open(rest.toString());
      case 2:
        return this.#runtime(rest).reset(rest.readUInt32LE(1));
      case 3:
        return this.#runtime(rest).run(new Uint8Array(rest.subarray(1)));
      case 4:
        return Buffer.from(this.#runtime(rest).measure());
      case 5:
        this.#runtime(rest).destroy();
        this.#runtimes.delete(rest.readUInt8(0));
        return new Uint8Array();
      case 6: {
        const { configuration, condition, frames, seed } = JSON.parse(rest.toString());
        const trace = this.python.trace(JSON.stringify(configuration), condition, frames, seed);
        return Buffer.from(trace);
      }
      case 7: {
        const { traces, name } = JSON.parse(rest.toString());
        return Buffer.from(this.python.diagnose(JSON.stringify(traces), name));
      }
      case 8:
        return Buffer.from(JSON.stringify({ ...this.python.versions(), node: process.version }));
      default:
        throw new Error(`there is no operation ${request[0]}`);
    }
  }

  #open(configuration: string): Uint8Array {
    const runtime = this.python.open(configuration);
    for (let handle = 0; handle < HANDLES; handle += 1) {
      if (this.#runtimes.has(handle)) continue;
      this.#runtimes.set(handle, runtime);
      return Buffer.concat([Uint8Array.of(handle), Buffer.from(runtime.describe())]);
    }
    runtime.destroy();
    throw new Error(`${HANDLES} environments are open; close some first`);
  }

  #runtime(request: Buffer): Runtime {
    const handle = request.readUInt8(0);
    const runtime = this.#runtimes.get(handle);
    if (!runtime) throw new Error(`no environment is open as ${handle}`);
    return runtime;
  }
}

function errorWords(error: unknown): PythonErrorWords {
  if (error instanceof PythonError) return error.words;
  const message = error instanceof Error ? error.message : String(error);
  const details = error instanceof Error ? (error.stack ?? "") : "";
  return { kind: "protocol", message, file: null, line: null, frame: null, details };
}

async function start(folder: string, digest: string, hashSeed?: string): Promise<Interpreter> {
  const lock = JSON.parse(read(folder, digest, `${digest}.json`).toString()) as Lock;
  const blob = (file: LockedFile) => read(folder, file.sha256, join("blobs", file.sha256));
  // Pyodide finds its files by their names, in one folder, and reads them while it starts.
  const core = mkdtempSync(join(tmpdir(), "igym-pyodide-"));
  try {
    for (const file of lock.core) writeFileSync(join(core, file.name), blob(file));
    return await startPython(
      lock,
      {
        core: join(core, "/"),
        fetchBlob: async (file) => new Uint8Array(blob(file)),
        handleText: (line) => process.stderr.write(`${line}\n`),
      },
      hashSeed,
    );
  } finally {
    rmSync(core, { recursive: true, force: true });
  }
}

/** A file of the prepared folder, which must be what its name says. */
function read(folder: string, sha256: string, name: string): Buffer {
  const content = readFileSync(join(folder, name));
  const found = createHash("sha256").update(content).digest("hex");
  if (found !== sha256) {
    throw new Error(`${join(folder, name)} is damaged; delete it and prepare the study again`);
  }
  return content;
}

async function* requests(): AsyncGenerator<Buffer> {
  let pending = Buffer.alloc(0);
  for await (const chunk of process.stdin) {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    while (pending.length >= 4) {
      const length = pending.readUInt32LE(0);
      if (length > FRAME_BYTES) throw new Error(`a request of ${length} bytes is too long`);
      if (pending.length < 4 + length) break;
      yield pending.subarray(4, 4 + length);
      pending = pending.subarray(4 + length);
    }
  }
}

/** Whole, before anything else happens: the reader may be slow, and an exit must not cut it off. */
function answer(status: number, body: Uint8Array): void {
  const frame = Buffer.alloc(5 + body.length);
  frame.writeUInt32LE(1 + body.length, 0);
  frame.writeUInt8(status, 4);
  frame.set(body, 5);
  for (let written = 0; written < frame.length; ) {
    try {
      written += writeSync(1, frame, written);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
    }
  }
}

const [folder, digest, hashSeed] = process.argv.slice(2);
if (folder === undefined || digest === undefined) {
  console.error("usage: node headless.mjs <prepared folder> <digest of a lock> [<hash seed>]");
  process.exit(2);
}
try {
  const service = new Service(await start(folder, digest, hashSeed));
  for await (const request of requests()) {
    let said: [number, Uint8Array];
    try {
      said = [0, service.handle(request)];
    } catch (error) {
      said = [1, Buffer.from(JSON.stringify(errorWords(error)))];
    }
    // A process in which Python has stopped answers nothing: its end is the answer, and says why.
    if (service.broken !== undefined) throw new Error(service.broken);
    answer(...said);
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  // Not later: the standard input may stay open.
  process.exit(1);
}
