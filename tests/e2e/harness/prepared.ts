import { expect } from "@playwright/test";
import type { Game } from "./games";
import { igym, PAGES, PREPARED } from "./program";

/** What is prepared already, or about to be. */
const folders = new Map<string, Promise<string>>();

/**
 * What `igym prepare` makes of a game in Python, for all servers of all tests: it is found again as
 * long as the game and the program are the same. Null for a native game.
 */
export function prepared({ name, folder }: Game): Promise<string> | null {
  if (folder === undefined) return null;
  const known = folders.get(name) ?? prepare(name, folder);
  folders.set(name, known);
  return known;
}

async function prepare(name: string, folder: string): Promise<string> {
  const data = `${PREPARED}/${name}`;
  const study = `${folder}/study.toml`;
  const { code, stdout, stderr } = await igym("prepare", study, "--data", data, "--web", PAGES);
  expect(code, `igym prepare:\n${stdout}${stderr}`).toBe(0);
  return `${data}/python`;
}
