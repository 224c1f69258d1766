import type { Outbox } from "./engine";

/** Between a refused upload and the next try. */
const RESEND_MS = 2000;

export interface UploadHandlers {
  /** Uploads that the server has not confirmed to be on disk. */
  handleUnsaved(uploads: number): void;
  /** The outbox broke, and with it the module that it is part of. */
  handleBroken(error: unknown): void;
}

/** What uploads need of the line to the server. */
export interface Line {
  readonly roomy: boolean;
  sendBytes(bytes: Uint8Array): boolean;
}

type Queue = Pick<Outbox, "poll" | "ack" | "reconnect" | "unacknowledged">;

/** Brings the outbox to the server: in order, and again until it is acknowledged. */
export class Uploads {
  #outbox: Queue | null = null;
  /** Highest upload that the server confirmed. */
  #acknowledged = 0;
  #unsaved = 0;
  /** Runs between a refusal and the next try: what came after a refused upload would be too. */
  #resend: ReturnType<typeof setTimeout> | undefined;
  /** The last refusal of what an upload holds. */
  #rejection: { acknowledged: number; sentAgain: boolean } | null = null;
  #handleDrained: (() => void) | null = null;

  constructor(
    private readonly line: Line,
    private readonly handlers: UploadHandlers,
  ) {}

  attach(outbox: Queue): void {
    this.#outbox = outbox;
  }

  /** A connection stands; the server has every upload up to `acknowledged`. */
  handleWelcome(acknowledged: number): void {
    this.#acknowledged = acknowledged;
    this.#rewind();
  }

  handleAck(incarnation: number, seq: number): void {
    this.#acknowledged = Math.max(this.#acknowledged, seq);
    this.#use((outbox) => outbox.ack(incarnation, seq));
    this.send();
  }

  /** An upload was refused for now. Nothing is lost: what is not acknowledged goes out again. */
  handlePostponed(): void {
    this.#resend ??= setTimeout(() => {
      this.#rewind();
      this.send();
    }, RESEND_MS);
  }

  /**
   * A message was refused for what it holds, and the server does not say which. True when the same
   * upload was refused before: it will never be taken.
   */
  handleRejected(): boolean {
    if (this.#use((outbox) => outbox.unacknowledged()) === 0 || !this.#outbox) return false;
    const before = this.#rejection;
    if (before?.acknowledged !== this.#acknowledged) {
      this.#rejection = { acknowledged: this.#acknowledged, sentAgain: false };
    } else if (before.sentAgain) {
      return true;
    }
    this.handlePostponed();
    return false;
  }

  /** Sends what the line takes. */
  send(): void {
    this.#use((outbox) => {
      while (this.#resend === undefined && this.line.roomy) {
        const bytes = outbox.poll();
        if (bytes === undefined) break;
        this.line.sendBytes(bytes);
      }
      this.#count(outbox.unacknowledged());
    });
  }

  /** Resolves when everything is acknowledged or never will be, and after `patienceMs` anyway. */
  async drain(patienceMs: number): Promise<void> {
    this.send();
    if (this.#outbox && this.#unsaved > 0) {
      await new Promise<void>((resolve) => {
        this.#handleDrained = resolve;
        setTimeout(resolve, patienceMs);
      });
    }
    this.abandon();
  }

  /** Nothing more is sent: there is nothing to keep the page open for. */
  abandon(): void {
    clearTimeout(this.#resend);
    this.#outbox = null;
    this.#count(0);
  }

  #rewind(): void {
    clearTimeout(this.#resend);
    this.#resend = undefined;
    if (this.#rejection) this.#rejection.sentAgain = true;
    this.#use((outbox) => outbox.reconnect(this.#acknowledged));
  }

  #count(unsaved: number): void {
    if (unsaved !== this.#unsaved) {
      this.#unsaved = unsaved;
      this.handlers.handleUnsaved(unsaved);
    }
    if (unsaved === 0) this.#handleDrained?.();
  }

  /** The outbox is part of the engine's module, which may have broken in any other call. */
  #use<T>(work: (outbox: Queue) => T): T | undefined {
    if (!this.#outbox) return undefined;
    try {
      return work(this.#outbox);
    } catch (error) {
      this.abandon();
      this.handlers.handleBroken(error);
      return undefined;
    }
  }
}
