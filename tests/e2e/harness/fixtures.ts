import { test as base } from "@playwright/test";
import type { Game } from "./games";
import { prepared } from "./prepared";
import { Session, type SessionOptions } from "./session";

interface Fixtures {
  /** Begins a session that is cleared away after the test; a failed test shows the server's log. */
  begin: (options?: SessionOptions) => Promise<Session>;
}

export const test = base.extend<Fixtures>({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the names of what a fixture needs.
  begin: async ({}, use, info) => {
    const sessions: Session[] = [];
    await use(async (options) => {
      const session = await Session.start(options);
      sessions.push(session);
      await session.gather(options);
      return session;
    });
    for (const session of sessions) {
      if (info.status !== info.expectedStatus) {
        await info.attach("server log", { body: session.server.log, contentType: "text/plain" });
      }
      await session.remove();
    }
  },
});

/** Prepares games in Python before the tests of a file, which need not wait for it then. */
export function prepareFirst(...games: Game[]): void {
  test.beforeAll(async () => {
    test.setTimeout(PREPARING_MS);
    for (const game of games) await prepared(game);
  });
}

/** Fetching packages, and examining an environment in several interpreters; found again later. */
const PREPARING_MS = 1_200_000;

export { expect } from "@playwright/test";
