import type { View } from "../../src/generated/View";
import { h, setText } from "../dom";
import { keyLegendElement } from "../key-legend";
import { LoadingBar } from "./loading";
import type { Context, Page, Surroundings, ViewOf } from "./page";
import { card, heading } from "./parts";

const STEPS = [
  "Everyone is here",
  "Connecting your browsers",
  "Checking that all play the same game",
];

/** Between the lobby and the game: a few seconds that should look like progress. */
export function setupPage(
  first: ViewOf<"connecting"> | ViewOf<"validating">,
  { stage }: Context,
): Page {
  stage.prepare();
  const title = heading("Getting you together");
  const again = h("p", { class: "soft", role: "status" });
  const bar = new LoadingBar();
  const steps = STEPS.map((text) => h("li", {}, text));

  let firstAttempt: number | null = null;

  function show(view: View): void {
    const step = view.kind === "validating" ? 2 : 1;
    steps.forEach((element, index) => {
      element.className = index < step ? "done" : index === step ? "doing" : "";
      if (index === step) element.setAttribute("aria-current", "step");
      else element.removeAttribute("aria-current");
    });
    if (view.kind === "connecting") firstAttempt ??= view.connection.attempt;
    const retries = view.kind === "connecting" && view.connection.attempt !== firstAttempt;
    setText(again, retries ? "That did not work at once. Trying again…" : "");
  }

  show(first);
  return {
    element: card(
      title,
      h("ol", { class: "steps", role: "status" }, ...steps),
      again,
      bar.element,
      h("h2", {}, "Your keys"),
      keyLegendElement(first.game.controls),
    ),
    focus: title,
    update: show,
    handleSurroundings: ({ loading }: Surroundings) => bar.show(loading),
  };
}
