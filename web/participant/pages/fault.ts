import type { Fault } from "../../src/messages";
import { h } from "../dom";
import { button, card, heading, sign } from "./parts";

interface Words {
  title: string;
  body: string[];
  /** A button, and where it leads. */
  action: { label: string; run: () => void } | null;
}

const reload = () => location.reload();

const WORDS: Record<Fault, Words> = {
  unknown_token: {
    title: "This link does not work any more",
    body: [
      "The study does not know this address. It may have been copied incompletely, or the study may have been set up anew.",
      "Please open the link that you were given once more. If that does not help, tell the researchers.",
    ],
    action: { label: "Open the study from its beginning", run: () => location.assign("/") },
  },
  taken_over: {
    title: "The study is open in another window",
    body: [
      "You opened this address again, in another tab or window. It goes on there; this one has stopped.",
    ],
    action: { label: "Use this page instead", run: reload },
  },
  version: {
    title: "The study was updated",
    body: ["This page is older than the study. Reload it to go on where you were."],
    action: { label: "Reload", run: reload },
  },
  restart: {
    title: "The study was restarted",
    body: ["Reload the page to go on."],
    action: { label: "Reload", run: reload },
  },
  engine_not_loaded: {
    title: "The game could not be loaded",
    body: [
      "Please check your connection and try again.",
      "If it keeps failing, use a current version of Chrome, Edge, Firefox or Safari, and switch off extensions that block parts of pages.",
    ],
    action: { label: "Try again", run: reload },
  },
  engine_failed: {
    title: "The game stopped unexpectedly",
    body: ["This is our fault, not yours. Reload the page to see how it goes on."],
    action: { label: "Reload", run: reload },
  },
  upload_refused: {
    title: "Your data could not be saved",
    body: [
      "The study did not accept what this page recorded, so the game has ended. This is our fault, not yours.",
      "Please tell the researchers. Reload the page to see how it goes on.",
    ],
    action: { label: "Reload", run: reload },
  },
};

/** What cannot be waited out: what happened and what to do. */
export function faultPage(fault: Fault): { element: HTMLElement; focus: HTMLElement } {
  const words = WORDS[fault];
  const title = heading(words.title);
  let action: HTMLElement | null = null;
  if (words.action) {
    action = button(words.action.label, { id: "recover" });
    action.addEventListener("click", words.action.run);
  }
  return {
    element: card(sign("cross"), title, ...words.body.map((text) => h("p", {}, text)), action),
    focus: title,
  };
}
