import { once } from "node:events";
import { connect, createServer, type Server as NetServer, type Socket } from "node:net";

/** What a frame's opcode says it carries. */
const BINARY = 2;

/**
 * A way to the server that can be cut and mended, and that may change what pages upload: a page
 * that is opened through it has its own connections to the server here, and nothing else.
 */
export class Detour {
  readonly url: string;
  readonly #listener: NetServer;
  readonly #sockets = new Set<Socket>();
  #cut = false;

  private constructor(listener: NetServer, port: number) {
    this.#listener = listener;
    this.url = `http://localhost:${port}`;
  }

  /** `tamper` gets each binary message of a page and returns one of the same length. */
  static async to(port: number, tamper?: (message: Buffer) => void): Promise<Detour> {
    const listener = createServer();
    listener.listen(0, "127.0.0.1");
    await once(listener, "listening");
    const address = listener.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    const detour = new Detour(listener, address.port);
    listener.on("connection", (page) => detour.#join(page, port, tamper));
    return detour;
  }

  /** Every connection breaks, and none can be made. */
  cut(): void {
    this.#cut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend(): void {
    this.#cut = false;
  }

  async close(): Promise<void> {
    this.cut();
    this.#listener.close();
    await once(this.#listener, "close");
  }

  #join(page: Socket, port: number, tamper?: (message: Buffer) => void): void {
    if (this.#cut) {
      page.destroy();
      return;
    }
    const server = connect(port, "127.0.0.1");
    for (const [socket, other] of [
      [page, server],
      [server, page],
    ] as const) {
      this.#sockets.add(socket);
      socket.on("error", () => other.destroy());
      socket.on("close", () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
    server.pipe(page);
    if (tamper === undefined) page.pipe(server);
    else passFrames(page, server, tamper);
  }
}

/** Passes the HTTP upgrade on as it is, and the WebSocket frames after it one by one. */
function passFrames(page: Socket, server: Socket, tamper: (message: Buffer) => void): void {
  let waiting = Buffer.alloc(0);
  let upgraded = false;
  page.on("data", (chunk: Buffer) => {
    waiting = Buffer.concat([waiting, chunk]);
    if (!upgraded) {
      const end = waiting.indexOf("\r\n\r\n");
      if (end < 0) return;
      const head = waiting.subarray(0, end + 4);
      upgraded = /^upgrade: websocket/im.test(head.toString());
      if (!upgraded) {
        server.write(waiting);
        waiting = Buffer.alloc(0);
        return;
      }
      server.write(head);
      waiting = waiting.subarray(end + 4);
    }
    for (;;) {
      const length = frameLength(waiting);
      if (length === null || waiting.length < length) return;
      const frame = Buffer.from(waiting.subarray(0, length));
      waiting = waiting.subarray(length);
      if ((frame.readUInt8(0) & 0x0f) === BINARY) tamperFrame(frame, tamper);
      server.write(frame);
    }
  });
}

/** Header, mask and payload; null while the header is not all there. */
function frameLength(bytes: Buffer): number | null {
  if (bytes.length < 2) return null;
  const short = bytes.readUInt8(1) & 0x7f;
  if (short < 126) return 6 + short;
  if (short === 126) return bytes.length < 4 ? null : 8 + bytes.readUInt16BE(2);
  return bytes.length < 10 ? null : 14 + Number(bytes.readBigUInt64BE(2));
}

/** A page masks its frames: the payload is unmasked, changed and masked again. */
function tamperFrame(frame: Buffer, tamper: (message: Buffer) => void): void {
  const short = frame.readUInt8(1) & 0x7f;
  const at = short < 126 ? 2 : short === 126 ? 4 : 10;
  const mask = frame.subarray(at, at + 4);
  const payload = frame.subarray(at + 4);
  const flip = () => {
    for (let index = 0; index < payload.length; index += 1) {
      payload.writeUInt8(payload.readUInt8(index) ^ mask.readUInt8(index % 4), index);
    }
  };
  flip();
  tamper(payload);
  flip();
}
