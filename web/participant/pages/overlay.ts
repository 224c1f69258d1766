import type { Status } from "../../src/generated/Status";
import { h, setText } from "../dom";
import { absoluteNow } from "../time";
import { overlayWords } from "./play-words";

/** What is laid over the picture: the countdown, waiting, the partner's silence. */
export class Overlay {
  readonly #title = h("p", { class: "overlay-title" });
  readonly #count = h("p", { class: "overlay-count", "aria-hidden": "true" });
  readonly #detail = h("p", { class: "overlay-detail" });
  readonly element = h(
    "div",
    { class: "overlay", role: "status", hidden: true },
    this.#title,
    this.#count,
    this.#detail,
  );
  #episode = { round: 1, rounds: 1, startsAt: 0 };
  #status: Status | null = null;
  #stalledSince: number | null = null;
  #flush = false;
  #rejoins = true;
  #timer: ReturnType<typeof setTimeout> | undefined;

  begin(round: number, rounds: number, startsAt: number): void {
    this.#episode = { round, rounds, startsAt };
    this.#status = null;
    this.#stalledSince = null;
    this.#show();
  }

  handleStatus(status: Status): void {
    this.#status = status;
    if (status.stalled_by === null) this.#stalledSince = null;
    else this.#stalledSince ??= performance.now();
    this.#show();
  }

  handleCannotRejoin(): void {
    this.#rejoins = false;
    this.#show();
  }

  handleFlush(flush: boolean): void {
    this.#flush = flush;
    this.#show();
  }

  leave(): void {
    clearTimeout(this.#timer);
    this.element.remove();
  }

  #show(): void {
    clearTimeout(this.#timer);
    const startsInMs = this.#episode.startsAt - absoluteNow();
    const stalledForMs = this.#stalledSince === null ? 0 : performance.now() - this.#stalledSince;
    const words = overlayWords({
      round: this.#episode.round,
      rounds: this.#episode.rounds,
      startsInMs,
      status: this.#status,
      stalledForMs,
      flush: this.#flush,
      rejoins: this.#rejoins,
    });
    this.element.hidden = words === null;
    if (words !== null) {
      setText(this.#title, words.title);
      setText(this.#detail, words.detail);
      const count = words.count === null ? "" : String(words.count);
      if (this.#count.textContent !== count) {
        // A new element starts its animation anew.
        this.#count.replaceChildren(h("span", {}, count));
      }
      this.#count.hidden = words.count === null;
    }
    if (startsInMs > 0) {
      this.#timer = setTimeout(() => this.#show(), startsInMs % 1000 || 1000);
    } else if (this.#stalledSince !== null) {
      this.#timer = setTimeout(() => this.#show(), 250);
    }
  }
}
