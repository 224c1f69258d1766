import type { Page } from "@playwright/test";
import { Random } from "./random";

/**
 * A network between two pages, imposed on the DataChannel's own packets by one page's DevTools:
 * each packet to or from that page is late by `oneWayMs` and lost with probability `loss`.
 * docs/benchmarks.md has the measurement that shows it does exactly that.
 */
export interface Condition {
  title: string;
  /** Per direction. */
  oneWayMs: number;
  /** `oneWayMs` is drawn anew from ± this, several times a second. */
  jitterMs: number;
  /** Per direction, of each packet. */
  loss: number;
}

export const CONDITIONS = {
  none: { title: "no added latency", oneWayMs: 0, jitterMs: 0, loss: 0 },
  latency: { title: "100 ms one way", oneWayMs: 100, jitterMs: 0, loss: 0 },
  jitter: {
    title: "200 ms one way with jitter",
    oneWayMs: 200,
    jitterMs: 60,
    loss: 0,
  },
  loss: { title: "15 % loss", oneWayMs: 0, jitterMs: 0, loss: 0.15 },
} satisfies Record<string, Condition>;

/** Not one packet arrives. */
export const BROKEN: Condition = { title: "nothing arrives", oneWayMs: 0, jitterMs: 0, loss: 1 };

/** DevTools ignores loss while the latency is 0. */
const LEAST_LATENCY_MS = 1;
const JITTER_PERIOD_MS = 150;

/**
 * Imposes `condition` on everything between this page and any other, until `stop` is called. An
 * unhindered network needs nothing imposed, unless it `replaces` another.
 */
export async function impose(
  page: Page,
  condition: Condition,
  replaces = false,
): Promise<{ stop: () => void }> {
  const hindered = condition.oneWayMs > 0 || condition.loss > 0;
  if (!hindered && !replaces) return { stop: () => {} };
  const devtools = await page.context().newCDPSession(page);
  const set = (latency: number) =>
    devtools.send("Network.emulateNetworkConditions", {
      offline: false,
      latency: hindered ? Math.max(LEAST_LATENCY_MS, latency) : 0,
      downloadThroughput: -1,
      uploadThroughput: -1,
      packetLoss: 100 * condition.loss,
    });
  await devtools.send("Network.enable");
  await set(condition.oneWayMs);
  if (condition.jitterMs === 0) return { stop: () => {} };
  const random = new Random(1);
  const timer = setInterval(() => {
    const latency = condition.oneWayMs + condition.jitterMs * random.between(-1, 1);
    // A page that is closing has no network to change.
    set(latency).catch(() => clearInterval(timer));
  }, JITTER_PERIOD_MS);
  return { stop: () => clearInterval(timer) };
}
