import { fileURLToPath } from "node:url";
import { test } from "../harness/fixtures";

// `cargo xtask picture`: the picture in the README, taken from a real game.

const FILE = fileURLToPath(new URL("../../../docs/images/playing.png", import.meta.url));
/** By then the ball has been served and both have moved. */
const FRAME = 75;

test("picture", async ({ begin }) => {
  const session = await begin({ title: "Slime volleyball" });
  await Promise.all(session.players.map((player) => player.plays(0)));
  for (const player of session.players) player.press();
  const shots = await Promise.all(
    session.players.map(async ({ page }) => {
      await page.waitForFunction(
        (frame) => Number(document.documentElement.dataset.frame) >= frame,
        FRAME,
      );
      return (await page.screenshot()).toString("base64");
    }),
  );
  await Promise.all(session.players.map((player) => player.rest()));
  const table = await session.browser.newPage({ viewport: { width: 2064, height: 760 } });
  const pictures = shots.map((shot) => `<img src="data:image/png;base64,${shot}">`);
  await table.setContent(
    `<style>
      body { margin: 0; padding: 20px; display: flex; gap: 24px; background: #dfe5ec; }
      img { width: 1000px; border-radius: 10px; box-shadow: 0 2px 12px #0004; }
    </style>${pictures.join("")}`,
  );
  await table.screenshot({ path: FILE });
});
