import { expect, test } from "vitest";
import { KeyTrace } from "../worker/key-trace";

test("a key is on screen once the frame that used it is simulated", () => {
  const trace = new KeyTrace(2);
  trace.handleTick(10);
  trace.handleKey(1000);
  trace.handleTick(11);
  expect(trace.shownAt(11)).toBeNull();
  trace.handleTick(12);
  expect(trace.shownAt(12)).toBeNull();
  trace.handleTick(13);
  expect(trace.shownAt(13)).toBe(1000);
  expect(trace.shownAt(13)).toBeNull();
});

test("of several keys in one picture the newest counts", () => {
  const trace = new KeyTrace(0);
  trace.handleKey(1);
  trace.handleKey(2);
  trace.handleTick(1);
  trace.handleKey(3);
  trace.handleTick(2);
  expect(trace.shownAt(2)).toBe(3);
});

test("a stalled tick samples nothing", () => {
  const trace = new KeyTrace(0);
  trace.handleTick(5);
  trace.handleKey(1);
  trace.handleTick(5);
  expect(trace.shownAt(5)).toBeNull();
  trace.handleTick(6);
  expect(trace.shownAt(6)).toBe(1);
});

test("a key that was pressed while play was caught up with is no sample", () => {
  const trace = new KeyTrace(2);
  trace.handleKey(1);
  trace.handleCatchUp(500);
  trace.handleTick(501);
  expect(trace.shownAt(600)).toBeNull();
  trace.handleKey(2);
  trace.handleTick(502);
  expect(trace.shownAt(503)).toBeNull();
  expect(trace.shownAt(504)).toBe(2);
});
