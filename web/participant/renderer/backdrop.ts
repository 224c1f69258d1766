import type { GameObjects, Textures } from "phaser";
import type { Pixels } from "../../src/messages";
import { Image } from "./phaser";
import type { Size, Stage } from "./stage";

const KEY = "igym:pixels";
/** Below all objects, which begin at 0. */
const DEPTH = -1;

/** The image that lies under everything. */
export class Backdrop {
  #texture: Textures.CanvasTexture | null = null;
  #image: GameObjects.Image | null = null;

  constructor(private readonly stage: Stage) {}

  show({ width, height, bytes }: Pixels, picture: Size): void {
    const { scene, textures } = this.stage;
    if (width === 0 || height === 0) {
      this.clear();
      return;
    }
    if (this.#texture?.width !== width || this.#texture.height !== height) {
      this.clear();
      this.#texture = textures.createCanvas(KEY, width, height);
    }
    if (!this.#texture) return;
    this.#texture.putData(new ImageData(new Uint8ClampedArray(bytes), width, height), 0, 0);
    this.#texture.refresh();
    if (!this.#image) {
      this.#image = new Image(scene, 0, 0, KEY).setOrigin(0, 0).setDepth(DEPTH);
      scene.sys.displayList.add(this.#image);
    }
    this.#image.setDisplaySize(picture.width, picture.height);
  }

  clear(): void {
    this.#image?.destroy();
    this.#image = null;
    this.#texture?.destroy();
    this.#texture = null;
  }
}
