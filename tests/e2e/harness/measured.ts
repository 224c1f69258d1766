import { median } from "./benchmarks";
import { Export, number } from "./data";
import type { Condition } from "./network";
import type { Session, SessionOptions } from "./session";
import { ownTasks, type Tasks, traced } from "./trace";

export const ROUND_TRIPS_MS = [0, 100, 300];

/** What was measured of two people who play. */
export interface Played {
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
  /** Frames that were played, over those that the study asks for in the same time. */
  pace: number;
  mainThread: Tasks;
}

/** Plays at a round trip and looks at the pages meanwhile. */
export async function played(
  begin: (options: SessionOptions) => Promise<Session>,
  roundTripMs: number,
  options: SessionOptions,
): Promise<Played> {
  const condition: Condition = {
    title: `${roundTripMs} ms round trip`,
    oneWayMs: roundTripMs / 2,
    jitterMs: 0,
    loss: 0,
  };
  const session = await begin({ ...options, condition });
  // Play, without what it takes to get there.
  await Promise.all(session.players.map((player) => player.plays(0)));
  const paces: Promise<number>[] = session.players.map((player) => player.framesPerSecond());
  const events = await traced(session.browser, () => session.playToTheEnd());
  const perSecond = await Promise.all(paces);
  await session.close();
  const exported = await Export.of(session.server);
  const episodes = await exported.table("episodes");
  const all = (column: string) =>
    episodes.flatMap((row) => [0, 1].map((player) => number(row, `player.${player}.${column}`)));
  const [episode] = episodes;
  const asked = episode ? number(episode, "frames_per_second") : Number.NaN;
  return {
    roundTripMs,
    measuredRoundTripMs: median(all("rtt_median_us")) / 1000,
    keyToFrameP50: all("key_to_frame_p50_us").map((us) => us / 1000),
    keyToFrameP95: all("key_to_frame_p95_us").map((us) => us / 1000),
    rollbacks: all("rollbacks").reduce((sum, count) => sum + count, 0),
    deepestRollback: Math.max(...all("deepest_rollback")),
    workerTickP50Us: median(all("tick_p50_us")),
    workerTickP99Us: Math.max(...all("tick_p99_us")),
    workerTickMaxUs: Math.max(...all("tick_max_us")),
    pace: median(perSecond) / asked,
    mainThread: ownTasks(events, session.server.url),
  };
}
