import type { Status } from "../../src/generated/Status";
import { h, s, setText } from "../dom";
import { clock } from "../time";
import { Announcements, formatScore, linkQuality, scoreName, scoreWords } from "./play-words";

/** Round, scores, time and connection, above the picture. */
export class Hud {
  readonly element: HTMLElement;
  readonly #round = h("span", { class: "round" });
  readonly #scores = h("ul", { class: "scores" });
  /** Told to who asks for it, and not read aloud each second. */
  readonly #time = h("span", { class: "time", role: "timer" });
  readonly #aloud = h("p", { class: "aloud", role: "status", "aria-live": "polite" });
  readonly #announcements = new Announcements();
  readonly #bars = s(
    "svg",
    { viewBox: "0 0 16 12", "aria-hidden": "true", class: "bars" },
    s("rect", { x: 0, y: 8, width: 4, height: 4, rx: 1 }),
    s("rect", { x: 6, y: 4, width: 4, height: 8, rx: 1 }),
    s("rect", { x: 12, y: 0, width: 4, height: 12, rx: 1 }),
  );
  readonly #quality = h("span", { class: "quality-word" });
  readonly #link = h("span", { class: "quality", hidden: true }, this.#bars, this.#quality);

  /** `timed`: the time that is left is shown. */
  constructor(timed: boolean) {
    this.#time.hidden = !timed;
    this.element = h(
      "div",
      { class: "hud" },
      this.#round,
      this.#scores,
      h("span", { class: "hud-end" }, this.#time, this.#link),
      this.#aloud,
    );
  }

  reset(): void {
    this.#scores.replaceChildren();
    this.#announcements.reset();
  }

  show(status: Status): void {
    setText(this.#round, `Round ${status.round} of ${status.rounds}`);
    setText(this.#time, clock(status.ms_left));
    this.#time.setAttribute("aria-label", `time left ${clock(status.ms_left)}`);
    this.#showScores(status);
    const words = scoreWords(status.scores);
    if (this.#announcements.due(words, performance.now(), status.sealed)) {
      setText(this.#aloud, words);
    }
    this.#showLink(status);
  }

  #showScores(status: Status): void {
    while (this.#scores.childElementCount < status.scores.length) {
      this.#scores.append(
        h("li", {}, h("span", { class: "who" }), h("span", { class: "side" }), h("b", {})),
      );
    }
    status.scores.forEach((score, index) => {
      const [who, side, value] = this.#scores.children[index]?.children ?? [];
      if (!who || !side || !value) return;
      this.#scores.children[index]?.classList.toggle("own", score.own);
      const names = scoreName(score, status.scores);
      setText(who, names.who);
      setText(side, names.side);
      setText(value, formatScore(score.score));
    });
  }

  #showLink(status: Status): void {
    const quality = linkQuality(status);
    this.#link.hidden = quality === null;
    if (quality === null) return;
    this.#link.dataset.bars = String(quality.bars);
    this.#link.title = quality.title;
    setText(this.#quality, quality.word);
  }
}
