import type { Asset } from "../src/generated/Asset";
import type { Status } from "../src/generated/Status";
import type { View } from "../src/generated/View";
import type { Fault } from "../src/messages";
import { setText } from "./dom";
import { endPage } from "./pages/end";
import { faultPage } from "./pages/fault";
import { instructionsPage } from "./pages/instructions";
import { lobbyPage } from "./pages/lobby";
import type { Context, Page, Surroundings } from "./pages/page";
import { type PlayPage, playPage } from "./pages/play";
import { setupPage } from "./pages/setup";
import { startPage } from "./pages/start";

/** Shows the page that belongs to the server's view, and keeps it while views of it go on. */
export class Screen {
  readonly #place = required("#page");
  readonly #top = required("#top");
  readonly #studyTitle = required("#study-title");
  #key = "";
  #page: Page | null = null;
  #play: PlayPage | null = null;

  constructor(private readonly context: Context) {}

  setStudyTitle(title: string): void {
    setText(this.#studyTitle, title);
    document.title = title;
  }

  show(view: View): void {
    const key = pageKey(view);
    if (key === this.#key) {
      this.#page?.update?.(view);
      return;
    }
    this.#leave();
    this.#key = key;
    this.#page = this.#create(view);
    this.#page.handleSurroundings?.(this.context.surroundings);
    this.#place.replaceChildren(this.#page.element);
    document.body.dataset.page = view.kind;
    this.#top.hidden = view.kind === "playing";
    this.#page.update?.(view);
    window.scrollTo(0, 0);
    this.#page.focus.focus({ preventScroll: true });
  }

  showFault(fault: Fault): void {
    this.#leave();
    this.#key = "fault";
    const { element, focus } = faultPage(fault);
    this.#top.hidden = false;
    this.#place.replaceChildren(element);
    document.body.dataset.page = "fault";
    focus.focus();
  }

  handleSurroundings(surroundings: Surroundings): void {
    this.#page?.handleSurroundings?.(surroundings);
  }

  handleEpisode(startsAt: number, assets: readonly Asset[]): void {
    this.#play?.handleEpisode(startsAt, assets);
  }

  handleStatus(status: Status): void {
    this.#play?.handleStatus(status);
  }

  handleBrokenOff(): void {
    this.#play?.handleBrokenOff();
  }

  #create(view: View): Page {
    switch (view.kind) {
      case "start":
        return startPage(view, this.context);
      case "instructions":
        return instructionsPage(view, this.context);
      case "lobby":
        return lobbyPage(view, this.context);
      case "connecting":
      case "validating":
        return setupPage(view, this.context);
      case "playing":
        this.#play = playPage(view, this.context);
        return this.#play;
      case "end":
        return endPage(view, this.context);
    }
  }

  #leave(): void {
    this.#page?.leave?.();
    this.#page = null;
    this.#play = null;
  }
}

/** Views with one key are one page. */
function pageKey(view: View): string {
  switch (view.kind) {
    case "start":
    case "instructions":
    case "lobby":
      return `${view.kind} ${view.scene}`;
    case "connecting":
    case "validating":
      return `setup ${view.session.session}`;
    case "playing":
      return `playing ${view.session.session}`;
    case "end":
      return "end";
  }
}

function required(selector: string): HTMLElement {
  const element = document.querySelector<HTMLElement>(selector);
  if (!element) throw new Error(`index.html has no ${selector}`);
  return element;
}
