import type { Refusal } from "../src/generated/Refusal";
import type { Outbox } from "./engine";
import type { Item, Shelf } from "./shelf";

/** Between a refused upload and the next try. */
const RESEND_MS = 2000;
/** Of earlier pages, the outbox takes no more (`RESTORED_BYTES` of `igym-play`). */
const RESTORED_BYTES = 32 * 1024 * 1024;

export interface UploadHandlers {
  /** Uploads that the server has not confirmed to be on disk. */
  handleUnsaved(uploads: number): void;
  /** The server will never take what this page makes. */
  handleHopeless(): void;
  /** The outbox broke, and with it the module that it is part of. */
  handleBroken(error: unknown): void;
}

/** What uploads need of the line to the server. */
export interface Line {
  readonly roomy: boolean;
  sendBytes(bytes: Uint8Array): boolean;
}

export type Queue = Pick<
  Outbox,
  | "restore"
  | "poll"
  | "poll_kept"
  | "poll_settled"
  | "ack"
  | "reconnect"
  | "refused"
  | "unacknowledged"
  | "earlier"
>;

/**
 * Brings the outbox to the server: what earlier pages of the participant left in the browser, then
 * what this page makes; in order, and again until it is acknowledged.
 */
export class Uploads {
  #outbox: Queue | null = null;
  #incarnation = 0;
  /** Everything that earlier pages may have left was looked for. */
  #gathered = false;
  /** Found, and not yet taken in by the outbox. */
  #found: Item[] = [];
  /** The last upload of each earlier page that the outbox took in. */
  readonly #restored = new Map<number, number>();
  /** Bytes of all that it took in. */
  #restoredBytes = 0;
  /** There was no room for one of them: one after it would make the outbox begin with a gap. */
  #full = false;
  /** Highest upload of this page that the server confirmed. */
  #acknowledged = 0;
  #unsaved = 0;
  /** Runs between a refusal and the next try: what came after a refused upload would be too. */
  #resend: ReturnType<typeof setTimeout> | undefined;
  /** The last refusal that was for good, if it was of an upload. */
  #doubt: { acknowledged: number; sentAgain: boolean } | null = null;
  #handleDrained: (() => void) | null = null;

  constructor(
    private readonly line: Line,
    private readonly shelf: Shelf,
    private readonly handlers: UploadHandlers,
  ) {}

  /** True when nothing of earlier pages is left to bring. */
  get delivered(): boolean {
    const waits = !this.#gathered || !this.#outbox || this.#found.length > 0;
    return !waits && this.#use((outbox) => outbox.earlier()) === 0;
  }

  /** Uploads that the server has not confirmed to be on disk. */
  get unsaved(): number {
    return this.#unsaved;
  }

  attach(outbox: Queue, incarnation: number): void {
    this.#outbox = outbox;
    this.#incarnation = incarnation;
    this.#restore();
    this.send();
  }

  /** What earlier pages of the participant made and the server may not have. */
  handleFound(items: readonly Item[]): void {
    this.#found.push(...items);
    this.#restore();
    this.send();
  }

  /** All that earlier pages left was found: uploads may begin. */
  handleGathered(): void {
    this.#gathered = true;
    this.send();
  }

  /** A connection stands; the server has every upload of this page up to `acknowledged`. */
  handleWelcome(acknowledged: number): void {
    this.#acknowledged = acknowledged;
    this.#rewind();
  }

  handleAck(incarnation: number, seq: number): void {
    if (incarnation === this.#incarnation) this.#acknowledged = Math.max(this.#acknowledged, seq);
    this.#use((outbox) => outbox.ack(incarnation, seq));
    this.#settle();
    this.send();
  }

  /** An upload was refused, or a message that may have been one. */
  handleRefused({ code, upload }: Refusal): void {
    if (upload !== null) {
      this.#use((outbox) => outbox.refused(upload.incarnation, upload.seq, code));
      if (this.#settle()) console.warn(`page ${upload.incarnation} left what no server takes`);
    }
    switch (code) {
      case "storage":
      case "too_fast":
        // The server names the upload; it was another message that has to wait.
        if (upload !== null) this.#postpone();
        return;
      case "out_of_order":
        this.#postpone();
        return;
      case "malformed":
      case "too_large":
        // Too broken to be named, it may have been an upload of this page.
        if (upload === null || upload.incarnation === this.#incarnation) this.#handleRejected();
        else this.#postpone();
        return;
      case "not_a_member":
      case "version":
      case "wrong_state":
      case "unknown_token":
        if (upload === null) return;
        if (upload.incarnation === this.#incarnation) this.#handleRejected();
        else this.#postpone();
        return;
    }
  }

  /** Puts into the shelf what the outbox took in, and sends what the line takes. */
  send(): void {
    this.#use((outbox) => {
      for (let kept = outbox.poll_kept(); kept; kept = outbox.poll_kept()) {
        const { incarnation, seq, bytes } = kept;
        kept.free();
        this.shelf.keep({ incarnation, seq, bytes });
      }
      while (this.#gathered && this.#resend === undefined && this.line.roomy) {
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

  /** This page sends nothing more. What is on the shelf stays there for a later one. */
  abandon(): void {
    clearTimeout(this.#resend);
    this.#outbox = null;
    this.#count(0);
  }

  #restore(): void {
    if (!this.#outbox) return;
    const found = this.#found.sort((a, b) => a.incarnation - b.incarnation || a.seq - b.seq);
    this.#found = [];
    this.#use((outbox) => {
      for (const { incarnation, seq, bytes } of found) {
        if (this.#full) break;
        const last = this.#restored.get(incarnation);
        if (last !== undefined && seq <= last) continue;
        const size = bytes.byteLength;
        if (outbox.restore(bytes)) {
          this.#restored.set(incarnation, seq);
          this.#restoredBytes += size;
        } else if (this.#restoredBytes + size > RESTORED_BYTES) {
          console.warn(`page ${incarnation} left upload ${seq}, for which there is no room now`);
          this.#full = true;
        } else if (last === undefined) {
          console.warn(`page ${incarnation} left upload ${seq} in a form that cannot be read`);
          this.shelf.forget(incarnation, seq);
        }
        // After a gap, or without room: the next page tries it again, when the server has what is
        // before it.
      }
    });
  }

  /** True if something needs no keeping any more. */
  #settle(): boolean {
    let some = false;
    this.#use((outbox) => {
      for (let done = outbox.poll_settled(); done; done = outbox.poll_settled()) {
        this.shelf.forget(done.incarnation, done.seq);
        done.free();
        some = true;
      }
    });
    return some;
  }

  /** Nothing is lost: what is not acknowledged goes out again. */
  #postpone(): void {
    this.#resend ??= setTimeout(() => {
      this.#rewind();
      this.send();
    }, RESEND_MS);
  }

  /**
   * A message was refused for what it holds, perhaps an upload. One that is refused twice will
   * never be taken, and since uploads are taken in order it would hold up all others for ever.
   */
  #handleRejected(): void {
    if (this.#use((outbox) => outbox.unacknowledged()) === 0 || !this.#outbox) return;
    const doubt = this.#doubt;
    if (doubt?.acknowledged !== this.#acknowledged) {
      this.#doubt = { acknowledged: this.#acknowledged, sentAgain: false };
    } else if (doubt.sentAgain) {
      this.abandon();
      this.shelf.forget(this.#incarnation, Number.POSITIVE_INFINITY);
      this.handlers.handleHopeless();
      return;
    }
    this.#postpone();
  }

  #rewind(): void {
    clearTimeout(this.#resend);
    this.#resend = undefined;
    if (this.#doubt) this.#doubt.sentAgain = true;
    this.#use((outbox) => outbox.reconnect(this.#acknowledged));
    this.#settle();
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
