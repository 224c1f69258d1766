import type { Textures } from "phaser";
import type { Asset } from "../../src/generated/Asset";
import { pause } from "../time";
import { TextureSource } from "./phaser";

/** Where the server has the study's own files. */
const FOLDER = "/study/";
/** So many frames of an atlas go to the graphics card at once. */
const FRAMES_PER_TASK = 16;

/** The images that a game shows, by their names. */
export class Assets {
  /** By name: where from, and when it is there. */
  readonly #loaded = new Map<string, { path: string; done: Promise<void> }>();

  constructor(
    private readonly textures: Textures.TextureManager,
    /** What shows them is a canvas, not a graphics card. */
    private readonly onCanvas: boolean,
  ) {}

  /**
   * Loads an image or an atlas once. Another scene of a study may have another one of the same
   * name. A file that does not come leaves its objects invisible.
   */
  load(asset: Asset): Promise<void> {
    const path = asset.kind === "image" ? asset.path : asset.image_path;
    const known = this.#loaded.get(asset.name);
    if (known?.path === path) return known.done;
    const before = known?.done ?? Promise.resolve();
    const done = before
      .then(() => this.#add(asset, path))
      .catch((error: unknown) => {
        console.error(`the asset "${asset.name}" could not be loaded`, error);
        this.#loaded.delete(asset.name);
      });
    this.#loaded.set(asset.name, { path, done });
    return done;
  }

  async #add(asset: Asset, path: string): Promise<void> {
    const [image, frames] = await Promise.all([
      this.onCanvas ? loadPoints(path) : loadImage(path),
      asset.kind === "atlas" ? loadFrames(asset.json_path) : null,
    ]);
    if (this.textures.exists(asset.name)) this.textures.remove(asset.name);
    if (frames === null) {
      this.textures.addImage(asset.name, asImage(image));
      return;
    }
    const atlas = this.textures.addAtlas(asset.name, asImage(image), frames);
    if (!atlas) return;
    if (!this.onCanvas) await cutForCard(atlas, image);
    else if (image instanceof ImageBitmap) await cutForCanvas(atlas, image);
  }
}

/**
 * What shows a part of an image larger than it is mixes in what lies beside that part, the frame next
 * to it: so each frame becomes an image of its own.
 */
async function cutForCanvas(atlas: Textures.Texture, image: ImageBitmap): Promise<void> {
  const frames = atlas.getFrameNames().map((name) => atlas.get(name));
  await Promise.all(
    frames.map(async (frame) => {
      const { cutX, cutY, cutWidth, cutHeight } = frame;
      const points = await createImageBitmap(image, cutX, cutY, cutWidth, cutHeight);
      frame.source = new TextureSource(atlas, asImage(points));
      Object.assign(frame.canvasData, { x: 0, y: 0 });
    }),
  );
}

/** The same for a graphics card, whose browsers do not agree on which way up bitmaps are. */
async function cutForCard(
  atlas: Textures.Texture,
  image: HTMLImageElement | ImageBitmap,
): Promise<void> {
  const names = atlas.getFrameNames();
  for (const [index, name] of names.entries()) {
    if (index % FRAMES_PER_TASK === FRAMES_PER_TASK - 1) await pause();
    const frame = atlas.get(name);
    // One that lies on its side is as high as it will be wide.
    const [width, height] = frame.rotated
      ? [frame.cutHeight, frame.cutWidth]
      : [frame.cutWidth, frame.cutHeight];
    const points = Object.assign(document.createElement("canvas"), { width, height });
    const { cutX, cutY } = frame;
    points.getContext("2d")?.drawImage(image, cutX, cutY, width, height, 0, 0, width, height);
    const source = new TextureSource(atlas, points);
    // The atlas frees it together with its own.
    atlas.source.push(source);
    Object.assign(frame, { source, cutX: 0, cutY: 0 });
    if (frame.rotated) frame.updateUVsInverted();
    else frame.updateUVs();
  }
}

/** Phaser's types know no bitmaps, and its canvas gives an image to `drawImage` alone. */
function asImage(image: HTMLImageElement | ImageBitmap): HTMLImageElement {
  return image as HTMLImageElement;
}

async function loadFrames(path: string): Promise<object> {
  const response = await fetch(FOLDER + path);
  return (await response.json()) as object;
}

/**
 * A canvas would play all the strokes of an SVG each time that a part of it is shown, which takes
 * longer than all the rest of a frame; so they are played once, aside from this thread.
 */
async function loadPoints(path: string): Promise<HTMLImageElement | ImageBitmap> {
  const image = await loadImage(path);
  // One that has no size of its own, or a browser that cannot: as it was.
  return createImageBitmap(image).catch(() => image);
}

async function loadImage(path: string): Promise<HTMLImageElement> {
  const image = new Image();
  image.src = FOLDER + path;
  await image.decode();
  return image;
}
