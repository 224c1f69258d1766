import { expect } from "@playwright/test";
import { compareReadings, Export, expectPlay } from "../harness/data";
import { test } from "../harness/fixtures";
import { CONDITIONS, type Condition } from "../harness/network";
import { igym } from "../harness/program";
import { save } from "../harness/results";

// `cargo xtask episodes --count 50 --condition loss`
test("many episodes in a row", async ({ begin }) => {
  const count = Number(process.env.IGYM_EPISODES ?? "50");
  const name = process.env.IGYM_CONDITION ?? "loss";
  const condition = new Map<string, Condition>(Object.entries(CONDITIONS)).get(name);
  if (condition === undefined) throw new Error(`there is no network called ${name}`);

  const session = await begin({ condition, episodes: count });
  let reported = 0;
  const report = setInterval(() => {
    session
      .player(0)
      .page.locator("html")
      .getAttribute("data-episode")
      .then(
        (episode) => {
          if (Number(episode) > reported) {
            reported = Number(episode);
            console.log(`  ${reported} of ${count} episodes played`);
          }
        },
        () => clearInterval(report),
      );
  }, 1000);
  await session.playToTheEnd();
  clearInterval(report);
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
  const summary = { condition: condition.title, verdicts, frames, rollbacks, differences };
  console.log(`  ${JSON.stringify(summary)}`);
  await save(`episodes-${name}.json`, summary);

  await expectPlay(exported);
  await compareReadings(session.server, exported);
  expect(verdicts).toEqual({ verified: count });
  expect(differences).toBe(0);
  const verify = await igym("verify", session.server.data);
  expect(verify.code, verify.stdout + verify.stderr).toBe(0);
});
