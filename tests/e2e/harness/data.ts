import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "@playwright/test";
import { igym } from "./program";
import { fingerprint, type UploadedRow, uploadedRows } from "./rows";
import type { Server } from "./server";

/** A row of an exported table: column → text, empty where there is no value. */
export type Row = Record<string, string>;

/** Waits until each episode has its verdict, where the server runs: nobody else does. */
async function verdicts(server: Server): Promise<void> {
  const unjudged = async () => {
    const answer = await fetch(`${server.url}/metrics`).catch(() => null);
    if (answer === null) return "stopped";
    return /^igym_episodes_unjudged (\d+)$/m.exec(await answer.text())?.[1];
  };
  await expect.poll(unjudged, { timeout: 120_000 }).toMatch(/^(0|stopped)$/);
}

/** What `igym export` wrote. */
export class Export {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async of(server: Server): Promise<Export> {
    const folder = server.folder("export");
    await verdicts(server);
    const { code, stderr } = await igym("export", server.data, "--out", folder);
    expect(code, `igym export: ${stderr}`).toBe(0);
    return new Export(folder);
  }

  async table(name: string): Promise<Row[]> {
    return parseCsv(await readFile(join(this.#folder, `${name}.csv`), "utf8"));
  }

  /** The canonical frames of an episode, without the reset row and the final observation. */
  async frames(episode: Row): Promise<Row[]> {
    const rows = await this.table(String(episode.frames_file));
    return rows.filter((row) => row.row === "step");
  }
}

/** The number in a cell, which must hold one. */
export function number(row: Row, column: string): number {
  const text = row[column];
  if (text === undefined) throw new Error(`no column ${column} in ${Object.keys(row).join(", ")}`);
  if (text === "") throw new Error(`nothing in column ${column}`);
  return Number(text);
}

/**
 * Compares the three readings of every episode once more: the rows that either browser uploaded,
 * read straight from the journal, and the re-simulation in the exported frames.
 */
export async function compareReadings(server: Server, exported: Export): Promise<void> {
  const uploaded = await uploadedRows(server.data);
  const episodes = await exported.table("episodes");
  expect(uploaded.size, "episodes with rows").toBe(episodes.length);
  for (const episode of episodes) {
    const name = `episode ${episode.episode}`;
    const key = `${episode.session?.replaceAll("-", "")}/${episode.episode}`;
    const players = [...(uploaded.get(key)?.values() ?? [])];
    expect(players.length, `${name}: browsers that uploaded rows`).toBe(2);
    const [a, b] = players;
    if (a === undefined || b === undefined) throw new Error("no rows");
    const frames = await exported.frames(episode);
    expect(frames.length, `${name}: frames of the re-simulation`).toBe(number(episode, "frames"));
    expect(a.size, `${name}: rows of player 0`).toBe(frames.length);
    expect(b.size, `${name}: rows of player 1`).toBe(frames.length);
    expect(fingerprint(a), `${name}: the rows of both browsers`).toBe(fingerprint(b));
    const differing = frames.filter((frame) => !isSame(frame, a.get(number(frame, "frame"))));
    expect(differing, `${name}: frames that differ from the re-simulation`).toEqual([]);
  }
}

function isSame(frame: Row, row: UploadedRow | undefined): boolean {
  return (
    row !== undefined &&
    row.inputs.length === 2 &&
    row.inputs.every((input, player) => input === frame[`player.${player}.input`]) &&
    (row.digest ?? "") === frame.state_hash &&
    row.hash === frame.chain_hash
  );
}

/** Several different inputs of each player: rows of nothing but idle frames would be equal, too. */
export async function expectPlay(exported: Export): Promise<void> {
  for (const episode of await exported.table("episodes")) {
    const frames = await exported.frames(episode);
    for (const player of [0, 1]) {
      const inputs = new Set(frames.map((frame) => frame[`player.${player}.input`]));
      expect(
        inputs.size,
        `different inputs of player ${player} in episode ${episode.episode}`,
      ).toBeGreaterThan(2);
    }
  }
}

/** CSV as RFC 4180 has it. */
export function parseCsv(text: string): Row[] {
  const records: string[][] = [];
  let record: string[] = [];
  let field = "";
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const c = text[at];
    if (quoted) {
      if (c !== '"') field += c;
      else if (text[at + 1] === '"') {
        field += '"';
        at += 1;
      } else quoted = false;
    } else if (c === '"') quoted = true;
    else if (c === "," || c === "\n") {
      record.push(field);
      field = "";
      if (c === "\n") {
        records.push(record);
        record = [];
      }
    } else if (c !== "\r") field += c;
  }
  const [header, ...rows] = records;
  if (header === undefined) throw new Error("an empty table");
  return rows.map((row) => Object.fromEntries(header.map((name, at) => [name, row[at] ?? ""])));
}
