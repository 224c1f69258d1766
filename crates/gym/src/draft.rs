//! The keywords of a drawing call.

use crate::color::Color;
use crate::shape::{Align, Shape, Stroke};

/// The object drawn last, to which keywords are added. Keywords that its shape does not have
/// change nothing.
pub struct Draft<'a> {
    pub(crate) sketch: &'a mut Sketch,
}

impl Draft<'_> {
    pub fn color(self, color: impl Into<Color>) -> Self {
        let text = color.into().to_string();
        match &mut self.sketch.shape {
            Shape::Rect { color, .. }
            | Shape::Circle { color, .. }
            | Shape::Ellipse { color, .. }
            | Shape::Arc { color, .. }
            | Shape::Line { color, .. }
            | Shape::Polygon { color, .. }
            | Shape::Text { color, .. } => *color = text,
            Shape::Image { .. } => {}
        }
        self
    }

    /// An outline of a filled shape.
    pub fn stroke(self, color: impl Into<Color>, width: f64) -> Self {
        let outline = Stroke {
            color: color.into().to_string(),
            width,
        };
        match &mut self.sketch.shape {
            Shape::Rect { stroke, .. }
            | Shape::Circle { stroke, .. }
            | Shape::Ellipse { stroke, .. }
            | Shape::Arc { stroke, .. }
            | Shape::Polygon { stroke, .. } => *stroke = Some(outline),
            Shape::Line { .. } | Shape::Text { .. } | Shape::Image { .. } => {}
        }
        self
    }

    /// The radius of a rectangle's corners.
    pub fn border_radius(self, radius: f64) -> Self {
        if let Shape::Rect { border_radius, .. } = &mut self.sketch.shape {
            *border_radius = radius;
        }
        self
    }

    /// The width of a line.
    pub fn width(self, pixels: f64) -> Self {
        if let Shape::Line { width, .. } = &mut self.sketch.shape {
            *width = pixels;
        }
        self
    }

    /// The height of a text.
    pub fn size(self, pixels: f64) -> Self {
        if let Shape::Text { size, .. } = &mut self.sketch.shape {
            *size = pixels;
        }
        self
    }

    /// The font family of a text, as CSS names it.
    pub fn font(self, family: impl Into<String>) -> Self {
        if let Shape::Text { font, .. } = &mut self.sketch.shape {
            *font = family.into();
        }
        self
    }

    /// Which point of a text its x names.
    pub fn align(self, to: Align) -> Self {
        if let Shape::Text { align, .. } = &mut self.sketch.shape {
            *align = to;
        }
        self
    }

    /// The frame of an atlas.
    pub fn frame(self, name: impl Into<String>) -> Self {
        if let Shape::Image { frame, .. } = &mut self.sketch.shape {
            *frame = Some(name.into());
        }
        self
    }

    /// Turns an image, in degrees clockwise around its centre.
    pub fn angle(self, degrees: f64) -> Self {
        if let Shape::Image { angle, .. } = &mut self.sketch.shape {
            *angle = degrees;
        }
        self
    }

    /// Names the object, so that it is followed from frame to frame. Names that start with `~`
    /// are the surface's own.
    pub fn id(self, id: impl Into<String>) -> Self {
        self.sketch.id = Some(id.into());
        self
    }

    /// Names the object and keeps it after this frame.
    pub fn persistent(self, id: impl Into<String>) -> Self {
        self.sketch.persistent = true;
        self.id(id)
    }

    /// Coordinates and extents are fractions of the surface's width and height, radii of circles
    /// and arcs fractions of the longer one. Stroke, line width, text size and corner radius stay
    /// pixels.
    pub fn relative(self) -> Self {
        self.sketch.relative = true;
        self
    }

    /// Greater is above; at equal depth what is drawn later is. 0 if not given.
    pub fn depth(self, depth: f64) -> Self {
        self.sketch.depth = depth;
        self
    }

    /// From 0, invisible, to 1.
    pub fn alpha(self, alpha: f64) -> Self {
        self.sketch.alpha = alpha;
        self
    }

    /// Lets the page move the object to its new place in this many milliseconds.
    pub fn tween(self, milliseconds: u32) -> Self {
        self.sketch.tween_ms = Some(milliseconds);
        self
    }
}

/// A drawing call before it becomes an object.
#[derive(Clone, Debug)]
pub(crate) struct Sketch {
    pub(crate) shape: Shape,
    pub(crate) id: Option<String>,
    pub(crate) persistent: bool,
    pub(crate) relative: bool,
    pub(crate) depth: f64,
    pub(crate) alpha: f64,
    pub(crate) tween_ms: Option<u32>,
}

impl Sketch {
    pub(crate) fn new(shape: Shape) -> Self {
        Self {
            shape,
            id: None,
            persistent: false,
            relative: false,
            depth: 0.0,
            alpha: 1.0,
            tween_ms: None,
        }
    }
}
