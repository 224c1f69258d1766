import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Uploads } from "../worker/uploads";

/** Uploads of one byte, their number; polled in order, again from where it is told to. */
class FakeOutbox {
  broken = false;
  #last = 0;
  #sent = 0;
  #acknowledged = 0;

  push(count: number): void {
    this.#last += count;
  }

  poll(): Uint8Array | undefined {
    if (this.broken) throw new WebAssembly.RuntimeError("unreachable");
    if (this.#sent === this.#last) return undefined;
    this.#sent += 1;
    return new Uint8Array([this.#sent]);
  }

  ack(_incarnation: number, seq: number): void {
    this.#acknowledged = Math.max(this.#acknowledged, seq);
  }

  reconnect(acknowledged: number): void {
    this.#sent = acknowledged;
  }

  unacknowledged(): number {
    return this.#last - this.#acknowledged;
  }
}

let outbox: FakeOutbox;
let sent: number[];
let unsaved: number[];
let broken: unknown[];
let line: { roomy: boolean; sendBytes(bytes: Uint8Array): boolean };
let uploads: Uploads;

beforeEach(() => {
  vi.useFakeTimers();
  outbox = new FakeOutbox();
  sent = [];
  unsaved = [];
  broken = [];
  line = { roomy: true, sendBytes: (bytes) => sent.push(...bytes) > 0 };
  uploads = new Uploads(line, {
    handleUnsaved: (count) => unsaved.push(count),
    handleBroken: (error) => broken.push(error),
  });
  uploads.attach(outbox);
  outbox.push(3);
});

afterEach(() => {
  vi.useRealTimers();
});

test("uploads go out in order and are unsaved until acknowledged", () => {
  uploads.send();
  uploads.handleAck(1, 2);
  uploads.handleAck(1, 3);
  expect(sent).toEqual([1, 2, 3]);
  expect(unsaved).toEqual([3, 1, 0]);
});

test("after a refusal all waits, then goes out again from the last acknowledged", () => {
  uploads.send();
  uploads.handleAck(1, 1);
  uploads.handlePostponed();
  outbox.push(1);
  uploads.send();
  vi.advanceTimersByTime(1500);
  // One more refusal of the same moment does not put the next try off.
  uploads.handlePostponed();
  expect(sent).toEqual([1, 2, 3]);
  vi.advanceTimersByTime(500);
  expect(sent).toEqual([1, 2, 3, 2, 3, 4]);
});

test("a new connection does not sit out the pause after a refusal", () => {
  uploads.send();
  uploads.handlePostponed();
  uploads.handleWelcome(2);
  uploads.send();
  expect(sent).toEqual([1, 2, 3, 3]);
  vi.advanceTimersByTime(10_000);
  expect(sent.length).toBe(4);
});

test("an upload refused again for what it holds is hopeless", () => {
  uploads.send();
  uploads.handleAck(1, 1);
  expect(uploads.handleRejected()).toBe(false);
  // Of the same round: others that were on their way.
  expect(uploads.handleRejected()).toBe(false);
  vi.advanceTimersByTime(2000);
  expect(sent).toEqual([1, 2, 3, 2, 3]);
  expect(uploads.handleRejected()).toBe(true);
});

test("a refused message is not taken for an upload while uploads are taken", () => {
  expect(new Uploads(line, { handleUnsaved() {}, handleBroken() {} }).handleRejected()).toBe(false);
  uploads.send();
  expect(uploads.handleRejected()).toBe(false);
  vi.advanceTimersByTime(2000);
  uploads.handleAck(1, 1);
  expect(uploads.handleRejected()).toBe(false);
  uploads.handleAck(1, 3);
  vi.advanceTimersByTime(2000);
  expect(uploads.handleRejected()).toBe(false);
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
  const done = await drained();
  expect(sent).toEqual([1, 2, 3]);
  uploads.handleAck(1, 2);
  await vi.advanceTimersByTimeAsync(0);
  expect(done()).toBe(false);
  uploads.handleAck(1, 3);
  await vi.advanceTimersByTimeAsync(0);
  expect(done()).toBe(true);
});

test("draining ends in time without a line, and nothing is unsaved that cannot be saved", async () => {
  line.roomy = false;
  const done = await drained();
  await vi.advanceTimersByTimeAsync(1999);
  expect(done()).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(done()).toBe(true);
  expect(unsaved).toEqual([3, 0]);
});

test("a broken module ends draining at once", async () => {
  outbox.broken = true;
  const done = await drained();
  expect(done()).toBe(true);
  expect(broken.length).toBe(1);
  expect(sent).toEqual([]);
});

test("nothing to drain is drained", async () => {
  uploads.send();
  uploads.handleAck(1, 3);
  const done = await drained();
  expect(done()).toBe(true);
});
