import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "@playwright/test";
import { PAGES, PROGRAM } from "./program";

export interface ServerOptions {
  /** The built pages to serve, if not the usual ones. */
  pages?: string | undefined;
  /** A folder whose files lie beside the study. */
  files?: string | undefined;
  /** What was prepared of its environments in Python. */
  prepared?: string | null;
}

/** `igym serve` with a study and a data directory of its own; it can be killed and started again. */
export class Server {
  readonly url: string;
  readonly port: number;
  readonly data: string;
  readonly #folder: string;
  readonly #pages: string;
  #process: ChildProcess | null = null;
  #log = "";

  private constructor(folder: string, port: number, pages: string) {
    this.#folder = folder;
    this.#pages = pages;
    this.port = port;
    this.data = join(folder, "data");
    this.url = `http://localhost:${port}`;
  }

  static async start(study: string, options: ServerOptions = {}): Promise<Server> {
    const { pages = PAGES, files, prepared } = options;
    const folder = await mkdtemp(join(tmpdir(), "igym-e2e-"));
    if (files) await cp(files, folder, { recursive: true });
    await writeFile(join(folder, "study.toml"), study);
    const server = new Server(folder, await freePort(), pages);
    if (prepared) {
      await mkdir(server.data);
      await symlink(prepared, join(server.data, "python"));
    }
    await server.restart();
    return server;
  }

  /** Starts it on what is there of its data, and waits until it answers. */
  async restart(): Promise<void> {
    const program = spawn(
      PROGRAM,
      ["serve", join(this.#folder, "study.toml")]
        .concat(["--data", this.data])
        .concat(["--address", `127.0.0.1:${this.port}`])
        .concat(["--web", this.#pages]),
      { stdio: ["ignore", "pipe", "pipe"] },
    );
    this.#process = program;
    const before = this.#log.length;
    await new Promise<void>((resolve, reject) => {
      for (const stream of [program.stdout, program.stderr]) {
        stream.on("data", (chunk: Buffer) => {
          this.#log += chunk.toString();
          // The last line that it prints when it listens.
          if (this.#log.includes("Ctrl-C\n", before)) resolve();
        });
      }
      program.once("error", reject);
      program.once("exit", () => {
        reject(new Error(`igym serve ended before it answered:\n${this.#log}`));
      });
    });
  }

  /** SIGKILL: whatever it was doing, it does no more. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** What it wrote to its log so far. */
  get log(): string {
    return this.#log;
  }

  get alive(): boolean {
    const program = this.#process;
    return program !== null && program.exitCode === null && program.signalCode === null;
  }

  /** Waits until so many pages are connected, as the server sees it. */
  async connections(count: number): Promise<void> {
    await expect
      .poll(() => this.metrics(), { timeout: 60_000 })
      .toContain(`\nigym_connections ${count}\n`);
  }

  /** What it counts, as it tells who watches over it. */
  async metrics(): Promise<string> {
    return (await fetch(`${this.url}/metrics`)).text();
  }

  /** Asks it to stop, and waits until it has. */
  async stop(): Promise<void> {
    await this.#end("SIGINT");
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

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (this.#process === null || !this.alive) return;
    const gone = once(this.#process, "exit");
    this.#process.kill(signal);
    await gone;
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
