import { expect, test } from "vitest";
import { noteNeeded } from "../participant/storage-note";

test("who could lose something is asked to keep the page open, and nobody else", () => {
  expect(noteNeeded("playing", true, 5)).toBe(false);
  expect(noteNeeded("playing", false, 0)).toBe(true);
  expect(noteNeeded("lobby", false, 0)).toBe(true);
  expect(noteNeeded("start", false, 0)).toBe(false);
  expect(noteNeeded("end", false, 3)).toBe(true);
  expect(noteNeeded("end", false, 0)).toBe(false);
  expect(noteNeeded("fault", false, 3)).toBe(false);
});
