/** The modules of Phaser's sources that the renderer is bundled from, with Phaser's own types. */

declare module "phaser-source/core/Game.js" {
  const Game: typeof import("phaser").Game;
  export default Game;
}
declare module "phaser-source/gameobjects/graphics/Graphics.js" {
  const Graphics: typeof import("phaser").GameObjects.Graphics;
  export default Graphics;
}
declare module "phaser-source/gameobjects/text/Text.js" {
  const Text: typeof import("phaser").GameObjects.Text;
  export default Text;
}
declare module "phaser-source/gameobjects/image/Image.js" {
  const Image: typeof import("phaser").GameObjects.Image;
  export default Image;
}
declare module "phaser-source/textures/TextureSource.js" {
  const TextureSource: typeof import("phaser").Textures.TextureSource;
  export default TextureSource;
}
declare module "phaser-source/cameras/2d/index.js";
declare module "phaser-source/events/EventEmitter.js";
declare module "phaser-source/gameobjects/DisplayList.js";
declare module "phaser-source/gameobjects/UpdateList.js";
declare module "phaser-source/gameobjects/GameObjectCreator.js";
declare module "phaser-source/gameobjects/GameObjectFactory.js";
declare module "phaser-source/renderer/index.js";
declare module "phaser-source/scene/ScenePlugin.js";
