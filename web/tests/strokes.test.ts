import { expect, test } from "vitest";
import { type Point, strokeTriangles, type Triangle } from "../participant/renderer/strokes";

/** Twice the area, with its sign. */
function turn([ax, ay]: Point, [bx, by]: Point, [cx, cy]: Point): number {
  return (bx - ax) * (cy - ay) - (by - ay) * (cx - ax);
}

function area(triangles: Triangle[]): number {
  return triangles.reduce((sum, [a, b, c]) => sum + Math.abs(turn(a, b, c)) / 2, 0);
}

/** How many of them a point lies in. */
function covering(triangles: Triangle[], point: Point): number {
  return triangles.filter(([a, b, c]) => {
    const turns = [turn(a, b, point), turn(b, c, point), turn(c, a, point)];
    return turns.every((turn) => turn > 0) || turns.every((turn) => turn < 0);
  }).length;
}

const SQUARE: Point[] = [
  [20, 20],
  [60, 20],
  [60, 60],
  [20, 60],
];

test("one piece is a rectangle that ends where the line does", () => {
  const line = strokeTriangles(
    [
      [10, 10],
      [30, 10],
    ],
    4,
    false,
  );
  expect(area(line)).toBeCloseTo(20 * 4);
  expect(covering(line, [10.1, 11.7])).toBe(1);
  expect(covering(line, [9.9, 10])).toBe(0);
  expect(covering(line, [20, 12.1])).toBe(0);
});

test("the corners of a closed line are pointed, and nothing is painted twice", () => {
  for (const square of [SQUARE, SQUARE.toReversed()]) {
    const frame = strokeTriangles(square, 6, true);
    expect(area(frame)).toBeCloseTo(46 * 46 - 34 * 34);
    for (const corner of [17.1, 62.9]) expect(covering(frame, [corner, corner - 0.05])).toBe(1);
    expect(covering(frame, [40, 40])).toBe(0);
  }
});

test("an open line has no corner between its ends", () => {
  const open = strokeTriangles(SQUARE, 6, false);
  expect(covering(open, [62.9, 17.2])).toBe(1);
  expect(covering(open, [17.1, 17.2])).toBe(0);
  expect(covering(open, [20, 40])).toBe(0);
});

test("points that repeat change nothing", () => {
  const [a, b, c, d] = SQUARE as [Point, Point, Point, Point];
  expect(strokeTriangles([a, a, b, c, c, d, d, a, a], 6, true)).toEqual(
    strokeTriangles(SQUARE, 6, true),
  );
  expect(strokeTriangles([a, a], 6, true)).toEqual([]);
  expect(strokeTriangles([], 6, false)).toEqual([]);
});

test("a very sharp corner is cut, as on a canvas", () => {
  // Of 11.4 degrees, the canvas's limit is 11.5: its point would be 20.1 wide; and one of 16.
  const tip = (rise: number): Point[] => [
    [0, -rise],
    [100, 0],
    [0, rise],
  ];
  const cut = strokeTriangles(tip(100 * Math.tan(0.0995)), 2, false);
  expect(covering(cut, [100.05, 0.01])).toBe(1);
  expect(covering(cut, [101, 0.01])).toBe(0);
  expect(covering(strokeTriangles(tip(14), 2, false), [106, 0.01])).toBe(1);
});

test("a line that is wider than its pieces are long has no holes", () => {
  const around = Array.from({ length: 24 }, (_, index): Point => {
    const angle = (index * Math.PI) / 12;
    return [3 * Math.cos(angle), 3 * Math.sin(angle)];
  });
  const disc = strokeTriangles(around, 8, true);
  for (let step = 0; step < 200; step += 1) {
    const [radius, angle] = [(step % 20) * 0.34 + 0.003, step * 0.777];
    const point: Point = [radius * Math.cos(angle), radius * Math.sin(angle)];
    expect(covering(disc, point), `at ${point}`).toBeGreaterThan(0);
  }
});

test("a round line is one ring, painted once", () => {
  const around = Array.from({ length: 64 }, (_, index): Point => {
    const angle = (index * Math.PI) / 32;
    return [20 * Math.cos(angle), 20 * Math.sin(angle)];
  });
  const ring = strokeTriangles(around, 5, true);
  const polygon = (radius: number) => 32 * Math.sin(Math.PI / 32) * radius * radius;
  const wider = 1 / Math.cos(Math.PI / 64);
  expect(area(ring)).toBeCloseTo(polygon(20 + 2.5 * wider) - polygon(20 - 2.5 * wider));
  expect(ring).toHaveLength(128);
});
