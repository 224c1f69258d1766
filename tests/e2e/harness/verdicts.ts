import { expect } from "@playwright/test";
import { compareReadings, Export } from "./data";
import { igym } from "./program";
import type { Session } from "./session";

/**
 * Closes the session: every episode is verified, by the server when it was played, by `igym verify`
 * and by comparing rows here, and everybody completed the study.
 */
export async function expectVerified(session: Session, episodes: number): Promise<Export> {
  await session.close();
  const exported = await Export.of(session.server);
  const rows = await exported.table("episodes");
  expect(rows.map((row) => row.verdict)).toEqual(Array(episodes).fill("verified"));
  expect(rows.map((row) => row.recorded_verdict)).toEqual(Array(episodes).fill("verified"));
  await compareReadings(session.server, exported);
  const verify = await igym("verify", session.server.data);
  expect(verify.code, `igym verify:\n${verify.stdout}${verify.stderr}`).toBe(0);
  const doctor = await igym("doctor", session.server.data);
  expect(doctor.code, `igym doctor:\n${doctor.stdout}${doctor.stderr}`).toBe(0);
  const outcomes = (await exported.table("participants")).map((row) => row.outcome);
  expect(outcomes).toEqual(Array(outcomes.length).fill("completed"));
  return exported;
}
