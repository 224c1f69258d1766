import type { GameObjects, Math as Vectors } from "phaser";
import type { Shape } from "../../src/generated/Shape";
import type { Stroke } from "../../src/generated/Stroke";
import { type Form, outlineOf, radians } from "./outlines";
import { type Point, strokeTriangles } from "./strokes";

/** Draws a form around its own origin, a line where its points are. */
export type Draw = (graphics: GameObjects.Graphics, shape: Shape, scale: number) => void;

/** With what a graphics card has: filled polygons and triangles. */
export function drawOnCard(graphics: GameObjects.Graphics, shape: Shape, scale: number): void {
  switch (shape.kind) {
    case "line":
      fillTriangles(graphics, shape.points, false, shape);
      return;
    case "text":
    case "image":
      return;
    default:
      fillForm(graphics, shape, scale);
  }
}

function fillForm(graphics: GameObjects.Graphics, shape: Form, scale: number): void {
  const outline = outlineOf(shape, scale);
  graphics.fillStyle(color(shape.color));
  graphics.fillPoints(vectors(outline), true);
  if (shape.stroke) fillTriangles(graphics, outline, true, shape.stroke);
}

function fillTriangles(
  graphics: GameObjects.Graphics,
  points: readonly Point[],
  closed: boolean,
  stroke: Stroke,
): void {
  graphics.fillStyle(color(stroke.color));
  for (const [a, b, c] of strokeTriangles(points, stroke.width, closed)) {
    graphics.fillTriangle(...a, ...b, ...c);
  }
}

/** With what a canvas does by itself. */
export function drawOnCanvas(graphics: GameObjects.Graphics, shape: Shape, scale: number): void {
  switch (shape.kind) {
    case "rect": {
      const radius = Math.min(shape.border_radius, shape.width / 2, shape.height / 2);
      graphics.fillStyle(color(shape.color));
      if (radius > 0) graphics.fillRoundedRect(0, 0, shape.width, shape.height, radius);
      else graphics.fillRect(0, 0, shape.width, shape.height);
      if (!outlined(graphics, shape.stroke)) return;
      if (radius > 0) graphics.strokeRoundedRect(0, 0, shape.width, shape.height, radius);
      // Phaser's own is four lines, which show through each other at the corners.
      else graphics.strokePoints(vectors(outlineOf(shape, scale)), true, true);
      return;
    }
    case "circle":
    case "ellipse":
    case "polygon": {
      const corners = vectors(outlineOf(shape, scale));
      graphics.fillStyle(color(shape.color));
      graphics.fillPoints(corners, true, true);
      if (outlined(graphics, shape.stroke)) graphics.strokePoints(corners, true, true);
      return;
    }
    case "arc": {
      const from = radians(shape.start_angle);
      const to = radians(shape.end_angle);
      graphics.fillStyle(color(shape.color));
      graphics.slice(0, 0, shape.radius, from, to).fillPath();
      if (outlined(graphics, shape.stroke)) {
        graphics.slice(0, 0, shape.radius, from, to).strokePath();
      }
      return;
    }
    case "line":
      graphics.lineStyle(shape.width, color(shape.color));
      graphics.strokePoints(vectors(shape.points));
      return;
    case "text":
    case "image":
      return;
  }
}

function outlined(graphics: GameObjects.Graphics, stroke: Stroke | undefined): boolean {
  if (!stroke || stroke.width <= 0) return false;
  graphics.lineStyle(stroke.width, color(stroke.color));
  return true;
}

/** Phaser reads no more of a point than its coordinates, whatever its types say. */
function vectors(list: readonly Point[]): Vectors.Vector2[] {
  return list.map(([x, y]) => ({ x, y }) as Vectors.Vector2);
}

function color(text: string): number {
  return Number.parseInt(text.slice(1), 16);
}
