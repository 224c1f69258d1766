//! What a page shows, as its host knows it, and what it must be told to show something else.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::draw::{Asset, DrawList, DrawObject};

/// The picture that one page shows. Kept by the host, apart from environment and surface, so
/// that a page that reloads gets everything again, and nobody else does.
#[derive(Clone, Debug, Default)]
pub struct Display {
    shown: BTreeMap<String, DrawObject>,
    order: Vec<String>,
}

/// The difference between what a page shows and what it shall show. Apply `removed`, then `set`,
/// then `order`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct DrawDelta {
    /// New objects, and objects that look different from now on; an object never changes its
    /// kind of shape without being in `removed` too.
    pub set: Vec<DrawObject>,
    /// Ids of objects that go away.
    pub removed: Vec<String>,
    /// All ids from the bottom to the top; only if the stack is not as it was, or an object was
    /// made anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub order: Option<Vec<String>>,
    /// The text beside the drawing, if it is another one; empty: there is none any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub hud: Option<String>,
    /// There is another image under the drawing, or none any more; its bytes come apart from this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub pixels: Option<ImageSize>,
    /// All that the page must load before it draws, if there is more than it was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub assets: Option<Vec<Asset>>,
}

/// The size of an image in its own pixels; it is scaled to the drawing. 0 by 0 is no image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ImageSize {
    pub width: u32,
    pub height: u32,
}

impl Display {
    /// What turns the shown picture into `list`, which is shown from now on.
    pub fn diff(&mut self, list: &DrawList) -> DrawDelta {
        let mut delta = DrawDelta::default();
        let mut gone = std::mem::take(&mut self.shown);
        let mut order_kept = true;
        for object in &list.objects {
            match gone.remove(&object.id) {
                Some(shown) if shown == *object => {}
                Some(shown) => {
                    let same_kind = std::mem::discriminant(&shown.shape)
                        == std::mem::discriminant(&object.shape);
                    if !same_kind {
                        // The page makes it anew, so its place in the stack is lost.
                        order_kept = false;
                        delta.removed.push(object.id.clone());
                    }
                    delta.set.push(object.clone());
                }
                None => delta.set.push(object.clone()),
            }
            self.shown.insert(object.id.clone(), object.clone());
        }
        delta.removed.extend(gone.into_keys());
        order_kept &= self
            .order
            .iter()
            .eq(list.objects.iter().map(|object| &object.id));
        if !order_kept {
            self.order = list
                .objects
                .iter()
                .map(|object| object.id.clone())
                .collect();
            delta.order = Some(self.order.clone());
        }
        delta
    }

    /// The page shows nothing any more: the next difference is the whole picture.
    pub fn clear(&mut self) {
        self.shown.clear();
        self.order.clear();
    }
}

impl DrawDelta {
    /// Whether the page shows it all already.
    pub fn is_empty(&self) -> bool {
        let Self {
            set,
            removed,
            order,
            hud,
            pixels,
            assets,
        } = self;
        let drawn = !set.is_empty() || !removed.is_empty() || order.is_some();
        !drawn && hud.is_none() && pixels.is_none() && assets.is_none()
    }
}
