//! Which environments there are, and how they are made.

use igym_gym::MultiAgentEnv;
use serde_json::Value;

use crate::slime_volleyball::{self, SlimeVolleyball, SlimeVolleyballConfig};

/// What a study needs to know of an environment before it makes one.
#[derive(Debug)]
pub struct EnvironmentInfo {
    /// Names it in a study.
    pub id: &'static str,
    /// Changes whenever the same seed and actions give something else.
    pub version: &'static str,
    pub title: &'static str,
    /// Its agents, in order.
    pub agents: &'static [&'static str],
    /// Discrete actions and what to call them.
    pub actions: &'static [(u32, &'static str)],
    /// The pace it is meant to be played at.
    pub frames_per_second: u16,
    /// Size of the drawing, in pixels.
    pub width: u32,
    pub height: u32,
    /// Keys (`KeyboardEvent.key`) held together, and the action that they mean.
    pub default_keys: &'static [(&'static [&'static str], u32)],
    /// What an agent does while nothing is pressed.
    pub default_action: u32,
}

/// Why there is no such environment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CreateError {
    #[error("there is no environment {id:?}; choose one of {known}")]
    Unknown { id: String, known: String },
    #[error("the configuration of {id} is wrong: {message}")]
    Config { id: String, message: String },
}

/// All environments.
pub fn catalogue() -> &'static [EnvironmentInfo] {
    &CATALOGUE
}

static CATALOGUE: [EnvironmentInfo; 1] = [slime_volleyball::INFO];

/// The environment of that id.
pub fn find(id: &str) -> Result<&'static EnvironmentInfo, CreateError> {
    CATALOGUE
        .iter()
        .find(|info| info.id == id)
        .ok_or_else(|| CreateError::Unknown {
            id: id.to_owned(),
            known: CATALOGUE.each_ref().map(|info| info.id).join(", "),
        })
}

/// Makes an environment. `config_json` is its configuration as a JSON object; what is left out
/// has its default, and an empty text is an empty object.
pub fn create(id: &str, config_json: &str) -> Result<Box<dyn MultiAgentEnv>, CreateError> {
    let info = find(id)?;
    let value = if config_json.trim().is_empty() {
        Value::Object(serde_json::Map::new())
    } else {
        serde_json::from_str(config_json).map_err(|error| wrong(info, &error))?
    };
    Ok(Box::new(SlimeVolleyball::new(slime_config(info, &value)?)))
}

/// The configuration with every setting spelled out, as JSON with sorted keys and no spaces:
/// equal settings are equal text.
pub fn canonical_config(id: &str, config: &Value) -> Result<String, CreateError> {
    let info = find(id)?;
    Ok(slime_config(info, config)?.canonical())
}

/// A hex BLAKE3 hash over the id, the version that is compiled in, and the configuration's text.
pub fn environment_digest(id: &str, config: &str) -> String {
    let version = find(id).map_or("", |info| info.version);
    let mut hasher = blake3::Hasher::new();
    for part in [id, version, config] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

fn slime_config(
    info: &EnvironmentInfo,
    value: &Value,
) -> Result<SlimeVolleyballConfig, CreateError> {
    let config: SlimeVolleyballConfig = match value {
        Value::Null => SlimeVolleyballConfig::default(),
        Value::Object(_) => {
            serde::Deserialize::deserialize(value).map_err(|error| wrong(info, &error))?
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            return Err(wrong(info, &"it is not a table of settings"));
        }
    };
    config.check().map_err(|message| wrong(info, &message))?;
    Ok(config)
}

fn wrong(info: &EnvironmentInfo, message: &dyn std::fmt::Display) -> CreateError {
    CreateError::Config {
        id: info.id.to_owned(),
        message: message.to_string(),
    }
}
