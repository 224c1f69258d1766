//! Some seconds of play before anybody is invited: an environment that cannot be played is found when
//! it is prepared.

use igym_gym::{Description, Foreign, ForeignError, Operations};
use serde_json::Value as Json;

use crate::pool::HeadlessRuntime;
use crate::{HeadlessError, PrepareError};

/// Frames that are played.
const FRAMES: u32 = 240;
/// Frames for which a key is held.
const HELD: u32 = 8;
const SEED: u32 = 1;
/// What a browser uploads per frame besides the outcome: the frame's number and its hash.
const ROW_BYTES: usize = 4 + 16;

/// What playing costs.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Costs {
    pub(crate) agents: usize,
    /// What a participant's browser uploads, in bytes per frame.
    pub(crate) frame_bytes: f64,
    /// Medians in microseconds, here.
    pub(crate) step_us: f64,
    pub(crate) save_us: f64,
    pub(crate) rollback_us: f64,
    pub(crate) snapshot: String,
}

/// Plays with the keys of the study, as somebody would who tries each of them.
pub(crate) fn play(
    mut runtime: HeadlessRuntime,
    name: &str,
    configuration: &Json,
) -> Result<Costs, PrepareError> {
    let raised = |error: ForeignError| PrepareError::Environment {
        name: name.to_owned(),
        error,
    };
    let described = runtime.description().clone();
    let measured = runtime.measure()?;
    if let Some(message) = measured["error"]["message"].as_str() {
        let error = serde_json::from_value(measured["error"].clone());
        return Err(error.map_or_else(
            |_| PrepareError::Unusable {
                name: name.to_owned(),
                what: message.to_owned(),
            },
            raised,
        ));
    }
    let config = serde_json::json!({"configuration": configuration, "description": described});
    let description = Description::from_config(&config.to_string());
    let description = description.map_err(|error| PrepareError::Unusable {
        name: name.to_owned(),
        what: error.to_string(),
    })?;
    let agents = description.agents().to_vec();
    let keys = description.bindings();
    let mut foreign = Foreign::new(description, Box::new(runtime));
    foreign.reset(SEED).map_err(raised)?;
    let (mut bytes, mut seed) = (0, SEED);
    for beat in 0..FRAMES {
        if foreign.ended() {
            seed += 1;
            foreign.reset(seed).map_err(raised)?;
        }
        let inputs: Vec<Vec<u8>> = (0..agents.len())
            .map(|agent| {
                let pressed = (beat / HELD) as usize + agent;
                let key = (keys > 0).then(|| pressed % keys);
                foreign.description().input(&agents[agent..=agent], key)
            })
            .collect();
        let mut operations = Operations::detailed();
        operations.step(foreign.frame(), &inputs);
        if beat % HELD == 0 {
            operations.draw(Some(0)).draw(None);
        }
        let answer = foreign.run(&operations).map_err(raised)?;
        bytes += answer
            .steps
            .iter()
            .map(|step| step.outcome.len() + ROW_BYTES)
            .sum::<usize>();
    }
    let cost = |name: &str| measured[name].as_f64().unwrap_or_default();
    Ok(Costs {
        agents: agents.len(),
        frame_bytes: bytes as f64 / f64::from(FRAMES),
        step_us: cost("step_us"),
        save_us: cost("save_us"),
        rollback_us: cost("rollback_10_us"),
        snapshot: described["snapshot"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
    })
}

/// What of a description says nothing about the environment: it differs from one opening to the
/// next.
const MEASURED: [&str; 3] = ["snapshot", "snapshot_costs_us", "snapshots_refused"];

/// The description that a study is made of: the same whenever the environment is.
pub(crate) fn lasting(mut description: Json) -> Json {
    if let Some(fields) = description.as_object_mut() {
        fields.retain(|name, _| !MEASURED.contains(&&**name));
    }
    description
}

impl Costs {
    /// "2 agents; a step takes 0.29 ms, keeping a state …"
    pub(crate) fn text(&self) -> String {
        let ms = |us: f64| format!("{:.2} ms", us / 1e3);
        format!(
            "{} {}; a step takes {}, keeping a state ({}) {}, a rollback of ten frames {}",
            self.agents,
            if self.agents == 1 { "agent" } else { "agents" },
            ms(self.step_us),
            self.snapshot,
            ms(self.save_us),
            ms(self.rollback_us),
        )
    }
}

/// An error of Python's is about the environment, everything else about this machine.
pub(crate) fn about(name: &str, error: HeadlessError) -> PrepareError {
    match error {
        HeadlessError::Python(error) => PrepareError::Environment {
            name: name.to_owned(),
            error,
        },
        error => error.into(),
    }
}
