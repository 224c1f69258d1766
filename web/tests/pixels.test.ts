import { expect, test } from "vitest";
import { pixelsOf } from "../worker/pixels";

test("an image becomes what a canvas takes", () => {
  const delta = JSON.stringify({ set: [], removed: [], pixels: { width: 2, height: 1 } });
  const pixels = pixelsOf(delta, () => Uint8Array.of(1, 2, 3, 4, 5, 6));
  expect(pixels).toMatchObject({ width: 2, height: 1 });
  expect([...new Uint8Array(pixels?.bytes ?? new ArrayBuffer())]).toEqual([
    ...[1, 2, 3, 255],
    ...[4, 5, 6, 255],
  ]);
});

test("of a picture without one no bytes are asked for", () => {
  const take = () => {
    throw new Error("there are none");
  };
  expect(pixelsOf(JSON.stringify({ set: [], removed: [] }), take)).toBeNull();
});
