import { mkdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("../results", import.meta.url));

/** Writes a report into tests/e2e/results. */
export async function save(name: string, report: unknown): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(`${folder}/${name}`, `${JSON.stringify(report, null, 2)}\n`);
}
