import type { Item } from "./shelf";

/** What the pages of one participant in one browser say to each other. */
type Word =
  /** A page begins. */
  | { type: "begin"; incarnation: number }
  /** An older page has stopped; this is what it still held. */
  | { type: "handed_over"; incarnation: number; items: Item[] };

export interface SiblingHandlers {
  /** A later page of the participant is open: stop, and give back what the server has not got. */
  handleSuccessor(): Item[];
  /** What an earlier page still held. */
  handleInheritance(items: Item[]): void;
}

/**
 * Other pages of this participant in this browser. The server tells a page that another one has
 * taken over, but one that cannot hear the server would play on; and it holds what nobody else has.
 */
export class Siblings {
  #channel: BroadcastChannel | null = null;

  constructor(private readonly handlers: SiblingHandlers) {}

  begin(participant: string, incarnation: number): void {
    // An old browser has none, and some forbid it.
    try {
      this.#channel = new BroadcastChannel(`igym ${participant}`);
    } catch {
      return;
    }
    this.#channel.onmessage = ({ data }: MessageEvent<Word>) => {
      if (data.type === "begin" && data.incarnation > incarnation) {
        const items = this.handlers.handleSuccessor();
        this.#say({ type: "handed_over", incarnation, items });
      } else if (data.type === "handed_over" && data.incarnation < incarnation) {
        this.handlers.handleInheritance(data.items);
      }
    };
    this.#say({ type: "begin", incarnation });
  }

  #say(word: Word): void {
    this.#channel?.postMessage(word);
  }
}
