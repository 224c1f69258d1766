/**
 * The picture of a game, painted by Phaser. Nothing outside this folder knows Phaser, and this
 * folder knows nothing of studies, sessions or time but what it is told.
 *
 * Phaser's own loop is stopped: a frame is painted when the picture changed or something in it is
 * moving, and at no other time.
 */

import type { Asset } from "../../src/generated/Asset";
import type { DrawDelta } from "../../src/generated/DrawDelta";
import type { Pixels } from "../../src/messages";
import { Assets } from "./assets";
import { Backdrop } from "./backdrop";
import { DisplayModel } from "./display";
import { type Painted, paint } from "./paint";
import { bootPhaser, type Size, type Stage } from "./stage";

export interface Renderer {
  /** The element that shows the picture; it may be moved about in the document. */
  readonly canvas: HTMLCanvasElement;
  /** Loads images; until they are there, what they show is invisible. */
  load(assets: readonly Asset[]): Promise<void>;
  /** Starts an empty picture of this size in its own pixels. */
  begin(width: number, height: number): void;
  /** `smoothMs`: what was shown by mistake glides to its place in this time. */
  apply(delta: DrawDelta, smoothMs: number): void;
  /** Puts an image under everything, as large as the picture, instead of the last one. */
  showPixels(pixels: Pixels): void;
  /** The canvas's size on the screen, in CSS pixels. */
  resize(width: number, height: number, pixelRatio: number): void;
  /** Called after each painted frame. */
  onPainted: (() => void) | null;
}

export async function createRenderer(): Promise<Renderer> {
  const stage = await bootPhaser();
  return new PhaserRenderer(stage);
}

class PhaserRenderer implements Renderer {
  onPainted: (() => void) | null = null;
  readonly #model = new DisplayModel();
  readonly #painted = new Map<string, Painted>();
  /** The picture in its own pixels, and the canvas in the device's. */
  #picture: Size = { width: 1, height: 1 };
  #pixels: Size = { width: 1, height: 1 };
  #resized = false;
  #requested = false;

  readonly #assets: Assets;
  readonly #backdrop: Backdrop;

  constructor(private readonly stage: Stage) {
    this.#assets = new Assets(stage.textures, stage.onCanvas);
    this.#backdrop = new Backdrop(stage);
    stage.onRestored = () => this.#repaint();
  }

  get canvas(): HTMLCanvasElement {
    return this.stage.canvas;
  }

  async load(assets: readonly Asset[]): Promise<void> {
    if (assets.length === 0) return;
    await Promise.all(assets.map((asset) => this.#assets.load(asset)));
    this.#model.touch();
    this.#request();
  }

  begin(width: number, height: number): void {
    this.#picture = { width, height };
    this.#model.clear();
    this.#backdrop.clear();
    this.#repaint();
  }

  apply(delta: DrawDelta, smoothMs: number): void {
    this.#model.apply(delta, performance.now(), smoothMs);
    if (this.#model.dirty) this.#request();
  }

  showPixels(pixels: Pixels): void {
    this.#backdrop.show(pixels, this.#picture);
    this.#request();
  }

  resize(width: number, height: number, pixelRatio: number): void {
    const pixels = {
      width: Math.max(1, Math.round(width * pixelRatio)),
      height: Math.max(1, Math.round(height * pixelRatio)),
    };
    if (pixels.width === this.#pixels.width && pixels.height === this.#pixels.height) return;
    this.#pixels = pixels;
    this.#repaint();
  }

  /** How many device pixels one pixel of the picture takes. */
  get #scale(): number {
    return this.#pixels.width / this.#picture.width;
  }

  #repaint(): void {
    this.#resized = true;
    this.#request();
  }

  #request(): void {
    if (this.#requested) return;
    this.#requested = true;
    requestAnimationFrame((now) => this.#frame(now));
  }

  #frame(now: number): void {
    this.#requested = false;
    if (this.#resized) {
      this.#resized = false;
      this.stage.resize(this.#pixels, this.#picture);
      for (const painted of this.#painted.values()) painted.rescale(this.#scale);
    }
    const changes = this.#model.take(performance.now());
    const kinds = new Map(changes.changed.map(({ id, shape }) => [id, shape.kind]));
    for (const id of changes.removed) {
      // One that comes back at once, as the scenery does in the next episode, is painted over.
      const painted = this.#painted.get(id);
      if (painted === undefined || painted.kind === kinds.get(id)) continue;
      painted.destroy();
      this.#painted.delete(id);
    }
    for (const { id, shape, alpha } of changes.changed) {
      let painted = this.#painted.get(id);
      if (!painted) {
        painted = paint(this.stage, shape.kind, this.#scale);
        this.#painted.set(id, painted);
      }
      painted.show(shape, alpha);
    }
    changes.order?.forEach((id, index) => {
      this.#painted.get(id)?.raise(index);
    });
    this.stage.step(now);
    if (changes.moving) this.#request();
    this.onPainted?.();
  }
}
