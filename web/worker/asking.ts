import type { LinkState } from "../src/generated/LinkState";
import type { View } from "../src/generated/View";
import type { LinkKey, PageMessage } from "../src/messages";
import type { Connection } from "./connection";
import type { Links } from "./links";

/** A button that was pressed. */
type Wish = Extract<PageMessage, { type: "advance" | "join" | "leave" }>;

/**
 * What this page told the server, and what the server's view does not show yet. Control messages
 * are not queued: what the view still waits for is said again.
 */
export class Asking {
  /** The button that was pressed and whose effect is not seen yet. */
  #wish: Wish | null = null;
  /** What the page found out about each link of the current attempt. */
  readonly #linkStates = new Map<number, LinkState>();

  constructor(
    private readonly connection: Connection,
    private readonly links: Links,
  ) {}

  press(wish: Wish): void {
    this.#wish = wish;
  }

  handleLink({ peer }: LinkKey, state: LinkState): void {
    this.#linkStates.set(peer, state);
    this.#reportLink(peer);
  }

  /** A new attempt began. */
  forgetLinks(): void {
    this.#linkStates.clear();
  }

  /** False if the participant leaves, and nothing else is of interest. */
  repeat(view: View): boolean {
    if (this.#wish?.type === "leave") {
      if (view.kind !== "end") this.connection.send(this.#wish);
      return false;
    }
    if (view.kind === "start" || view.kind === "instructions") {
      if (this.#wish?.scene === view.scene) this.connection.send(this.#wish);
    } else if (view.kind === "connecting" || view.kind === "playing") {
      for (const [peer, state] of this.#linkStates) {
        const told = view.connection.linked.includes(peer);
        if (state.kind === "failed" || !told) this.#reportLink(peer);
      }
    }
    return true;
  }

  #reportLink(peer: number): void {
    const state = this.#linkStates.get(peer);
    const key = this.links.key;
    if (!state || !key) return;
    this.connection.send({ type: "link", ...key, to: peer, state });
  }
}
