/** The half of Phaser that the rest is built on: it runs in a task of its own, ahead. */

import "phaser-source/renderer/index.js";
