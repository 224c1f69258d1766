//! Plans to play.

use igym_protocol::{
    Controls, Digests, EnvironmentSpec, EpisodePlan, InputMode, KeyBinding, ParticipantId,
    Prediction, Seat, SessionId,
};
use uuid::Uuid;

/// Slime volleyball for two, ten seconds long, several points to play for.
pub(crate) fn slime_volleyball(seed: u32) -> EpisodePlan {
    let info = igym_envs::find("slime_volleyball").expect("it is in the catalogue");
    let config = serde_json::json!({ "max_lives": 3, "max_steps": 3000 });
    EpisodePlan {
        session: SessionId(Uuid::from_u128(7)),
        episode: 1,
        episodes: 3,
        seed,
        environment: EnvironmentSpec {
            id: info.id.to_owned(),
            version: info.version.to_owned(),
            config: igym_envs::canonical_config(info.id, &config).expect("it is valid"),
        },
        seats: seats(info.agents),
        frames_per_second: info.frames_per_second,
        input_delay: 2,
        window_ms: 500,
        max_steps: 300,
        digest_interval: 30,
        prediction: Prediction::RepeatLast,
        controls: Controls {
            mode: InputMode::HeldKeys,
            bindings: info
                .default_keys
                .iter()
                .map(|(keys, action)| binding(keys, *action))
                .collect(),
            default_action: info.default_action,
        },
        digests: Digests::default(),
    }
}

/// One player per agent.
pub(crate) fn seats(agents: &[&str]) -> Vec<Seat> {
    (1..)
        .zip(agents)
        .map(|(number, agent)| Seat {
            participant: ParticipantId(Uuid::from_u128(number)),
            agents: vec![(*agent).to_owned()],
        })
        .collect()
}

pub(crate) fn binding(keys: &[&str], action: u32) -> KeyBinding {
    KeyBinding {
        keys: keys.iter().map(|key| (*key).to_owned()).collect(),
        action,
        label: format!("action {action}"),
    }
}
