import { expect, test } from "vitest";
import { Backoff } from "../worker/backoff";

test("pauses double up to a bound, and begin anew after a success", () => {
  const backoff = new Backoff(100, 1000);
  const longest = () => Array.from({ length: 5 }, () => backoff.next(1));
  expect(longest()).toEqual([100, 200, 400, 800, 1000]);
  backoff.reset();
  expect(backoff.next(1)).toBe(100);
});

test("chance spreads pauses over the upper half", () => {
  expect(new Backoff(100, 1000).next(0)).toBe(50);
  expect(new Backoff(100, 1000).next(0.5)).toBe(75);
});
