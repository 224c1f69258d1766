/**
 * Which drawn frame first shows the effect of which key event, to measure what a participant
 * feels: from the key to the picture.
 */
export class KeyTrace {
  /** Newest key event that no tick has sampled yet. */
  #waiting: number | null = null;
  /** Sampled, not yet on screen; `frame` counts simulated frames as the status does. */
  readonly #sampled: { at: number; frame: number }[] = [];
  #frame = 0;

  constructor(private readonly inputDelay: number) {}

  /** A key event at an absolute time. */
  handleKey(at: number): void {
    this.#waiting = at;
  }

  /** Ticks ran and `frame` frames are simulated now; a stalled tick samples nothing. */
  handleTick(frame: number): void {
    if (frame === this.#frame) return;
    // The first of these ticks took the key, for the frame `inputDelay` after the one it made.
    const shownBy = this.#frame + this.inputDelay + 1;
    this.#frame = frame;
    if (this.#waiting === null) return;
    this.#sampled.push({ at: this.#waiting, frame: shownBy });
    this.#waiting = null;
  }

  /** Play was caught up with to `frame` frames, by ticks that sample no key. */
  handleCatchUp(frame: number): void {
    this.#frame = frame;
    this.#waiting = null;
  }

  /** The time of the newest key event whose effect is in a picture of `frame` frames, once. */
  shownAt(frame: number): number | null {
    let newest: number | null = null;
    while (this.#sampled[0] && this.#sampled[0].frame <= frame) {
      newest = this.#sampled.shift()?.at ?? null;
    }
    return newest;
  }
}
