import { prepareFirst, test } from "../harness/fixtures";
import { TUG } from "../harness/games";
import { expectVerified } from "../harness/verdicts";

prepareFirst(TUG);

test("a page that is loaded again in the lobby measures its machine and is matched then", async ({
  begin,
}) => {
  const session = await begin({ game: TUG, players: 1, episodes: 1, maxSteps: 90 });
  const waits = session.player(0);
  await waits.sees("lobby");
  const measured = waits.page.waitForEvent("console", {
    predicate: (message) => message.text().startsWith("costs of the game"),
    timeout: 120_000,
  });
  await waits.reload();
  await measured;
  await waits.sees("lobby");
  const comes = await session.another();
  await comes.open(session.server.url);
  await comes.join();
  await session.playToTheEnd();
  await expectVerified(session, 1);
});
