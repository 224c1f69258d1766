import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PAGES, PROGRAM } from "./program";

/** A running `igym serve` with a study and a data directory of its own. */
export class Server {
  readonly url: string;
  readonly data: string;
  readonly #folder: string;
  readonly #process: ChildProcess;
  #log: string;

  private constructor(folder: string, port: number, process: ChildProcess) {
    this.#folder = folder;
    this.data = join(folder, "data");
    this.url = `http://localhost:${port}`;
    this.#process = process;
    this.#log = "";
    for (const stream of [process.stdout, process.stderr]) {
      stream?.on("data", (chunk: Buffer) => {
        this.#log += chunk.toString();
      });
    }
  }

  static async start(study: string, pages: string = PAGES): Promise<Server> {
    const folder = await mkdtemp(join(tmpdir(), "igym-e2e-"));
    const file = join(folder, "study.toml");
    await writeFile(file, study);
    const port = await freePort();
    const process = spawn(
      PROGRAM,
      ["serve", file]
        .concat(["--data", join(folder, "data")])
        .concat(["--address", `127.0.0.1:${port}`])
        .concat(["--web", pages]),
      { stdio: ["ignore", "pipe", "pipe"] },
    );
    const server = new Server(folder, port, process);
    await server.#answers();
    return server;
  }

  /** What it wrote to its log so far. */
  get log(): string {
    return this.#log;
  }

  get alive(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** Asks it to stop, and waits until it has. */
  async stop(): Promise<void> {
    if (!this.alive) return;
    const gone = once(this.#process, "exit");
    this.#process.kill("SIGINT");
    await gone;
  }

  /** Removes its study and data. */
  async remove(): Promise<void> {
    await this.stop();
    await rm(this.#folder, { recursive: true });
  }

  /** A folder beside the data that goes away with them. */
  folder(name: string): string {
    return join(this.#folder, name);
  }

  async #answers(): Promise<void> {
    while (this.alive) {
      const answer = await fetch(this.url).catch(() => null);
      if (answer?.ok) return;
      await new Promise((resolve) => setImmediate(resolve));
    }
    throw new Error(`igym serve ended before it answered:\n${this.#log}`);
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
