import { prose } from "../dom";
import { LoadingBar } from "./loading";
import type { Context, Page, Surroundings, ViewOf } from "./page";
import { busy, button, card, heading, isBusy } from "./parts";

/** A page of text with one button. */
export function startPage(view: ViewOf<"start">, { actions }: Context): Page {
  const title = heading(view.title);
  const next = button(view.button, { id: "advance" });
  const bar = new LoadingBar();
  next.addEventListener("click", () => {
    if (isBusy(next) || next.disabled) return;
    busy(next);
    actions.advance(view.scene);
  });
  return {
    element: card(title, prose(view.body), next, bar.element),
    focus: title,
    handleSurroundings({ connected, loading }: Surroundings) {
      next.disabled = !connected;
      bar.show(loading);
    },
  };
}
