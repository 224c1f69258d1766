import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { PythonError } from "../python/boot";
import type { ClientMessage } from "../src/generated/ClientMessage";
import type { WorkerMessage } from "../src/messages";
import type { Connection } from "../worker/connection";
import type { Delivery } from "../worker/engine";
import type { Links, Sent } from "../worker/links";
import { type Means, Playing, type PlayingView } from "../worker/playing";

/** Ways that a packet takes. */
interface Way {
  to: number;
  direct: boolean;
  relay: boolean;
  plea?: boolean;
}

/** An episode that makes one packet per tick. */
class FakeEpisode {
  readonly log: string[] = [];
  ways: Way[] = [];
  frame = 1;
  rejoining = false;
  #packets: Way[] = [];
  #due = true;

  constructor(readonly how: string) {}

  rollbacks = 0;
  broken: string | undefined;

  assets = () => "[]";
  failure = () => this.broken;
  draw = () => JSON.stringify({ set: [], removed: [`picture of ${this.frame}`] });
  key = (key: string) => this.log.push(`key ${key}`);
  free = () => this.log.push("free");
  flush = () => this.log.push("flush");
  finish = () => this.log.push("finish");
  packet_skipped = (to: number) => this.log.push(`skipped ${to}`);
  poll_upload = () => {
    this.log.push("poll");
    return false;
  };
  report_costs = (...costs: number[]) => this.log.push(`costs ${costs}`);
  set_relay_only = () => this.log.push("relay only");
  set_direct_only = () => this.log.push("direct only");
  set_channel = (to: number, open: boolean) => this.log.push(`channel ${to} ${open}`);
  set_visible = (visible: boolean) => this.log.push(`visible ${visible}`);
  handle_packet = (from: number) => this.log.push(`packet ${from}`);
  handle_relayed = (from: number, plea: boolean) => this.log.push(`relayed ${from} ${plea}`);

  next_tick_at(now: number): number {
    return this.#due ? now : now + 1000;
  }

  tick(): void {
    this.#due = false;
    this.#packets = [...this.ways];
  }

  poll_packet() {
    const way = this.#packets.shift();
    return way && { plea: false, ...way, bytes: new Uint8Array([way.to]), free() {} };
  }

  status(): string {
    const { frame, rejoining, rollbacks } = this;
    return JSON.stringify({ frame, rejoining, rollbacks, scores: [], links: [] });
  }

  beat(): void {
    this.#due = true;
    vi.advanceTimersByTime(1000);
  }
}

const VIEW = {
  kind: "playing",
  session: { session: "s", player: 0, players: 2 },
  connection: { attempt: 1, ice_servers: [], linked: [], relay_only: false, direct_only: false },
  members: [],
  game: { environment: { id: "slime" } },
  plan: { session: "s", episode: 0, input_delay: 2, environment: { id: "slime" } },
  part: "play",
  starts_in_ms: 0,
  flush: false,
} as unknown as PlayingView;

let episodes: FakeEpisode[];
let means: Means | null;
let delivered: boolean;
let sent: ClientMessage[];
let flushed: string[];
let uploads: number;
let unsaved: number;
/** Configurations that environments in Python were opened with. */
let opened: string[];
let posted: WorkerMessage[];
let direct: Sent;
let relayed: boolean;
let frames: number[][];
let open: boolean;
let playing: Playing;

beforeEach(() => {
  vi.useFakeTimers();
  episodes = [];
  delivered = true;
  sent = [];
  flushed = [];
  uploads = 0;
  unsaved = 0;
  opened = [];
  posted = [];
  direct = "sent";
  relayed = true;
  frames = [];
  open = true;
  const create = (how: string) => {
    const episode = new FakeEpisode(how);
    episodes.push(episode);
    return episode;
  };
  means = {
    engine: {
      createEpisode: (...[, , , , open]: Parameters<Means["engine"]["createEpisode"]>) => {
        open?.("configuration");
        return create("created");
      },
      rejoinEpisode: () => create("rejoined"),
      encodeRelay: (_session: string, to: number, plea: boolean) =>
        new Uint8Array([to, Number(plea)]),
    },
    outbox: {
      push_flushed: (session: string, episode: number) => flushed.push(`${session} ${episode}`),
    },
    incarnation: 1,
    open: null,
    costs: () => null,
  } as unknown as Means;
  const links = { isOpen: () => open, send: () => direct } as unknown as Links;
  const connection = {
    sendPacket: (bytes: Uint8Array) => {
      if (relayed) frames.push([...bytes]);
      return relayed;
    },
  } as unknown as Connection;
  playing = new Playing(
    links,
    connection,
    () => means,
    () => delivered,
    {
      post: (message) => posted.push(message),
      send: (message) => sent.push(message) > 0,
      unsaved: () => unsaved,
      handleUploads: () => {
        uploads += 1;
      },
      handleCrash: (error) => {
        throw error;
      },
    },
  );
});

afterEach(() => {
  playing.end();
  vi.useRealTimers();
});

function delivery(kind: "history" | "relayed", of = { session: "s", episode: 0 }): Delivery {
  const packet = { from: 1, plea: true, packet: new Uint8Array([1]) };
  return { kind, ...of, ...packet, free() {} } as unknown as Delivery;
}

function only(): FakeEpisode {
  const [episode] = episodes;
  if (!episode || episodes.length !== 1) throw new Error(`${episodes.length} episodes`);
  return episode;
}

test("a first page plays from the first frame, once, whatever views follow", () => {
  playing.follow(VIEW, 0);
  playing.follow({ ...VIEW, part: "over" }, 0);
  expect(only().how).toBe("created");
  playing.follow({ ...VIEW, plan: { ...VIEW.plan, episode: 1 } }, 0);
  expect(episodes.length).toBe(2);
});

test("play begins once the module is there", () => {
  const later = means;
  means = null;
  playing.follow(VIEW, 0);
  expect(episodes.length).toBe(0);
  means = later;
  playing.proceed();
  expect(only().how).toBe("created");
});

test("a page that rejoins brings all first, asks until the history comes, and plays on", () => {
  delivered = false;
  playing.follow({ ...VIEW, part: "rejoin" }, 0);
  playing.repeat();
  expect(sent).toEqual([]);
  delivered = true;
  // It does not wait for the next second, and asks no more often than that.
  playing.proceed();
  playing.proceed();
  playing.repeat();
  expect(sent.length).toBe(1);
  vi.advanceTimersByTime(1000);
  playing.repeat();
  playing.repeat();
  expect(sent).toEqual(Array(2).fill({ type: "rejoin", session: "s", episode: 0 }));
  playing.handleDelivery(delivery("history", { session: "s", episode: 1 }));
  expect(episodes.length).toBe(0);
  playing.handleDelivery(delivery("history"));
  expect(only().how).toBe("rejoined");
  playing.repeat();
  playing.handleDelivery(delivery("history"));
  expect(sent.length).toBe(2);
  expect(only().how).toBe("rejoined");
});

test("nobody who was not asked to rejoin does so", () => {
  playing.follow({ ...VIEW, part: "over" }, 0);
  playing.repeat();
  playing.handleDelivery(delivery("history"));
  expect(episodes.length).toBe(0);
  expect(sent).toEqual([]);
});

test("a page without a part in the episode says once that all is there", () => {
  delivered = false;
  playing.follow({ ...VIEW, part: "over" }, 0);
  playing.follow({ ...VIEW, part: "over", flush: true }, 0);
  expect(flushed).toEqual([]);
  delivered = true;
  playing.proceed();
  playing.proceed();
  expect(flushed).toEqual(["s 0"]);
  expect(uploads).toBe(1);
});

test("a page that was about to rejoin closes the episode instead", () => {
  playing.follow({ ...VIEW, part: "rejoin", flush: true }, 0);
  playing.repeat();
  playing.handleDelivery(delivery("history"));
  expect([sent, episodes]).toEqual([[], []]);
  expect(flushed).toEqual(["s 0"]);
});

test("a page that plays flushes its own episode", () => {
  playing.follow(VIEW, 0);
  playing.follow({ ...VIEW, flush: true }, 0);
  expect(only().log).toContain("flush");
  expect(flushed).toEqual([]);
});

test("packets take the ways that the engine chose", () => {
  playing.follow(VIEW, 0);
  const episode = only();
  episode.ways = [
    { to: 1, direct: true, relay: false },
    { to: 2, direct: true, relay: true, plea: true },
    { to: 3, direct: false, relay: true },
  ];
  episode.beat();
  expect(frames).toEqual([
    [2, 1],
    [3, 0],
  ]);
  expect(episode.log.filter((line) => line.startsWith("skipped"))).toEqual([]);
});

test("a packet that went no way was skipped, one that went one of two was not", () => {
  playing.follow(VIEW, 0);
  const episode = only();
  episode.ways = [{ to: 1, direct: true, relay: true }];
  direct = "skipped";
  episode.beat();
  expect(episode.log).not.toContain("skipped 1");
  relayed = false;
  episode.beat();
  expect(episode.log).toContain("skipped 1");
});

test("relayed packets reach the engine of their session", () => {
  playing.handleDelivery(delivery("relayed"));
  playing.follow(VIEW, 0);
  playing.handleDelivery(delivery("relayed", { session: "other", episode: 0 }));
  expect(only().log.filter((line) => line.startsWith("relayed"))).toEqual([]);
  playing.handleDelivery(delivery("relayed"));
  expect(only().log).toContain("relayed 1 true");
});

test("the engine knows of channels from the beginning, and of each change", () => {
  playing.follow(VIEW, 0);
  open = false;
  playing.handleLinks();
  const changes = only().log.filter((line) => line.startsWith("channel"));
  expect(changes).toEqual(["channel 1 true", "channel 1 false"]);
});

test("where packets may go through the server alone, the engine knows", () => {
  playing.follow({ ...VIEW, connection: { ...VIEW.connection, relay_only: true } }, 0);
  expect(only().log).toContain("relay only");
  expect(only().log).not.toContain("direct only");
});

test("where no packet may go through the server, the engine knows", () => {
  playing.follow({ ...VIEW, connection: { ...VIEW.connection, direct_only: true } }, 0);
  expect(only().log).toContain("direct only");
  expect(only().log).not.toContain("relay only");
});

test("a page that was hidden before the episode began plays hidden", () => {
  playing.setVisible(false, performance.timeOrigin);
  playing.follow(VIEW, 0);
  expect(only().log).toContain("visible false");
});

test("when the episode is closed, all that it recorded is taken out before it is let go", () => {
  playing.follow(VIEW, 0);
  const { log } = only();
  log.length = 0;
  playing.end();
  expect(log).toEqual(["finish", "poll", "free"]);
});

test("how long a key took is measured, but not while play is caught up with", () => {
  playing.follow(VIEW, 0);
  const episode = only();
  const press = (at: number) => playing.play?.handleKey("w", true, at);
  const run = (frames: number[]) => {
    for (const frame of frames) {
      episode.frame = frame;
      episode.beat();
    }
  };
  const measured = () =>
    posted.flatMap((message) => (message.type === "draw" ? (message.keyAt ?? []) : []));
  episode.rejoining = true;
  press(1000);
  run([200, 400]);
  episode.rejoining = false;
  run([401, 402, 403, 404]);
  expect(measured()).toEqual([]);
  press(2000);
  run([405, 406, 407]);
  expect(measured()).toEqual([2000]);
});

const FOREIGN: PlayingView = {
  ...VIEW,
  plan: { ...VIEW.plan, environment: { ...VIEW.plan.environment, id: "python" } },
};
const FAILED = {
  type: "failed",
  session: "s",
  episode: 0,
  frame: 9,
  message: "env.py:3: it broke",
};
const ERROR = {
  kind: "environment",
  message: "it broke",
  ...{ file: "env.py", line: 3, frame: 9, details: "Traceback" },
};

function withPython(open: (configuration: string) => void): void {
  if (means) means = { ...means, open: open as unknown as Means["open"] };
}

test("a game in Python waits until Python runs, and is closed without it", () => {
  playing.follow(FOREIGN, 0);
  playing.follow({ ...FOREIGN, part: "rejoin" }, 0);
  expect([episodes, sent]).toEqual([[], []]);
  playing.follow({ ...FOREIGN, part: "rejoin", flush: true }, 0);
  expect(flushed).toEqual(["s 0"]);
  withPython((configuration) => opened.push(configuration));
  playing.follow(FOREIGN, 0);
  expect(only().how).toBe("created");
  expect(opened).toEqual(["configuration"]);
});

test("what a game costs with a treatment is what it costs without, if no more is known", () => {
  const costs = (id: string) => ({ step_us: id.length, save_us: 2, load_us: 3, rollback_us: 40 });
  const known = new Set(["slime"]);
  if (means) means = { ...means, costs: ({ id }) => (known.has(id) ? costs(id) : null) };
  playing.follow(FOREIGN, 0);
  withPython(() => {});
  playing.follow(FOREIGN, 0);
  expect(only().log).toContain("costs 5,2,3");
  known.add("python");
  const episode = 1;
  playing.follow({ ...FOREIGN, plan: { ...FOREIGN.plan, episode } }, 0);
  expect(episodes[1]?.log).toContain("costs 6,2,3");
});

test("a game that breaks is told to the server once all is there, until it ends", () => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  playing.follow(VIEW, 0);
  const episode = only();
  unsaved = 2;
  episode.broken = JSON.stringify(ERROR);
  episode.beat();
  expect(posted).toContainEqual({ type: "broken_off" });
  expect(episode.log, "the server asks once it knows").not.toContain("flush");
  expect(sent).toEqual([]);
  unsaved = 0;
  playing.proceed();
  playing.proceed();
  expect(sent).toEqual([FAILED]);
  playing.repeat();
  expect(sent).toEqual([FAILED, FAILED]);
  // It plays no more, and the episode is not made anew.
  playing.follow({ ...VIEW, flush: true }, 0);
  expect(only().log.filter((line) => line === "flush").length).toBe(1);
});

test("that a game broke is told although its data do not arrive", () => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  playing.follow(VIEW, 0);
  unsaved = 1;
  only().broken = JSON.stringify({ ...ERROR, file: null });
  only().beat();
  for (let second = 0; second < 6; second += 1) {
    vi.advanceTimersByTime(1000);
    playing.repeat();
  }
  expect(sent[0]).toEqual({ ...FAILED, message: "it broke" });
});

test("a game that cannot be opened for its episode broke before the first frame", () => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  withPython(() => {
    throw new PythonError({ ...ERROR, frame: null });
  });
  playing.follow(FOREIGN, 0);
  expect(sent).toEqual([{ ...FAILED, frame: 0 }]);
  playing.follow({ ...FOREIGN, flush: true }, 0);
  expect(flushed).toEqual(["s 0"]);
});

test("a picture after a rollback says that it corrects", () => {
  playing.follow(VIEW, 0);
  const episode = only();
  episode.beat();
  episode.rollbacks = 1;
  episode.beat();
  episode.beat();
  const drawn = posted.flatMap((message) => (message.type === "draw" ? [message.corrects] : []));
  expect(drawn.filter((corrects) => corrects).length).toBe(1);
  expect([drawn[0], drawn.at(-1)]).toEqual([false, false]);
});
