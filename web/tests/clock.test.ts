import { expect, test } from "vitest";
import { eventTime, fromAbsolute, ServerClock, toAbsolute } from "../worker/clock";

test("the round trip is the median, the offset that of the quickest sample", () => {
  const clock = new ServerClock();
  expect(clock.rttMs).toBeNull();
  clock.add(0, 10, 1005);
  clock.add(100, 300, 1290);
  clock.add(200, 230, 1216);
  expect(clock.rttMs).toBe(30);
  expect(clock.offsetMs).toBe(1000);
});

test("only the last samples count, and impossible ones never", () => {
  const clock = new ServerClock();
  clock.add(10, 0, 0);
  clock.add(0, 10, Number.NaN);
  expect(clock.rttMs).toBeNull();
  clock.add(0, 1, 0);
  for (let sample = 0; sample < 20; sample += 1) clock.add(0, 50, 0);
  expect(clock.rttMs).toBe(50);
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
