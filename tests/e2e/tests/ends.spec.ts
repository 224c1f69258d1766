import { compareReadings, Export, number } from "../harness/data";
import { expect, test } from "../harness/fixtures";
import { igym } from "../harness/program";

const EPISODES = 5;
const MAX_STEPS = 3000;

// With inputs that come late, a browser sees ends that never were and misses ends that were.
test("the game itself ends episodes, far apart and under loss", async ({ begin }) => {
  const condition = {
    title: "100 ms one way, 15 % loss",
    oneWayMs: 100,
    jitterMs: 0,
    loss: 0.15,
  };
  const session = await begin({ condition, episodes: EPISODES, maxLives: 1, maxSteps: MAX_STEPS });
  await session.playToTheEnd();
  await session.close();

  const exported = await Export.of(session.server);
  const episodes = await exported.table("episodes");
  expect(episodes.map((episode) => episode.verdict)).toEqual(Array(EPISODES).fill("verified"));
  const lengths = episodes.map((episode) => number(episode, "frames"));
  expect(new Set(lengths).size, `lengths ${lengths}`).toBeGreaterThan(1);
  expect(Math.min(...lengths), `lengths ${lengths}`).toBeLessThan(MAX_STEPS);
  await compareReadings(session.server, exported);
  const verify = await igym("verify", session.server.data);
  expect(verify.code, `igym verify:\n${verify.stdout}${verify.stderr}`).toBe(0);
});
