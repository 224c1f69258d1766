/** How far away the server is, from pings. */
export class ServerDistance {
  /** Round trips, newest last. */
  readonly #samples: number[] = [];

  add(rttMs: number): void {
    if (!(rttMs >= 0)) return;
    this.#samples.push(rttMs);
    if (this.#samples.length > 20) this.#samples.shift();
  }

  /** Median of the last samples. */
  get rttMs(): number | null {
    const sorted = [...this.#samples].sort((a, b) => a - b);
    return sorted[Math.floor((sorted.length - 1) / 2)] ?? null;
  }

  /**
   * When the server sent what came at `receivedMs`: the same moment for partners who are not
   * equally far away. Before the first answer to a ping, when it came.
   */
  sentAt(receivedMs: number): number {
    return receivedMs - (this.rttMs ?? 0) / 2;
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
