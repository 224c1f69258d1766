import { expect, test, vi } from "vitest";
import { DownloadError, download, type Surroundings } from "../worker/download";

const FILE = Uint8Array.of(1, 2, 3, 4, 5);

/** A network on which these answers come, one after another. */
function network(...answers: (() => Response | Promise<Response>)[]) {
  const pauses: number[] = [];
  const signals: AbortSignal[] = [];
  /** Limits of what is being waited for. */
  const limits = new Set<() => void>();
  const surroundings: Surroundings = {
    fetch: async (_, signal) => {
      signals.push(signal);
      const answer = answers.shift();
      if (!answer) throw new TypeError("no network");
      return answer();
    },
    random: () => 1,
    pause: async (ms) => {
      pauses.push(ms);
    },
    after(ms, call) {
      expect(ms).toBe(20_000);
      limits.add(call);
      return () => limits.delete(call);
    },
  };
  const ring = () => {
    for (const late of [...limits]) {
      limits.delete(late);
      late();
    }
  };
  return { surroundings, pauses, signals, limits, ring };
}

/** A body that comes in parts, and then ends like this. */
function body(
  end: NonNullable<UnderlyingDefaultSource["pull"]>,
  ...chunks: Uint8Array[]
): () => Response {
  return () =>
    new Response(
      new ReadableStream({
        pull(controller) {
          const chunk = chunks.shift();
          if (!chunk) return end(controller);
          controller.enqueue(chunk);
        },
      }),
    );
}

/** A body of which nothing comes after these parts. */
const stalling = (...chunks: Uint8Array[]) => body(() => new Promise(() => {}), ...chunks);

/** A body that comes in parts, and breaks off if it is not whole. */
function parts(whole: boolean, ...chunks: Uint8Array[]): () => Response {
  return body(
    (controller) => {
      if (whole) controller.close();
      else controller.error(new TypeError("the network broke"));
    },
    ...chunks,
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

test("a connection that brings nothing any more is given up for another one", async () => {
  const { surroundings, pauses, signals, limits, ring } = network(
    () => new Promise(() => {}),
    stalling(FILE.slice(0, 2)),
    parts(true, FILE),
  );
  const counts: number[] = [];
  const handleBytes = (count: number) => counts.push(count);
  const coming = download("/file", { bytes: 5, handleBytes }, surroundings);
  await vi.waitUntil(() => limits.size === 1);
  ring();
  // What comes sets the limit anew; it is what should come next that does not.
  await vi.waitUntil(() => counts.length === 2 && limits.size === 1);
  ring();
  expect(await coming).toEqual(FILE);
  expect(counts).toEqual([0, 2, 0, 5]);
  expect(pauses.length).toBe(2);
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, true, false]);
  expect(limits.size).toBe(0);
});

test("a server that never brings anything is told after a while", async () => {
  const never = Array.from({ length: 8 }, () => () => new Promise<Response>(() => {}));
  const { surroundings, limits } = network(...never);
  surroundings.after = (_, late) => {
    queueMicrotask(late);
    return () => limits.clear();
  };
  const refused = download("/file", null, surroundings);
  await expect(refused).rejects.toThrow(DownloadError);
  await expect(refused).rejects.toThrow("nothing came for 20 s");
});
