import type { CDPSession, Page } from "@playwright/test";
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

/** What a partner on a bad line far away is like. */
export const FAR_AND_LOSSY: Condition = {
  title: "100 ms one way, 15 % loss",
  oneWayMs: 100,
  jitterMs: 0,
  loss: 0.15,
};

/** Not one packet arrives. */
export const BROKEN: Condition = { title: "nothing arrives", oneWayMs: 0, jitterMs: 0, loss: 1 };

/** DevTools ignores loss while the latency is 0. */
const LEAST_LATENCY_MS = 1;
const JITTER_PERIOD_MS = 150;

/** The network of one page, as DevTools impose it; it can be changed while connections stand. */
export class Network {
  #timer: ReturnType<typeof setInterval> | undefined;

  private constructor(private readonly devtools: CDPSession) {}

  /** Imposes `condition` on everything between this page and any other. */
  static async of(page: Page, condition: Condition): Promise<Network> {
    const devtools = await page.context().newCDPSession(page);
    await devtools.send("Network.enable");
    const network = new Network(devtools);
    await network.change(condition);
    return network;
  }

  /** Only what was imposed, however lightly, before a connection was made can be changed for it. */
  async change(condition: Condition): Promise<void> {
    this.stop();
    await this.#set(condition.oneWayMs, condition.loss);
    if (condition.jitterMs === 0) return;
    const random = new Random(1);
    this.#timer = setInterval(() => {
      const latency = condition.oneWayMs + condition.jitterMs * random.between(-1, 1);
      // A page that is closing has no network to change.
      this.#set(latency, condition.loss).catch(() => this.stop());
    }, JITTER_PERIOD_MS);
  }

  /** It changes no more. */
  stop(): void {
    clearInterval(this.#timer);
  }

  async #set(latency: number, loss: number): Promise<void> {
    await this.devtools.send("Network.emulateNetworkConditions", {
      offline: false,
      latency: Math.max(LEAST_LATENCY_MS, latency),
      downloadThroughput: -1,
      uploadThroughput: -1,
      packetLoss: 100 * loss,
    });
  }
}
