//! What this peer's page shows.

use igym_gym::{Asset, Display, DrawDelta, DrawList, ImageSize, Picture, Pixels};

/// The picture that the page shows, as far as it was told.
pub(super) struct Screen {
    /// The agent through whose eyes the environment is drawn.
    viewer: Option<usize>,
    /// It shows the current state.
    current: bool,
    display: Display,
    hud: String,
    pixels: Option<Pixels>,
    /// What the page knows that it must load.
    assets: Vec<Asset>,
}

impl Screen {
    /// A page that shows nothing, and was told of these assets.
    pub(super) fn new(viewer: Option<usize>, assets: &[Asset]) -> Self {
        Self {
            viewer,
            current: false,
            display: Display::default(),
            hud: String::new(),
            pixels: None,
            assets: assets.to_vec(),
        }
    }

    pub(super) fn viewer(&self) -> Option<usize> {
        self.viewer
    }

    pub(super) fn is_current(&self) -> bool {
        self.current
    }

    /// The bytes of the image under the drawing, row by row, three per pixel.
    pub(super) fn pixels(&self) -> &[u8] {
        self.pixels.as_ref().map_or(&[], |pixels| &pixels.rgb)
    }

    /// The state is another one, or is about to be shown.
    pub(super) fn set_current(&mut self, current: bool) {
        self.current = current;
    }

    /// The page shows nothing any more.
    pub(super) fn clear(&mut self) {
        self.display.clear();
        self.hud.clear();
        self.pixels = None;
        self.current = false;
    }

    /// A picture of objects alone.
    pub(super) fn show_list(&mut self, list: &DrawList) -> DrawDelta {
        self.display.diff(list)
    }

    /// A picture for which all of `assets` are needed.
    pub(super) fn show(&mut self, picture: &Picture, assets: &[Asset]) -> DrawDelta {
        let mut delta = self.display.diff(&picture.list);
        let hud = picture.hud.as_deref().unwrap_or_default();
        if self.hud != hud {
            self.hud = hud.to_owned();
            delta.hud = Some(self.hud.clone());
        }
        if self.pixels != picture.pixels {
            self.pixels.clone_from(&picture.pixels);
            let size = |pixels: &Pixels| ImageSize {
                width: pixels.width,
                height: pixels.height,
            };
            delta.pixels = Some(self.pixels.as_ref().map(size).unwrap_or_default());
        }
        if self.assets != assets {
            self.assets = assets.to_vec();
            delta.assets = Some(self.assets.clone());
        }
        delta
    }
}
