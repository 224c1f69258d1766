/**
 * The one place where a Python interpreter is made, from what a study's lock names: in a page's
 * worker and in Node alike, so that what is re-simulated is what was played.
 *
 * Nothing here knows where bytes come from, and nothing is loaded that the lock does not name.
 */

import type { PyodideAPI } from "pyodide";
import type { PyProxy } from "pyodide/ffi";

/** A file that is known by its content. */
export interface LockedFile {
  /** Hexadecimal. */
  sha256: string;
  bytes: number;
}

/** What a study's environments run in. */
export interface Lock {
  format: number;
  /** The version of Pyodide. */
  pyodide: string;
  /** `PYTHONHASHSEED`, fixed when the interpreter starts. */
  hash_seed: string;
  /** Pyodide's own files. */
  core: (LockedFile & { name: string })[];
  /** Wheels, for Pyodide or pure Python. */
  packages: (LockedFile & { name: string; version: string; file: string })[];
  /** The package `interactive_gym`, zipped. */
  platform: LockedFile & { file: string };
  /** The study's own files, zipped. */
  study: LockedFile & { file: string };
  /** Modules that are empty if no package brings them. */
  stubs: string[];
  /** Modules that are imported first, before there are stubs. */
  imports: string[];
}

/** What an interpreter takes its time for, in this order. */
export type Stage = "starting" | "unpacking" | "importing";

/** What an interpreter needs of where it runs. */
export interface Ground {
  /** Where the core's files are under their names: an address or a path that ends in a slash. */
  core: string;
  /** Is asked for all files at once. */
  fetchBlob(file: LockedFile): Promise<Uint8Array>;
  /** A line that Python printed. */
  handleText(line: string): void;
  handleStage?(stage: Stage): void;
  /** Does what has been waiting meanwhile; called between portions of work that take long. */
  breathe?(): Promise<void>;
}

/** An environment that is ready to play; the bytes are those of python/README.md. */
export interface Runtime {
  /** JSON. */
  describe(): string;
  reset(seed: number): Uint8Array;
  run(batch: Uint8Array): Uint8Array;
  /** JSON. */
  measure(): string;
  /** It cannot be used any more. */
  destroy(): void;
}

/** What stands in an ERROR entry. */
export interface PythonErrorWords {
  kind: string;
  message: string;
  file: string | null;
  line: number | null;
  frame: number | null;
  details: string;
}

export class PythonError extends Error {
  override readonly name = "PythonError";

  constructor(readonly words: PythonErrorWords) {
    super(words.message);
  }
}

/** `interactive_gym.worker`, as JavaScript sees it. */
interface WorkerModule extends PyProxy {
  open_for_js(configuration: string): Uint8Array | RuntimeProxy;
  trace(configuration: string, condition: string, frames: number, seed: number): Uint8Array;
  diagnose(traces: string, name: string): Uint8Array;
}

interface RuntimeProxy extends PyProxy {
  describe: Bound<() => Uint8Array>;
  reset: Bound<(seed: number) => Uint8Array>;
  run: Bound<(batch: Uint8Array) => Uint8Array>;
  measure: Bound<() => Uint8Array>;
}

type Bound<F> = F & PyProxy;

const FORMAT = 1;
const PLATFORM = "/igym/platform";
/** Where a configuration's `base` finds the study's files. */
export const STUDY = "/igym/study";

const BEGIN = `
import importlib, sys
sys.path.insert(0, ${JSON.stringify(PLATFORM)})
importlib.invalidate_caches()
def begin(imports, stubs):
    for name in imports:
        importlib.import_module(name)
    from interactive_gym import loader
    for name in stubs:
        loader.stub(name)
begin
`;

/** The bytes of an answer that holds nothing but an error: version, entry, length, JSON. */
const [ANSWER, ERROR] = [1, 0xff];
const ERROR_HEAD = 6;

/** Starts Python with all that the lock names. `hashSeed` differs from the lock's for the doctor alone. */
export async function startPython(
  lock: Lock,
  ground: Ground,
  hashSeed = lock.hash_seed,
): Promise<Interpreter> {
  if (lock.format !== FORMAT) {
    throw new Error(`the lock has format ${lock.format}; this program reads ${FORMAT}`);
  }
  const files = Promise.all([
    ground.fetchBlob(lock.platform),
    ground.fetchBlob(lock.study),
    ...lock.packages.map((file) => ground.fetchBlob(file)),
  ]);
  // Whoever waits for the core first must not leave a refusal of the others unheard.
  files.catch(() => {});
  const pyodide = await loadCore(lock, ground, hashSeed);
  const [platform, study, ...wheels] = await files;
  await ground.breathe?.();
  ground.handleStage?.("unpacking");
  // Where Python looks for packages; it also tells them from files of the study.
  const extractDir = pyodide.runPython("import sysconfig; sysconfig.get_path('purelib')");
  for (const wheel of wheels) {
    pyodide.unpackArchive(wheel, "wheel", { extractDir });
    await ground.breathe?.();
  }
  if (platform) unpack(pyodide, platform, PLATFORM);
  if (study) unpack(pyodide, study, STUDY);
  ground.handleStage?.("importing");
  const begin = pyodide.runPython(BEGIN);
  begin(pyodide.toPy(lock.imports), pyodide.toPy(lock.stubs));
  begin.destroy();
  await ground.breathe?.();
  const worker = pyodide.pyimport("interactive_gym.worker") as WorkerModule;
  return new Interpreter(lock, pyodide, worker);
}

async function loadCore(lock: Lock, ground: Ground, hashSeed: string): Promise<PyodideAPI> {
  const index = lock.core.find(({ name }) => name === "pyodide-lock.json");
  if (!index) throw new Error("the lock names no pyodide-lock.json");
  const { info } = JSON.parse(new TextDecoder().decode(await ground.fetchBlob(index)));
  ground.handleStage?.("starting");
  const { loadPyodide } = (await import(
    /* @vite-ignore */ `${ground.core}pyodide.mjs`
  )) as typeof import("pyodide");
  return loadPyodide({
    indexURL: ground.core,
    // Packages are the lock's alone: nothing may be looked for anywhere else.
    packageBaseUrl: ground.core,
    lockFileContents: { info, packages: {} },
    env: { PYTHONHASHSEED: hashSeed, PYTHONDONTWRITEBYTECODE: "1" },
    stdin: () => "",
    stdout: ground.handleText,
    stderr: ground.handleText,
  });
}

function unpack(pyodide: PyodideAPI, archive: Uint8Array, folder: string): void {
  pyodide.FS.mkdirTree(folder);
  pyodide.unpackArchive(archive, "zip", { extractDir: folder });
}

/** A running Python. It serves any number of runtimes, of which one at a time may be in play. */
export class Interpreter {
  #broken: string | undefined;
  /** Taken while Pyodide works: once it has stopped it gives nothing away. */
  readonly #pythonError: PyodideAPI["ffi"]["PythonError"];

  constructor(
    private readonly lock: Lock,
    private readonly pyodide: PyodideAPI,
    private readonly worker: WorkerModule,
  ) {
    this.#pythonError = pyodide.ffi.PythonError;
  }

  /**
   * Why nothing more can be done here, if that is so: the interpreter itself stopped (its stack or its
   * memory is used up, or it aborted), which no Python can catch.
   */
  get broken(): string | undefined {
    return this.#broken;
  }

  /** Opens an environment, or throws a `PythonError`. `configuration` is the JSON of an object. */
  open(configuration: string): Runtime {
    const opened = this.#call(() => this.worker.open_for_js(configuration));
    if (opened instanceof Uint8Array) throw new PythonError(errorOf(opened));
    return this.#bound(opened);
  }

  /** JSON: one trace of the doctor. */
  trace(configuration: string, condition: string, frames: number, seed: number): string {
    return text(this.#call(() => this.worker.trace(configuration, condition, frames, seed)));
  }

  /** JSON: the doctor's report, from the JSON of an object of traces by condition. */
  diagnose(traces: string, name: string): string {
    return text(this.#call(() => this.worker.diagnose(traces, name)));
  }

  /** What runs here, by name. */
  versions(): { pyodide: string; python: string; packages: Record<string, string> } {
    const [python = ""] = String(this.pyodide.runPython("import sys; sys.version")).split(" ");
    const packages = this.lock.packages.map(({ name, version }) => [name, version]);
    return { pyodide: this.pyodide.version, python, packages: Object.fromEntries(packages) };
  }

  /** The methods are looked up once. `reset` and `run` never throw: whatever breaks is an answer with an error. */
  #bound(proxy: RuntimeProxy): Runtime {
    const { describe, reset, run, measure } = proxy;
    return {
      describe: () => text(this.#call(() => describe())),
      reset: (seed) => this.#guarded(() => reset(seed)),
      run: (batch) => this.#guarded(() => run(batch)),
      measure: () => text(this.#call(() => measure())),
      destroy() {
        for (const one of [describe, reset, run, measure, proxy]) one.destroy();
      },
    };
  }

  #guarded(call: () => Uint8Array): Uint8Array {
    try {
      return this.#call(call);
    } catch (error) {
      return errorAnswer(this.#broken === undefined ? "environment" : "runtime", error);
    }
  }

  /** Notes when what is thrown is no exception of Python's. */
  #call<T>(call: () => T): T {
    try {
      return call();
    } catch (error) {
      if (!(error instanceof this.#pythonError)) this.#broken ??= stopped(error);
      throw error;
    }
  }
}

function stopped(error: unknown): string {
  return `Python stopped: ${error instanceof Error ? error.message : String(error)}`;
}

function errorAnswer(kind: "environment" | "runtime", error: unknown): Uint8Array {
  const details = error instanceof Error ? (error.stack ?? "") : "";
  const words: PythonErrorWords = {
    ...{ kind, message: stopped(error), details },
    ...{ file: null, line: null, frame: null },
  };
  const json = new TextEncoder().encode(JSON.stringify(words));
  const answer = new Uint8Array(ERROR_HEAD + json.length);
  answer.set([ANSWER, ERROR]);
  new DataView(answer.buffer).setUint32(2, json.length, true);
  answer.set(json, ERROR_HEAD);
  return answer;
}

function errorOf(answer: Uint8Array): PythonErrorWords {
  return JSON.parse(text(answer.subarray(ERROR_HEAD))) as PythonErrorWords;
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
