/** The parts of Phaser that we use, from its sources. Their order matters. */

// First: its modules need each other in a circle, which closes only from this end.
import "phaser-source/renderer/index.js";
// These register themselves; a scene needs them.
import "phaser-source/cameras/2d/index.js";
import "phaser-source/events/EventEmitter.js";
import "phaser-source/gameobjects/DisplayList.js";
import "phaser-source/gameobjects/GameObjectCreator.js";
import "phaser-source/gameobjects/GameObjectFactory.js";
import "phaser-source/gameobjects/UpdateList.js";
import "phaser-source/scene/ScenePlugin.js";

export { default as Game } from "phaser-source/core/Game.js";
export { default as Graphics } from "phaser-source/gameobjects/graphics/Graphics.js";
export { default as Image } from "phaser-source/gameobjects/image/Image.js";
export { default as Text } from "phaser-source/gameobjects/text/Text.js";
export { default as TextureSource } from "phaser-source/textures/TextureSource.js";
