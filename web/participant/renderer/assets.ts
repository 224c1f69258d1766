import type { Textures } from "phaser";
import type { Asset } from "../../src/generated/Asset";

/** Where the server has the study's own files. */
const FOLDER = "/study/";

/** Loads an image or an atlas once. A file that does not come leaves its objects invisible. */
export async function loadAsset(textures: Textures.TextureManager, asset: Asset): Promise<void> {
  if (textures.exists(asset.name)) return;
  try {
    if (asset.kind === "image") {
      textures.addImage(asset.name, await loadImage(asset.path));
    } else {
      const [image, frames] = await Promise.all([
        loadImage(asset.image_path),
        fetch(FOLDER + asset.json_path).then((response) => response.json() as Promise<object>),
      ]);
      textures.addAtlas(asset.name, image, frames);
    }
  } catch (error) {
    console.error(`the asset "${asset.name}" could not be loaded`, error);
  }
}

async function loadImage(path: string): Promise<HTMLImageElement> {
  const image = new Image();
  image.src = FOLDER + path;
  await image.decode();
  return image;
}
