import { test as base } from "@playwright/test";
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
      const session = await Session.begin(options);
      sessions.push(session);
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

export { expect } from "@playwright/test";
