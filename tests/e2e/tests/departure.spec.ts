import { Export, number } from "../harness/data";
import { expect, test } from "../harness/fixtures";

test("a partner closes the tab: the other reaches a final page, and the data are there", async ({
  begin,
}) => {
  const session = await begin({ episodes: 2, maxSteps: 3000, reconnectGraceS: 1 });
  const [stays, leaves] = [session.player(0), session.player(1)];
  await Promise.all(session.players.map((player) => player.plays(0)));
  for (const player of session.players) player.press();
  await stays.page.waitForFunction(
    () => Number(document.documentElement.dataset.confirmed) >= 60,
    null,
    { timeout: 60_000 },
  );
  const confirmed = Number(await stays.page.locator("html").getAttribute("data-confirmed"));
  await leaves.leave();

  await stays.sees("end");
  await stays.rest();
  expect(stays.complaints).toEqual([]);
  await session.close();

  const exported = await Export.of(session.server);
  const episodes = await exported.table("episodes");
  expect(episodes.length).toBe(1);
  const [episode] = episodes;
  if (episode === undefined) throw new Error("no episode");
  expect(episode).toMatchObject({ verdict: "partial", close_reason: "cut" });
  expect(number(episode, "frames")).toBeGreaterThanOrEqual(confirmed);
  const outcomes = (await exported.table("participants")).map((row) => row.outcome).sort();
  expect(outcomes).toEqual(["left", "partner_left"]);
});

test("a page is loaded again in play: it comes back, and both play the episode to its end", async ({
  begin,
}) => {
  const session = await begin({ episodes: 1, maxSteps: 300 });
  const [stays, reloads] = [session.player(0), session.player(1)];
  await Promise.all(session.players.map((player) => player.plays(0)));
  await reloads.page.reload();
  await reloads.plays(0);
  expect(await reloads.page.locator("html").getAttribute("data-part")).toBe("rejoin");

  for (const player of session.players) player.press();
  await Promise.all(session.players.map((player) => player.sees("end")));
  await Promise.all(session.players.map((player) => player.rest()));
  expect(stays.complaints).toEqual([]);
  await session.close();

  const exported = await Export.of(session.server);
  const [episode] = await exported.table("episodes");
  expect(episode).toMatchObject({ verdict: "verified" });
  const outcomes = (await exported.table("participants")).map((row) => row.outcome);
  expect(outcomes).toEqual(["completed", "completed"]);
});

test("nobody comes: the lobby ends on a final page", async ({ begin }) => {
  const session = await begin({ players: 1, lobbyTimeoutS: 2 });
  const alone = session.player(0);
  await alone.sees("end");
  expect(alone.complaints).toEqual([]);
  await session.close();
  const [participant] = await (await Export.of(session.server)).table("participants");
  expect(participant?.outcome).toBe("lobby_timeout");
});

test("a partner goes in the countdown: the other reaches a final page", async ({ begin }) => {
  const session = await begin({ countdownS: 30, reconnectGraceS: 1 });
  const [stays, leaves] = [session.player(0), session.player(1)];
  await Promise.all(session.players.map((player) => player.sees("playing")));
  await leaves.leave();
  await stays.sees("end");
  expect(stays.complaints).toEqual([]);
  await session.close();
  const exported = await Export.of(session.server);
  const outcomes = (await exported.table("participants")).map((row) => row.outcome).sort();
  expect(outcomes).toEqual(["left", "partner_left"]);
  const [episode] = await exported.table("episodes");
  // Nothing but the frames of the input delay, for which nobody presses a key.
  expect(episode).toMatchObject({ verdict: "partial", close_reason: "cut", frames: "2" });
});

test("who waits in the lobby goes: the next one is not matched with nobody", async ({ begin }) => {
  const session = await begin({ atStart: true, lobbyTimeoutS: 4, reconnectGraceS: 1 });
  const [goes, comes] = [session.player(0), session.player(1)];
  await comes.getReady();
  await goes.join();
  await goes.leave();
  await session.server.connections(1);
  await comes.enter();
  await comes.sees("end");
  expect(comes.complaints).toEqual([]);
  await session.close();
  const exported = await Export.of(session.server);
  const outcomes = (await exported.table("participants")).map((row) => row.outcome);
  expect(outcomes).toContain("lobby_timeout");
  expect(outcomes).not.toContain("partner_left");
  expect(await exported.table("episodes")).toEqual([]);
});

test("a partner goes on the last page: the other has lost nothing", async ({ begin }) => {
  const session = await begin({ episodes: 1, maxSteps: 60, reconnectGraceS: 1 });
  await session.toTheEnd();
  await session.player(1).leave();
  await session.player(0).reload();
  await session.player(0).sees("end");
  await session.close();
  const exported = await Export.of(session.server);
  const outcomes = (await exported.table("participants")).map((row) => row.outcome);
  expect(outcomes).toEqual(["completed", "completed"]);
});

test("a partner goes between two episodes: the first is verified, and nobody waits for ever", async ({
  begin,
}) => {
  const session = await begin({ episodes: 2, maxSteps: 60, countdownS: 5, reconnectGraceS: 1 });
  const [stays, leaves] = [session.player(0), session.player(1)];
  const second = (player: typeof stays) =>
    player.page.waitForFunction(() => document.documentElement.dataset.episode === "1", null, {
      timeout: 120_000,
    });
  await Promise.all([second(stays), second(leaves)]);
  await leaves.leave();
  await stays.sees("end");
  expect(stays.complaints).toEqual([]);
  await session.close();
  const exported = await Export.of(session.server);
  const verdicts = (await exported.table("episodes")).map((row) => row.verdict);
  expect(verdicts).toEqual(["verified", "partial"]);
  const outcomes = (await exported.table("participants")).map((row) => row.outcome).sort();
  expect(outcomes).toEqual(["left", "partner_left"]);
});
