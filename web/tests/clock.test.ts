import { expect, test } from "vitest";
import { eventTime, fromAbsolute, ServerDistance, toAbsolute } from "../worker/clock";

test("the round trip is the median of the last samples, and impossible ones never count", () => {
  const distance = new ServerDistance();
  expect(distance.rttMs).toBeNull();
  for (const rttMs of [10, 200, 30, -10, Number.NaN]) distance.add(rttMs);
  expect(distance.rttMs).toBe(30);
  for (let sample = 0; sample < 20; sample += 1) distance.add(50);
  expect(distance.rttMs).toBe(50);
});

test("a message was sent half a round trip before it came", () => {
  const distance = new ServerDistance();
  expect(distance.sentAt(1000)).toBe(1000);
  distance.add(80);
  expect(distance.sentAt(1000)).toBe(960);
});

test("absolute times come back as they went", () => {
  expect(fromAbsolute(toAbsolute(1234.5))).toBeCloseTo(1234.5, 3);
});

test("a key's time that cannot be right becomes now", () => {
  const now = performance.now() + 5000;
  expect(eventTime(toAbsolute(now - 20), now)).toBeCloseTo(now - 20, 3);
  expect(eventTime(toAbsolute(now + 20), now)).toBe(now);
  expect(eventTime(toAbsolute(now - 4000), now)).toBe(now);
});
