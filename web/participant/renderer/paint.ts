import type { GameObjects, Scene } from "phaser";
import type { Shape } from "../../src/generated/Shape";
import { type Draw, drawOnCanvas, drawOnCard } from "./forms";
import { Graphics, Image, Text } from "./phaser";
import type { Stage } from "./stage";

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

export function paint({ scene, onCanvas }: Stage, kind: Kind, scale: number): Painted {
  switch (kind) {
    case "text":
      return new PaintedText(scene, scale);
    case "image":
      return new PaintedImage(scene);
    default:
      return new PaintedForm(kind, scene, scale, onCanvas ? drawOnCanvas : drawOnCard);
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

  constructor(
    kind: Kind,
    scene: Scene,
    scale: number,
    private readonly draw: Draw,
  ) {
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
    this.draw(this.object, shape, this.#scale);
  }

  override rescale(scale: number): void {
    this.#scale = scale;
    this.#form = "";
    if (this.#shape) this.show(this.#shape, this.object.alpha);
  }
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
