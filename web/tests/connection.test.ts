import { beforeEach, expect, test } from "vitest";
import type { ClientMessage } from "../src/generated/ClientMessage";
import type { ServerMessage } from "../src/generated/ServerMessage";
import { Connection, PROTOCOL_VERSION, type Surroundings } from "../worker/connection";

class FakeSocket {
  binaryType = "";
  bufferedAmount = 0;
  closed = false;
  readonly sent: unknown[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: (() => void) | null = null;

  send(data: unknown): void {
    this.sent.push(typeof data === "string" ? JSON.parse(data).body : data);
  }

  close(): void {
    this.closed = true;
  }

  receive(body: unknown, version = PROTOCOL_VERSION): void {
    this.onmessage?.({ data: JSON.stringify({ v: version, body }) });
  }
}

/** Time that passes only when told. */
class World implements Surroundings {
  readonly sockets: FakeSocket[] = [];
  #time = 0;
  #timers: { at: number; callback: () => void }[] = [];

  open(): WebSocket {
    const socket = new FakeSocket();
    this.sockets.push(socket);
    return socket as unknown as WebSocket;
  }

  now(): number {
    return this.#time;
  }

  random(): number {
    return 1;
  }

  later(callback: () => void, ms: number): () => void {
    const timer = { at: this.#time + ms, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  pass(ms: number): void {
    const until = this.#time + ms;
    for (;;) {
      const due = this.#timers.filter((timer) => timer.at <= until);
      const next = due.sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.#timers = this.#timers.filter((other) => other !== next);
      this.#time = next.at;
      next.callback();
    }
    this.#time = until;
  }

  /** Time in which nothing here ran: every timer that is due comes once, after it. */
  sleep(ms: number): void {
    this.#time += ms;
    const due = this.#timers.filter((timer) => timer.at <= this.#time);
    this.#timers = this.#timers.filter((timer) => timer.at > this.#time);
    for (const timer of due) timer.callback();
  }

  get socket(): FakeSocket {
    const last = this.sockets.at(-1);
    if (!last) throw new Error("no socket was opened");
    return last;
  }
}

const HELLO: ClientMessage = { type: "hello", token: "t", resume: null, user_agent: "test" };
const WELCOME = {
  type: "welcome",
  participant: "p",
  study_title: "Study",
  incarnation: 1,
  resume_key: "k",
  acknowledged: 0,
  server_ms: 0,
};

let world: World;
let heard: ServerMessage[];
let frames: number[][];
let changes: boolean[];
let connection: Connection;

beforeEach(() => {
  world = new World();
  heard = [];
  frames = [];
  changes = [];
  connection = new Connection(
    "ws://test/ws",
    {
      hello: () => HELLO,
      handleMessage: (message) => heard.push(message),
      handleBytes: (bytes) => frames.push([...bytes]),
      handleConnected: (connected) => changes.push(connected),
    },
    world,
  );
  connection.start();
});

function welcome(): void {
  world.socket.onopen?.();
  world.socket.receive(WELCOME);
}

test("says hello first, and sends nothing else before the welcome", () => {
  world.socket.onopen?.();
  expect(connection.send({ type: "leave" })).toBe(false);
  expect(world.socket.sent).toEqual([HELLO]);
  world.socket.receive(WELCOME);
  expect(connection.send({ type: "leave" })).toBe(true);
  expect(world.socket.sent).toEqual([HELLO, { type: "leave" }]);
  expect(changes).toEqual([true]);
});

test("a broken line is opened again, with growing pauses, until it holds", () => {
  welcome();
  world.socket.onclose?.();
  expect(changes).toEqual([true, false]);
  const openedAt: number[] = [];
  for (let tries = 0; tries < 4; tries += 1) {
    const before = world.sockets.length;
    while (world.sockets.length === before) world.pass(1);
    openedAt.push(world.now());
    world.socket.onclose?.();
  }
  const pauses = openedAt.map((at, index) => at - (openedAt[index - 1] ?? 0));
  expect(pauses).toEqual([250, 500, 1000, 2000]);
  expect(changes).toEqual([true, false]);
});

test("pauses begin anew after a connection that lasted, not after one that broke at once", () => {
  const pause = () => {
    const [brokeAt, before] = [world.now(), world.sockets.length];
    world.socket.onclose?.();
    while (world.sockets.length === before) world.pass(1);
    return world.now() - brokeAt;
  };
  welcome();
  expect(pause()).toBe(250);
  welcome();
  expect(pause()).toBe(500);
  welcome();
  for (let second = 0; second < 11; second += 1) {
    world.pass(1000);
    world.socket.receive({ type: "pong", sent_ms: 0, server_ms: 0 });
  }
  expect(pause()).toBe(250);
});

test("a silent line is given up although the socket never closes", () => {
  welcome();
  const first = world.socket;
  world.pass(4000);
  expect(first.sent.filter((message) => (message as ClientMessage).type === "ping").length).toBe(4);
  expect(first.closed).toBe(false);
  world.pass(4000);
  expect(first.closed).toBe(true);
  expect(changes).toEqual([true, false]);
  expect(world.sockets.length).toBeGreaterThan(1);
});

test("a worker that was busy or asleep does not blame the line for it", () => {
  welcome();
  const { socket } = world;
  // Timers come first when it wakes up; what the server sent meanwhile lies behind them.
  world.sleep(60_000);
  expect(socket.closed).toBe(false);
  socket.receive({ type: "pong", sent_ms: 0, server_ms: 0 });
  world.pass(5000);
  expect(socket.closed).toBe(false);
  expect(changes).toEqual([true]);
  world.pass(5000);
  expect(socket.closed).toBe(true);
});

test("answers keep a line", () => {
  welcome();
  for (let second = 0; second < 30; second += 1) {
    world.pass(1000);
    world.socket.receive({ type: "pong", sent_ms: 0, server_ms: 0 });
  }
  expect(world.sockets.length).toBe(1);
});

test("a network that is back is used at once", () => {
  welcome();
  world.socket.onclose?.();
  connection.wake();
  expect(world.sockets.length).toBe(2);
  world.pass(10_000);
  expect(world.sockets.filter((socket) => !socket.closed).length).toBe(1);
});

test("a server of another version is told from nonsense", () => {
  world.socket.onopen?.();
  world.socket.onmessage?.({ data: "{" });
  world.socket.onmessage?.({ data: "null" });
  world.socket.onmessage?.({ data: '{"v":1}' });
  expect(heard).toEqual([]);
  world.socket.receive({ anything: true }, PROTOCOL_VERSION + 1);
  expect(heard).toMatchObject([{ type: "refused", refusal: { code: "version" } }]);
});

test("uploads pause while the socket is full", () => {
  welcome();
  expect(connection.roomy).toBe(true);
  world.socket.bufferedAmount = 1 << 20;
  expect(connection.roomy).toBe(false);
  expect(connection.send({ type: "leave" })).toBe(true);
});

test("packets go out now or never, and uploads leave them room", () => {
  const packet = new Uint8Array([1, 2]);
  expect(connection.sendPacket(packet)).toBe(false);
  welcome();
  expect(connection.sendPacket(packet)).toBe(true);
  world.socket.bufferedAmount = 10_000;
  expect(connection.sendPacket(packet)).toBe(false);
  expect(world.socket.sent.filter((data) => data === packet).length).toBe(1);
  expect(connection.roomy).toBe(false);
  // No more packets: uploads may fill the line.
  world.pass(1500);
  expect(connection.roomy).toBe(true);
});

test("binary frames are handed on", () => {
  welcome();
  world.socket.onmessage?.({ data: new Uint8Array([7, 8]).buffer });
  expect(frames).toEqual([[7, 8]]);
});

test("a stopped connection stays away", () => {
  welcome();
  connection.stop();
  world.pass(60_000);
  connection.wake();
  expect(world.sockets.length).toBe(1);
  expect(world.socket.closed).toBe(true);
});
