import { expect, test } from "vitest";
import { loadingWords } from "../participant/pages/loading";

const total = 17_400_000;

test("bytes are told as they are, and never as all before all is there", () => {
  const fetching = (bytes: number) => loadingWords({ stage: "fetching", bytes, total });
  expect(fetching(0)).toEqual({ text: "Loading the game: 0 % (0.0 of 17.4 MB)", percent: 0 });
  expect(fetching(total / 2).percent).toBe(50);
  expect(fetching(total - 1).percent).toBe(99);
});

test("before anything is known of its size, nothing is said of it", () => {
  const words = loadingWords({ stage: "fetching", bytes: 0, total: 0 });
  expect(words).toEqual({ text: "Loading the game: 0 %", percent: 0 });
});

test("what cannot be foretold has no percentage", () => {
  for (const stage of ["starting", "unpacking", "importing", "trying"] as const) {
    expect(loadingWords({ stage, bytes: total, total }).percent).toBeNull();
  }
});
