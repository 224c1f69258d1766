import type { ConnectionView } from "../../src/generated/ConnectionView";
import type { LinkState } from "../../src/generated/LinkState";
import type { SignalPayload } from "../../src/generated/SignalPayload";
import type { View } from "../../src/generated/View";
import type { LinkKey, PageMessage } from "../../src/messages";
import { failureReason, PeerLink } from "./peer-link";

/** The drop limit of a posted channel, as the worker has it for its own. */
const PACKET_BYTES = 1200;

/** Signals kept for an attempt that this page has not heard of yet. */
const EARLY_SIGNALS = 256;

/** A view that says how the members reach each other: before play, and while it goes on. */
type Connecting = Extract<View, { connection: ConnectionView }>;

/** The connections of this page to all other members of its session, for the newest attempt. */
export class Mesh {
  #key: { session: string; attempt: number } | null = null;
  readonly #links = new Map<number, PeerLink>();
  /** Partners to whom the channel is open. */
  readonly #reached = new Set<number>();
  /** Channels that this browser cannot transfer. */
  readonly #channels = new Map<number, RTCDataChannel>();
  /** A partner may hear of an attempt before we do. */
  #early: { key: LinkKey; payload: SignalPayload }[] = [];

  constructor(private readonly post: (message: PageMessage, transfer?: Transferable[]) => void) {}

  /**
   * Each attempt gets fresh connections; the same attempt again changes nothing. Where the study
   * wants no member to learn another's address, there are none.
   */
  connect(view: Connecting): void {
    if (view.connection.relay_only) {
      this.close();
      return;
    }
    const { session, player, players } = view.session;
    if (this.#key?.session === session && this.#key.attempt === view.connection.attempt) return;
    this.close();
    this.#key = { session, attempt: view.connection.attempt };
    for (let peer = 0; peer < players; peer += 1) {
      if (peer !== player) this.#open(peer, player < peer, view);
    }
    for (const link of this.#links.values()) link.start();
    const early = this.#early;
    this.#early = [];
    for (const { key, payload } of early) this.handleSignal(key, payload);
  }

  close(): void {
    for (const link of this.#links.values()) link.close();
    this.#links.clear();
    this.#reached.clear();
    this.#channels.clear();
    this.#key = null;
  }

  handleSignal(key: LinkKey, payload: SignalPayload): void {
    if (this.#isCurrent(key)) this.#links.get(key.peer)?.handleSignal(payload);
    else if (this.#isAhead(key) && this.#early.length < EARLY_SIGNALS) {
      this.#early.push({ key, payload });
    }
  }

  /** A transferred channel opened or closed in the worker. */
  handleChannel(key: LinkKey, open: boolean): void {
    const link = this.#links.get(key.peer);
    if (!link || !this.#isCurrent(key)) return;
    if (!open) {
      this.#report(key, { kind: "failed", reason: "the channel closed" });
      return;
    }
    this.#reached.add(key.peer);
    void link.openState().then((state) => {
      // The link may have failed, or been made anew, while the browser told its way.
      const lasts = this.#links.get(key.peer) === link && this.#reached.has(key.peer);
      if (lasts) this.#report(key, state);
    });
  }

  /** Sends a packet over a channel that stayed here. */
  handlePosted(key: LinkKey, bytes: ArrayBuffer): void {
    const channel = this.#channels.get(key.peer);
    if (!channel || !this.#isCurrent(key) || channel.readyState !== "open") return;
    if (channel.bufferedAmount > PACKET_BYTES) {
      this.post({ type: "posted_packet_skipped", link: key });
    } else {
      channel.send(bytes);
    }
  }

  #open(peer: number, offers: boolean, view: Connecting): void {
    const key: LinkKey = { session: view.session.session, attempt: view.connection.attempt, peer };
    try {
      const link = new PeerLink(offers, view.connection.ice_servers, {
        signal: (payload) => this.post({ type: "signal", link: key, payload }),
        handleChannel: (channel) => this.#handOver(key, channel),
        handleFailed: (reason) => this.#report(key, { kind: "failed", reason }),
      });
      this.#links.set(peer, link);
    } catch (error) {
      // A browser with WebRTC switched off, or an address of an ICE server that it does not take.
      this.#report(key, { kind: "failed", reason: failureReason(error) });
    }
  }

  #handOver(key: LinkKey, channel: RTCDataChannel): void {
    try {
      this.post({ type: "channel", link: key, channel }, [channel as unknown as Transferable]);
    } catch {
      this.#keep(key, channel);
    }
  }

  #keep(key: LinkKey, channel: RTCDataChannel): void {
    this.#channels.set(key.peer, channel);
    channel.onopen = () => {
      this.post({ type: "posted_channel", link: key, open: true });
    };
    channel.onclose = () => {
      this.post({ type: "posted_channel", link: key, open: false });
    };
    channel.onmessage = ({ data }: MessageEvent<ArrayBuffer>) => {
      this.post({ type: "posted_packet", link: key, bytes: data }, [data]);
    };
  }

  #report(key: LinkKey, state: LinkState): void {
    if (!this.#isCurrent(key)) return;
    if (state.kind === "failed") this.#reached.delete(key.peer);
    this.post({ type: "link", link: key, state });
  }

  #isCurrent(key: LinkKey): boolean {
    return key.session === this.#key?.session && key.attempt === this.#key.attempt;
  }

  #isAhead(key: LinkKey): boolean {
    return key.session !== this.#key?.session || key.attempt > this.#key.attempt;
  }
}
