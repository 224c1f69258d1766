//! What is drawn: the wire types between an environment's host and the page that shows it.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::shape::Shape;

/// A whole picture, from the bottom to the top.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DrawList {
    /// No two have the same id.
    pub objects: Vec<DrawObject>,
    /// How many drawing calls are not in the list: a coordinate was not finite, or the image was
    /// never registered.
    pub omitted: usize,
}

/// One thing on the screen. Coordinates and lengths are pixels of the environment's own size,
/// y grows downwards, angles are degrees clockwise from the positive x axis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct DrawObject {
    /// Names the object from frame to frame.
    pub id: String,
    pub shape: Shape,
    /// From 0, invisible, to 1.
    pub alpha: f64,
    /// If given, an object that is already shown moves to its new place in this many
    /// milliseconds instead of at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub tween_ms: Option<u32>,
}

/// A file that the page loads before it draws. Paths are relative to the study's assets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[ts(export)]
pub enum Asset {
    Image {
        name: String,
        path: String,
    },
    /// An image with named frames, listed in a JSON file beside it.
    Atlas {
        name: String,
        image_path: String,
        json_path: String,
    },
}

impl Asset {
    pub fn name(&self) -> &str {
        match self {
            Self::Image { name, .. } | Self::Atlas { name, .. } => name,
        }
    }
}
