import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { BrowserShelf, type Item, type Removal, type Store } from "../worker/shelf";

/** A store in memory whose writes end when they are told to. */
class SlowStore implements Store {
  readonly rows = new Map<string, Item>();
  readonly writes: string[] = [];
  capacity = Number.POSITIVE_INFINITY;
  patient = false;
  #waiting: (() => void)[] = [];

  async load(incarnation: number): Promise<Item[]> {
    return [...this.rows.values()].filter((item) => item.incarnation < incarnation);
  }

  async put(items: readonly Item[]): Promise<void> {
    await this.#turn();
    const grown = this.rows.size + items.length;
    if (grown > this.capacity) throw new DOMException("no room", "QuotaExceededError");
    this.writes.push(`put ${items.map(name)}`);
    for (const item of items) this.rows.set(name(item), item);
  }

  async remove(removals: readonly Removal[]): Promise<void> {
    await this.#turn();
    this.writes.push(`remove ${removals.map(name)}`);
    for (const [key, item] of this.rows) {
      const gone = removals.some(
        ({ incarnation, seq }) => item.incarnation === incarnation && item.seq <= seq,
      );
      if (gone) this.rows.delete(key);
    }
  }

  /** Ends the write that is going on. */
  async step(): Promise<void> {
    await settle();
    this.#waiting.shift()?.();
    await settle();
  }

  #turn(): Promise<void> {
    if (!this.patient) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}

const name = ({ incarnation, seq }: { incarnation: number; seq: number }) =>
  `${incarnation}.${seq}`;
const item = (incarnation: number, seq: number, size = 10): Item => ({
  incarnation,
  seq,
  bytes: new Uint8Array(size),
});
const settle = () => vi.advanceTimersByTimeAsync(0);

let store: SlowStore;
let opens: (() => Promise<Store>) | null;
let close: () => void;
let found: string[];
let keeps: boolean[];

function shelfOf(bounds?: { bytes: number; count: number }): BrowserShelf {
  return new BrowserShelf(
    (handleClosed) => {
      close = handleClosed;
      return opens ? opens() : Promise.reject(new DOMException("no", "SecurityError"));
    },
    {
      handleFound: (items) => found.push(...items.map(name)),
      handleKeeps: (kept) => keeps.push(kept),
    },
    bounds,
  );
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(console, "warn").mockImplementation(() => {});
  store = new SlowStore();
  opens = async () => store;
  found = [];
  keeps = [];
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** The third page of a participant. */
async function begun(bounds?: { bytes: number; count: number }): Promise<BrowserShelf> {
  const shelf = shelfOf(bounds);
  shelf.begin(3);
  await shelf.gather(3);
  await settle();
  return shelf;
}

test("what is made is written, what is acknowledged is removed", async () => {
  const shelf = await begun();
  shelf.keep(item(3, 1));
  shelf.keep(item(3, 2));
  await settle();
  expect([...store.rows.keys()]).toEqual(["3.1", "3.2"]);
  shelf.forget(3, 1);
  await settle();
  expect([...store.rows.keys()]).toEqual(["3.2"]);
  expect(keeps).toEqual([true]);
});

test("what comes during a write is one write after it", async () => {
  const shelf = await begun();
  store.patient = true;
  for (let seq = 1; seq <= 4; seq += 1) shelf.keep(item(3, seq));
  await store.step();
  await store.step();
  expect(store.writes.slice(1)).toEqual(["put 3.1", "put 3.2,3.3,3.4"]);
});

test("what is acknowledged before its turn is never written, and during it removed after", async () => {
  const shelf = await begun();
  store.patient = true;
  for (let seq = 1; seq <= 3; seq += 1) shelf.keep(item(3, seq));
  shelf.forget(3, 2);
  await store.step();
  await store.step();
  await store.step();
  expect(store.writes.slice(1)).toEqual(["put 3.1", "remove 3.2", "put 3.3"]);
  expect([...store.rows.keys()]).toEqual(["3.3"]);
});

test("earlier pages' uploads are found, once, and those of a page that the server forgot are not", async () => {
  for (const left of [item(1, 4), item(2, 9), item(3, 1)]) store.rows.set(name(left), left);
  const shelf = await begun();
  expect(found).toEqual(["1.4", "2.9"]);
  expect([...store.rows.keys()]).toEqual(["1.4", "2.9"]);
  const late = item(2, 10);
  store.rows.set(name(late), late);
  await shelf.gather(3);
  expect(found).toEqual(["1.4", "2.9", "2.10"]);
  shelf.forget(1, 4);
  shelf.forget(2, Number.POSITIVE_INFINITY);
  await settle();
  expect(store.rows.size).toBe(0);
  await shelf.gather(3);
  expect(found.length).toBe(3);
});

test("a browser that gives no place is told of, asked again later, and costs nothing else", async () => {
  opens = null;
  const shelf = await begun();
  shelf.keep(item(3, 1));
  shelf.forget(3, 1);
  shelf.keep(item(3, 2));
  await settle();
  expect(keeps).toEqual([false]);
  expect(shelf.held.map(name)).toEqual(["3.2"]);
  opens = async () => store;
  await vi.advanceTimersByTimeAsync(5000);
  expect(keeps).toEqual([false, true]);
  expect([...store.rows.keys()]).toEqual(["3.2"]);
});

test("a full browser is told of, and used again as soon as something was removed", async () => {
  const shelf = await begun();
  store.capacity = 2;
  shelf.keep(item(3, 1));
  await settle();
  shelf.keep(item(3, 2));
  shelf.keep(item(3, 3));
  await settle();
  expect(keeps).toEqual([true, false]);
  shelf.forget(3, 2);
  await settle();
  expect(keeps).toEqual([true, false, true]);
  expect([...store.rows.keys()]).toEqual(["3.3"]);
});

test("there are bounds in bytes and in number", async () => {
  const some = await begun({ bytes: 100, count: 2 });
  for (let seq = 1; seq <= 3; seq += 1) some.keep(item(3, seq));
  await settle();
  expect([...store.rows.keys()]).toEqual(["3.1", "3.2"]);
  expect(keeps).toEqual([true, false]);
  some.forget(3, 1);
  await settle();
  expect([...store.rows.keys()]).toEqual(["3.2", "3.3"]);

  store = new SlowStore();
  const small = await begun({ bytes: 25, count: 100 });
  for (let seq = 1; seq <= 3; seq += 1) small.keep(item(3, seq));
  await settle();
  expect([...store.rows.keys()]).toEqual(["3.1", "3.2"]);
});

test("a store that the browser takes away is opened and filled again", async () => {
  const shelf = await begun();
  shelf.keep(item(3, 1));
  shelf.keep(item(3, 2));
  shelf.forget(3, 1);
  await settle();
  store = new SlowStore();
  close();
  shelf.keep(item(3, 3));
  await settle();
  expect([...store.rows.keys()]).toEqual(["3.2", "3.3"]);
});

test("a first look that fails is tried again, and ends before uploads may begin", async () => {
  const left = item(1, 4);
  store.rows.set(name(left), left);
  opens = null;
  const shelf = shelfOf();
  shelf.begin(3);
  const looked = watched(shelf.gatherFirst(3));
  await settle();
  expect(looked()).toBe(false);
  opens = async () => store;
  await vi.advanceTimersByTimeAsync(1000);
  expect(found).toEqual(["1.4"]);
  expect(looked()).toBe(true);
  expect(keeps).toEqual([false, true]);
});

test("what could not be looked for is found as soon as the store opens, before any write", async () => {
  const left = item(1, 4);
  store.rows.set(name(left), left);
  opens = null;
  const shelf = shelfOf();
  shelf.begin(3);
  const looked = watched(shelf.gatherFirst(3));
  shelf.keep(item(3, 1));
  await vi.advanceTimersByTimeAsync(1000);
  // It does not wait for ever.
  expect(looked()).toBe(true);
  expect(found).toEqual([]);
  opens = async () => store;
  store.patient = true;
  await vi.advanceTimersByTimeAsync(5000);
  expect(found).toEqual(["1.4"]);
  expect(store.writes).toEqual([]);
  await store.step();
  await store.step();
  expect(store.writes).toEqual(["remove 3.Infinity", "put 3.1"]);
  expect(keeps).toEqual([false, true]);
});

test("a look that hangs holds nothing up for ever, and what it finds late counts", async () => {
  let finish: (items: Item[]) => void = () => {};
  store.load = () => new Promise((resolve) => (finish = resolve));
  const shelf = shelfOf();
  shelf.begin(3);
  const looked = watched(shelf.gatherFirst(3));
  await vi.advanceTimersByTimeAsync(4999);
  expect(looked()).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(looked()).toBe(true);
  finish([item(1, 4)]);
  await settle();
  expect(found).toEqual(["1.4"]);
});

function watched(work: Promise<void>): () => boolean {
  let done = false;
  void work.then(() => {
    done = true;
  });
  return () => done;
}
