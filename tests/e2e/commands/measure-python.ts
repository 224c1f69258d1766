import { documentAs, machine, median, ms, row } from "../harness/benchmarks";
import { test } from "../harness/fixtures";
import { CART_POLE, type Game, OVERCOOKED, SLIMEVB } from "../harness/games";
import { type Played, played, ROUND_TRIPS_MS } from "../harness/measured";
import { prepared } from "../harness/prepared";
import { save } from "../harness/results";
import { ownTasks, type Tasks, traced } from "../harness/trace";

// `cargo xtask measure --python`: reported, not asserted.

const GAMES: { game: Game; maxSteps: number | null }[] = [
  // One person's game ends when the pole falls: it is looked at while it loads.
  { game: CART_POLE, maxSteps: null },
  { game: SLIMEVB, maxSteps: 450 },
  { game: OVERCOOKED, maxSteps: 120 },
];

/** What is asked for; all of it, where nothing is said. */
const ONLY = {
  game: process.env.IGYM_MEASURE_GAME,
  figure: process.env.IGYM_MEASURE_FIGURE,
  roundTrip: process.env.IGYM_MEASURE_ROUND_TRIP,
};

interface Loaded {
  name: string;
  coldMs: number;
  warmMs: number;
  tasks: Tasks;
}

type Named = Played & { name: string };

test("measure games in Python", async ({ begin }) => {
  const games = GAMES.filter(({ game }) => asked(ONLY.game, game.name));
  for (const { game } of games) await prepared(game);
  const loading: Loaded[] = [];
  for (const { game } of asked(ONLY.figure, "loading") ? games : []) {
    const session = await begin({ game, players: 0 });
    const visitor = await session.another();
    let coldMs = 0;
    const events = await traced(session.browser, async () => {
      coldMs = await visitor.timesToJoin(session.server.url);
    });
    const warmMs = await visitor.timesToJoin(session.server.url);
    await session.close();
    loading.push({ name: game.name, coldMs, warmMs, tasks: ownTasks(events, session.server.url) });
  }
  const measured: Named[] = [];
  for (const { game, maxSteps } of asked(ONLY.figure, "play") ? games : []) {
    if (maxSteps === null) continue;
    for (const roundTripMs of ROUND_TRIPS_MS) {
      if (!asked(ONLY.roundTrip, String(roundTripMs))) continue;
      const it = await played(begin, roundTripMs, { game, episodes: 2, maxSteps });
      measured.push({ name: game.name, ...it });
    }
  }
  await save("python.json", { machine: machine(), loading, measured });
  const lines = [...loadingTable(loading), "", ...playTable(measured), "", ...workTable(measured)];
  const whole = Object.values(ONLY).every((only) => only === undefined);
  if (whole) await documentAs("measured in Python", lines);
  else console.log(lines.join("\n"));
});

function asked(only: string | undefined, name: string): boolean {
  return only === undefined || only === name;
}

function loadingTable(loading: Loaded[]): string[] {
  return [
    "| from the opened link until the game can be joined | nothing in the cache | all in the cache | main thread meanwhile: 99th percentile | longest | on the processor: longest |",
    "|---|---:|---:|---:|---:|---:|",
    ...loading.map(({ name, coldMs, warmMs, tasks: { wall, cpu } }) =>
      row(name, seconds(coldMs), seconds(warmMs), ...[wall.p99, wall.max, cpu.max].map(ms)),
    ),
  ];
}

function playTable(measured: Named[]): string[] {
  return [
    "| | round trip imposed | key to frame, median | 95th percentile | frames played, of those due | rollbacks | deepest |",
    "|---|---:|---:|---:|---:|---:|---:|",
    ...measured.map((it) =>
      row(
        it.name,
        `${it.roundTripMs} ms`,
        ms(median(it.keyToFrameP50)),
        ms(median(it.keyToFrameP95)),
        `${(100 * it.pace).toFixed(1)} %`,
        it.rollbacks,
        `${it.deepestRollback} frames`,
      ),
    ),
  ];
}

function workTable(measured: Named[]): string[] {
  return [
    "| | round trip imposed | worker tick: median | 99th percentile | longest | main thread: 99th percentile | longest | on the processor: 99th percentile | longest |",
    "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ...measured.map((it) => {
      const { wall, cpu } = it.mainThread;
      return row(
        it.name,
        `${it.roundTripMs} ms`,
        ...[it.workerTickP50Us, it.workerTickP99Us, it.workerTickMaxUs].map((us) => ms(us / 1000)),
        ...[wall.p99, wall.max, cpu.p99, cpu.max].map(ms),
      );
    }),
  ];
}

function seconds(value: number): string {
  return `${(value / 1000).toFixed(1)} s`;
}
