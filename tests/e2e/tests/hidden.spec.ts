import { number } from "../harness/data";
import { expect, test } from "../harness/fixtures";
import { Tabs } from "../harness/tabs";
import { expectVerified } from "../harness/verdicts";

test("a page is hidden in play: the game goes on, and the data say who did not look", async ({
  begin,
}) => {
  const session = await begin({ players: 1, atStart: true, episodes: 1, maxSteps: 420 });
  const looks = session.player(0);
  const tabs = await Tabs.open(session.browser, session.server.url);
  await tabs.press("#advance");
  await tabs.press("#join");
  await looks.join();
  await looks.plays(0);
  looks.press();
  await tabs.until("Number(document.documentElement.dataset.confirmed) >= 60");
  await tabs.hide();
  const hidden = await looks.tells("confirmed");
  // Three seconds at the partner, who does not wait for a window that nobody sees.
  await looks.reaches("confirmed", hidden + 90);
  await tabs.show();
  await session.toTheEnd();
  await tabs.until(`document.documentElement.dataset.view === "end"`);

  const exported = await expectVerified(session, 1);
  const [episode] = await exported.table("episodes");
  if (episode === undefined) throw new Error("no episode");
  const frames = await exported.frames(episode);
  const background = [0, 1].map(
    (player) => frames.filter((frame) => frame[`player.${player}.source`] === "background").length,
  );
  expect(Math.max(...background), "frames that a hidden page played").toBeGreaterThan(60);
  expect(Math.min(...background), "frames of the page that was seen").toBe(0);
  expect(number(episode, "frames")).toBe(420);
});
