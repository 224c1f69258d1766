/** Python in this worker: from the address of its lock to environments that are ready to play. */

import {
  type Interpreter,
  type Lock,
  type LockedFile,
  type Runtime,
  STUDY,
  type Stage,
  startPython,
} from "../python/boot";
import type { Loading } from "../src/messages";
import { download, type Expected } from "./download";

export type { Runtime } from "../python/boot";

/** The page is told no more often. */
const PROGRESS_MS = 100;
/** Environments that stay open for later episodes; the one that was longest not used is closed. */
const OPEN = 4;

export interface PythonHandlers {
  handleLoading(loading: Loading): void;
  /** The interpreter runs: environments can be opened. */
  handleReady(): void;
  handleFailed(error: unknown): void;
}

export class Python {
  #digest: string | null = null;
  #interpreter: Interpreter | null = null;
  /** By configuration, in the order of their last use. */
  readonly #runtimes = new Map<string, Runtime>();
  readonly #progress: Progress;

  constructor(private readonly handlers: PythonHandlers) {
    this.#progress = new Progress((loading) => handlers.handleLoading(loading));
  }

  /** Of the lock that it runs, or is to run. */
  get digest(): string | null {
    return this.#digest;
  }

  get ready(): boolean {
    return this.#interpreter !== null;
  }

  /** Loads what the lock names, once: all scenes of a study share one interpreter. */
  begin(digest: string): void {
    if (this.#digest !== null) return;
    this.#digest = digest;
    this.#start(digest).then(
      (interpreter) => {
        this.#interpreter = interpreter;
        this.handlers.handleReady();
      },
      (error: unknown) => this.handlers.handleFailed(error),
    );
  }

  /**
   * An environment for this configuration (JSON, without `base`): one that is open already, or a
   * new one. A `PythonError` says what is wrong with it.
   */
  open(configuration: string): Runtime {
    if (!this.#interpreter) throw new Error("Python does not run yet");
    const known = this.#runtimes.get(configuration);
    const whole = JSON.stringify({ ...JSON.parse(configuration), base: STUDY });
    const runtime = known ?? this.#interpreter.open(whole);
    this.#runtimes.delete(configuration);
    this.#runtimes.set(configuration, runtime);
    const [oldest] = this.#runtimes;
    if (this.#runtimes.size > OPEN && oldest) {
      this.#runtimes.delete(oldest[0]);
      oldest[1].destroy();
    }
    return runtime;
  }

  async #start(digest: string): Promise<Interpreter> {
    const text = new TextDecoder().decode(await download(`/python/${digest}.json`));
    const lock = JSON.parse(text) as Lock;
    const core = new URL(`/python/core/${lock.pyodide}/`, self.location.href).href;
    const progress = this.#progress;
    progress.begin(allFiles(lock));
    const fetched = (address: string, file: LockedFile) => download(address, progress.of(file));
    const parts = lock.core.map((file) => fetched(core + file.name, file));
    const coreOf = new Map(lock.core.map(({ sha256 }, index) => [sha256, parts[index]]));
    const others = new Map(
      [lock.platform, lock.study, ...lock.packages].map((file) => [
        file.sha256,
        fetched(`/python/blobs/${file.sha256}`, file),
      ]),
    );
    // One failure is enough to tell; the others must not go unheard.
    for (const part of [...parts, ...others.values()]) part.catch(() => {});
    const whole = await Promise.all(parts);
    const addresses = lock.core.map(({ name }) => core + name);
    const giveBack = answering(new Map(addresses.map((address, index) => [address, whole[index]])));
    try {
      return await startPython(lock, {
        core,
        async fetchBlob({ sha256 }) {
          const bytes = await (coreOf.get(sha256) ?? others.get(sha256));
          if (!bytes) throw new Error(`the lock names no file ${sha256}`);
          return bytes;
        },
        handleStage: (stage) => progress.handleStage(stage),
        handleText: (line) => console.debug(line),
        // The page and the server are answered in between.
        breathe: () => new Promise((resolve) => setTimeout(resolve)),
      });
    } finally {
      giveBack();
    }
  }
}

function allFiles({ core, packages, platform, study }: Lock): LockedFile[] {
  return [...core, platform, study, ...packages];
}

/**
 * Pyodide fetches its files by itself. What is here already must not come again, and a browser's
 * cache takes no file of this size in a private window; so until it has started, this worker's
 * `fetch` answers with what is here. The result ends that.
 */
function answering(files: ReadonlyMap<string, Uint8Array<ArrayBuffer> | undefined>): () => void {
  const { fetch } = self;
  self.fetch = (input, init) => {
    const address = input instanceof Request ? input.url : String(input);
    const file = files.get(address);
    if (!file) return fetch(input, init);
    const type = address.endsWith(".wasm") ? "application/wasm" : "application/octet-stream";
    return Promise.resolve(new Response(file, { headers: { "content-type": type } }));
  };
  return () => {
    self.fetch = fetch;
  };
}

/** How far loading is: bytes first, then stages, which cannot be foretold. */
class Progress {
  #bytes = 0;
  #total = 0;
  #stage: Stage | null = null;
  #told = Number.NEGATIVE_INFINITY;

  constructor(private readonly tell: (loading: Loading) => void) {}

  begin(files: readonly LockedFile[]): void {
    this.#total = files.reduce((sum, { bytes }) => sum + bytes, 0);
    this.#tell(true);
  }

  of({ bytes }: LockedFile): Expected {
    let before = 0;
    return {
      bytes,
      handleBytes: (count) => {
        this.#bytes += count - before;
        before = count;
        this.#tell(this.#bytes === this.#total);
      },
    };
  }

  handleStage(stage: Stage): void {
    this.#stage = stage;
    this.#tell(true);
  }

  #tell(now: boolean): void {
    if (!now && performance.now() - this.#told < PROGRESS_MS) return;
    this.#told = performance.now();
    const { stage, bytes, total } = { stage: this.#stage, bytes: this.#bytes, total: this.#total };
    this.tell({ stage: bytes < total || stage === null ? "fetching" : stage, bytes, total });
  }
}
