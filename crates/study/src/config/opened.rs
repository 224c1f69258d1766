//! Environments in Python, as they were found to be when they were prepared.

use igym_gym::Description;
use igym_protocol::EnvironmentSpec;
use serde_json::{Value, json};

use super::error::Found;
use super::place::Place;
use super::python::{Prepared, PythonEnvironment};

/// Frames per second where neither the study nor the environment says any.
pub(super) const FRAMES_PER_SECOND: u16 = 30;
/// What a description says of the machine that it was made on: it is not in digests, so that the
/// same study is the same wherever it was prepared.
const OF_A_MACHINE: [&str; 3] = ["snapshot", "snapshot_costs_us", "snapshots_refused"];

/// What an environment was found to be when it was prepared.
pub(super) struct Opened {
    pub(super) environment: EnvironmentSpec,
    pub(super) description: Description,
    /// Its own, or the usual ones.
    pub(super) frames_per_second: u16,
}

/// What was prepared of the environment with this index, which the file sets up at `place`.
pub(super) fn opened(
    environment: &PythonEnvironment,
    index: usize,
    prepared: &Prepared,
    place: &Place,
    found: &mut Vec<Found>,
) -> Option<Opened> {
    let mut refuse = |message: String| {
        found.push(place.problem(message, "run `igym prepare` again"));
        None
    };
    let other = || "what was prepared does not belong to this study file".to_owned();
    let configuration = &environment.configuration;
    let Some(described) = prepared.descriptions.get(index) else {
        return refuse(other());
    };
    let config = config(configuration, described, &prepared.lock);
    let description = match Description::from_config(&config) {
        Ok(description) => description,
        Err(error) => return refuse(error.to_string()),
    };
    let actions = configuration["bindings"].as_array().map_or(0, Vec::len);
    if description.bindings() != actions {
        return refuse(other());
    }
    let own = described.get("render_fps").and_then(Value::as_f64);
    Some(Opened {
        environment: EnvironmentSpec {
            id: "python".to_owned(),
            version: prepared.lock.clone(),
            config,
        },
        description,
        // Bounded, so that it fits.
        frames_per_second: own.map_or(FRAMES_PER_SECOND, |own| {
            own.round().clamp(1.0, 240.0) as u16
        }),
    })
}

/// The text of an `EnvironmentSpec`. Keys are sorted, so that equal settings are equal text; the
/// lock is in it, so that it is in what pages compare.
fn config(configuration: &Value, description: &Value, lock: &str) -> String {
    let mut description = description.clone();
    if let Value::Object(description) = &mut description {
        description.retain(|key, _| !OF_A_MACHINE.contains(&key.as_str()));
    }
    let config = json!({
        "configuration": configuration,
        "description": description,
        "lock": lock,
    });
    config.to_string()
}
