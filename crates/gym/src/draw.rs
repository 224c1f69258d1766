//! What is drawn: the wire types between an environment's host and the page that shows it.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

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

/// The form of an object. Colours are `#rrggbb`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[ts(export)]
pub enum Shape {
    /// `x`, `y` is the top left corner.
    Rect {
        x: f64,
        y: f64,
        width: f64,
        height: f64,
        border_radius: f64,
        color: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        stroke: Option<Stroke>,
    },
    /// `x`, `y` is the centre.
    Circle {
        x: f64,
        y: f64,
        radius: f64,
        color: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        stroke: Option<Stroke>,
    },
    /// `x`, `y` is the centre.
    Ellipse {
        x: f64,
        y: f64,
        radius_x: f64,
        radius_y: f64,
        color: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        stroke: Option<Stroke>,
    },
    /// A filled slice of the circle around `x`, `y`, clockwise from `start_angle` to `end_angle`:
    /// 180 to 360 is its upper half.
    Arc {
        x: f64,
        y: f64,
        radius: f64,
        start_angle: f64,
        end_angle: f64,
        color: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        stroke: Option<Stroke>,
    },
    /// An open line through all points.
    Line {
        points: Vec<(f64, f64)>,
        width: f64,
        color: String,
    },
    /// A filled polygon.
    Polygon {
        points: Vec<(f64, f64)>,
        color: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        stroke: Option<Stroke>,
    },
    /// `x` is where `align` says, `y` the top; `size` is the font's height in pixels.
    Text {
        text: String,
        x: f64,
        y: f64,
        size: f64,
        font: String,
        align: Align,
        color: String,
    },
    /// `x`, `y` is the top left corner before the image is turned around its centre by `angle`.
    Image {
        /// A registered image or atlas.
        image: String,
        /// The frame of an atlas.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        frame: Option<String>,
        x: f64,
        y: f64,
        width: f64,
        height: f64,
        angle: f64,
    },
}

/// An outline, centred on the edge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Stroke {
    pub color: String,
    pub width: f64,
}

/// Which point of a text its `x` names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Align {
    #[default]
    Left,
    Center,
    Right,
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
