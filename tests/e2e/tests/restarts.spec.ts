import { Detour } from "../harness/detour";
import { test } from "../harness/fixtures";
import { expectVerified } from "../harness/verdicts";

test("the server is killed in mid-episode: play goes on without it, and nothing is lost", async ({
  begin,
}) => {
  const session = await begin({ episodes: 1, maxSteps: 400, reconnectGraceS: 60 });
  await Promise.all(session.players.map((player) => player.plays(0)));
  for (const player of session.players) player.press();
  await Promise.all(session.players.map((player) => player.reaches("confirmed", 60)));
  await session.server.kill();
  const before = await session.player(0).tells("confirmed");
  // Two seconds of play without a server.
  await Promise.all(session.players.map((player) => player.reaches("confirmed", before + 60)));
  await session.server.restart();
  await session.toTheEnd();
  await expectVerified(session, 1);
});

test("the server is killed while people wait, and while they read the last page", async ({
  begin,
}) => {
  const session = await begin({ players: 2, atStart: true, maxSteps: 60, reconnectGraceS: 60 });
  const [first, second] = [session.player(0), session.player(1)];
  await first.join();
  await first.sees("lobby");
  await session.server.kill();
  await session.server.restart();
  await second.join();
  await session.toTheEnd();
  await session.server.kill();
  await session.server.restart();
  await first.reload();
  await first.sees("end");
  await expectVerified(session, 2);
});

test("the WebSocket is lost in play and comes back: play never stops", async ({ begin }) => {
  const session = await begin({
    episodes: 1,
    maxSteps: 450,
    reconnectGraceS: 60,
    through: (port) => Detour.to(port),
  });
  const [, cut] = [session.player(0), session.player(1)];
  await Promise.all(session.players.map((player) => player.plays(0)));
  for (const player of session.players) player.press();
  await cut.reaches("confirmed", 60);
  session.detour?.cut();
  await cut.reaches("confirmed", 150);
  session.detour?.mend();
  await session.toTheEnd();
  await expectVerified(session, 1);
});
