//! The forms of what is drawn.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

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

impl Shape {
    /// As on the wire.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Rect { .. } => "rect",
            Self::Circle { .. } => "circle",
            Self::Ellipse { .. } => "ellipse",
            Self::Arc { .. } => "arc",
            Self::Line { .. } => "line",
            Self::Polygon { .. } => "polygon",
            Self::Text { .. } => "text",
            Self::Image { .. } => "image",
        }
    }

    /// From fractions of the surface to pixels.
    pub(crate) fn scale(&mut self, w: f64, h: f64) {
        match self {
            Self::Rect {
                x,
                y,
                width,
                height,
                ..
            }
            | Self::Image {
                x,
                y,
                width,
                height,
                ..
            } => {
                *x *= w;
                *y *= h;
                *width *= w;
                *height *= h;
            }
            Self::Circle { x, y, radius, .. } | Self::Arc { x, y, radius, .. } => {
                *x *= w;
                *y *= h;
                *radius *= w.max(h);
            }
            Self::Ellipse {
                x,
                y,
                radius_x,
                radius_y,
                ..
            } => {
                *x *= w;
                *y *= h;
                *radius_x *= w;
                *radius_y *= h;
            }
            Self::Line { points, .. } | Self::Polygon { points, .. } => {
                for (x, y) in points {
                    *x *= w;
                    *y *= h;
                }
            }
            Self::Text { x, y, .. } => {
                *x *= w;
                *y *= h;
            }
        }
    }

    /// Visits every number of a shape.
    pub(crate) fn for_each_number(&mut self, visit: &mut impl FnMut(&mut f64)) {
        let outline = match self {
            Self::Rect {
                x,
                y,
                width,
                height,
                border_radius,
                stroke,
                ..
            } => {
                [x, y, width, height, border_radius]
                    .into_iter()
                    .for_each(&mut *visit);
                stroke.as_mut()
            }
            Self::Circle {
                x,
                y,
                radius,
                stroke,
                ..
            } => {
                [x, y, radius].into_iter().for_each(&mut *visit);
                stroke.as_mut()
            }
            Self::Ellipse {
                x,
                y,
                radius_x,
                radius_y,
                stroke,
                ..
            } => {
                [x, y, radius_x, radius_y].into_iter().for_each(&mut *visit);
                stroke.as_mut()
            }
            Self::Arc {
                x,
                y,
                radius,
                start_angle,
                end_angle,
                stroke,
                ..
            } => {
                [x, y, radius, start_angle, end_angle]
                    .into_iter()
                    .for_each(&mut *visit);
                stroke.as_mut()
            }
            Self::Line { points, width, .. } => {
                points.iter_mut().for_each(|(x, y)| {
                    visit(x);
                    visit(y);
                });
                visit(width);
                None
            }
            Self::Polygon { points, stroke, .. } => {
                points.iter_mut().for_each(|(x, y)| {
                    visit(x);
                    visit(y);
                });
                stroke.as_mut()
            }
            Self::Text { x, y, size, .. } => {
                [x, y, size].into_iter().for_each(&mut *visit);
                None
            }
            Self::Image {
                x,
                y,
                width,
                height,
                angle,
                ..
            } => {
                [x, y, width, height, angle]
                    .into_iter()
                    .for_each(&mut *visit);
                None
            }
        };
        if let Some(outline) = outline {
            visit(&mut outline.width);
        }
    }
}
