import { compareReadings, Export, expectPlay } from "../harness/data";
import { expectNetworks, expectRollbacks } from "../harness/expectations";
import { expect, test } from "../harness/fixtures";
import { CONDITIONS, type Condition } from "../harness/network";
import { igym } from "../harness/program";
import { save } from "../harness/results";

const EPISODES = 2;

for (const [name, condition] of Object.entries<Condition>(CONDITIONS)) {
  test(`two people play under: ${condition.title}`, async ({ begin }) => {
    const session = await begin({ condition, episodes: EPISODES, relay: "never" });
    await session.playToTheEnd();
    await session.close();

    const exported = await Export.of(session.server);
    const episodes = await exported.table("episodes");
    expect(episodes.map((episode) => episode.verdict)).toEqual(Array(EPISODES).fill("verified"));
    for (const episode of episodes) expectRollbacks(episode, condition);

    const links = await exported.table("links");
    expect(links.length).toBe(2 * EPISODES);
    expectNetworks(links, condition);

    await save(`network-${name}.json`, links);

    await expectPlay(exported);
    await compareReadings(session.server, exported);
    const verify = await igym("verify", session.server.data);
    expect(verify.code, `igym verify:\n${verify.stdout}${verify.stderr}`).toBe(0);
  });
}
