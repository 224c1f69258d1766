import { documentAs, machine, median, ms, row } from "../harness/benchmarks";
import { test } from "../harness/fixtures";
import { CART_POLE, type Game, OVERCOOKED, SLIMEVB } from "../harness/games";
import { type Played, played, ROUND_TRIPS_MS } from "../harness/measured";
import { prepared } from "../harness/prepared";
import { save } from "../harness/results";
import { ownTasks, type Tasks, traced } from "../harness/trace";

// `cargo xtask measure --python`: reported, not asserted.

const GAMES: { game: Game; maxSteps: number }[] = [
  { game: SLIMEVB, maxSteps: 450 },
  { game: OVERCOOKED, maxSteps: 120 },
];

test("measure games in Python", async ({ begin }) => {
  for (const game of [CART_POLE, SLIMEVB, OVERCOOKED]) await prepared(game);
  const loading = [];
  for (const game of [CART_POLE, SLIMEVB, OVERCOOKED]) {
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
  const measured: (Played & { name: string })[] = [];
  for (const { game, maxSteps } of GAMES) {
    for (const roundTripMs of ROUND_TRIPS_MS) {
      const it = await played(begin, roundTripMs, { game, episodes: 2, maxSteps });
      measured.push({ name: game.name, ...it });
    }
  }
  await save("python.json", { machine: machine(), loading, measured });
  await documentAs("measured in Python", [
    "| from the opened link until the game can be joined | nothing in the cache | all in the cache | main thread meanwhile: 99th percentile | longest |",
    "|---|---:|---:|---:|---:|",
    ...loading.map(({ name, coldMs, warmMs, tasks }) =>
      row(name, seconds(coldMs), seconds(warmMs), ...longest(tasks)),
    ),
    "",
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
    "",
    "| | round trip imposed | worker tick: median | 99th percentile | longest | main thread: 99th percentile | longest |",
    "|---|---:|---:|---:|---:|---:|---:|",
    ...measured.map((it) =>
      row(
        it.name,
        `${it.roundTripMs} ms`,
        ...[it.workerTickP50Us, it.workerTickP99Us, it.workerTickMaxUs].map((us) => ms(us / 1000)),
        ...longest(it.mainThread),
      ),
    ),
  ]);
});

function longest({ wall }: Tasks): string[] {
  return [ms(wall.p99), ms(wall.max)];
}

function seconds(value: number): string {
  return `${(value / 1000).toFixed(1)} s`;
}
