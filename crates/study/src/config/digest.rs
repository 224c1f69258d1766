//! One digest for all ways to write a study.

use super::raw::{SceneSection, StudyFile};
use super::raw_python::EnvironmentChoice;
use super::{EndScene, Scene};
use igym_protocol::Outcome;

/// BLAKE3, in hex, of the file with everything in it that it may leave out, and of what the
/// environments add.
pub(super) fn digest(mut file: StudyFile, scenes: &[Scene], end: &EndScene) -> String {
    let mut added = Vec::new();
    // The lock covers it, and is in the environments' canonical form.
    file.python = None;
    for (section, scene) in file.scenes.iter_mut().zip(scenes) {
        match (section, scene) {
            (SceneSection::Start(section), Scene::Start(start)) => {
                section.id = Some(start.id.clone());
                section.title = Some(start.title.clone());
            }
            (SceneSection::Gym(section), Scene::Gym(game)) => {
                section.id = Some(game.id.clone());
                section.title = Some(game.title.clone());
                // In the environment's canonical form, and with its digest, below.
                section.environment = EnvironmentChoice::Native(game.environment.id.clone());
                section.config.clear();
                for treatment in &mut section.treatments {
                    treatment.kwargs.clear();
                    treatment.config.clear();
                }
                section.controls.default_action = None;
                section.controls.mode = None;
                section.episodes = Some(game.episodes);
                section.seat_groups = Some(game.seat_groups.clone());
                section.frames_per_second = Some(game.frames_per_second);
                section.input_delay = Some(game.input_delay);
                section.digest_interval = Some(game.digest_interval);
                // In whole milliseconds or what follows from the above.
                section.slowest_rollback_ms = game
                    .slowest_rollback
                    .and_then(|limit| u32::try_from(limit.as_millis()).ok());
                section.validation_timeout_s = Some(game.validation_timeout.as_secs_f64());
                section.connection_attempts = Some(game.connection_attempts);
                section.connection_timeout_s = Some(game.connection_timeout.as_secs_f64());
                section.episode_timeout_s = Some(game.episode_timeout.as_secs_f64());
                // Resolved to keys and actions in their order, below.
                section.controls.bindings = None;
                added.push((&game.environment, &game.environment_digest, &game.controls));
                added.extend(game.treatments.iter().map(|treatment| {
                    let digest = &treatment.environment_digest;
                    (&treatment.environment, digest, &game.controls)
                }));
            }
            (SceneSection::Start(_) | SceneSection::Gym(_) | SceneSection::End(_), _) => {}
        }
    }
    if let Some(SceneSection::End(section)) = file.scenes.last_mut() {
        let page = end.page(Outcome::Completed);
        section.id = Some(end.id.clone());
        section.title = Some(page.title.clone());
        section.body = Some(page.body.clone());
    }
    let bytes = serde_json::to_vec(&(file, added)).expect("sections hold nothing JSON cannot");
    blake3::hash(&bytes).to_hex().to_string()
}
