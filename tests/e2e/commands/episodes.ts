import { expect } from "@playwright/test";
import { compareReadings, Export, expectPlay } from "../harness/data";
import { test } from "../harness/fixtures";
import { type Game, OVERCOOKED, SLIMEVB } from "../harness/games";
import { pagesHold } from "../harness/memory";
import { CONDITIONS, type Condition, FAR_AND_LOSSY } from "../harness/network";
import { igym } from "../harness/program";
import { save } from "../harness/results";
import { SLIME } from "../harness/study";

/** What can be played, and how long an episode is. */
const GAMES = new Map<string, { game: Game; maxSteps: number }>([
  ["native", { game: SLIME, maxSteps: 300 }],
  ["slimevb", { game: SLIMEVB, maxSteps: 300 }],
  ["overcooked", { game: OVERCOOKED, maxSteps: 80 }],
]);
const NETWORKS: Record<string, Condition> = { ...CONDITIONS, far: FAR_AND_LOSSY };

// `cargo xtask episodes --count 50 --condition loss --game overcooked`
test("many episodes in a row", async ({ begin }) => {
  const count = Number(process.env.IGYM_EPISODES ?? "50");
  const name = process.env.IGYM_CONDITION ?? "loss";
  const condition = NETWORKS[name];
  if (condition === undefined) throw new Error(`there is no network called ${name}`);
  const wanted = process.env.IGYM_GAME ?? "native";
  const chosen = GAMES.get(wanted);
  if (chosen === undefined) throw new Error(`there is no game called ${wanted}`);

  const session = await begin({ ...chosen, condition, episodes: count });
  const held: number[] = [];
  // From the second on: each episode begins with what the ones before it left behind.
  const report = (async () => {
    for (let episode = 1; episode < count; episode += 1) {
      await session.player(0).plays(episode);
      held.push(Math.round(await pagesHold(session.browser)));
      console.log(`  ${episode} of ${count} episodes played, pages hold ${held.at(-1)} MiB`);
    }
  })();
  await session.playToTheEnd();
  await report;
  await session.close();

  const exported = await Export.of(session.server);
  const episodes = await exported.table("episodes");
  const verdicts: Record<string, number> = {};
  for (const { verdict } of episodes) verdicts[`${verdict}`] = (verdicts[`${verdict}`] ?? 0) + 1;
  const frames = episodes.reduce((sum, episode) => sum + Number(episode.frames), 0);
  const rollbacks = episodes.reduce(
    (sum, episode) =>
      sum + Number(episode["player.0.rollbacks"]) + Number(episode["player.1.rollbacks"]),
    0,
  );
  const differences = (await exported.table("differences")).length;
  const summary = {
    game: wanted,
    condition: condition.title,
    verdicts,
    frames,
    rollbacks,
    differences,
    heldMiB: held,
  };
  console.log(`  ${JSON.stringify(summary)}`);
  await save(`episodes-${wanted}-${name}.json`, summary);

  await expectPlay(exported);
  await compareReadings(session.server, exported);
  expect(verdicts).toEqual({ verified: count });
  expect(differences).toBe(0);
  const verify = await igym("verify", session.server.data);
  expect(verify.code, verify.stdout + verify.stderr).toBe(0);
});
