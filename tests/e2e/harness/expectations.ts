import { expect } from "@playwright/test";
import { number, type Row } from "./data";
import type { Condition } from "./network";

/** Guesses were wrong where inputs travel long; without a relay, all came over the DataChannel. */
export function expectRollbacks(episode: Row, condition: Condition): void {
  for (const player of [0, 1]) {
    expect(number(episode, `player.${player}.data_channel_share`)).toBe(1);
    // An input that travels longer than the input delay comes after its frame was guessed, and
    // random keys are not what was guessed.
    if (condition.oneWayMs >= 100) {
      expect(number(episode, `player.${player}.rollbacks`)).toBeGreaterThan(3);
      expect(number(episode, `player.${player}.deepest_rollback`)).toBeGreaterThan(0);
    }
  }
}

/**
 * The network that the pages measured is the one that was imposed. Of the round trips the shortest is
 * looked at: a packet that waits while its page is at work on a frame, at most `workMs`, seems to have
 * travelled longer.
 */
export function expectNetworks(links: Row[], condition: Condition, workMs = 0): void {
  for (const link of links) {
    const partner = links.find(
      (other) =>
        other.session === link.session &&
        other.episode === link.episode &&
        other.player === link.partner &&
        other.partner === link.player,
    );
    if (partner === undefined) throw new Error("a link has one end");
    expectNetwork(link, partner, condition, workMs);
  }
}

function expectNetwork(link: Row, partner: Row, condition: Condition, workMs: number): void {
  const imposed = 2 * condition.oneWayMs;
  const spread = 2 * condition.jitterMs;
  const least = number(link, "rtt_min_us") / 1000;
  expect(least, "shortest round trip, ms").toBeGreaterThanOrEqual(imposed - spread);
  expect(least, "shortest round trip, ms").toBeLessThanOrEqual(imposed + 40 + workMs);
  if (spread > 0) {
    const p95 = number(link, "rtt_p95_us") / 1000;
    expect(p95 - least, "spread of the round trip, ms").toBeGreaterThan(condition.jitterMs);
  }
  // What the partner's channel was too full to take was never on its way.
  const lost = number(link, "packets_lost") - number(partner, "packets_skipped");
  const packets = number(link, "packets_received") + lost;
  const loss = lost / packets;
  // Five standard deviations of what chance makes of the imposed loss.
  const tolerance = 5 * Math.sqrt((condition.loss * (1 - condition.loss)) / packets) + 0.005;
  expect(Math.abs(loss - condition.loss), `loss is ${loss}`).toBeLessThanOrEqual(tolerance);
}
