//! A picture of a game before it is played.

use igym_gym::{Display, Surface};
use wasm_bindgen::prelude::*;

use crate::convert::thrown;

/// `DrawDelta` as JSON: how the environment begins, seen by nobody in particular. Throws if there
/// is no such environment. Its images, if it has any, are left out.
#[wasm_bindgen]
pub fn preview(id: &str, config: &str) -> Result<String, JsError> {
    picture(id, config).map_err(thrown)
}

fn picture(id: &str, config: &str) -> Result<String, igym_envs::CreateError> {
    let mut env = igym_envs::create(id, config)?;
    env.reset(0);
    let (width, height) = env.size();
    let mut surface = Surface::new(width, height);
    env.render(&mut surface, None);
    let delta = Display::default().diff(&surface.commit());
    Ok(serde_json::to_string(&delta).expect("wire types hold nothing that JSON cannot"))
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
