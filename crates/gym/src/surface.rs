//! The canvas that environments draw on.

use std::collections::BTreeMap;

use crate::color::Color;
use crate::draft::{Draft, Sketch};
use crate::draw::{Asset, DrawList, DrawObject};
use crate::shape::{Align, Shape};

/// What an environment draws on. It belongs to the host, one per viewer and episode; no part of
/// it is environment state.
///
/// Each call draws one object and returns a [`Draft`] that takes the keywords. An object lasts
/// for one frame, unless it is [`persistent`](Draft::persistent): then it stays until it is drawn
/// anew, removed, or the surface is reset. Draw persistent objects in every frame all the same:
/// what the page shows already is not sent again, and a picture drawn whole is right after a
/// rollback, a reload and a late arrival.
///
/// ```
/// use igym_gym::{Color, Display, Surface};
///
/// let mut surface = Surface::new(600, 400);
/// let mut display = Display::default();
/// for ball_x in [100.0, 104.0] {
///     surface.rect(0.0, 300.0, 600.0, 100.0).color(Color::hex(0x336633)).persistent("ground");
///     surface.circle(ball_x, 50.0, 12.0).color((255, 160, 0)).id("ball").depth(1.0);
///     let delta = display.diff(&surface.commit());
///     assert!(delta.set.iter().any(|object| object.id == "ball"));
/// }
/// assert!(display.diff(&surface.commit()).removed.contains(&"ball".to_owned()));
/// ```
#[derive(Clone, Debug)]
pub struct Surface {
    width: u32,
    height: u32,
    assets: Vec<Asset>,
    /// Drawn since the last commit.
    drafts: Vec<Sketch>,
    persistent: BTreeMap<String, Placed>,
    /// Counts drawing calls over all frames: what was drawn later is above, at equal depth.
    sequence: u64,
}

/// An object and where it lies in the stack.
#[derive(Clone, Debug)]
struct Placed {
    depth: f64,
    sequence: u64,
    object: DrawObject,
}

impl Surface {
    pub fn new(width: u32, height: u32) -> Self {
        Self {
            width,
            height,
            assets: Vec::new(),
            drafts: Vec::new(),
            persistent: BTreeMap::new(),
            sequence: 0,
        }
    }

    pub fn width(&self) -> u32 {
        self.width
    }

    pub fn height(&self) -> u32 {
        self.height
    }

    /// What the page must load, in the order of registration.
    pub fn assets(&self) -> &[Asset] {
        &self.assets
    }

    /// Makes an image known by a name; of two with one name the later one stays.
    pub fn register_image(&mut self, name: impl Into<String>, path: impl Into<String>) {
        self.register(Asset::Image {
            name: name.into(),
            path: path.into(),
        });
    }

    /// Makes an atlas (an image and the JSON file that lists its frames) known by a name.
    pub fn register_atlas(
        &mut self,
        name: impl Into<String>,
        image_path: impl Into<String>,
        json_path: impl Into<String>,
    ) {
        self.register(Asset::Atlas {
            name: name.into(),
            image_path: image_path.into(),
            json_path: json_path.into(),
        });
    }

    /// A rectangle by its top left corner; white.
    pub fn rect(&mut self, x: f64, y: f64, width: f64, height: f64) -> Draft<'_> {
        self.draw(Shape::Rect {
            x,
            y,
            width,
            height,
            border_radius: 0.0,
            color: Color::WHITE.to_string(),
            stroke: None,
        })
    }

    /// A disc by its centre; white.
    pub fn circle(&mut self, x: f64, y: f64, radius: f64) -> Draft<'_> {
        self.draw(Shape::Circle {
            x,
            y,
            radius,
            color: Color::WHITE.to_string(),
            stroke: None,
        })
    }

    /// An ellipse by its centre; white.
    pub fn ellipse(&mut self, x: f64, y: f64, radius_x: f64, radius_y: f64) -> Draft<'_> {
        self.draw(Shape::Ellipse {
            x,
            y,
            radius_x,
            radius_y,
            color: Color::WHITE.to_string(),
            stroke: None,
        })
    }

    /// A filled slice of a circle, clockwise between two angles in degrees; white.
    pub fn arc(
        &mut self,
        x: f64,
        y: f64,
        radius: f64,
        start_angle: f64,
        end_angle: f64,
    ) -> Draft<'_> {
        self.draw(Shape::Arc {
            x,
            y,
            radius,
            start_angle,
            end_angle,
            color: Color::WHITE.to_string(),
            stroke: None,
        })
    }

    /// A line through points, one pixel wide; white.
    pub fn line(&mut self, points: impl Into<Vec<(f64, f64)>>) -> Draft<'_> {
        self.draw(Shape::Line {
            points: points.into(),
            width: 1.0,
            color: Color::WHITE.to_string(),
        })
    }

    /// A filled polygon; white.
    pub fn polygon(&mut self, points: impl Into<Vec<(f64, f64)>>) -> Draft<'_> {
        self.draw(Shape::Polygon {
            points: points.into(),
            color: Color::WHITE.to_string(),
            stroke: None,
        })
    }

    /// A text by its top left corner; black, 16 pixels, Arial.
    pub fn text(&mut self, text: impl Into<String>, x: f64, y: f64) -> Draft<'_> {
        self.draw(Shape::Text {
            text: text.into(),
            x,
            y,
            size: 16.0,
            font: "Arial".to_owned(),
            align: Align::Left,
            color: Color::BLACK.to_string(),
        })
    }

    /// A registered image or atlas, scaled to a size, by its top left corner.
    pub fn image(
        &mut self,
        name: impl Into<String>,
        x: f64,
        y: f64,
        width: f64,
        height: f64,
    ) -> Draft<'_> {
        self.draw(Shape::Image {
            image: name.into(),
            frame: None,
            x,
            y,
            width,
            height,
            angle: 0.0,
        })
    }

    /// Takes a persistent object away.
    pub fn remove(&mut self, id: &str) {
        self.persistent.remove(id);
    }

    /// Takes everything away but the registered assets. Hosts do so when an episode starts.
    pub fn reset(&mut self) {
        self.drafts.clear();
        self.persistent.clear();
    }

    /// Ends the frame: the whole picture, persistent objects of earlier frames included. Of two
    /// objects with one id the one drawn later is in it.
    pub fn commit(&mut self) -> DrawList {
        let mut omitted = 0;
        let mut unnamed: BTreeMap<&'static str, u32> = BTreeMap::new();
        let mut frame: BTreeMap<String, Placed> = BTreeMap::new();
        for sketch in std::mem::take(&mut self.drafts) {
            self.sequence += 1;
            let id = sketch.id.clone().unwrap_or_else(|| {
                let kind = sketch.shape.kind();
                let count = unnamed.entry(kind).or_default();
                *count += 1;
                format!("~{kind}{count}")
            });
            let Some(placed) = self.place(&sketch, id.clone()) else {
                omitted += 1;
                continue;
            };
            if sketch.persistent {
                frame.remove(&id);
                self.persistent.insert(id, placed);
            } else {
                self.persistent.remove(&id);
                frame.insert(id, placed);
            }
        }
        let mut placed: Vec<&Placed> = self.persistent.values().chain(frame.values()).collect();
        placed.sort_by(|a, b| {
            a.depth
                .total_cmp(&b.depth)
                .then(a.sequence.cmp(&b.sequence))
        });
        DrawList {
            objects: placed
                .into_iter()
                .map(|placed| placed.object.clone())
                .collect(),
            omitted,
        }
    }

    fn register(&mut self, asset: Asset) {
        self.assets.retain(|known| known.name() != asset.name());
        self.assets.push(asset);
    }

    fn draw(&mut self, shape: Shape) -> Draft<'_> {
        self.drafts.push(Sketch::new(shape));
        let sketch = self.drafts.last_mut().expect("one was just pushed");
        Draft { sketch }
    }

    /// The sketch in final pixels, or `None` if it cannot be shown.
    fn place(&self, sketch: &Sketch, id: String) -> Option<Placed> {
        let mut shape = sketch.shape.clone();
        if let Shape::Image { image, .. } = &shape {
            self.assets.iter().find(|asset| asset.name() == image)?;
        }
        if sketch.relative {
            shape.scale(f64::from(self.width), f64::from(self.height));
        }
        let mut finite = sketch.depth.is_finite() && sketch.alpha.is_finite();
        shape.for_each_number(&mut |number| {
            finite &= number.is_finite();
            *number = rounded(*number);
        });
        finite.then(|| Placed {
            // Adding zero makes a zero of either sign the same.
            depth: sketch.depth + 0.0,
            sequence: self.sequence,
            object: DrawObject {
                id,
                shape,
                alpha: rounded(sketch.alpha.clamp(0.0, 1.0)),
                tween_ms: sketch.tween_ms,
            },
        })
    }
}

/// To hundredths: nobody sees less, and what is equal on screen is equal on the wire.
fn rounded(number: f64) -> f64 {
    (number * 100.0).round() / 100.0 + 0.0
}
