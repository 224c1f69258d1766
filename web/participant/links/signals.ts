import type { SignalPayload } from "../../src/generated/SignalPayload";

/** What signalling does to one connection; an RTCPeerConnection behind it. */
export interface SignalTarget {
  /** Sets the partner's description, and answers an offer. */
  describe(payload: Extract<SignalPayload, { kind: "offer" | "answer" }>): Promise<void>;
  addCandidate(payload: Extract<SignalPayload, { kind: "candidate" }>): Promise<void>;
}

/**
 * Feeds signals of one partner and attempt to a connection in an order that it can take: one at a
 * time, and candidates not before the description, although they may arrive before it.
 */
export class SignalQueue {
  readonly #early: Extract<SignalPayload, { kind: "candidate" }>[] = [];
  #described = false;
  #working: Promise<void> = Promise.resolve();

  constructor(
    private readonly target: SignalTarget,
    private readonly handleError: (error: unknown) => void,
  ) {}

  handle(payload: SignalPayload): void {
    this.#working = this.#working.then(() => this.#apply(payload)).catch(this.handleError);
  }

  /** When everything handed in so far is done. */
  get settled(): Promise<void> {
    return this.#working;
  }

  async #apply(payload: SignalPayload): Promise<void> {
    if (payload.kind === "candidate") {
      if (this.#described) await this.target.addCandidate(payload);
      else this.#early.push(payload);
      return;
    }
    if (this.#described) return;
    await this.target.describe(payload);
    this.#described = true;
    for (const candidate of this.#early.splice(0)) await this.target.addCandidate(candidate);
  }
}
