import type { Shape } from "../../src/generated/Shape";
import type { Point } from "./strokes";

export type Form = Exclude<Shape, { kind: "line" | "text" | "image" }>;

const QUARTER = Math.PI / 2;

/**
 * The corners of a form around its own origin, without the first one again. Round ones get enough to
 * look round where one pixel of the picture takes `scale` device pixels.
 */
export function outlineOf(shape: Form, scale: number): Point[] {
  switch (shape.kind) {
    case "rect":
      return rectangle(shape.width, shape.height, shape.border_radius, scale);
    case "circle":
      return bow([0, 0], shape.radius, shape.radius, 0, 4 * QUARTER, scale).slice(1);
    case "ellipse":
      return bow([0, 0], shape.radius_x, shape.radius_y, 0, 4 * QUARTER, scale).slice(1);
    case "arc": {
      const from = radians(shape.start_angle);
      const turn = clockwise(radians(shape.end_angle) - from);
      return [[0, 0], ...bow([0, 0], shape.radius, shape.radius, from, turn, scale)];
    }
    case "polygon":
      return shape.points;
  }
}

/** One corner per two device pixels of the rim, so that it looks round at every size. */
function cornersOf(radius: number, scale: number): number {
  const corners = Math.ceil(radius * scale * Math.PI);
  return Math.min(256, Math.max(32, corners));
}

export function radians(degrees: number): number {
  return (degrees * Math.PI) / 180;
}

function rectangle(width: number, height: number, rounding: number, scale: number): Point[] {
  const radius = Math.min(rounding, width / 2, height / 2);
  if (radius <= 0) {
    return [
      [0, 0],
      [width, 0],
      [width, height],
      [0, height],
    ];
  }
  const [right, bottom] = [width - radius, height - radius];
  const centers: Point[] = [
    [right, bottom],
    [radius, bottom],
    [radius, radius],
    [right, radius],
  ];
  return centers.flatMap((center, index) =>
    bow(center, radius, radius, index * QUARTER, QUARTER, scale),
  );
}

/** Points of an ellipse's rim, both ends among them. */
function bow(
  [x, y]: Point,
  radiusX: number,
  radiusY: number,
  from: number,
  turn: number,
  scale: number,
): Point[] {
  const whole = cornersOf(Math.max(radiusX, radiusY), scale);
  const steps = Math.max(1, Math.ceil((whole * Math.abs(turn)) / (4 * QUARTER)));
  return Array.from({ length: steps + 1 }, (_, step): Point => {
    const angle = from + (turn * step) / steps;
    return [x + radiusX * Math.cos(angle), y + radiusY * Math.sin(angle)];
  });
}

/** How far a canvas turns from one angle to another: never back, and at most once around. */
function clockwise(turn: number): number {
  const around = 4 * QUARTER;
  return turn >= around ? around : ((turn % around) + around) % around;
}
