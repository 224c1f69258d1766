import { h, prose, setText } from "../dom";
import { keyLegendElement } from "../key-legend";
import { LoadingBar } from "./loading";
import type { Context, Page, Surroundings, ViewOf } from "./page";
import { busy, button, heading, isBusy } from "./parts";

/** What the game is and which keys play it. */
export function instructionsPage(view: ViewOf<"instructions">, { actions, stage }: Context): Page {
  stage.begin(view.game, []);
  const title = heading(view.game.title);
  const start = button("Start", { id: "join" });
  const bar = new LoadingBar();
  const hint = h("p", { class: "hint", role: "status" });
  start.addEventListener("click", () => {
    if (isBusy(start) || start.disabled) return;
    busy(start);
    actions.join(view.scene);
  });
  return {
    element: h(
      "section",
      { class: "card wide" },
      h("div", { class: "text" }, title, prose(view.game.body)),
      h(
        "div",
        { class: "picture" },
        stage.words,
        stage.frame,
        h("h2", {}, "Your keys"),
        keyLegendElement(view.game.controls),
        h(
          "p",
          { class: "needs-keyboard" },
          "You need a keyboard to play. On a phone or tablet without one, open this study’s link on a computer instead.",
        ),
      ),
      h("div", { class: "row" }, start, hint, bar.element),
    ),
    focus: title,
    handleSurroundings({ connected, ready, loading }: Surroundings) {
      start.disabled = !connected || !ready;
      setText(hint, ready || loading ? "" : "Getting the game ready…");
      bar.show(loading);
    },
  };
}
