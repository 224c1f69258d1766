import type { View } from "../src/generated/View";
import type { Fault, WorkerMessage } from "../src/messages";
import type { Connection } from "./connection";
import type { Uploads } from "./uploads";

/** How long what is there may take to the server after the game broke. */
const DRAIN_MS = 2000;

/** Why the game's module cannot be used. */
type ModuleFault = Extract<Fault, "engine_not_loaded" | "engine_failed">;

export interface EndingHandlers {
  post(message: WorkerMessage): void;
  /** What the server wants shown. */
  view(): View | null;
  /** Nothing is played any more. */
  handleEnd(): void;
}

/** That a page cannot go on: what becomes of what it holds, and what the participant sees. */
export class Ending {
  /** What became of the game's module, where it cannot be used. */
  #broken: ModuleFault | null = null;
  #done = false;

  constructor(
    private readonly connection: Connection,
    private readonly uploads: Uploads,
    private readonly handlers: EndingHandlers,
  ) {}

  /** The page shows a fault. */
  get done(): boolean {
    return this.#done;
  }

  /** Another view came: only it tells what a module that cannot be used means. */
  follow(): void {
    if (this.#broken && this.handlers.view()) this.handleBroken(this.#broken);
  }

  handleCrash(error: unknown): void {
    console.error("the game's engine failed", error);
    this.handleBroken("engine_failed");
  }

  /**
   * The last page tells what a participant needs most, the code: it stays, and needs no module.
   * Which page it is may be known only later.
   */
  handleBroken(fault: ModuleFault): void {
    this.#broken = fault;
    const view = this.handlers.view();
    if (view === null || view.kind === "end") this.uploads.abandon();
    else if (fault === "engine_failed") this.#depart(fault);
    else this.fail(fault);
  }

  handleUploadRefused(): void {
    console.error("the server will not take this page's data");
    // The last page tells what a participant needs most; nothing is played any more.
    if (this.handlers.view()?.kind !== "end") this.#depart("upload_refused");
  }

  fail(fault: Fault): void {
    if (!this.#giveUp(fault)) return;
    this.uploads.abandon();
    this.connection.stop();
  }

  /** As `fail`, but what is there is handed over first, and no partner is left waiting. */
  #depart(fault: Fault): void {
    const view = this.handlers.view();
    if (!this.#giveUp(fault)) return;
    this.uploads.drain(DRAIN_MS).then(() => {
      const partners = view !== null && "session" in view && view.session.players > 1;
      if (partners) this.connection.send({ type: "leave" });
      this.connection.stop();
    });
  }

  /** False if that was done before. */
  #giveUp(fault: Fault): boolean {
    if (this.#done) return false;
    this.#done = true;
    this.handlers.handleEnd();
    this.handlers.post({ type: "fault", fault });
    return true;
  }
}
