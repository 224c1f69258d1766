import type { Status } from "../../src/generated/Status";
import type { Loading } from "../../src/messages";
import { h, setText } from "../dom";
import { absoluteNow } from "../time";
import { overlayWords } from "./overlay-words";
import type { ViewOf } from "./page";

/** What is laid over the picture: the countdown, waiting, who is away, who comes back. */
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
  #view: ViewOf<"playing">;
  #viewedAt = performance.now();
  /** The episode that this page plays, or catches up with. */
  #joined: { episode: number; startsAt: number } | null = null;
  #status: Status | null = null;
  #loading: Loading | null = null;
  #brokenOff = false;
  #stalledSince: number | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(view: ViewOf<"playing">) {
    this.#view = view;
    this.#show();
  }

  /** The page has built the view's episode; the first frame is due, or was, at `startsAt`. */
  begin(startsAt: number): void {
    this.#joined = { episode: this.#view.plan.episode, startsAt };
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

  handleView(view: ViewOf<"playing">): void {
    this.#view = view;
    this.#viewedAt = performance.now();
    this.#show();
  }

  handleBrokenOff(): void {
    this.#brokenOff = true;
    this.#show();
  }

  handleLoading(loading: Loading | null): void {
    this.#loading = loading;
    this.#show();
  }

  leave(): void {
    clearTimeout(this.#timer);
    this.element.remove();
  }

  #show(): void {
    clearTimeout(this.#timer);
    const { plan, session, members, part, flush } = this.#view;
    const startsInMs = (this.#joined?.startsAt ?? 0) - absoluteNow();
    const words = overlayWords({
      round: plan.episode + 1,
      rounds: plan.episodes,
      startsInMs,
      status: this.#status,
      stalledForMs: this.#stalledSince === null ? 0 : performance.now() - this.#stalledSince,
      part,
      joined: this.#joined?.episode === plan.episode,
      flush,
      partners: members
        .map((member, player) => ({ ...member, player }))
        .filter(({ player }) => player !== session.player),
      brokenOff: this.#brokenOff,
      loading: this.#loading,
      viewedForMs: performance.now() - this.#viewedAt,
    });
    this.element.hidden = words === null;
    this.element.classList.toggle("waiting", startsInMs <= 0);
    if (words !== null) {
      setText(this.#title, words.title);
      setText(this.#detail, words.detail);
      const count = words.count ?? "";
      if (this.#count.textContent !== count) {
        // A new element starts its animation anew.
        this.#count.replaceChildren(h("span", {}, count));
      }
      this.#count.hidden = words.count === null;
    }
    const pause = words?.againMs ?? (this.#stalledSince === null ? null : 250);
    if (pause !== null) this.#timer = setTimeout(() => this.#show(), pause);
  }
}
