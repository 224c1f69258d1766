import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";
import { pythonParts } from "./python/parts.ts";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/**
 * Where `igym_browser.js` and `igym_browser_bg.wasm` are. Tests that need a module with a fault
 * switch set IGYM_WASM_DIR to another folder, and build into another one with --outDir.
 */
const engine = process.env.IGYM_WASM_DIR ?? here("src/generated/wasm");

/**
 * Phaser's own build flags. We bundle the parts of Phaser that we use from its sources: half the
 * size of its ready-made bundle, and evaluated without a long task on the page.
 */
const PHASER_FLAGS: Record<string, boolean> = {
  WEBGL_RENDERER: true,
  CANVAS_RENDERER: true,
  WEBGL_DEBUG: false,
  FEATURE_SOUND: false,
  PLUGIN_CAMERA3D: false,
  PLUGIN_FBINSTANT: false,
  EXPERIMENTAL: false,
};

/**
 * Phaser finds out by loading `data:` images, which the page's policy forbids, what every browser
 * with WebAssembly has.
 */
const CANVAS_FEATURES =
  "module.exports = { supportInverseAlpha: true, supportNewBlendModes: true };";

function phaserFromSource(): Plugin {
  const flag = new RegExp(`typeof (${Object.keys(PHASER_FLAGS).join("|")})\\b`, "g");
  return {
    name: "phaser-from-source",
    transform(code, id) {
      if (!id.includes("/phaser/src/")) return null;
      if (id.endsWith("/device/CanvasFeatures.js")) return { code: CANVAS_FEATURES, map: null };
      if (!code.includes("typeof ")) return null;
      return {
        code: code.replace(flag, (_, name: string) => String(PHASER_FLAGS[name])),
        map: null,
      };
    },
  };
}

export default defineConfig({
  root: here("."),
  base: "/",
  publicDir: false,
  plugins: [phaserFromSource(), pythonParts()],
  resolve: {
    alias: {
      "phaser-source": here("node_modules/phaser/src"),
      "#engine": engine,
    },
  },
  worker: { format: "es" },
  build: {
    target: "es2022",
    outDir: "dist",
    emptyOutDir: true,
    // The page's content security policy allows no `data:` and nothing inline.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
    reportCompressedSize: false,
  },
});
