import type { Export, Row } from "../harness/data";
import { expect, test } from "../harness/fixtures";
import { expectVerified } from "../harness/verdicts";

// A page that goes and comes back, in each state: everybody goes on where they were.

for (const how of ["reload", "crash"] as const) {
  test(`pages go and come back before and after the game (${how}): lobby, countdown, last page`, async ({
    begin,
  }) => {
    const session = await begin({ atStart: true, episodes: 1, maxSteps: 90, countdownS: 3 });
    const [first, second] = [session.player(0), session.player(1)];
    await first[how]();
    await first.sees("start");
    await first.join();
    await first.sees("lobby");
    await first[how]();
    await first.sees("lobby");
    await second.join();
    await second.sees("playing");
    await second[how]();
    await session.toTheEnd();
    await first[how]();
    await first.sees("end");
    await expectVerified(session, 1);
  });

  test(`a page comes back in mid-episode (${how}): the same episode goes on`, async ({ begin }) => {
    const session = await begin({ episodes: 1, maxSteps: 360, reconnectGraceS: 60 });
    const [stays, returns] = [session.player(0), session.player(1)];
    await Promise.all(session.players.map((player) => player.plays(0)));
    stays.press();
    returns.press();
    await returns.reaches("confirmed", 90);
    await returns.rest();
    await returns[how]();
    await returns.sees("playing");
    await returns.reaches("confirmed", 150);
    expect(await returns.tells("episode")).toBe(0);
    await session.toTheEnd();
    const exported = await expectVerified(session, 1);
    await expectBothAuthored(exported, 0);
  });

  test(`a page comes back between two episodes (${how})`, async ({ begin }) => {
    const session = await begin({ episodes: 2, maxSteps: 90, countdownS: 3, reconnectGraceS: 60 });
    const returns = session.player(1);
    await Promise.all(session.players.map((player) => player.plays(0)));
    // The first is over for this page, and the countdown of the second has begun, or is about to.
    await returns.page.waitForFunction(() => {
      const { sealed, episode } = document.documentElement.dataset;
      return sealed === "true" || episode === "1";
    });
    await returns[how]();
    await session.toTheEnd();
    await expectVerified(session, 2);
  });
}

test("both pages are loaded again at the same time in mid-episode", async ({ begin }) => {
  const session = await begin({ episodes: 1, maxSteps: 330, reconnectGraceS: 60 });
  await Promise.all(session.players.map((player) => player.plays(0)));
  for (const player of session.players) player.press();
  await Promise.all(session.players.map((player) => player.reaches("confirmed", 90)));
  await Promise.all(session.players.map((player) => player.rest()));
  await Promise.all(session.players.map((player) => player.reload()));
  await Promise.all(session.players.map((player) => player.reaches("confirmed", 150)));
  await session.toTheEnd();
  const exported = await expectVerified(session, 1);
  await expectBothAuthored(exported, 0);
});

test("another tab takes over in mid-episode, and the first is told", async ({ begin }) => {
  const session = await begin({ episodes: 1, maxSteps: 330, reconnectGraceS: 60 });
  const [stays, moves] = [session.player(0), session.player(1)];
  await Promise.all(session.players.map((player) => player.plays(0)));
  stays.press();
  await moves.reaches("confirmed", 60);
  const first = await moves.anotherTab();
  await first.waitForFunction(() => document.documentElement.dataset.view === "fault");
  await expect(first.locator("body")).toContainText(/another (tab|window|page)/i);
  await moves.reaches("confirmed", 120);
  await session.toTheEnd();
  await expectVerified(session, 1);
});

test("the server is killed while a page is away: it comes back all the same", async ({ begin }) => {
  const session = await begin({ episodes: 1, maxSteps: 330, reconnectGraceS: 60 });
  const returns = session.player(1);
  await Promise.all(session.players.map((player) => player.plays(0)));
  await returns.reaches("confirmed", 60);
  const url = returns.page.url();
  await returns.page.close();
  await session.server.kill();
  await session.server.restart();
  await returns.anotherTab(url);
  await returns.reaches("confirmed", 120);
  await session.toTheEnd();
  await expectVerified(session, 1);
});

/** Nobody's later inputs are all the default action: the page that came back was played. */
async function expectBothAuthored(exported: Export, index: number): Promise<void> {
  const episode: Row | undefined = (await exported.table("episodes"))[index];
  if (episode === undefined) throw new Error("no episode");
  const late = (await exported.frames(episode)).slice(200);
  for (const player of [0, 1]) {
    const inputs = new Set(late.map((frame) => frame[`player.${player}.input`]));
    expect(inputs.size, `different late inputs of player ${player}`).toBeGreaterThan(1);
  }
}
