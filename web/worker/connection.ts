import type { ClientMessage } from "../src/generated/ClientMessage";
import type { ServerMessage } from "../src/generated/ServerMessage";
import { Backoff } from "./backoff";

/** Must equal `igym_protocol::VERSION`. */
export const PROTOCOL_VERSION = 1;

const PING_MS = 1_000;
/**
 * No answer to `Hello`, or nothing at all while we ping, at so many pings in a row: the line is
 * dead. Pings are counted, not time: while this worker was busy or asleep, answers waited for it.
 */
const WELCOME_PINGS = 10;
const SILENT_PINGS = 6;

/** A connection that lasted so long was no accident: the next break counts from the beginning. */
const STEADY_MS = 10_000;

/** Bytes that may wait in the socket before uploads pause; control messages never do. */
const BUFFERED_BYTES = 512 * 1024;
/** The same while packets pass through the server: they are worthless once late. */
const BUFFERED_BYTES_WITH_PACKETS = 8 * 1024;
/** Above about one packet to each partner, this tick's is dropped, never queued. */
const PACKET_BYTES = 4 * 1200;
/** So long after a packet, more are expected. */
const PACKETS_MS = 1_000;

export interface ConnectionHandlers {
  /** The first message of each connection. */
  hello(): ClientMessage;
  handleMessage(message: ServerMessage): void;
  handleBytes(bytes: Uint8Array): void;
  /** The server answered `Hello`, or the line broke. */
  handleConnected(connected: boolean): void;
}

/** What a connection needs of its surroundings; a test brings its own. */
export interface Surroundings {
  open(url: string): WebSocket;
  now(): number;
  random(): number;
  later(callback: () => void, ms: number): () => void;
}

export const BROWSER: Surroundings = {
  open: (url) => new WebSocket(url),
  now: () => performance.now(),
  random: () => Math.random(),
  later: (callback, ms) => {
    const id = setTimeout(callback, ms);
    return () => clearTimeout(id);
  },
};

/** The line to the server: opens it, keeps it, opens it again. Nothing is queued here. */
export class Connection {
  readonly #backoff = new Backoff();
  #socket: WebSocket | null = null;
  #welcomed = false;
  #stopped = false;
  #welcomedAt = 0;
  /** Pings since something came. */
  #silentPings = 0;
  #packetAt = Number.NEGATIVE_INFINITY;
  #cancelRetry: (() => void) | null = null;
  #cancelWatch: (() => void) | null = null;

  constructor(
    private readonly url: string,
    private readonly handlers: ConnectionHandlers,
    private readonly surroundings: Surroundings = BROWSER,
  ) {}

  /** True between the server's `Welcome` and the end of that connection. */
  get connected(): boolean {
    return this.#welcomed;
  }

  /** True while uploads may be sent. */
  get roomy(): boolean {
    const packets = this.surroundings.now() - this.#packetAt < PACKETS_MS;
    const limit = packets ? BUFFERED_BYTES_WITH_PACKETS : BUFFERED_BYTES;
    return this.#welcomed && this.#socket !== null && this.#socket.bufferedAmount < limit;
  }

  start(): void {
    this.#connect();
  }

  /** For good. */
  stop(): void {
    this.#stopped = true;
    this.#cancelRetry?.();
    this.#drop();
  }

  /** The network is back: do not sit out the pause. */
  wake(): void {
    if (this.#cancelRetry === null) return;
    this.#cancelRetry();
    this.#cancelRetry = null;
    this.#connect();
  }

  /** False when there is no connection: the message is gone. */
  send(message: ClientMessage): boolean {
    if (!this.#welcomed) return false;
    this.#sendText(message);
    return true;
  }

  sendBytes(bytes: Uint8Array): boolean {
    if (!this.#welcomed) return false;
    this.#sendNow(bytes);
    return true;
  }

  /** Sends a packet now or never; false if it was dropped. */
  sendPacket(bytes: Uint8Array): boolean {
    this.#packetAt = this.surroundings.now();
    if (!this.#welcomed || this.#socket === null) return false;
    if (this.#socket.bufferedAmount > PACKET_BYTES) return false;
    this.#sendNow(bytes);
    return true;
  }

  #connect(): void {
    if (this.#stopped) return;
    this.#cancelRetry = null;
    let socket: WebSocket;
    try {
      socket = this.surroundings.open(this.url);
    } catch {
      this.#retry();
      return;
    }
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    this.#silentPings = 0;
    socket.onopen = () => {
      this.#silentPings = 0;
      this.#sendText(this.handlers.hello());
    };
    socket.onmessage = (event) => this.#receive(event.data);
    socket.onclose = () => this.#broke();
    this.#watch();
  }

  #receive(data: unknown): void {
    this.#silentPings = 0;
    if (data instanceof ArrayBuffer) this.handlers.handleBytes(new Uint8Array(data));
    if (typeof data !== "string") return;
    const message = decode(data);
    if (message === null) return;
    if (message.type === "welcome") {
      this.#welcomed = true;
      this.#welcomedAt = this.surroundings.now();
      this.handlers.handleMessage(message);
      this.handlers.handleConnected(true);
      return;
    }
    this.handlers.handleMessage(message);
  }

  /** Pings, and gives up on a line that went silent: a broken network closes no socket for minutes. */
  #watch(): void {
    this.#cancelWatch?.();
    this.#cancelWatch = this.surroundings.later(() => {
      if (this.#silentPings >= (this.#welcomed ? SILENT_PINGS : WELCOME_PINGS)) {
        this.#broke();
        return;
      }
      this.#silentPings += 1;
      this.send({ type: "ping", sent_ms: this.surroundings.now() });
      this.#watch();
    }, PING_MS);
  }

  #broke(): void {
    const welcomed = this.#welcomed;
    if (welcomed && this.surroundings.now() - this.#welcomedAt > STEADY_MS) this.#backoff.reset();
    this.#drop();
    if (welcomed) this.handlers.handleConnected(false);
    if (!this.#stopped) this.#retry();
  }

  #drop(): void {
    this.#cancelWatch?.();
    this.#cancelWatch = null;
    const socket = this.#socket;
    this.#socket = null;
    this.#welcomed = false;
    if (socket === null) return;
    socket.onopen = null;
    socket.onmessage = null;
    socket.onclose = null;
    socket.close();
  }

  #retry(): void {
    const pause = this.#backoff.next(this.surroundings.random());
    this.#cancelRetry = this.surroundings.later(() => this.#connect(), pause);
  }

  #sendNow(bytes: Uint8Array): void {
    // The engine's memory is never shared, which the type cannot know.
    this.#socket?.send(bytes as Uint8Array<ArrayBuffer>);
  }

  #sendText(message: ClientMessage): void {
    this.#socket?.send(JSON.stringify({ v: PROTOCOL_VERSION, body: message }));
  }
}

/** A server of another version is told from one that talks nonsense, which is ignored. */
function decode(text: string): ServerMessage | null {
  let envelope: { v?: unknown; body?: ServerMessage };
  try {
    envelope = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof envelope?.v !== "number") return null;
  if (envelope.v !== PROTOCOL_VERSION) {
    const message = `the server speaks version ${envelope.v}, this page ${PROTOCOL_VERSION}`;
    return { type: "refused", refusal: { code: "version", message, upload: null } };
  }
  return typeof envelope.body?.type === "string" ? envelope.body : null;
}
