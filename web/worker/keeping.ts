import type { ServerMessage } from "../src/generated/ServerMessage";
import type { WorkerMessage } from "../src/messages";
import type { Connection } from "./connection";
import { openDatabase } from "./database";
import { BrowserShelf, type Store } from "./shelf";
import { Siblings } from "./siblings";
import { Uploads } from "./uploads";

type Welcome = Extract<ServerMessage, { type: "welcome" }>;

/** How long other pages of the participant in this browser may take to answer. */
const SIBLINGS_MS = 300;

export interface KeepingHandlers {
  post(message: WorkerMessage): void;
  /** Another page of the participant has taken over. */
  handleTakenOver(): void;
  /** The server will never take what this page makes. */
  handleHopeless(): void;
  handleBroken(error: unknown): void;
  /** Something that was waited for is there, or is delivered. */
  handleProgress(): void;
}

/**
 * What the pages of a participant made, until the server has it: found in this browser, taken over
 * from other pages, kept for later ones, sent.
 */
export class Keeping {
  readonly uploads: Uploads;
  readonly #shelf: BrowserShelf;
  readonly #siblings: Siblings;
  #identity: { participant: string; incarnation: number } | null = null;

  constructor(
    connection: Connection,
    private readonly handlers: KeepingHandlers,
  ) {
    this.#shelf = new BrowserShelf((handleClosed) => this.#open(handleClosed), {
      handleFound: (items) => this.uploads.handleFound(items),
      handleKeeps: (keeps) => handlers.post({ type: "storage", keeps }),
    });
    this.uploads = new Uploads(connection, this.#shelf, {
      handleUnsaved: (uploads) => handlers.post({ type: "unsaved", uploads }),
      handleHopeless: () => handlers.handleHopeless(),
      handleBroken: (error) => handlers.handleBroken(error),
    });
    this.#siblings = new Siblings({
      handleSuccessor: () => {
        handlers.handleTakenOver();
        return this.#shelf.held;
      },
      handleInheritance: (items) => {
        for (const item of items) this.#shelf.keep(item);
        this.uploads.handleFound(items);
      },
    });
  }

  handleWelcome({ participant, incarnation, acknowledged }: Welcome): void {
    if (this.#identity === null) {
      this.#identity = { participant, incarnation };
      this.#begin(participant, incarnation);
    }
    this.uploads.handleWelcome(acknowledged);
  }

  handleAck(incarnation: number, seq: number): void {
    this.uploads.handleAck(incarnation, seq);
    this.handlers.handleProgress();
  }

  /** Looks again for what earlier pages left: one may have stopped only now. */
  async gather(): Promise<void> {
    if (this.#identity) await this.#shelf.gather(this.#identity.incarnation);
  }

  #begin(participant: string, incarnation: number): void {
    this.#shelf.begin(incarnation);
    const found = this.#shelf.gatherFirst(incarnation);
    this.#siblings.begin(participant, incarnation);
    const asked = new Promise((resolve) => setTimeout(resolve, SIBLINGS_MS));
    Promise.all([found, asked]).then(() => {
      this.uploads.handleGathered();
      this.handlers.handleProgress();
    });
  }

  #open(handleClosed: () => void): Promise<Store> {
    if (!this.#identity) return Promise.reject(new Error("nobody knows whose uploads they are"));
    return openDatabase(this.#identity.participant, handleClosed);
  }
}
