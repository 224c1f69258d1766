import type { Loading } from "../../src/messages";
import { h, setText } from "../dom";

/** What is said about loading, and how much of it is done. */
export interface LoadingWords {
  text: string;
  /** Percent; null for what cannot be foretold. */
  percent: number | null;
}

/** What once moved stays, so that nothing jumps away from under a pointer. */
const READY: LoadingWords = { text: "The game is ready.", percent: 100 };

export function loadingWords({ stage, bytes, total }: Loading): LoadingWords {
  switch (stage) {
    case "fetching": {
      // Only what is all there is 100 %.
      const percent = total === 0 ? 0 : Math.min(99, Math.floor((100 * bytes) / total));
      const amount = total === 0 ? "" : ` (${megabytes(bytes)} of ${megabytes(total)} MB)`;
      return { text: `Loading the game: ${percent} %${amount}`, percent };
    }
    case "starting":
      return { text: "Starting Python…", percent: null };
    case "unpacking":
    case "importing":
      return { text: "Getting the game ready…", percent: null };
    case "trying":
      return { text: "Trying the game on your device…", percent: null };
  }
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}

/** How far the game is loaded, as a bar with a line of text; nothing where nothing is loaded. */
export class LoadingBar {
  readonly #text = h("p", { class: "loading-text" });
  readonly #fill = h("div", { class: "loading-fill" });
  readonly #bar = h(
    "div",
    {
      class: "loading-bar",
      role: "progressbar",
      "aria-label": "Loading the game",
      "aria-valuemin": 0,
      "aria-valuemax": 100,
    },
    this.#fill,
  );
  readonly element = h("div", { class: "loading", hidden: true }, this.#text, this.#bar);

  show(loading: Loading | null): void {
    if (loading === null && this.element.hidden) return;
    this.element.hidden = false;
    const { text, percent } = loading === null ? READY : loadingWords(loading);
    setText(this.#text, text);
    this.#bar.setAttribute("aria-valuetext", text);
    this.#bar.classList.toggle("unknown", percent === null);
    if (percent === null) this.#bar.removeAttribute("aria-valuenow");
    else this.#bar.setAttribute("aria-valuenow", String(percent));
    this.#fill.style.width = percent === null ? "" : `${percent}%`;
  }
}
