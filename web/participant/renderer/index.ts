/**
 * The picture of a game, painted by Phaser. Nothing outside this folder knows Phaser, and this
 * folder knows nothing of studies, sessions or time but what it is told.
 *
 * Phaser's own loop is stopped: a frame is painted when the picture changed or something in it is
 * moving, and at no other time.
 */

import type { Asset } from "../../src/generated/Asset";
import type { DrawDelta } from "../../src/generated/DrawDelta";
import { loadAsset } from "./assets";
import { DisplayModel } from "./display";
import { type Painted, paint } from "./paint";
import { bootPhaser, type Stage } from "./stage";

export interface Renderer {
  /** The element that shows the picture; it may be moved about in the document. */
  readonly canvas: HTMLCanvasElement;
  /** Loads images; until they are there, what they show is invisible. */
  load(assets: readonly Asset[]): Promise<void>;
  /** Starts an empty picture of this size in its own pixels. */
  begin(width: number, height: number): void;
  apply(delta: DrawDelta): void;
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
  #world = { width: 1, height: 1 };
  #pixels = { width: 1, height: 1 };
  #scale = 1;
  #resized = false;
  #requested = false;

  constructor(private readonly stage: Stage) {
    stage.onRestored = () => this.#repaint();
  }

  get canvas(): HTMLCanvasElement {
    return this.stage.canvas;
  }

  async load(assets: readonly Asset[]): Promise<void> {
    if (assets.length === 0) return;
    await Promise.all(assets.map((asset) => loadAsset(this.stage.textures, asset)));
    this.#model.touch();
    this.#request();
  }

  begin(width: number, height: number): void {
    this.#world = { width, height };
    this.#model.clear();
    this.#fit();
    this.#request();
  }

  apply(delta: DrawDelta): void {
    this.#model.apply(delta, performance.now());
    if (this.#model.dirty) this.#request();
  }

  resize(width: number, height: number, pixelRatio: number): void {
    const pixels = {
      width: Math.max(1, Math.round(width * pixelRatio)),
      height: Math.max(1, Math.round(height * pixelRatio)),
    };
    if (pixels.width === this.#pixels.width && pixels.height === this.#pixels.height) return;
    this.#pixels = pixels;
    this.#fit();
    this.#request();
  }

  #fit(): void {
    const scale = Math.min(
      this.#pixels.width / this.#world.width,
      this.#pixels.height / this.#world.height,
    );
    this.#resized = true;
    this.#scale = scale;
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
      this.stage.resize(this.#pixels.width, this.#pixels.height, this.#scale);
      for (const painted of this.#painted.values()) painted.rescale(this.#scale);
    }
    const changes = this.#model.take(performance.now());
    for (const id of changes.removed) {
      this.#painted.get(id)?.destroy();
      this.#painted.delete(id);
    }
    for (const { id, shape, alpha } of changes.changed) {
      let painted = this.#painted.get(id);
      if (!painted) {
        painted = paint(this.stage.scene, shape.kind, this.#scale);
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
