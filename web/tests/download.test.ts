import { expect, test } from "vitest";
import { download, type Surroundings } from "../worker/download";

const FILE = Uint8Array.of(1, 2, 3, 4, 5);

/** A network on which these answers come, one after another. */
function network(...answers: (() => Response | Promise<Response>)[]) {
  const pauses: number[] = [];
  const surroundings: Surroundings = {
    fetch: async () => {
      const answer = answers.shift();
      if (!answer) throw new TypeError("no network");
      return answer();
    },
    random: () => 1,
    pause: async (ms) => {
      pauses.push(ms);
    },
  };
  return { surroundings, pauses };
}

/** A body that comes in parts, and breaks off if it is not whole. */
function parts(whole: boolean, ...chunks: Uint8Array[]): () => Response {
  return () =>
    new Response(
      new ReadableStream({
        pull(controller) {
          const chunk = chunks.shift();
          if (chunk) controller.enqueue(chunk);
          else if (whole) controller.close();
          else controller.error(new TypeError("the network broke"));
        },
      }),
    );
}

test("bytes are counted as they come, and from the beginning after a failure", async () => {
  const { surroundings, pauses } = network(
    () => Promise.reject(new TypeError("no network")),
    () => new Response("", { status: 503 }),
    parts(false, FILE.slice(0, 3)),
    parts(true, FILE.slice(0, 2), FILE.slice(2)),
  );
  const counts: number[] = [];
  const handleBytes = (count: number) => counts.push(count);
  expect(await download("/file", { bytes: 5, handleBytes }, surroundings)).toEqual(FILE);
  expect(counts).toEqual([0, 3, 0, 2, 5]);
  expect(pauses).toEqual([250, 500, 1000]);
});

test("a file that is cut off, or too long, does not count as whole", async () => {
  const { surroundings } = network(
    parts(true, FILE.slice(0, 4)),
    parts(true, FILE, FILE),
    parts(true, FILE),
  );
  const expected = { bytes: 5, handleBytes: () => {} };
  expect(await download("/file", expected, surroundings)).toEqual(FILE);
});

test("a network that stays away is told after a while", async () => {
  const { surroundings, pauses } = network();
  await expect(download("/file", null, surroundings)).rejects.toThrow("no network");
  expect(pauses.reduce((sum, pause) => sum + pause, 0)).toBeGreaterThan(10_000);
});
