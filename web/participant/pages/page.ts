import type { Outcome } from "../../src/generated/Outcome";
import type { View } from "../../src/generated/View";
import type { Loading } from "../../src/messages";
import type { Stage } from "../stage";

export type Kind = View["kind"];
export type ViewOf<K extends Kind> = Extract<View, { kind: K }>;

/** What pages may do. */
export interface Actions {
  advance(scene: number): void;
  join(scene: number): void;
  leave(): void;
}

/** What pages need to know beside their view. */
export interface Surroundings {
  /** The server answers. */
  connected: boolean;
  /** All is loaded that the game needs. */
  ready: boolean;
  /** How far it is, where that takes long. */
  loading: Loading | null;
  /** Uploads not yet on the server's disk. */
  unsaved: number;
}

export interface Context {
  readonly actions: Actions;
  readonly stage: Stage;
  readonly surroundings: Surroundings;
}

/** One page on the screen. It is kept while the server's views are of its kind and scene. */
export interface Page {
  readonly element: HTMLElement;
  /** What a screen reader says first and the keyboard starts from. */
  readonly focus: HTMLElement;
  update?(view: View): void;
  handleSurroundings?(surroundings: Surroundings): void;
  leave?(): void;
}

export type { Outcome };
