/** How long to wait before trying again: doubling, bounded, spread so that pages do not come back in one wave. */
export class Backoff {
  #failures = 0;

  constructor(
    private readonly firstMs = 250,
    private readonly longestMs = 5000,
  ) {}

  /** The pause after one more failure; `random` is in [0, 1). */
  next(random: number): number {
    const full = Math.min(this.longestMs, this.firstMs * 2 ** this.#failures);
    this.#failures += 1;
    return full / 2 + (full / 2) * random;
  }

  /** It worked: the next failure starts from the beginning. */
  reset(): void {
    this.#failures = 0;
  }
}
