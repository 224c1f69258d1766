import type { View } from "../src/generated/View";
import { setText } from "./dom";

type Kind = View["kind"] | "fault";

/** Where data are made, or soon will be. */
const MAKING: Kind[] = ["lobby", "connecting", "validating", "playing"];

const WORDS =
  "This browser cannot keep a copy of your data. Please leave this page open until the end.";

/** One line that asks to keep the page open where the browser keeps nothing for a later one. */
export class StorageNote {
  readonly #element = document.querySelector<HTMLElement>("#note");
  #kind: Kind | null = null;
  #keeps = true;
  #unsaved = 0;

  handleView(kind: Kind): void {
    this.#kind = kind;
    this.#show();
  }

  handleKeeps(keeps: boolean): void {
    this.#keeps = keeps;
    this.#show();
  }

  handleUnsaved(uploads: number): void {
    this.#unsaved = uploads;
    this.#show();
  }

  #show(): void {
    if (!this.#element) return;
    const needed = noteNeeded(this.#kind, this.#keeps, this.#unsaved);
    setText(this.#element, needed ? WORDS : "");
    this.#element.hidden = !needed;
  }
}

/** Whether a participant has to know that a closed page would lose something. */
export function noteNeeded(kind: Kind | null, keeps: boolean, unsaved: number): boolean {
  if (kind === null || kind === "fault" || keeps) return false;
  return MAKING.includes(kind) || unsaved > 0;
}
