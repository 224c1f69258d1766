import type { GameObjects, Scene, Math as Vectors } from "phaser";
import type { Shape } from "../../src/generated/Shape";
import type { Stroke } from "../../src/generated/Stroke";
import { Graphics, Image, Text } from "./phaser";

type Kind = Shape["kind"];
type Of<K extends Kind> = Extract<Shape, { kind: K }>;

/** One object of the picture as Phaser has it. Its kind never changes. */
export interface Painted {
  readonly kind: Kind;
  show(shape: Shape, alpha: number): void;
  /** Its place in the stack. */
  raise(depth: number): void;
  /** How many device pixels one pixel of the picture takes. */
  rescale(scale: number): void;
  destroy(): void;
}

export function paint(scene: Scene, kind: Kind, scale: number): Painted {
  switch (kind) {
    case "text":
      return new PaintedText(scene, scale);
    case "image":
      return new PaintedImage(scene);
    default:
      return new PaintedForm(kind, scene, scale);
  }
}

abstract class PaintedObject<T extends GameObjects.GameObject & GameObjects.Components.Depth>
  implements Painted
{
  constructor(
    readonly kind: Kind,
    scene: Scene,
    protected readonly object: T,
  ) {
    scene.sys.displayList.add(object);
  }

  abstract show(shape: Shape, alpha: number): void;

  raise(depth: number): void {
    this.object.setDepth(depth);
  }

  rescale(_scale: number): void {}

  destroy(): void {
    this.object.destroy();
  }
}

/** Everything made of fills and lines. Drawn around its own origin, so that moving it is cheap. */
class PaintedForm extends PaintedObject<GameObjects.Graphics> {
  #form = "";
  #shape: Shape | null = null;
  #scale: number;

  constructor(kind: Kind, scene: Scene, scale: number) {
    super(kind, scene, new Graphics(scene));
    this.#scale = scale;
  }

  show(shape: Shape, alpha: number): void {
    this.#shape = shape;
    this.object.setAlpha(alpha);
    if ("x" in shape) this.object.setPosition(shape.x, shape.y);
    const form = JSON.stringify("x" in shape ? { ...shape, x: 0, y: 0 } : shape);
    if (form === this.#form) return;
    this.#form = form;
    this.object.clear();
    draw(this.object, shape, this.#scale);
  }

  override rescale(scale: number): void {
    this.#scale = scale;
    this.#form = "";
    if (this.#shape) this.show(this.#shape, this.object.alpha);
  }
}

function draw(graphics: GameObjects.Graphics, shape: Shape, scale: number): void {
  switch (shape.kind) {
    case "rect": {
      const radius = Math.min(shape.border_radius, shape.width / 2, shape.height / 2);
      graphics.fillStyle(color(shape.color));
      if (radius > 0) graphics.fillRoundedRect(0, 0, shape.width, shape.height, radius);
      else graphics.fillRect(0, 0, shape.width, shape.height);
      if (!outline(graphics, shape.stroke)) return;
      if (radius > 0) graphics.strokeRoundedRect(0, 0, shape.width, shape.height, radius);
      else graphics.strokeRect(0, 0, shape.width, shape.height);
      return;
    }
    case "circle":
      round(graphics, shape.radius, shape.radius, shape.color, shape.stroke, scale);
      return;
    case "ellipse":
      round(graphics, shape.radius_x, shape.radius_y, shape.color, shape.stroke, scale);
      return;
    case "arc": {
      const from = radians(shape.start_angle);
      const to = radians(shape.end_angle);
      graphics.fillStyle(color(shape.color));
      graphics.slice(0, 0, shape.radius, from, to).fillPath();
      if (outline(graphics, shape.stroke)) {
        graphics.slice(0, 0, shape.radius, from, to).strokePath();
      }
      return;
    }
    case "line":
      graphics.lineStyle(shape.width, color(shape.color));
      graphics.strokePoints(points(shape.points));
      return;
    case "polygon":
      graphics.fillStyle(color(shape.color));
      graphics.fillPoints(points(shape.points), true, true);
      if (outline(graphics, shape.stroke)) graphics.strokePoints(points(shape.points), true, true);
      return;
    case "text":
    case "image":
      return;
  }
}

function round(
  graphics: GameObjects.Graphics,
  radiusX: number,
  radiusY: number,
  fill: string,
  stroke: Stroke | undefined,
  scale: number,
): void {
  // One corner per two device pixels of the rim, so that it looks round at every size.
  const corners = Math.ceil(Math.max(radiusX, radiusY) * scale * Math.PI);
  const smoothness = Math.min(256, Math.max(32, corners));
  graphics.fillStyle(color(fill));
  graphics.fillEllipse(0, 0, radiusX * 2, radiusY * 2, smoothness);
  if (outline(graphics, stroke)) {
    graphics.strokeEllipse(0, 0, radiusX * 2, radiusY * 2, smoothness);
  }
}

function outline(graphics: GameObjects.Graphics, stroke: Stroke | undefined): boolean {
  if (!stroke || stroke.width <= 0) return false;
  graphics.lineStyle(stroke.width, color(stroke.color));
  return true;
}

class PaintedText extends PaintedObject<GameObjects.Text> {
  #look = "";

  constructor(scene: Scene, scale: number) {
    super("text", scene, new Text(scene, 0, 0, "", {}));
    this.rescale(scale);
  }

  show(shape: Shape, alpha: number): void {
    const text = shape as Of<"text">;
    this.object.setPosition(text.x, text.y).setAlpha(alpha);
    // Painting letters is dear: only when they look different.
    const look = JSON.stringify([text.text, text.size, text.font, text.align, text.color]);
    if (look === this.#look) return;
    this.#look = look;
    this.object.setOrigin({ left: 0, center: 0.5, right: 1 }[text.align], 0);
    this.object.setStyle({
      fontFamily: `${text.font}, system-ui, sans-serif`,
      fontSize: `${text.size}px`,
      color: text.color,
      align: text.align,
    });
    this.object.setText(text.text);
  }

  override rescale(scale: number): void {
    this.object.setResolution(Math.max(1, Math.ceil(scale * 4) / 4));
  }
}

class PaintedImage extends PaintedObject<GameObjects.Image> {
  readonly #scene: Scene;

  constructor(scene: Scene) {
    super("image", scene, new Image(scene, 0, 0, "__DEFAULT"));
    this.#scene = scene;
  }

  show(shape: Shape, alpha: number): void {
    const image = shape as Of<"image">;
    const known = this.#scene.textures.exists(image.image);
    this.object.setVisible(known);
    if (!known) return;
    if (this.object.texture.key !== image.image || this.object.frame.name !== image.frame) {
      this.object.setTexture(image.image, image.frame);
    }
    this.object
      .setPosition(image.x + image.width / 2, image.y + image.height / 2)
      .setDisplaySize(image.width, image.height)
      .setAngle(image.angle)
      .setAlpha(alpha);
  }
}

/** Phaser reads no more of a point than its coordinates, whatever its types say. */
function points(list: [number, number][]): Vectors.Vector2[] {
  return list.map(([x, y]) => ({ x, y }) as Vectors.Vector2);
}

function color(text: string): number {
  return Number.parseInt(text.slice(1), 16);
}

function radians(degrees: number): number {
  return (degrees * Math.PI) / 180;
}
