import { createHash } from "node:crypto";
import { join } from "node:path";
import { Reader } from "./postcard";
import { finish } from "./program";

/**
 * The canonical rows of each browser as they stand in the journal, read without a line of the
 * program's own code: `igym verify` says that they are equal, and this says so again.
 */
export interface UploadedRow {
  inputs: string[];
  outcome: string;
  digest: string | null;
  hash: string;
}

/** `${session}/${episode}` → player → frame → row. */
export type UploadedRows = Map<string, Map<number, Map<number, UploadedRow>>>;

const QUERY = `
import json, sqlite3, sys
journal = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True)
rows = journal.execute(
    "SELECT player, body FROM journal WHERE kind = 'uploaded' ORDER BY id").fetchall()
print(json.dumps([[player, bytes(body).hex()] for player, body in rows]))
`;

/** The position of `Rows` in the enum of upload bodies. */
const ROWS = 1;

export async function uploadedRows(data: string): Promise<UploadedRows> {
  const file = join(data, "journal.sqlite");
  const python = await finish("python3", ["-c", QUERY, file]);
  if (python.code !== 0) throw new Error(`cannot read ${file}:\n${python.stderr}`);
  const uploads = JSON.parse(python.stdout) as [number, string][];
  const found: UploadedRows = new Map();
  for (const [player, hex] of uploads) {
    const reader = new Reader(Buffer.from(hex, "hex"));
    reader.bytes(4);
    // The incarnation of the page, and the upload's number in it.
    reader.number();
    reader.number();
    const session = reader.bytes(reader.number()).toString("hex");
    const episode = reader.number();
    if (reader.number() !== ROWS) continue;
    const key = `${session}/${episode}`;
    const players = found.get(key) ?? new Map<number, Map<number, UploadedRow>>();
    found.set(key, players);
    const rows = players.get(player) ?? new Map<number, UploadedRow>();
    players.set(player, rows);
    const first = reader.number();
    reader
      .list(() => row(reader))
      .forEach((row, at) => {
        rows.set(first + at, row);
      });
  }
  return found;
}

/** One short text that stands for all rows of a player. */
export function fingerprint(rows: Map<number, UploadedRow>): string {
  const hash = createHash("sha256");
  for (const frame of [...rows.keys()].sort((a, b) => a - b)) {
    hash.update(JSON.stringify([frame, rows.get(frame)]));
  }
  return hash.digest("hex");
}

function row(reader: Reader): UploadedRow {
  const inputs = reader.list(() => reader.hex(reader.number()));
  const outcome = reader.hex(reader.number());
  const digest = reader.number() === 1 ? reader.hex(16) : null;
  return { inputs, outcome, digest, hash: reader.hex(16) };
}
