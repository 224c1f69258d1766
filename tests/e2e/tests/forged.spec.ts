import { Export } from "../harness/data";
import { Detour } from "../harness/detour";
import { expect, test } from "../harness/fixtures";
import { igym } from "../harness/program";
import { authoredInputs } from "../harness/uploads";

// A page says one thing to its partner and another to the server.
test("a forged journal input makes the episode disputed, and both versions are kept", async ({
  begin,
}) => {
  const forged = 100;
  const session = await begin({
    episodes: 1,
    through: (port) =>
      Detour.to(port, (message) => {
        for (const { frame, input } of authoredInputs(message)) {
          if (frame === forged) input.writeUInt8(input.readUInt8(0) === 0 ? 1 : 0, 0);
        }
      }),
  });
  await session.toTheEnd();
  await session.close();

  const exported = await Export.of(session.server);
  const [episode] = await exported.table("episodes");
  expect(episode).toMatchObject({
    verdict: "disputed",
    recorded_verdict: "disputed",
    first_difference_frame: String(forged),
  });
  const differences = await exported.table("differences");
  const about = differences.find((row) => row.field === "inputs" && row.frame === String(forged));
  expect(about?.first_value).not.toBe(about?.second_value);
  const verify = await igym("verify", session.server.data);
  expect(verify.code, `igym verify:\n${verify.stdout}${verify.stderr}`).toBe(1);
});
