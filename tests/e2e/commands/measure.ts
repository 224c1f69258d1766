import { documentAs, machine, median, ms, row } from "../harness/benchmarks";
import { test } from "../harness/fixtures";
import { type Played, played, ROUND_TRIPS_MS } from "../harness/measured";
import { save } from "../harness/results";

// `cargo xtask measure`: reported, not asserted.

test("measure", async ({ begin }) => {
  const measured: Played[] = [];
  for (const roundTripMs of ROUND_TRIPS_MS) {
    measured.push(await played(begin, roundTripMs, { episodes: 2, maxSteps: 600 }));
  }
  await save("performance.json", { machine: machine(), measured });
  await documentAs("measured", [
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
  ]);
});
