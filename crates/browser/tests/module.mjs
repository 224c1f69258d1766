// Loads the built module: from IGYM_WASM_DIR, or from where the web build puts it.

import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

export const root = resolve(dirname(fileURLToPath(import.meta.url)), "../../..");

const directory = resolve(
  process.env.IGYM_WASM_DIR ?? join(root, "web/src/generated/wasm"),
);

export const bytes = readFileSync(join(directory, "igym_browser_bg.wasm"));

export const igym = await import(
  pathToFileURL(join(directory, "igym_browser.js")).href
);

igym.initSync({ module: bytes });
