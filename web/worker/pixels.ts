import type { DrawDelta } from "../src/generated/DrawDelta";
import type { Pixels } from "../src/messages";

/** The image that belongs to a delta, if it brings one; `take` gives its bytes, RGB. */
export function pixelsOf(delta: string, take: () => Uint8Array): Pixels | null {
  // Nearly all deltas bring none, and the page parses them anyway.
  if (!delta.includes('"pixels"')) return null;
  const { pixels } = JSON.parse(delta) as DrawDelta;
  if (!pixels) return null;
  return { ...pixels, bytes: withAlpha(take()) };
}

/** RGB to RGBA, as canvases want it. */
export function withAlpha(rgb: Uint8Array): ArrayBuffer {
  const rgba = new Uint8Array((rgb.length / 3) * 4);
  for (let from = 0, to = 0; from < rgb.length; from += 3, to += 4) {
    rgba[to] = rgb[from] ?? 0;
    rgba[to + 1] = rgb[from + 1] ?? 0;
    rgba[to + 2] = rgb[from + 2] ?? 0;
    rgba[to + 3] = 255;
  }
  return rgba.buffer;
}
