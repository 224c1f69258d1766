import { type Export, number, type Row } from "../harness/data";
import { expect, test } from "../harness/fixtures";
import { BROKEN, CONDITIONS } from "../harness/network";
import { expectVerified } from "../harness/verdicts";

test("the way between two pages breaks in play and heals: the server carries meanwhile", async ({
  begin,
}) => {
  const condition = { title: "one millisecond", oneWayMs: 1, jitterMs: 0, loss: 0 };
  const session = await begin({ condition, episodes: 1, maxSteps: 660, reconnectGraceS: 60 });
  await Promise.all(session.players.map((player) => player.plays(0)));
  for (const player of session.players) player.press();
  const one = session.player(0);
  await one.reaches("confirmed", 90);
  await one.impose(BROKEN);
  await Promise.all(session.players.map((player) => player.relays()));
  await one.impose(condition);
  await session.toTheEnd();
  const exported = await expectVerified(session, 1);
  const routes = await switches(exported);
  for (const player of ["0", "1"]) {
    const ways = routes.filter((row) => row.player === player).map((row) => row.path);
    expect(ways.slice(0, 2), `ways of player ${player}`).toEqual(["relay", "data_channel"]);
  }
});

test("a bad line is no reason to go through the server", async ({ begin }) => {
  const session = await begin({ condition: CONDITIONS.loss, episodes: 1, maxSteps: 300 });
  await session.playToTheEnd();
  const [episode] = await (await expectVerified(session, 1)).table("episodes");
  if (episode === undefined) throw new Error("nothing was played");
  for (const player of [0, 1]) {
    const share = number(episode, `player.${player}.data_channel_share`);
    expect(share).toBeGreaterThanOrEqual(0.95);
  }
});

// The browser may send no UDP at all, as in some offices.
test("UDP is blocked from the start: two people play through the server", async ({ begin }) => {
  const session = await begin({ episodes: 1, maxSteps: 300, browser: NO_UDP });
  await session.playToTheEnd();
  const exported = await expectVerified(session, 1);
  await expectNothingDirect(exported);
});

test("a study that lets nobody see a partner's address makes no connection", async ({ begin }) => {
  const session = await begin({ episodes: 1, maxSteps: 300, relay: "only", atStart: true });
  for (const player of session.players) {
    await player.page.evaluate(() => {
      const Connection = RTCPeerConnection;
      Object.assign(window, {
        connections: 0,
        RTCPeerConnection: class extends Connection {
          constructor(...settings: ConstructorParameters<typeof RTCPeerConnection>) {
            super(...settings);
            (window as unknown as { connections: number }).connections += 1;
          }
        },
      });
    });
    await player.join();
  }
  await session.toTheEnd();
  for (const player of session.players) {
    const made = await player.page.evaluate(() => Reflect.get(window, "connections"));
    expect(made).toBe(0);
  }
  await expectNothingDirect(await expectVerified(session, 1));
});

const NO_UDP = [
  "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
  "--webrtc-ip-handling-policy=disable_non_proxied_udp",
];

async function switches(exported: Export): Promise<Row[]> {
  return (await exported.table("events")).filter((row) => row.event === "route");
}

async function expectNothingDirect(exported: Export): Promise<void> {
  for (const episode of await exported.table("episodes")) {
    for (const player of [0, 1]) {
      expect(number(episode, `player.${player}.data_channel_share`)).toBe(0);
    }
  }
}
