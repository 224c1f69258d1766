/** What the build adds to the pages for studies in Python: Pyodide's core, our package, the program for Node. */

import { readdirSync, readFileSync } from "node:fs";
import { join, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "vite";
import { type ZipEntry, zip } from "./zip.ts";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** What Pyodide loads of itself. */
export const CORE = [
  "pyodide.mjs",
  "pyodide.asm.js",
  "pyodide.asm.wasm",
  "python_stdlib.zip",
  "pyodide-lock.json",
] as const;

export const CORE_FOLDER = here("../node_modules/pyodide");
const PACKAGES = here("../../python/src");

/**
 * - `pyodide/`: the core
 * - `python/interactive_gym.zip`: the package, the same bytes wherever it is built
 * - `python/headless.mjs`
 */
export function pythonParts(): Plugin {
  return {
    name: "python-parts",
    apply: "build",
    async generateBundle() {
      for (const name of CORE) {
        const source = readFileSync(join(CORE_FOLDER, name));
        this.emitFile({ type: "asset", fileName: `pyodide/${name}`, source });
      }
      const [platform, headless] = [platformZip(), await headlessProgram()];
      this.emitFile({ type: "asset", fileName: "python/interactive_gym.zip", source: platform });
      this.emitFile({ type: "asset", fileName: "python/headless.mjs", source: headless });
    },
  };
}

/** The package `interactive_gym`. */
export function platformZip(): Uint8Array {
  const entries: ZipEntry[] = readdirSync(join(PACKAGES, "interactive_gym"), {
    recursive: true,
    encoding: "utf8",
  })
    .filter((name) => name.endsWith(".py"))
    .map((name) => ({
      name: `interactive_gym/${name.split(sep).join("/")}`,
      content: readFileSync(join(PACKAGES, "interactive_gym", name)),
    }));
  return zip(entries);
}

/** `headless.ts` and what it imports, as one file for Node. */
export async function headlessProgram(): Promise<string> {
  const built = await build({
    configFile: false,
    root: here(".."),
    logLevel: "warn",
    build: { ssr: here("headless.ts"), write: false, target: "node20", minify: false },
  });
  const output = "output" in built ? built.output : [];
  const [chunk] = output;
  if (chunk?.type !== "chunk" || output.length !== 1) {
    throw new Error("headless.ts did not become one file");
  }
  return chunk.code;
}
