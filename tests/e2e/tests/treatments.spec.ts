import { Export, number } from "../harness/data";
import { expect, prepareFirst, test } from "../harness/fixtures";
import { STEPS } from "../harness/games";
import { igym } from "../harness/program";

prepareFirst(STEPS);

/** What a step is worth, as study.toml says it of each treatment. */
const BY = { low: 2, high: 7 };

test("groups with different treatments play different games, all verified", async ({ begin }) => {
  const session = await begin({ game: STEPS, players: 4, episodes: 2, maxSteps: 60 });
  await session.playToTheEnd();
  await session.close();
  const exported = await Export.of(session.server);
  const sessions = await exported.table("sessions");
  expect(sessions.map(({ treatment }) => treatment).sort()).toEqual(["high", "high", "low", "low"]);
  const episodes = await exported.table("episodes");
  expect(episodes.map(({ verdict }) => verdict)).toEqual(Array(8).fill("verified"));
  expect(episodes.map((row) => row.recorded_verdict)).toEqual(Array(8).fill("verified"));
  for (const episode of episodes) {
    const group = sessions.find((row) => row.session === episode.session);
    const by = BY[group?.treatment as keyof typeof BY];
    const { configuration } = JSON.parse(String(episode.environment_config));
    expect(configuration.environment.kwargs).toEqual({ by });
    const frames = await exported.frames(episode);
    expect(frames.length).toBe(60);
    expect(new Set(frames.map((frame) => number(frame, "info.agent.by")))).toEqual(new Set([by]));
    expect(frames.map((frame) => number(frame, "reward.agent") % by)).toEqual(Array(60).fill(0));
  }
  const verify = await igym("verify", session.server.data);
  expect(verify.code, `igym verify:\n${verify.stdout}${verify.stderr}`).toBe(0);
});
