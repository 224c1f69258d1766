//! A picture of a game before it is played.

use igym_gym::{Description, Display, DrawDelta, Foreign, ImageSize, Operations, Picture, Surface};
use wasm_bindgen::prelude::*;

use crate::convert::thrown;
use crate::runtime::{self, JsRuntime};

/// `DrawDelta` as JSON: how the environment begins, seen by nobody in particular. Throws if there
/// is no such environment. Its images, if it has any, are left out.
#[wasm_bindgen]
pub fn preview(id: &str, config: &str) -> Result<String, JsError> {
    picture(id, config).map_err(thrown)
}

/// How a foreign environment begins, as its first agent sees it: what people write to draw asks whose page it is.
/// `free()` it once it is read.
#[wasm_bindgen]
pub struct ForeignPreview {
    delta: DrawDelta,
    rgb: Vec<u8>,
}

#[wasm_bindgen]
impl ForeignPreview {
    /// `config` is that of the view's environment; `runtime` was opened with its `configuration`. It
    /// is reset. Throws if the environment fails.
    #[wasm_bindgen(constructor)]
    pub fn new(config: &str, runtime: JsRuntime) -> Result<Self, JsError> {
        let description = Description::from_config(config).map_err(thrown)?;
        let assets = description.assets().to_vec();
        let mut foreign = Foreign::new(description, Box::new(runtime::Foreign(runtime)));
        foreign.reset(0).map_err(thrown)?;
        let mut operations = Operations::new();
        operations.draw(Some(0));
        let answer = foreign.run(&operations).map_err(thrown)?;
        let picture = answer.pictures.into_iter().next().unwrap_or_default();
        let Picture {
            list, hud, pixels, ..
        } = picture;
        let size = pixels.as_ref().map(|pixels| ImageSize {
            width: pixels.width,
            height: pixels.height,
        });
        Ok(Self {
            delta: DrawDelta {
                hud,
                pixels: size,
                assets: Some(picture.assets.unwrap_or(assets)),
                ..Display::default().diff(&list)
            },
            rgb: pixels.map(|pixels| pixels.rgb).unwrap_or_default(),
        })
    }

    /// `DrawDelta` as JSON, with everything: what must be loaded is in `assets`.
    #[wasm_bindgen(getter)]
    pub fn delta(&self) -> String {
        json(&self.delta)
    }

    /// The bytes of the image whose size `delta.pixels` tells.
    pub fn take_pixels(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.rgb)
    }
}

fn picture(id: &str, config: &str) -> Result<String, igym_envs::CreateError> {
    let mut env = igym_envs::create(id, config)?;
    env.reset(0);
    let (width, height) = env.size();
    let mut surface = Surface::new(width, height);
    env.render(&mut surface, None);
    Ok(json(&Display::default().diff(&surface.commit())))
}

fn json(delta: &DrawDelta) -> String {
    serde_json::to_string(delta).expect("wire types hold nothing that JSON cannot")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_environment_has_a_picture() {
        for info in igym_envs::catalogue() {
            let picture = picture(info.id, "{}").expect("the default configuration is valid");
            assert!(picture.contains("\"shape\""), "{}: {picture}", info.id);
        }
        assert!(picture("no_such_game", "{}").is_err());
    }
}
