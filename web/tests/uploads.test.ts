import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { RefusalCode } from "../src/generated/RefusalCode";
import type { Item, Shelf } from "../worker/shelf";
import { type Queue, Uploads } from "../worker/uploads";

/** This page's incarnation. */
const OWN = 3;

interface Lane {
  last: number;
  sent: number;
  acknowledged: number;
  kept: number;
  settled: number;
}

/** Uploads of two bytes, page and number; polled in order, again from where it is told to. */
class FakeOutbox {
  broken = false;
  /** Bytes of earlier pages that it still takes. */
  room = 32 * 1024 * 1024;
  readonly lanes = new Map<number, Lane>();

  constructor() {
    this.#lane(OWN, 0);
  }

  push(count: number): void {
    this.#lane(OWN, 0).last += count;
  }

  restore(bytes: Uint8Array): boolean {
    const [incarnation = 0, seq = 0] = bytes;
    if (incarnation >= OWN || bytes.byteLength > this.room) return false;
    const lane = this.#lane(incarnation, seq - 1);
    if (seq !== lane.last + 1) return false;
    lane.last = seq;
    lane.kept = seq;
    this.room -= bytes.byteLength;
    return true;
  }

  poll(): Uint8Array | undefined {
    if (this.broken) throw new WebAssembly.RuntimeError("unreachable");
    const [incarnation, lane] = this.#sorted().find(([, lane]) => lane.sent < lane.last) ?? [];
    if (incarnation === undefined || lane === undefined) return undefined;
    lane.sent += 1;
    return new Uint8Array([incarnation, lane.sent]);
  }

  poll_kept() {
    const lane = this.#lane(OWN, 0);
    if (lane.kept === lane.last) return undefined;
    lane.kept += 1;
    return { ...named(OWN, lane.kept), bytes: new Uint8Array([OWN, lane.kept]) };
  }

  poll_settled() {
    const [incarnation, lane] =
      this.#sorted().find(([, lane]) => lane.settled < lane.acknowledged) ?? [];
    if (incarnation === undefined || lane === undefined) return undefined;
    lane.settled = lane.acknowledged;
    return named(incarnation, lane.settled);
  }

  ack(incarnation: number, seq: number): void {
    const lane = this.lanes.get(incarnation);
    if (lane) lane.acknowledged = Math.max(lane.acknowledged, seq);
  }

  reconnect(acknowledged: number): void {
    this.ack(OWN, acknowledged);
    for (const lane of this.lanes.values()) lane.sent = lane.acknowledged;
  }

  refused(incarnation: number, _seq: number, code: string): void {
    const lane = this.lanes.get(incarnation);
    if (lane && incarnation < OWN && code !== "storage") lane.acknowledged = lane.last;
    this.reconnect(0);
  }

  unacknowledged(): number {
    return this.#sorted().reduce((sum, [, lane]) => sum + lane.last - lane.acknowledged, 0);
  }

  earlier(): number {
    const own = this.lanes.get(OWN);
    return this.unacknowledged() - (own ? own.last - own.acknowledged : 0);
  }

  #lane(incarnation: number, before: number): Lane {
    const lane = this.lanes.get(incarnation) ?? {
      last: before,
      sent: before,
      acknowledged: before,
      kept: before,
      settled: before,
    };
    this.lanes.set(incarnation, lane);
    return lane;
  }

  #sorted(): [number, Lane][] {
    return [...this.lanes].sort(([a], [b]) => a - b);
  }
}

const named = (incarnation: number, seq: number) => ({ incarnation, seq, free() {} });

const item = (incarnation: number, seq: number): Item => ({
  incarnation,
  seq,
  bytes: new Uint8Array([incarnation, seq]),
});

const refusal = (code: RefusalCode, incarnation?: number, seq?: number) => ({
  code,
  message: "",
  upload: incarnation === undefined || seq === undefined ? null : { incarnation, seq },
});

let outbox: FakeOutbox;
let sent: string[];
let shelf: Shelf;
let shelved: string[];
let unsaved: number[];
let hopeless: number;
let broken: unknown[];
let line: { roomy: boolean; sendBytes(bytes: Uint8Array): boolean };
let uploads: Uploads;

function attach(): void {
  uploads.attach(outbox as unknown as Queue, OWN);
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(console, "warn").mockImplementation(() => {});
  outbox = new FakeOutbox();
  sent = [];
  shelved = [];
  unsaved = [];
  hopeless = 0;
  broken = [];
  line = { roomy: true, sendBytes: (bytes) => sent.push([...bytes].join(".")) > 0 };
  shelf = {
    keep: ({ incarnation, seq }) => shelved.push(`keep ${incarnation}.${seq}`),
    forget: (incarnation, seq) => shelved.push(`forget ${incarnation}.${seq}`),
  };
  uploads = new Uploads(line, shelf, {
    handleUnsaved: (count) => unsaved.push(count),
    handleHopeless: () => {
      hopeless += 1;
    },
    handleBroken: (error) => broken.push(error),
  });
  outbox.push(3);
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** A page that has found nothing of earlier ones. */
function begin(): void {
  attach();
  uploads.handleGathered();
}

test("uploads are kept when they are made, go out in order, and are forgotten when acknowledged", () => {
  begin();
  uploads.handleAck(OWN, 2);
  uploads.handleAck(OWN, 3);
  expect(sent).toEqual(["3.1", "3.2", "3.3"]);
  expect(unsaved).toEqual([3, 1, 0]);
  expect(shelved).toEqual(["keep 3.1", "keep 3.2", "keep 3.3", "forget 3.2", "forget 3.3"]);
});

test("nothing goes out before it is known what earlier pages left, but all is kept", () => {
  attach();
  uploads.send();
  expect(sent).toEqual([]);
  expect(shelved.length).toBe(3);
  uploads.handleFound([item(2, 8), item(1, 5), item(2, 7)]);
  uploads.handleGathered();
  expect(sent).toEqual(["1.5", "2.7", "2.8", "3.1", "3.2", "3.3"]);
});

test("what was found before the module is loaded waits for it", () => {
  uploads.handleFound([item(1, 1)]);
  uploads.handleGathered();
  expect(uploads.delivered).toBe(false);
  attach();
  expect(sent[0]).toBe("1.1");
  expect(uploads.delivered).toBe(false);
  uploads.handleAck(1, 1);
  expect(uploads.delivered).toBe(true);
  expect(shelved).toContain("forget 1.1");
});

test("all is delivered when nothing was found, whatever this page has made", () => {
  attach();
  expect(uploads.delivered).toBe(false);
  uploads.handleGathered();
  expect(uploads.delivered).toBe(true);
});

test("what is found twice is taken once, and what follows a gap is left for the next page", () => {
  begin();
  uploads.handleFound([item(1, 5), item(1, 6)]);
  uploads.handleFound([item(1, 5), item(1, 6), item(1, 7), item(1, 9)]);
  expect(sent.filter((upload) => upload.startsWith("1."))).toEqual(["1.5", "1.6", "1.7"]);
  expect(shelved.filter((words) => words.startsWith("forget"))).toEqual([]);
});

test("what cannot be read is thrown away", () => {
  begin();
  uploads.handleFound([item(OWN + 1, 1)]);
  expect(shelved).toContain(`forget ${OWN + 1}.1`);
  expect(uploads.delivered).toBe(true);
});

test("what earlier pages left and there is no room for stays on the shelf", () => {
  begin();
  const large = (incarnation: number, seq: number): Item => {
    const bytes = new Uint8Array(0.4 * outbox.room);
    bytes.set([incarnation, seq]);
    return { incarnation, seq, bytes };
  };
  uploads.handleFound([large(1, 1), large(1, 2), large(1, 3), item(2, 1), item(2, 2)]);
  uploads.handleFound([item(2, 3)]);
  expect(sent.filter((upload) => !upload.startsWith("3."))).toEqual(["1.1", "1.2"]);
  expect(shelved.filter((words) => words.startsWith("forget"))).toEqual([]);
});

test("an earlier page's upload that no server takes is dropped, and holds up nothing", () => {
  attach();
  uploads.handleFound([item(1, 1), item(1, 2), item(2, 1)]);
  uploads.handleGathered();
  uploads.handleRefused(refusal("not_a_member", 1, 1));
  expect(shelved).toContain("forget 1.2");
  expect(uploads.delivered).toBe(false);
  sent = [];
  vi.advanceTimersByTime(2000);
  expect(sent).toEqual(["2.1", "3.1", "3.2", "3.3"]);
  uploads.handleAck(2, 1);
  expect(uploads.delivered).toBe(true);
  expect(hopeless).toBe(0);
});

test("after a refusal for now all waits, then goes out again from the last acknowledged", () => {
  begin();
  uploads.handleAck(OWN, 1);
  uploads.handleRefused(refusal("storage", OWN, 2));
  outbox.push(1);
  uploads.send();
  vi.advanceTimersByTime(1500);
  // One more refusal of the same moment does not put the next try off.
  uploads.handleRefused(refusal("out_of_order", OWN, 3));
  expect(sent).toEqual(["3.1", "3.2", "3.3"]);
  vi.advanceTimersByTime(500);
  expect(sent).toEqual(["3.1", "3.2", "3.3", "3.2", "3.3", "3.4"]);
});

test("a new connection does not sit out the pause after a refusal", () => {
  begin();
  uploads.handleRefused(refusal("too_fast", OWN, 1));
  uploads.handleWelcome(2);
  uploads.send();
  expect(sent).toEqual(["3.1", "3.2", "3.3", "3.3"]);
  vi.advanceTimersByTime(10_000);
  expect(sent.length).toBe(4);
});

test("an upload of this page refused again for what it holds is hopeless, and not kept", () => {
  begin();
  uploads.handleAck(OWN, 1);
  uploads.handleRefused(refusal("malformed", OWN, 2));
  // Of the same round: others that were on their way.
  uploads.handleRefused(refusal("malformed", OWN, 3));
  vi.advanceTimersByTime(2000);
  expect(sent).toEqual(["3.1", "3.2", "3.3", "3.2", "3.3"]);
  expect(hopeless).toBe(0);
  uploads.handleRefused(refusal("malformed"));
  expect(hopeless).toBe(1);
  expect(unsaved.at(-1)).toBe(0);
  expect(shelved.at(-1)).toBe(`forget ${OWN}.Infinity`);
});

test("a refused message of another kind is not taken for an upload, however often", () => {
  begin();
  for (let times = 0; times < 5; times += 1) {
    uploads.handleRefused(refusal("not_a_member"));
    uploads.handleRefused(refusal("wrong_state"));
    vi.advanceTimersByTime(2000);
  }
  expect(hopeless).toBe(0);
  expect(sent).toEqual(["3.1", "3.2", "3.3"]);
});

test("uploads do not wait for a control message that came too fast or found no disk", () => {
  begin();
  uploads.handleRefused(refusal("too_fast"));
  uploads.handleRefused(refusal("storage"));
  outbox.push(1);
  uploads.send();
  expect(sent).toEqual(["3.1", "3.2", "3.3", "3.4"]);
  vi.advanceTimersByTime(10_000);
  expect(sent.length).toBe(4);
});

test("a message too broken to be named is not taken for an upload while uploads are taken", () => {
  uploads.handleRefused(refusal("malformed"));
  begin();
  uploads.handleRefused(refusal("malformed"));
  vi.advanceTimersByTime(2000);
  uploads.handleAck(OWN, 1);
  uploads.handleRefused(refusal("malformed"));
  uploads.handleAck(OWN, 3);
  vi.advanceTimersByTime(2000);
  uploads.handleRefused(refusal("malformed"));
  expect(hopeless).toBe(0);
});

async function drained(): Promise<() => boolean> {
  let done = false;
  void uploads.drain(2000).then(() => {
    done = true;
  });
  await vi.advanceTimersByTimeAsync(0);
  return () => done;
}

test("what is drained goes out, and the end is when it is acknowledged", async () => {
  begin();
  const done = await drained();
  expect(sent).toEqual(["3.1", "3.2", "3.3"]);
  uploads.handleAck(OWN, 2);
  await vi.advanceTimersByTimeAsync(0);
  expect(done()).toBe(false);
  uploads.handleAck(OWN, 3);
  await vi.advanceTimersByTimeAsync(0);
  expect(done()).toBe(true);
});

test("draining ends in time without a line, and what was not taken stays on the shelf", async () => {
  line.roomy = false;
  begin();
  const done = await drained();
  await vi.advanceTimersByTimeAsync(1999);
  expect(done()).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(done()).toBe(true);
  expect(unsaved).toEqual([3, 0]);
  expect(shelved).toEqual(["keep 3.1", "keep 3.2", "keep 3.3"]);
});

test("a broken module ends draining at once", async () => {
  outbox.broken = true;
  begin();
  const done = await drained();
  expect(done()).toBe(true);
  expect(broken.length).toBe(1);
  expect(sent).toEqual([]);
});

test("nothing to drain is drained", async () => {
  begin();
  uploads.handleAck(OWN, 3);
  const done = await drained();
  expect(done()).toBe(true);
});
