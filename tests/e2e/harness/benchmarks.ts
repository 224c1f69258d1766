import { readFile, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { expect } from "@playwright/test";

const BENCHMARKS = fileURLToPath(new URL("../../../docs/benchmarks.md", import.meta.url));

/** Replaces a measured part of docs/benchmarks.md, between its comments. */
export async function documentAs(name: string, lines: readonly string[]): Promise<void> {
  const text = await readFile(BENCHMARKS, "utf8");
  const [first, last] = [`<!-- ${name}: begin -->`, `<!-- ${name}: end -->`];
  const begin = text.indexOf(first);
  const end = text.indexOf(last);
  expect(begin, `docs/benchmarks.md has ${first}`).toBeGreaterThanOrEqual(0);
  expect(end, `docs/benchmarks.md has ${last}`).toBeGreaterThan(begin);
  const on = `Measured on ${machine()}, Chromium, server and both browsers on the one machine.`;
  const part = [first, "", on, "", ...lines, ""];
  await writeFile(BENCHMARKS, text.slice(0, begin) + part.join("\n") + text.slice(end));
}

export function machine(): string {
  const cores = cpus();
  return `${cores.length} cores, ${cores[0]?.model ?? "unknown"}`;
}

/** A line of a table. */
export function row(...cells: (string | number)[]): string {
  return `| ${cells.join(" | ")} |`;
}

export function ms(value: number): string {
  return `${value.toFixed(1)} ms`;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
