import type { View } from "../../src/generated/View";
import { h, setText } from "../dom";
import { keyLegendElement } from "../key-legend";
import { clock } from "../time";
import { LoadingBar } from "./loading";
import type { Context, Page, Surroundings, ViewOf } from "./page";
import { card, heading, person } from "./parts";

/** Waiting for partners. */
export function lobbyPage(first: ViewOf<"lobby">, { actions, stage }: Context): Page {
  stage.prepare();
  const title = heading("");
  const seats = h("div", { class: "seats", "aria-hidden": "true" });
  const count = h("p", { class: "count", role: "status" });
  const bar = new LoadingBar();
  const remaining = h("span", { class: "clock" });
  const leave = leaveDialog(actions.leave);
  let closesAt = 0;

  function tick(): void {
    setText(remaining, clock(closesAt - performance.now()));
  }

  function show(view: ViewOf<"lobby">): void {
    closesAt = performance.now() + view.closes_in_ms;
    const here = Math.min(view.waiting, view.needed);
    while (seats.childElementCount < view.needed) {
      seats.append(h("div", { class: "seat" }, person()));
    }
    [...seats.children].forEach((seat, index) => {
      seat.classList.toggle("taken", index < here);
    });
    setText(title, here < view.needed ? "Waiting for others to join" : "Everyone is here");
    setText(count, `${here} of ${view.needed} players here`);
    tick();
  }

  show(first);
  const timer = setInterval(tick, 250);
  return {
    element: card(
      seats,
      title,
      count,
      bar.element,
      h(
        "p",
        { class: "soft" },
        "The game starts by itself as soon as everyone is here. Please keep this page open and in view.",
      ),
      h("p", { class: "soft" }, "If nobody comes, the wait ends in ", remaining, "."),
      h("h2", {}, "Your keys"),
      keyLegendElement(first.game.controls),
      leave.button,
      leave.dialog,
    ),
    focus: title,
    update(view: View) {
      if (view.kind === "lobby") show(view);
    },
    handleSurroundings: ({ loading }: Surroundings) => bar.show(loading),
    leave: () => clearInterval(timer),
  };
}

/** Leaving is for good, so it is asked twice. */
function leaveDialog(leave: () => void): { button: HTMLElement; dialog: HTMLElement } {
  const open = h("button", { type: "button", class: "quiet", id: "leave" }, "Leave the study");
  const stay = h("button", { type: "button", class: "primary" }, "Stay");
  const confirm = h("button", { type: "button", class: "secondary" }, "Leave");
  const dialog = h(
    "dialog",
    { "aria-labelledby": "leave-title" },
    h("h2", { id: "leave-title" }, "Leave the study?"),
    h("p", {}, "You cannot come back to it afterwards."),
    h("div", { class: "row" }, stay, confirm),
  );
  open.addEventListener("click", () => dialog.showModal());
  stay.addEventListener("click", () => dialog.close());
  confirm.addEventListener("click", () => {
    dialog.close();
    leave();
  });
  return { button: open, dialog };
}
