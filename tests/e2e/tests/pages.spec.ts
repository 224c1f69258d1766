import { expect, test } from "../harness/fixtures";

test("the study link makes a participant of its own each time, in a secret place", async ({
  begin,
}) => {
  const session = await begin({ episodes: 1, maxSteps: 60 });
  const paths = session.players.map((player) => new URL(player.page.url()).pathname);
  for (const path of paths) expect(path).toMatch(/^\/p\/[A-Za-z0-9_-]{22,}$/);
  expect(new Set(paths).size).toBe(2);
  await session.playToTheEnd();
});

test("pages are isolated and ask nobody else for anything", async ({ begin }) => {
  const session = await begin({ players: 1, lobbyTimeoutS: 1 });
  const player = session.player(0);
  await player.sees("end");
  const answer = await player.page.request.get(session.server.url);
  const headers = answer.headers();
  expect(headers["cross-origin-opener-policy"]).toBe("same-origin");
  expect(headers["cross-origin-embedder-policy"]).toBe("require-corp");
  expect(headers["content-security-policy"]).toContain("default-src 'none'");
  expect(await player.page.evaluate(() => crossOriginIsolated)).toBe(true);
  const hosts = new Set(player.requests.map((url) => new URL(url).host));
  expect([...hosts]).toEqual([new URL(session.server.url).host]);
});

test("who comes with a phone is told that the game needs a keyboard", async ({ begin }) => {
  const session = await begin({ players: 1, atStart: true });
  const player = session.player(0);
  await player.getReady();
  await expect(player.page.locator(".needs-keyboard")).toBeHidden();
  const context = await session.browser.newContext({ isMobile: true, hasTouch: true });
  const phone = await context.newPage();
  await phone.goto(session.server.url);
  await phone.locator("#advance").click();
  await expect(phone.locator(".needs-keyboard")).toBeVisible();
});
