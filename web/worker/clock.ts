/** The round trip to the server and the difference between its clock and ours, from pings. */
export class ServerClock {
  /** Newest last. */
  readonly #samples: { rttMs: number; offsetMs: number }[] = [];

  /** `sentMs` and `receivedMs` are absolute times of ours. */
  add(sentMs: number, receivedMs: number, serverMs: number): void {
    const rttMs = receivedMs - sentMs;
    if (!(rttMs >= 0) || !Number.isFinite(serverMs)) return;
    this.#samples.push({ rttMs, offsetMs: serverMs - (sentMs + receivedMs) / 2 });
    if (this.#samples.length > 20) this.#samples.shift();
  }

  /** Median of the last samples. */
  get rttMs(): number | null {
    const sorted = this.#samples.map((sample) => sample.rttMs).sort((a, b) => a - b);
    return sorted[Math.floor((sorted.length - 1) / 2)] ?? null;
  }

  /** Server minus ours, from the quickest of the last round trips: it had the least room to err. */
  get offsetMs(): number | null {
    let best: { rttMs: number; offsetMs: number } | null = null;
    for (const sample of this.#samples) {
      if (best === null || sample.rttMs < best.rttMs) best = sample;
    }
    return best?.offsetMs ?? null;
  }
}

/** This worker's `performance.now()` at an absolute time. */
export function fromAbsolute(absoluteMs: number): number {
  return absoluteMs - performance.timeOrigin;
}

/** The absolute time at this worker's `performance.now()`. */
export function toAbsolute(nowMs: number): number {
  return performance.timeOrigin + nowMs;
}

/**
 * A page's time stamp on this worker's clock. The two clocks may drift apart (a machine slept), so
 * a time that cannot be right becomes now.
 */
export function eventTime(absoluteMs: number, nowMs: number): number {
  const at = fromAbsolute(absoluteMs);
  return at <= nowMs && at > nowMs - 1000 ? at : nowMs;
}
