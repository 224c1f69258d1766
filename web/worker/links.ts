import type { LinkKey } from "../src/messages";

/** A tick's packet is dropped, never queued, while the channel still holds one of about this size. */
const PACKET_BYTES = 1200;

export type Sent = "sent" | "skipped" | "closed";

export interface LinkHandlers {
  handlePacket(peer: number, bytes: Uint8Array): void;
  handleChannel(link: LinkKey, open: boolean): void;
  /** Sends over a channel that stayed in the page. */
  post(link: LinkKey, bytes: ArrayBuffer): void;
}

interface Link {
  key: LinkKey;
  /** Null where the browser cannot transfer channels: the page holds it and bytes are posted. */
  channel: RTCDataChannel | null;
  open: boolean;
}

/** The DataChannels to the other members, of the newest connection attempt only. */
export class Links {
  readonly #links = new Map<number, Link>();
  #session: string | null = null;
  #attempt = 0;

  constructor(private readonly handlers: LinkHandlers) {}

  /** The attempt that counts. */
  get key(): { session: string; attempt: number } | null {
    return this.#session === null ? null : { session: this.#session, attempt: this.#attempt };
  }

  /** True when `link` belongs to the attempt that counts. */
  current(link: Omit<LinkKey, "peer">): boolean {
    return link.session === this.#session && link.attempt === this.#attempt;
  }

  isOpen(peer: number): boolean {
    return this.#links.get(peer)?.open ?? false;
  }

  /** Forgets the channels of every other session or attempt; false if this one goes on. */
  begin(session: string | null, attempt: number): boolean {
    if (session === this.#session && attempt === this.#attempt) return false;
    for (const link of this.#links.values()) close(link);
    this.#links.clear();
    this.#session = session;
    this.#attempt = attempt;
    return true;
  }

  adopt(key: LinkKey, channel: RTCDataChannel): void {
    const link: Link = { key, channel, open: false };
    // Handlers first: an open channel may hold messages already.
    channel.binaryType = "arraybuffer";
    channel.onopen = () => this.#opened(link);
    channel.onclose = () => this.#closed(link);
    channel.onmessage = (event: MessageEvent<unknown>) => {
      if (event.data instanceof ArrayBuffer && this.current(key)) {
        this.handlers.handlePacket(key.peer, new Uint8Array(event.data));
      }
    };
    if (!this.#place(link)) return;
    if (channel.readyState === "open") this.#opened(link);
  }

  /** A channel that stayed in the page changed. */
  adoptPosted(key: LinkKey, open: boolean): void {
    const link: Link = { key, channel: null, open };
    if (this.#place(link)) this.handlers.handleChannel(key, open);
  }

  handlePostedPacket(key: LinkKey, bytes: ArrayBuffer): void {
    if (this.current(key)) this.handlers.handlePacket(key.peer, new Uint8Array(bytes));
  }

  send(peer: number, engineBytes: Uint8Array): Sent {
    // The engine's memory is never shared, which the type cannot know.
    const bytes = engineBytes as Uint8Array<ArrayBuffer>;
    const link = this.#links.get(peer);
    if (!link?.open) return "closed";
    if (link.channel === null) {
      this.handlers.post(link.key, bytes.slice().buffer);
      return "sent";
    }
    if (link.channel.bufferedAmount > PACKET_BYTES) return "skipped";
    try {
      link.channel.send(bytes);
    } catch {
      // It closed since its last event.
      return "closed";
    }
    return "sent";
  }

  #place(link: Link): boolean {
    if (!this.current(link.key)) {
      close(link);
      return false;
    }
    const old = this.#links.get(link.key.peer);
    if (old && old.channel !== link.channel) close(old);
    this.#links.set(link.key.peer, link);
    return true;
  }

  #opened(link: Link): void {
    if (link.open || this.#links.get(link.key.peer) !== link) return;
    link.open = true;
    this.handlers.handleChannel(link.key, true);
  }

  #closed(link: Link): void {
    if (!link.open || this.#links.get(link.key.peer) !== link) return;
    link.open = false;
    this.handlers.handleChannel(link.key, false);
  }
}

function close(link: Link): void {
  if (link.channel === null) return;
  link.channel.onopen = null;
  link.channel.onclose = null;
  link.channel.onmessage = null;
  link.channel.close();
}
