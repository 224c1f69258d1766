import { expect, test } from "vitest";
import { between, DisplayModel } from "../participant/renderer/display";
import type { DrawObject } from "../src/generated/DrawObject";

function circle(id: string, x: number, tween_ms?: number): DrawObject {
  const shape = { kind: "circle", x, y: 0, radius: 5, color: "#ff0000" } as const;
  return { id, shape, alpha: 1, ...(tween_ms !== undefined && { tween_ms }) };
}

const xs = (model: DisplayModel, now: number) => {
  const { changed, moving } = model.take(now);
  return { xs: changed.map(({ shape }) => (shape.kind === "circle" ? shape.x : null)), moving };
};

test("what is taken once is not taken again", () => {
  const model = new DisplayModel();
  model.apply({ set: [circle("a", 1), circle("b", 2)], removed: [], order: ["b", "a"] }, 0);
  expect(model.dirty).toBe(true);
  const { changed, removed, order, moving } = model.take(0);
  expect(changed.map(({ id }) => id)).toEqual(["a", "b"]);
  expect({ removed, order, moving }).toEqual({ removed: [], order: ["b", "a"], moving: false });
  expect(model.dirty).toBe(false);
  expect(model.take(1)).toEqual({ removed: [], changed: [], order: null, moving: false });
});

test("an object that changes its kind is removed and made anew", () => {
  const model = new DisplayModel();
  model.apply({ set: [circle("a", 1)], removed: [] }, 0);
  model.take(0);
  const text: DrawObject["shape"] = {
    kind: "text",
    text: "!",
    x: 0,
    y: 0,
    size: 9,
    font: "Arial",
    align: "left",
    color: "#000000",
  };
  model.apply({ set: [{ id: "a", shape: text, alpha: 1 }], removed: ["a"] }, 1);
  const { removed, changed } = model.take(1);
  expect(removed).toEqual(["a"]);
  expect(changed.map(({ shape }) => shape.kind)).toEqual(["text"]);
});

test("several deltas before a frame become one picture", () => {
  const model = new DisplayModel();
  model.apply({ set: [circle("a", 1)], removed: [] }, 0);
  model.apply({ set: [circle("a", 2)], removed: [] }, 1);
  expect(xs(model, 2)).toEqual({ xs: [2], moving: false });
});

test("a new object appears in its place, a shown one moves there", () => {
  const model = new DisplayModel();
  model.apply({ set: [circle("a", 10, 100)], removed: [] }, 0);
  expect(xs(model, 0)).toEqual({ xs: [10], moving: false });
  model.apply({ set: [circle("a", 20, 100)], removed: [] }, 1000);
  expect(xs(model, 1000)).toEqual({ xs: [10], moving: true });
  expect(xs(model, 1050)).toEqual({ xs: [15], moving: true });
  // A new aim starts from where the object is seen.
  model.apply({ set: [circle("a", 0, 100)], removed: [] }, 1050);
  expect(xs(model, 1100)).toEqual({ xs: [7.5], moving: true });
  expect(xs(model, 1200)).toEqual({ xs: [0], moving: false });
  expect(xs(model, 1300)).toEqual({ xs: [], moving: false });
});

test("an object without a tween stops one that was under way", () => {
  const model = new DisplayModel();
  model.apply({ set: [circle("a", 0)], removed: [] }, 0);
  model.apply({ set: [circle("a", 10, 100)], removed: [] }, 0);
  model.apply({ set: [circle("a", 50)], removed: [] }, 10);
  expect(xs(model, 20)).toEqual({ xs: [50], moving: false });
});

test("an empty picture removes everything", () => {
  const model = new DisplayModel();
  model.apply({ set: [circle("a", 0), circle("b", 0)], removed: [], order: ["a", "b"] }, 0);
  model.take(0);
  model.clear();
  expect(model.take(1)).toEqual({ removed: ["a", "b"], changed: [], order: [], moving: false });
});

test("points move with their line, unless their number changes", () => {
  const line = (points: [number, number][]) => ({ points, color: "#000000" });
  const half = between(line([[0, 0]]), line([[10, 20]]), 0.5);
  expect(half).toEqual(line([[5, 10]]));
  const grown = line([
    [1, 1],
    [2, 2],
  ]);
  expect(between(line([[0, 0]]), grown, 0.5)).toEqual(grown);
});

test("a correction glides to its place, and quickly", () => {
  const model = new DisplayModel();
  const at = (x: number, now: number, smoothMs: number) =>
    model.apply({ set: [circle("a", x)], removed: [] }, now, smoothMs);
  at(10, 0, 0);
  at(12, 30, 0);
  expect(xs(model, 30)).toEqual({ xs: [12], moving: false });
  // It would have gone to 14; the game found that it is at 4.
  at(4, 60, 100);
  expect(xs(model, 60)).toEqual({ xs: [14], moving: true });
  // Half of the time, a quarter of the way left.
  expect(xs(model, 110)).toEqual({ xs: [6.5], moving: true });
  // It moves on meanwhile, and the rest of the error with it.
  at(6, 110, 0);
  expect(xs(model, 110)).toEqual({ xs: [8.5], moving: true });
  expect(xs(model, 160)).toEqual({ xs: [6], moving: false });
  expect(model.dirty).toBe(false);
});

test("what goes where it would have gone anyway does not glide", () => {
  const model = new DisplayModel();
  for (const [frame, x] of [10, 12, 14].entries()) {
    model.apply({ set: [circle("a", x)], removed: [] }, frame, frame === 2 ? 100 : 0);
  }
  expect(xs(model, 2)).toEqual({ xs: [14], moving: false });
});

test("polygons glide as a whole", () => {
  const model = new DisplayModel();
  const polygon = (x: number): DrawObject => ({
    id: "p",
    shape: {
      kind: "polygon",
      points: [
        [x, 0],
        [x + 4, 0],
        [x, 4],
      ],
      color: "#000000",
    },
    alpha: 1,
  });
  model.apply({ set: [polygon(0)], removed: [] }, 0);
  model.apply({ set: [polygon(8)], removed: [] }, 10, 100);
  const shape = model.take(60).changed[0]?.shape;
  expect(shape).toMatchObject({
    points: [
      [6, 0],
      [10, 0],
      [6, 4],
    ],
  });
});
