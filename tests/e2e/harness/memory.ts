import { readFile } from "node:fs/promises";
import type { Browser } from "@playwright/test";

/**
 * What the processes of all pages hold that is not a file's, in MiB: heaps of JavaScript, of
 * WebAssembly and with it of Python, and pictures.
 */
export async function pagesHold(browser: Browser): Promise<number> {
  const devtools = await browser.newBrowserCDPSession();
  const { processInfo } = await devtools.send("SystemInfo.getProcessInfo");
  await devtools.detach();
  const renderers = processInfo.filter(({ type }) => type === "renderer");
  const kilobytes = await Promise.all(renderers.map(({ id }) => anonymous(id)));
  return kilobytes.reduce((sum, one) => sum + one, 0) / 1024;
}

/** In KiB. */
async function anonymous(process: number): Promise<number> {
  const text = await readFile(`/proc/${process}/smaps_rollup`, "utf8");
  const [, kilobytes] = /^Anonymous:\s+(\d+) kB$/m.exec(text) ?? [];
  if (kilobytes === undefined) throw new Error(`process ${process} does not say what it holds`);
  return Number(kilobytes);
}
