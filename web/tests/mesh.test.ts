import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Mesh } from "../participant/links/mesh";
import type { View } from "../src/generated/View";
import type { PageMessage } from "../src/messages";

class FakeChannel {
  binaryType = "blob";
  readyState = "connecting";
  bufferedAmount = 0;
  readonly sent: unknown[] = [];
  onopen: (() => void) | null = null;
  onclose: (() => void) | null = null;
  onmessage: ((event: { data: ArrayBuffer }) => void) | null = null;

  send(data: unknown): void {
    this.sent.push(data);
  }
}

let channel: FakeChannel;
let statistics: () => Promise<Map<string, unknown>>;

class FakePeerConnection {
  connectionState = "new";
  localDescription = null;

  createDataChannel(): FakeChannel {
    return channel;
  }

  async setLocalDescription(): Promise<void> {}

  getStats(): Promise<Map<string, unknown>> {
    return statistics();
  }

  close(): void {}
}

const LINK = { session: "s", attempt: 1, peer: 1 };
const CONNECTING = {
  kind: "connecting",
  session: { session: "s", player: 0, players: 2 },
  connection: { ice_servers: [], attempt: 1, linked: [], relay_only: false, direct_only: false },
} as unknown as Extract<View, { kind: "connecting" }>;

let posted: PageMessage[];
let transfers: boolean;
let mesh: Mesh;

beforeEach(() => {
  channel = new FakeChannel();
  statistics = async () => new Map();
  posted = [];
  transfers = true;
  mesh = new Mesh((message) => {
    if (message.type === "channel" && !transfers) {
      throw new DOMException("it cannot be cloned", "DataCloneError");
    }
    posted.push(message);
  });
  vi.stubGlobal("RTCPeerConnection", FakePeerConnection);
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

/** As after a turn of the event loop. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 0));

test("a channel that can be transferred goes to the worker", () => {
  mesh.connect(CONNECTING);
  expect(posted).toEqual([{ type: "channel", link: LINK, channel }]);
});

test("a channel that cannot be transferred stays, and its packets are posted", () => {
  transfers = false;
  mesh.connect(CONNECTING);
  expect(posted).toEqual([]);

  const bytes = new Uint8Array([1, 2, 3]).buffer;
  mesh.handlePosted(LINK, bytes);
  expect(channel.sent).toEqual([]);

  channel.readyState = "open";
  channel.onopen?.();
  channel.onmessage?.({ data: bytes });
  expect(posted.splice(0)).toEqual([
    { type: "posted_channel", link: LINK, open: true },
    { type: "posted_packet", link: LINK, bytes },
  ]);

  mesh.handlePosted(LINK, bytes);
  mesh.handlePosted({ ...LINK, attempt: 0 }, bytes);
  expect(channel.sent).toEqual([bytes]);

  channel.bufferedAmount = 5000;
  mesh.handlePosted(LINK, bytes);
  expect(channel.sent).toEqual([bytes]);
  channel.onclose?.();
  expect(posted).toEqual([
    { type: "posted_packet_skipped", link: LINK },
    { type: "posted_channel", link: LINK, open: false },
  ]);
});

test("a browser without WebRTC reports why there is no link", () => {
  vi.stubGlobal("RTCPeerConnection", undefined);
  mesh.connect(CONNECTING);
  expect(posted).toMatchObject([{ type: "link", link: LINK, state: { kind: "failed" } }]);
});

test("a connection that cannot be made is reported with the browser's reason, cut short", () => {
  vi.stubGlobal(
    "RTCPeerConnection",
    class {
      constructor() {
        throw new SyntaxError(`no ICE server: ${"x".repeat(500)}`);
      }
    },
  );
  mesh.connect(CONNECTING);
  const [message] = posted;
  if (message?.type !== "link" || message.state.kind !== "failed") throw new Error("no report");
  expect(message.state.reason).toMatch(/^SyntaxError: no ICE server/);
  expect(message.state.reason.length).toBe(200);
  mesh.handleSignal(LINK, { kind: "answer", sdp: "" });
  mesh.handleChannel(LINK, true);
});

test("a link whose statistics cannot be read is open all the same", async () => {
  vi.spyOn(console, "warn").mockImplementation(() => {});
  statistics = () => Promise.reject(new Error("closed"));
  mesh.connect(CONNECTING);
  mesh.handleChannel(LINK, true);
  await settle();
  expect(posted.at(-1)).toEqual({
    type: "link",
    link: LINK,
    state: { kind: "open", local: "unknown", remote: "unknown" },
  });
});

test("a link that failed while its way was read is not reported open after that", async () => {
  let tell: (map: Map<string, unknown>) => void = () => {};
  const told = new Promise<Map<string, unknown>>((resolve) => (tell = resolve));
  statistics = () => told;
  mesh.connect(CONNECTING);
  mesh.handleChannel(LINK, true);
  mesh.handleChannel(LINK, false);
  tell(new Map());
  await settle();
  expect(posted.slice(1)).toMatchObject([{ type: "link", state: { kind: "failed" } }]);
  // Nor is one that another link has taken the place of, in an attempt of the same number.
  mesh.handleChannel(LINK, true);
  mesh.close();
  mesh.connect(CONNECTING);
  await settle();
  expect(posted.slice(2)).toMatchObject([{ type: "channel" }]);
});

test("a new attempt during play makes every link anew, the same one changes nothing", () => {
  const playing = (attempt: number) =>
    ({
      ...CONNECTING,
      kind: "playing",
      connection: { ...CONNECTING.connection, attempt },
    }) as unknown as Extract<View, { kind: "playing" }>;
  mesh.connect(CONNECTING);
  mesh.connect(playing(1));
  expect(posted.length).toBe(1);
  mesh.connect(playing(2));
  expect(posted.at(-1)).toEqual({ type: "channel", link: { ...LINK, attempt: 2 }, channel });
  mesh.handleChannel(LINK, false);
  expect(posted.length).toBe(2);
  mesh.handleChannel({ ...LINK, attempt: 2 }, false);
  expect(posted.at(-1)).toMatchObject({ type: "link", state: { kind: "failed" } });
});

test("where members must not learn each other's address, no connection is made", () => {
  let made = 0;
  vi.stubGlobal(
    "RTCPeerConnection",
    class extends FakePeerConnection {
      constructor() {
        super();
        made += 1;
      }
    },
  );
  mesh.connect({ ...CONNECTING, connection: { ...CONNECTING.connection, relay_only: true } });
  expect(made).toBe(0);
  expect(posted).toEqual([]);
  mesh.connect(CONNECTING);
  expect(made).toBe(1);
});
