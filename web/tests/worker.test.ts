import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { ServerMessage } from "../src/generated/ServerMessage";
import type { PageMessage, WorkerMessage } from "../src/messages";
import { PROTOCOL_VERSION } from "../worker/connection";

/** The worker's line to the server. */
class FakeSocket {
  static last: FakeSocket | null = null;
  bufferedAmount = 0;
  closed = false;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;

  constructor() {
    FakeSocket.last = this;
  }

  send(): void {}

  close(): void {
    this.closed = true;
  }

  receive(body: unknown): void {
    this.onmessage?.({ data: JSON.stringify({ v: PROTOCOL_VERSION, body }) });
  }
}

const WELCOME: ServerMessage = {
  type: "welcome",
  participant: "p",
  study_title: "A study",
  incarnation: 2,
  resume_key: "k",
  acknowledged: 0,
  server_ms: 0,
  python: null,
};

let posted: WorkerMessage[];
let tell: (message: PageMessage) => void;

/** A page whose network gives it everything but the game's module. */
beforeEach(() => begin(() => Promise.reject(new TypeError("no network"))));

/** A new page; `fetch` is its network. */
async function begin(fetch: () => Promise<Response>): Promise<void> {
  vi.useFakeTimers();
  vi.spyOn(console, "warn").mockImplementation(() => {});
  vi.spyOn(console, "error").mockImplementation(() => {});
  vi.resetModules();
  posted = [];
  vi.stubGlobal("WebSocket", FakeSocket);
  vi.stubGlobal("BroadcastChannel", undefined);
  vi.stubGlobal("fetch", fetch);
  vi.stubGlobal("self", {
    location: { href: "https://study.example/assets/worker.js" },
    addEventListener: (type: string, listener: (event: { data: PageMessage }) => void) => {
      if (type === "message") tell = (message) => listener({ data: message });
    },
    postMessage: (message: WorkerMessage) => posted.push(message),
  });
  await import("../worker/worker");
  tell({ type: "start", token: "t", userAgent: "a browser" });
}

afterEach(() => {
  vi.clearAllTimers();
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

function welcomed(python: string | null = null): FakeSocket {
  const socket = FakeSocket.last;
  if (!socket) throw new Error("no connection was opened");
  socket.onopen?.();
  socket.receive({ ...WELCOME, python });
  return socket;
}

const view = (view: object) => ({ type: "view", revision: 1, view });
const END = view({ kind: "end", code: "CODE" });
const LOBBY = view({ kind: "lobby", measured: true });
const kinds = () => posted.filter(({ type }) => type === "view" || type === "fault");

/** All tries to load the module fail. */
async function notLoaded(): Promise<void> {
  const tries = vi.mocked(console.error);
  for (let waited = 0; tries.mock.calls.length === 0 && waited < 300; waited += 1) {
    await vi.advanceTimersByTimeAsync(1000);
    FakeSocket.last?.receive({ type: "pong", sent_ms: performance.now(), server_ms: 0 });
  }
  expect(tries).toHaveBeenCalledWith(expect.stringContaining("module"), expect.anything());
}

test("the last page stays, with its code, when the module cannot be loaded", async () => {
  const socket = welcomed();
  socket.receive(END);
  await notLoaded();
  expect(kinds()).toMatchObject([{ type: "view", view: { kind: "end", code: "CODE" } }]);
  expect(FakeSocket.last?.closed).toBe(false);
});

test("what a module that cannot be loaded means is decided when the view comes", async () => {
  await notLoaded();
  expect(kinds()).toEqual([]);
  const socket = welcomed();
  socket.receive(END);
  expect(kinds()).toMatchObject([{ type: "view", view: { kind: "end" } }]);
});

test("any other page gives way to the fault", async () => {
  const socket = welcomed();
  socket.receive(LOBBY);
  await notLoaded();
  expect(kinds()).toMatchObject([
    { type: "view", view: { kind: "lobby" } },
    { type: "fault", fault: "engine_not_loaded" },
  ]);
  expect(socket.closed).toBe(true);
});

test("a page without the module does not begin", async () => {
  await notLoaded();
  const socket = welcomed();
  socket.receive(LOBBY);
  expect(kinds()).toEqual([{ type: "fault", fault: "engine_not_loaded" }]);
  expect(socket.closed).toBe(true);
});

test("a page of a game in Python cannot be left before the game is ready", async () => {
  const nothing = () => undefined;
  const outbox = {
    ...{ poll: nothing, poll_kept: nothing, poll_settled: nothing, reconnect: nothing },
    ...{ earlier: () => 0, unacknowledged: () => 0 },
  };
  const engine = { createOutbox: () => outbox };
  vi.doMock("../worker/engine", () => ({ loadEngine: () => Promise.resolve(engine) }));
  try {
    await begin(() => new Promise(() => {}));
    await vi.advanceTimersByTimeAsync(0);
    const socket = welcomed("one");
    socket.receive(view({ kind: "start", scene: 0 }));
    const game = { environment: { id: "python", config: "{}" } };
    socket.receive(view({ kind: "instructions", scene: 1, game, measured: false }));
    const steps = posted.filter(({ type }) => type === "ready" || type === "view");
    expect(steps).toMatchObject([
      { type: "ready", ready: true },
      { type: "view", view: { kind: "start" } },
      { type: "ready", ready: false },
      { type: "view", view: { kind: "instructions" } },
    ]);
  } finally {
    vi.doUnmock("../worker/engine");
  }
});
