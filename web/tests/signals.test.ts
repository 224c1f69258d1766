import { expect, test } from "vitest";
import { SignalQueue, type SignalTarget } from "../participant/links/signals";
import type { SignalPayload } from "../src/generated/SignalPayload";

const candidate = (name: string): SignalPayload => ({
  kind: "candidate",
  candidate: name,
  sdp_mid: "0",
  sdp_m_line_index: 0,
});

function target(log: string[]): SignalTarget {
  return {
    async describe(payload) {
      log.push(`begin ${payload.kind}`);
      await new Promise((resolve) => setTimeout(resolve, 0));
      log.push(`end ${payload.kind}`);
    },
    async addCandidate(payload) {
      log.push(payload.candidate);
    },
  };
}

test("candidates wait for the description, in their order", async () => {
  const log: string[] = [];
  const queue = new SignalQueue(target(log), (error) => log.push(String(error)));
  queue.handle(candidate("a"));
  queue.handle(candidate("b"));
  queue.handle({ kind: "offer", sdp: "" });
  queue.handle(candidate("c"));
  await queue.settled;
  expect(log).toEqual(["begin offer", "end offer", "a", "b", "c"]);
});

test("a second description changes nothing", async () => {
  const log: string[] = [];
  const queue = new SignalQueue(target(log), (error) => log.push(String(error)));
  queue.handle({ kind: "answer", sdp: "1" });
  queue.handle({ kind: "answer", sdp: "2" });
  await queue.settled;
  expect(log).toEqual(["begin answer", "end answer"]);
});

test("an unusable description is reported, and later signals do no harm", async () => {
  const errors: string[] = [];
  const queue = new SignalQueue(
    {
      describe: () => Promise.reject(new Error("no SDP")),
      addCandidate: () => Promise.reject(new Error("too early")),
    },
    (error) => errors.push(String(error)),
  );
  queue.handle({ kind: "offer", sdp: "" });
  queue.handle(candidate("a"));
  await queue.settled;
  expect(errors).toEqual(["Error: no SDP"]);
});
