import type { Asset } from "../../src/generated/Asset";
import type { Status } from "../../src/generated/Status";
import type { View } from "../../src/generated/View";
import { h } from "../dom";
import { keyLegendElement } from "../key-legend";
import { Hud } from "./hud";
import { Overlay } from "./overlay";
import type { Context, Page, Surroundings, ViewOf } from "./page";

/** The game itself: the picture, what stands above it, what is laid over it. */
export interface PlayPage extends Page {
  handleEpisode(startsAt: number, assets: readonly Asset[]): void;
  handleStatus(status: Status): void;
  /** The game raised an error: the server will end it. */
  handleBrokenOff(): void;
}

export function playPage(first: ViewOf<"playing">, { stage }: Context): PlayPage {
  const hud = new Hud(first.game.timed);
  const overlay = new Overlay(first);
  let view = first;
  stage.begin(first.game, []);
  stage.frame.append(overlay.element);
  const element = h(
    "section",
    { class: "play", "aria-label": first.game.title },
    hud.element,
    stage.words,
    stage.frame,
    keyLegendElement(first.game.controls),
  );
  return {
    element,
    focus: stage.element,
    update(next: View) {
      if (next.kind !== "playing") return;
      view = next;
      overlay.handleView(next);
    },
    handleEpisode(startsAt: number, assets: readonly Asset[]) {
      stage.begin(view.game, assets);
      hud.reset();
      overlay.begin(startsAt);
    },
    handleStatus(status: Status) {
      hud.show(status);
      overlay.handleStatus(status);
    },
    handleBrokenOff: () => overlay.handleBrokenOff(),
    handleSurroundings: ({ loading }: Surroundings) => overlay.handleLoading(loading),
    leave() {
      overlay.leave();
    },
  };
}
