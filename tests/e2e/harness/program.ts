import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../..", import.meta.url));

function setting(name: string, otherwise: string): string {
  return process.env[name] ?? otherwise;
}

/** What `cargo xtask e2e` built; the defaults are where it builds. */
export const PROGRAM = setting("IGYM_PROGRAM", `${root}target/e2e/igym`);
export const CHROMIUM = setting("IGYM_CHROMIUM", "/usr/bin/chromium");
export const PAGES = setting("IGYM_PAGES", `${root}web/dist`);
export const PAGES_WITH_FAULT = setting(
  "IGYM_PAGES_WITH_FAULT",
  `${root}target/fault-injection/dist`,
);

/** Where studies in Python are prepared once, for all runs. */
export const PREPARED = `${root}target/e2e-prepared`;

export interface Finished {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs `igym` to its end. */
export function igym(...args: string[]): Promise<Finished> {
  return finish(PROGRAM, args);
}

/** Runs a program to its end; an exit code other than 0 is a result, not an error. */
export function finish(program: string, args: string[]): Promise<Finished> {
  return new Promise((resolve, reject) => {
    execFile(program, args, { maxBuffer: 1 << 28 }, (error, stdout, stderr) => {
      if (error && typeof error.code !== "number") reject(error);
      else resolve({ code: typeof error?.code === "number" ? error.code : 0, stdout, stderr });
    });
  });
}
