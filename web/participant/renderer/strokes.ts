/**
 * Lines as triangles. A canvas joins the pieces of a line as everybody expects it, with pointed
 * corners; Phaser's own lines on a graphics card have holes or cut corners there, and where pieces
 * overlap they show through each other. These do neither, but where a translucent line meets itself, or
 * turns within less than its width: a canvas knows what it has painted already.
 */

export type Point = readonly [number, number];
/** Its three corners. */
export type Triangle = readonly [Point, Point, Point];

/** A corner whose point would reach farther than so many times half the width is cut, as on a canvas. */
const MITER_LIMIT = 10;
/** Sine of an angle that is none. */
const STRAIGHT = 1e-6;

/** A straight piece, with the corners that it has without its neighbours. */
interface Piece {
  /** How much of it a neighbour may cover. */
  spare: number;
  /** Its direction, of length 1; its left side is that direction turned from x to y. */
  along: Point;
  start: Sides;
  end: Sides;
}

/** The corners of one end of a piece. */
interface Sides {
  left: Point;
  right: Point;
  /** Where something else has a corner between them: without one here too there would be pinholes. */
  middle?: Point;
}

/** The triangles that a line of this width covers; a closed one ends where it begins. */
export function strokeTriangles(
  points: readonly Point[],
  width: number,
  closed: boolean,
): Triangle[] {
  const half = width / 2;
  const corners = distinct(points, closed);
  const last = corners[corners.length - 1];
  const first = corners[0];
  if (!first || !last || corners.length < 2 || half <= 0) return [];
  const round = closed && corners.length > 2;
  const pieces = corners
    .slice(1)
    .map((corner, index) => piece(corners[index] ?? corner, corner, half));
  if (round) pieces.push(piece(last, first, half));
  const triangles: Triangle[] = [];
  pieces.forEach((after, index) => {
    const before = pieces[index - 1] ?? (round ? pieces[pieces.length - 1] : undefined);
    const corner = corners[index];
    if (before && corner) triangles.push(...join(before, after, corner, half));
  });
  return [...triangles, ...pieces.flatMap(covered)];
}

/** What a piece covers. */
function covered({ start, end }: Piece): Triangle[] {
  const [from, to] = [start.middle ?? start.right, end.middle ?? end.right];
  const triangles: Triangle[] = [
    [start.left, from, to],
    [start.left, to, end.left],
  ];
  if (start.middle) triangles.push([from, start.right, to]);
  if (end.middle) triangles.push([start.right, end.right, to]);
  return triangles;
}

/** Without points that repeat the one before them: between such there is no direction. */
function distinct(points: readonly Point[], closed: boolean): Point[] {
  const kept: Point[] = [];
  for (const point of points) {
    const before = kept[kept.length - 1];
    if (!before || !same(before, point)) kept.push(point);
  }
  const [first] = kept;
  while (closed && first && kept.length > 1 && same(kept[kept.length - 1] ?? first, first))
    kept.pop();
  return kept;
}

function same(one: Point, other: Point): boolean {
  return Math.hypot(one[0] - other[0], one[1] - other[1]) < STRAIGHT;
}

function piece(from: Point, to: Point, half: number): Piece {
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
  const length = Math.hypot(dx, dy);
  const along: Point = [dx / length, dy / length];
  const left: Point = [-along[1] * half, along[0] * half];
  return { spare: length, along, start: sides(from, left), end: sides(to, left) };
}

function sides(point: Point, left: Point): Sides {
  return { left: moved(point, left, 1), right: moved(point, left, -1) };
}

function moved(point: Point, by: Point, times: number): Point {
  return [point[0] + times * by[0], point[1] + times * by[1]];
}

/** Gives two pieces the corners that they share, and what fills the gap between them. */
function join(before: Piece, after: Piece, corner: Point, half: number): Triangle[] {
  const [a, b] = [before.along, after.along];
  const sine = a[0] * b[1] - a[1] * b[0];
  const cosine = a[0] * b[0] + a[1] * b[1];
  if (Math.abs(sine) < STRAIGHT) {
    // Straight on; or straight back, where a canvas adds nothing either.
    if (cosine > 0) after.start = before.end;
    return [];
  }
  const inner = sine > 0 ? "left" : "right";
  const outer = sine > 0 ? "right" : "left";
  const [from, to] = [before.end[outer], after.start[outer]];
  // From the corner to where the two left sides meet; the right ones meet opposite.
  const miter: Point = [
    (-(a[1] + b[1]) * half) / (1 + cosine),
    ((a[0] + b[0]) * half) / (1 + cosine),
  ];
  const side = sine > 0 ? 1 : -1;
  const point = moved(corner, miter, -side);
  const pointed = Math.hypot(...miter) <= MITER_LIMIT * half;
  // How much of either piece the other one covers on the inner side.
  const shared = (half * Math.abs(sine)) / (1 + cosine);
  if (shared > Math.min(before.spare, after.spare)) {
    // The inner sides do not meet. The pieces overlap, as thick ones must.
    before.end.middle = corner;
    after.start.middle = corner;
    return pointed
      ? [
          [corner, from, point],
          [corner, point, to],
        ]
      : [[corner, from, to]];
  }
  before.spare -= shared;
  after.spare -= shared;
  const meeting = moved(corner, miter, side);
  before.end[inner] = meeting;
  after.start[inner] = meeting;
  if (!pointed) return [[meeting, from, to]];
  before.end[outer] = point;
  after.start[outer] = point;
  return [];
}
