import { readFile, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { Export, number } from "../harness/data";
import { expect, test } from "../harness/fixtures";
import type { Condition } from "../harness/network";
import { save } from "../harness/results";
import { ownTasks, type Tasks, traced } from "../harness/trace";

// `cargo xtask measure`: reported, not asserted.

const ROUND_TRIPS_MS = [0, 100, 300];
const BENCHMARKS = fileURLToPath(new URL("../../../docs/benchmarks.md", import.meta.url));
const BEGIN = "<!-- measured: begin -->";
const END = "<!-- measured: end -->";

interface Measurement {
  roundTripMs: number;
  measuredRoundTripMs: number;
  /** Key event to the painted frame that first used it, both players, in ms. */
  keyToFrameP50: number[];
  keyToFrameP95: number[];
  rollbacks: number;
  deepestRollback: number;
  workerTickP50Us: number;
  workerTickP99Us: number;
  workerTickMaxUs: number;
  mainThread: Tasks;
}

test("measure", async ({ begin }) => {
  const measured: Measurement[] = [];
  for (const roundTripMs of ROUND_TRIPS_MS) {
    const condition: Condition = {
      title: `${roundTripMs} ms round trip`,
      oneWayMs: roundTripMs / 2,
      jitterMs: 0,
      loss: 0,
    };
    const session = await begin({ condition, episodes: 2, maxSteps: 600 });
    // Play, without what it takes to get there.
    await Promise.all(session.players.map((player) => player.plays(0)));
    const events = await traced(session.browser, () => session.playToTheEnd());
    await session.close();
    const exported = await Export.of(session.server);
    const episodes = await exported.table("episodes");
    const all = (column: string) =>
      episodes.flatMap((row) => [0, 1].map((player) => number(row, `player.${player}.${column}`)));
    measured.push({
      roundTripMs,
      measuredRoundTripMs: median(all("rtt_median_us")) / 1000,
      keyToFrameP50: all("key_to_frame_p50_us").map((us) => us / 1000),
      keyToFrameP95: all("key_to_frame_p95_us").map((us) => us / 1000),
      rollbacks: all("rollbacks").reduce((sum, count) => sum + count, 0),
      deepestRollback: Math.max(...all("deepest_rollback")),
      workerTickP50Us: median(all("tick_p50_us")),
      workerTickP99Us: Math.max(...all("tick_p99_us")),
      workerTickMaxUs: Math.max(...all("tick_max_us")),
      mainThread: ownTasks(events, session.server.url),
    });
  }
  const cores = cpus();
  const machine = `${cores.length} cores, ${cores[0]?.model ?? "unknown"}`;
  await save("performance.json", { machine, measured });
  await document(machine, measured);
});

/** Replaces the measured part of docs/benchmarks.md. */
async function document(machine: string, measured: Measurement[]): Promise<void> {
  const text = await readFile(BENCHMARKS, "utf8");
  const begin = text.indexOf(BEGIN);
  const end = text.indexOf(END);
  expect(begin, `docs/benchmarks.md has ${BEGIN}`).toBeGreaterThanOrEqual(0);
  expect(end, `docs/benchmarks.md has ${END}`).toBeGreaterThan(begin);
  const ms = (value: number) => `${value.toFixed(1)} ms`;
  const row = (...cells: (string | number)[]) => `| ${cells.join(" | ")} |`;
  const lines = [
    BEGIN,
    "",
    `Measured on ${machine}, Chromium, server and both browsers on the one machine.`,
    "",
    "| round trip imposed | measured | key to frame, median | 95th percentile | rollbacks | deepest |",
    "|---:|---:|---:|---:|---:|---:|",
    ...measured.map((it) =>
      row(
        `${it.roundTripMs} ms`,
        ms(it.measuredRoundTripMs),
        ms(median(it.keyToFrameP50)),
        ms(median(it.keyToFrameP95)),
        it.rollbacks,
        `${it.deepestRollback} frames`,
      ),
    ),
    "",
    "| round trip imposed | main thread: tasks of ours | median | 99th percentile | longest | on the processor: 99th percentile | longest |",
    "|---:|---:|---:|---:|---:|---:|---:|",
    ...measured.map(({ roundTripMs, mainThread: { count, wall, cpu } }) =>
      row(`${roundTripMs} ms`, count, ...[wall.p50, wall.p99, wall.max, cpu.p99, cpu.max].map(ms)),
    ),
    "",
    "| round trip imposed | worker tick: median | 99th percentile | longest |",
    "|---:|---:|---:|---:|",
    ...measured.map((it) =>
      row(
        `${it.roundTripMs} ms`,
        `${it.workerTickP50Us} µs`,
        `${it.workerTickP99Us} µs`,
        `${it.workerTickMaxUs} µs`,
      ),
    ),
    "",
  ];
  await writeFile(BENCHMARKS, text.slice(0, begin) + lines.join("\n") + text.slice(end));
}

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
