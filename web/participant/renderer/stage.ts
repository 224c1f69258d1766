import type { Scene as PhaserScene, Textures, Types } from "phaser";
import blank from "./blank.png?url";
import { Game } from "./phaser";
import white from "./white.png?url";

/** `Phaser.CANVAS` and `Phaser.WEBGL`. */
const CANVAS = 1;
const WEBGL = 2;

export interface Size {
  width: number;
  height: number;
}

/** A booted Phaser with one scene, standing still. */
export interface Stage {
  readonly canvas: HTMLCanvasElement;
  readonly scene: PhaserScene;
  readonly textures: Textures.TextureManager;
  /** The processor paints, not a graphics card. */
  readonly onCanvas: boolean;
  /** The canvas in device pixels, and the picture, in its own, that fills it. */
  resize(pixels: Size, picture: Size): void;
  /** Paints. */
  step(now: number): void;
  /** The graphics card lost the picture and is back. */
  onRestored: (() => void) | null;
}

export async function bootPhaser(): Promise<Stage> {
  const canvas = document.createElement("canvas");
  const scene = await new Promise<PhaserScene>((resolve, reject) => {
    const config: Types.Core.GameConfig = {
      type: hasFastWebGL() ? WEBGL : CANVAS,
      canvas,
      parent: null as unknown as HTMLElement,
      width: 16,
      height: 16,
      // What lies below shows until the first picture, and wherever a game draws nothing.
      transparent: true,
      banner: false,
      autoFocus: false,
      audio: { noAudio: true },
      input: { keyboard: false, mouse: false, touch: false, gamepad: false },
      // Phaser's own are `data:` addresses, which the page's policy forbids.
      images: { default: blank, missing: blank, white },
      scene: {
        create(this: PhaserScene) {
          resolve(this);
        },
      },
    };
    try {
      new Game(config);
    } catch (error) {
      reject(error);
    }
  });
  const { game } = scene;
  game.loop.stop();
  if ("gl" in game.renderer) neverRepeat(game.renderer.gl);
  const camera = scene.cameras.main;
  camera.setOrigin(0, 0);
  let last = performance.now();
  const stage: Stage = {
    canvas,
    scene,
    textures: scene.textures,
    onCanvas: game.config.renderType === CANVAS,
    resize({ width, height }, picture) {
      if (canvas.width !== width || canvas.height !== height) game.scale.resize(width, height);
      // Apart, because whole pixels keep the proportions only nearly: no gap at an edge.
      camera.setZoom(width / picture.width, height / picture.height);
    },
    step(now) {
      game.step(now, now - last);
      last = now;
    },
    onRestored: null,
  };
  canvas.addEventListener("webglcontextrestored", () => stage.onRestored?.());
  return stage;
}

/**
 * Phaser lets images whose sides are powers of two repeat. Nothing here is tiled, and an enlarged one
 * would mix its opposite edges: what it asks for as repetition is none.
 */
function neverRepeat(gl: WebGLRenderingContext): void {
  Object.defineProperty(gl, "REPEAT", { value: gl.CLAMP_TO_EDGE });
}

/** WebGL that is drawn by the processor is slower than a plain canvas, and competes with the game. */
function hasFastWebGL(): boolean {
  const gl = document
    .createElement("canvas")
    .getContext("webgl", { failIfMajorPerformanceCaveat: true });
  if (!gl) return false;
  const info = gl.getExtension("WEBGL_debug_renderer_info");
  const name = String(gl.getParameter(info?.UNMASKED_RENDERER_WEBGL ?? gl.RENDERER));
  gl.getExtension("WEBGL_lose_context")?.loseContext();
  return !/swiftshader|llvmpipe|software|basic render/i.test(name);
}
