import { Export } from "../harness/data";
import { expect, test } from "../harness/fixtures";
import { igym, PAGES_WITH_FAULT } from "../harness/program";

// The negative control: if this cannot fail, the other tests prove nothing.
test("one flipped bit in one browser is a desync at that frame", async ({ begin }) => {
  const flipped = 100;
  const session = await begin({ episodes: 1, pages: PAGES_WITH_FAULT, flipAtFrame: flipped });
  // Both play on to the end: a desync is noted, not a reason to stop.
  await session.playToTheEnd();
  await session.close();

  const exported = await Export.of(session.server);
  const [episode] = await exported.table("episodes");
  expect(episode).toMatchObject({
    verdict: "desync",
    recorded_verdict: "desync",
    first_difference_frame: String(flipped),
  });
  const verify = await igym("verify", session.server.data);
  expect(verify.code, `igym verify:\n${verify.stdout}${verify.stderr}`).toBe(1);
  expect(verify.stdout + verify.stderr).toContain("desync");
});
