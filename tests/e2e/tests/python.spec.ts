import type { Page } from "@playwright/test";
import { Export, expectPlay } from "../harness/data";
import { expect, prepareFirst, test } from "../harness/fixtures";
import { CART_POLE, TUG } from "../harness/games";
import type { Player } from "../harness/player";
import { expectVerified } from "../harness/verdicts";

prepareFirst(TUG, CART_POLE);

/** Writes something into the page's worker that its Python can see. */
async function tellPython(page: Page, name: string, value: number): Promise<void> {
  const [worker] = page.workers();
  if (worker === undefined) throw new Error("the page has no worker");
  await worker.evaluate(([name, value]) => Object.assign(globalThis, { [name]: value }), [
    name,
    value,
  ] as const);
}

test("one person balances a pole in Python", async ({ begin }) => {
  const session = await begin({ game: CART_POLE, players: 1, episodes: 3, maxSteps: 60 });
  // It falls soon, whether somebody pushes or not.
  const player = session.player(0);
  // Pushed to the left first; what is held when an episode begins counts from its first frame.
  await player.reaches("frame", 2);
  await player.page.keyboard.down("ArrowRight");
  await player.sees("end");
  await player.page.keyboard.up("ArrowRight");
  expect(player.complaints).toEqual([]);
  await session.close();
  const exported = await Export.of(session.server);
  const episodes = await exported.table("episodes");
  expect(episodes.map((episode) => episode.verdict)).toEqual(Array(3).fill("verified"));
  const frames = await Promise.all(episodes.map((episode) => exported.frames(episode)));
  expect(new Set(frames.flat().map((frame) => frame["player.0.input"])).size).toBe(2);
});

test("the game is loaded from the first page on, and the page says how far it is", async ({
  begin,
}) => {
  const session = await begin({ game: TUG, players: 1, lobbyTimeoutS: 2, atStart: true });
  const player = session.player(0);
  const bar = player.page.getByRole("progressbar");
  await expect(bar).toHaveAttribute("aria-valuetext", "The game is ready.", { timeout: 120_000 });
  const lock = player.requests.findIndex((url) => /\/python\/[0-9a-f]{64}\.json$/.test(url));
  expect(lock, "the first page asks for the lock").toBeGreaterThan(-1);
  // What comes from the browser's cache is there at once; the next visit must look the same.
  await player.reload();
  await bar.waitFor({ state: "attached" });
  await player.getReady();
  const legend = player.page.locator(".legend");
  await expect(legend).toContainText("Pull gently");
  await expect(legend.locator(".legend-entry").first()).toHaveText(/↑.*or.*W.*Pull/);
  await player.enter();
  await player.sees("end");
  const hosts = new Set(player.requests.map((url) => new URL(url).host));
  expect([...hosts]).toEqual([new URL(session.server.url).host]);
  expect(player.complaints).toEqual([]);
});

test("an environment that raises ends the game politely, and loses nothing", async ({ begin }) => {
  // Both deliver all at once when they are asked: nobody waits until the time for it is over.
  const flushTimeoutS = 600;
  const session = await begin({
    ...{ game: TUG, episodes: 2, maxSteps: 300 },
    ...{ flushTimeoutS, atStart: true },
  });
  const [stays, breaks] = [session.player(0), session.player(1)];
  const at = 70;
  await tellPython(breaks.page, "igymBreakAt", at);
  for (const player of session.players) await player.join();
  for (const player of session.players) await player.sees("end");
  for (const player of session.players) {
    await expect(player.page.locator("h1")).toHaveText("The game stopped working");
    await player.page.waitForFunction(() => document.documentElement.dataset.unsaved === "0");
  }
  expect(stays.complaints).toEqual([]);
  expect(session.server.log).toMatch(/env\.py:\d+: .*the rope broke/);
  await session.close();
  const exported = await Export.of(session.server);
  const [episode] = await exported.table("episodes");
  expect(Number(episode?.frames)).toBeGreaterThan(at - 30);
  const outcomes = (await exported.table("participants")).map(({ outcome }) => outcome);
  expect(outcomes).toEqual(["environment_failed", "environment_failed"]);
});

test("a page comes back in mid-episode of a game in Python", async ({ begin }) => {
  const session = await begin({ game: TUG, episodes: 1, maxSteps: 420, reconnectGraceS: 60 });
  const [stays, returns] = [session.player(0), session.player(1)];
  await Promise.all(session.players.map((player) => player.plays(0)));
  stays.press();
  returns.press();
  await returns.reaches("confirmed", 90);
  await returns.rest();
  await returns.reload();
  await returns.sees("playing");
  await returns.reaches("confirmed", 150);
  expect(await returns.tells("episode")).toBe(0);
  await session.toTheEnd();
  await expectVerified(session, 1);
});

// The negative control: if this cannot fail, the other tests prove nothing.
test("an environment in Python that differs in one browser is a desync", async ({ begin }) => {
  const session = await begin({ game: TUG, episodes: 1, maxSteps: 120, atStart: true });
  await tellPython(session.player(1).page, "igymSlipAt", 50);
  for (const player of session.players) await player.join();
  await session.playToTheEnd();
  await session.close();
  const exported = await Export.of(session.server);
  const [episode] = await exported.table("episodes");
  expect(episode?.verdict).toBe("desync");
  await expectPlay(exported);
});

test("the picture of a game in Python changes, and its words are told", async ({ begin }) => {
  const session = await begin({ game: TUG, episodes: 1, maxSteps: 3000 });
  const [first, second] = [session.player(0), session.player(1)];
  await Promise.all(session.players.map((player) => player.plays(0)));
  const before = await picture(first);
  await first.page.keyboard.down("ArrowUp");
  await second.reaches("confirmed", 100);
  await first.page.keyboard.up("ArrowUp");
  for (const player of session.players) {
    await expect(player.page.locator(".words")).toHaveText(/\d+ to the (left|right)/);
  }
  expect((await picture(first)).equals(before)).toBe(false);
});

function picture(player: Player): Promise<Buffer> {
  return player.page.locator(".stage").screenshot();
}
