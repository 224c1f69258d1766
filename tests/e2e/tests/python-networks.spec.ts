import { expectPlay } from "../harness/data";
import { expectNetworks, expectRollbacks } from "../harness/expectations";
import { expect, prepareFirst, test } from "../harness/fixtures";
import { type Game, OVERCOOKED, SLIMEVB } from "../harness/games";
import { CONDITIONS, type Condition } from "../harness/network";
import { expectVerified } from "../harness/verdicts";

// Environments from PyPI, in Python on both sides, under the networks of networks.spec.ts.

prepareFirst(SLIMEVB, OVERCOOKED);

const EPISODES = 2;
/** About six seconds each; `frameMs` is how long a frame lasts. */
const GAMES: Record<string, { game: Game; maxSteps: number; frameMs: number }> = {
  slimevb: { game: SLIMEVB, maxSteps: 180, frameMs: 1000 / 30 },
  Overcooked: { game: OVERCOOKED, maxSteps: 48, frameMs: 1000 / 8 },
};

for (const [name, { game, maxSteps, frameMs }] of Object.entries(GAMES)) {
  for (const condition of Object.values<Condition>(CONDITIONS)) {
    test(`two people play ${name} in Python under: ${condition.title}`, async ({ begin }) => {
      const session = await begin({
        ...{ game, condition, maxSteps },
        ...{ episodes: EPISODES, relay: "never" },
      });
      await session.playToTheEnd();
      const exported = await expectVerified(session, EPISODES);
      for (const episode of await exported.table("episodes")) expectRollbacks(episode, condition);
      const links = await exported.table("links");
      expect(links.length).toBe(2 * EPISODES);
      expectNetworks(links, condition, frameMs);
      await expectPlay(exported);
    });
  }
}

for (const [name, { game, maxSteps }] of Object.entries(GAMES)) {
  test(`three pairs play ${name} in Python at once`, async ({ begin }) => {
    // Six interpreters that start at once on two cores need some time.
    test.setTimeout(600_000);
    const session = await begin({ game, players: 6, episodes: EPISODES, maxSteps });
    await session.playToTheEnd();
    const exported = await expectVerified(session, 3 * EPISODES);
    const sessions = (await exported.table("episodes")).map(({ session }) => session);
    expect(new Set(sessions).size).toBe(3);
  });
}
