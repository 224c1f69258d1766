/** An upload of a page load, as its bytes go to the server. */
export interface Item {
  incarnation: number;
  seq: number;
  bytes: Uint8Array;
}

/** Where uploads outlive their page. */
export interface Shelf {
  keep(item: Item): void;
  /** Nothing that the page load made up to `seq` is needed any more. */
  forget(incarnation: number, seq: number): void;
}

/** What is not needed any more: of a page load, every upload up to `seq`. */
export interface Removal {
  incarnation: number;
  seq: number;
}

/** A place in the browser that outlives the page, for one participant. */
export interface Store {
  /** Everything that page loads before `incarnation` left. */
  load(incarnation: number): Promise<Item[]>;
  /** All of it, and then it survives the page; or an error, and nothing. */
  put(items: readonly Item[]): Promise<void>;
  remove(removals: readonly Removal[]): Promise<void>;
}

/** Opens the store; rejects where the browser has none to give. */
export type OpenStore = (handleClosed: () => void) => Promise<Store>;

export interface ShelfHandlers {
  /** Uploads of earlier pages. */
  handleFound(items: Item[]): void;
  /** Whether what is not acknowledged survives this page. */
  handleKeeps(keeps: boolean): void;
}

/** What may lie there of one participant: hours of play without a server. */
const BOUNDS = { bytes: 32 * 1024 * 1024, count: 20_000 };
/** Uploads of one write. */
const BATCH = 256;
/** Between a failure and the next try. */
const RETRY_MS = 5000;
/** The first look: how often it is tried, how long each may take, what lies between two tries. */
const FIRST = { tries: 2, lookMs: 5000, pauseMs: 1000 };

/** An upload that is not acknowledged, and whether it lies in the store. */
interface Held {
  item: Item;
  lies: boolean;
}

/**
 * Keeps what is not acknowledged in the browser, one write at a time: what comes during a write is
 * part of the next. Uploads never wait for it, and where it fails only its purpose is lost.
 */
export class BrowserShelf implements Shelf {
  #store: Promise<Store> | null = null;
  /** All that is not acknowledged, by page load and `seq`. */
  readonly #held = new Map<number, Map<number, Held>>();
  /** Those of them that are to be written, in order. */
  #waiting: Held[] = [];
  #removals = new Map<number, number>();
  /** Up to where uploads are not needed any more, by page load. */
  readonly #forgotten = new Map<number, number>();
  #lyingBytes = 0;
  #lyingCount = 0;
  #busy = false;
  #keeps: boolean | null = null;
  /** What `gather` looks for, where its last look failed. */
  #missed: number | null = null;
  #retry: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly open: OpenStore,
    private readonly handlers: ShelfHandlers,
    private readonly bounds = BOUNDS,
  ) {}

  /** All that is not acknowledged. */
  get held(): Item[] {
    return [...this.#held.values()].flatMap((lane) => [...lane.values()].map(({ item }) => item));
  }

  /** This page's incarnation is known. What lies under it is of a page that the server forgot. */
  begin(incarnation: number): void {
    this.#remove(incarnation, Number.POSITIVE_INFINITY);
    void this.#work();
  }

  /**
   * Looks for what page loads before `incarnation` left, until that is known or not worth waiting
   * for any longer: about ten seconds. What is found later is told of as well.
   */
  async gatherFirst(incarnation: number): Promise<void> {
    for (let tried = 1; ; tried += 1) {
      // A look that takes too long goes on; others would wait for what it waits for.
      const over = pause(FIRST.lookMs).then(() => true);
      if (await Promise.race([this.gather(incarnation), over])) return;
      if (tried === FIRST.tries) return;
      await pause(FIRST.pauseMs);
    }
  }

  /**
   * Looks for what page loads before `incarnation` left; also again, for what came since. False
   * if the store cannot be read now: then that is done before anything is written to it.
   */
  async gather(incarnation: number): Promise<boolean> {
    try {
      await this.#look(incarnation);
    } catch (error) {
      this.#missed = incarnation;
      this.#failed(error);
      return false;
    }
    void this.#work();
    return true;
  }

  async #look(incarnation: number): Promise<void> {
    const found = await (await this.#opened()).load(incarnation);
    if (this.#missed !== null) {
      this.#missed = null;
      this.#rest();
    }
    const news = found.filter((item) => this.#hold(item, true) !== null);
    if (news.length > 0) this.handlers.handleFound(news);
    if (this.#waiting.length === 0) this.#report(true);
  }

  keep(item: Item): void {
    const held = this.#hold(item, false);
    if (held === null) return;
    this.#waiting.push(held);
    void this.#work();
  }

  forget(incarnation: number, seq: number): void {
    if (seq <= (this.#forgotten.get(incarnation) ?? 0)) return;
    this.#forgotten.set(incarnation, seq);
    const lane = this.#held.get(incarnation) ?? new Map<number, Held>();
    for (const [other, held] of lane) {
      if (other > seq) continue;
      lane.delete(other);
      if (!held.lies) continue;
      this.#lay(held, false);
      this.#remove(incarnation, seq);
    }
    this.#waiting = this.#waiting.filter(({ item }) => !this.#isForgotten(item));
    void this.#work();
  }

  async #work(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    try {
      while (await this.#step());
    } catch (error) {
      this.#failed(error);
    } finally {
      this.#busy = false;
    }
  }

  /**
   * Makes up for a missed look, then removes: that may be what makes room. False when nothing is
   * left to do, or no room.
   */
  async #step(): Promise<boolean> {
    const paused = this.#retry !== undefined;
    if (this.#missed !== null && !paused) {
      await this.#look(this.#missed);
      return true;
    }
    if (this.#removals.size > 0 && !(paused && this.#store === null)) {
      await this.#removeNow();
      return true;
    }
    if (this.#waiting.length === 0 || paused) return false;
    const batch = this.#batch();
    if (batch.length === 0) {
      this.#report(false);
      return false;
    }
    await this.#writeNow(batch);
    return true;
  }

  async #removeNow(): Promise<void> {
    const removals = this.#removals;
    this.#removals = new Map();
    try {
      const store = await this.#opened();
      await store.remove([...removals].map(([incarnation, seq]) => ({ incarnation, seq })));
    } catch (error) {
      for (const [incarnation, seq] of removals) this.#remove(incarnation, seq);
      throw error;
    }
    this.#rest();
  }

  async #writeNow(batch: Held[]): Promise<void> {
    this.#waiting.splice(0, batch.length);
    try {
      await (await this.#opened()).put(batch.map(({ item }) => item));
    } catch (error) {
      this.#waiting.unshift(...batch.filter(({ item }) => !this.#isForgotten(item)));
      throw error;
    }
    for (const held of batch) {
      const { incarnation } = held.item;
      // It may have been acknowledged while it was written.
      if (this.#isForgotten(held.item)) {
        this.#remove(incarnation, this.#forgotten.get(incarnation) ?? 0);
      } else {
        this.#lay(held, true);
      }
    }
    this.#report(true);
  }

  /** The next uploads to write, as many as there is room for. */
  #batch(): Held[] {
    let bytes = this.#lyingBytes;
    const room = Math.min(BATCH, this.bounds.count - this.#lyingCount);
    const batch: Held[] = [];
    for (const held of this.#waiting.slice(0, Math.max(0, room))) {
      bytes += held.item.bytes.byteLength;
      if (bytes > this.bounds.bytes) break;
      batch.push(held);
    }
    return batch;
  }

  #opened(): Promise<Store> {
    this.#store ??= this.open(() => this.#closed()).catch((error: unknown) => {
      this.#store = null;
      throw error;
    });
    return this.#store;
  }

  /** The browser took the store away, with all that lay there: it is written again. */
  #closed(): void {
    this.#store = null;
    this.#waiting = [...this.#held.values()].flatMap((lane) => [...lane.values()]);
    for (const held of this.#waiting) held.lies = false;
    this.#lyingBytes = 0;
    this.#lyingCount = 0;
    void this.#work();
  }

  #failed(error: unknown): void {
    if (this.#keeps !== false) console.warn("uploads cannot be kept in this browser", error);
    this.#report(false);
    this.#retry ??= setTimeout(() => {
      this.#rest();
      void this.#work();
    }, RETRY_MS);
  }

  /** Ends the pause after a failure. */
  #rest(): void {
    clearTimeout(this.#retry);
    this.#retry = undefined;
  }

  #report(keeps: boolean): void {
    if (keeps === this.#keeps) return;
    this.#keeps = keeps;
    this.handlers.handleKeeps(keeps);
  }

  /** Null for what is known or not needed any more. */
  #hold(item: Item, lies: boolean): Held | null {
    const lane = this.#held.get(item.incarnation) ?? new Map<number, Held>();
    this.#held.set(item.incarnation, lane);
    if (this.#isForgotten(item) || lane.has(item.seq)) return null;
    const held = { item, lies: false };
    lane.set(item.seq, held);
    if (lies) this.#lay(held, true);
    return held;
  }

  #lay(held: Held, lies: boolean): void {
    if (held.lies === lies) return;
    const sign = lies ? 1 : -1;
    held.lies = lies;
    this.#lyingBytes += sign * held.item.bytes.byteLength;
    this.#lyingCount += sign;
  }

  #remove(incarnation: number, seq: number): void {
    this.#removals.set(incarnation, Math.max(seq, this.#removals.get(incarnation) ?? 0));
  }

  #isForgotten(item: Item): boolean {
    return item.seq <= (this.#forgotten.get(item.incarnation) ?? 0);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
