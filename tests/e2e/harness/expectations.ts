import { expect } from "@playwright/test";
import { number, type Row } from "./data";
import type { Condition } from "./network";

/** Guesses were wrong where inputs travel long, and nearly all came over the DataChannel. */
export function expectRollbacks(episode: Row, condition: Condition): void {
  for (const player of [0, 1]) {
    expect(number(episode, `player.${player}.data_channel_share`)).toBeGreaterThanOrEqual(0.95);
    // An input that travels longer than the input delay comes after its frame was guessed, and
    // random keys are not what was guessed.
    if (condition.oneWayMs >= 100) {
      expect(number(episode, `player.${player}.rollbacks`)).toBeGreaterThan(3);
      expect(number(episode, `player.${player}.deepest_rollback`)).toBeGreaterThan(0);
    }
  }
}

/**
 * The network that the pages measured is the one that was imposed. `busyMs` is how long a page may be
 * at work on a frame before it hears a packet.
 */
export function expectNetwork(link: Row, condition: Condition, busyMs = 0): void {
  const imposed = 2 * condition.oneWayMs;
  const spread = 2 * condition.jitterMs;
  const median = number(link, "rtt_median_us") / 1000;
  expect(median, "median round trip, ms").toBeGreaterThanOrEqual(imposed - spread);
  expect(median, "median round trip, ms").toBeLessThanOrEqual(imposed + spread + 40 + busyMs);
  if (spread > 0) {
    const p95 = number(link, "rtt_p95_us") / 1000;
    const least = number(link, "rtt_min_us") / 1000;
    expect(p95 - least, "spread of the round trip, ms").toBeGreaterThan(condition.jitterMs);
  }
  const packets = number(link, "packets_received") + number(link, "packets_lost");
  const loss = number(link, "loss");
  // Five standard deviations of what chance makes of the imposed loss.
  const tolerance = 5 * Math.sqrt((condition.loss * (1 - condition.loss)) / packets) + 0.005;
  expect(Math.abs(loss - condition.loss), `loss is ${loss}`).toBeLessThanOrEqual(tolerance);
}
