//! The parts of `study.toml` that are about Python, as they are written; as [`super::raw`].

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What environments in Python need.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PythonSection {
    /// Packages, as `pip` names them, such as "slimevb" or "gymnasium==1.3.0".
    #[serde(default)]
    #[schemars(inner(length(min = 1)))]
    pub(crate) packages: Vec<String>,
    /// Packages that others ask for and the environments do not need, such as "opencv-python":
    /// they are left out, and modules without contents stand in for theirs.
    #[serde(default)]
    pub(crate) omit: Vec<OmitChoice>,
    /// Modules that are imported first, such as one that behaves differently where a package that
    /// is left out is missing.
    #[serde(default)]
    #[schemars(inner(length(min = 1)))]
    pub(crate) imports: Vec<String>,
    /// Files and folders beside the study file that the environments need, beside its `*.py`.
    #[serde(default)]
    #[schemars(inner(length(min = 1)))]
    pub(crate) files: Vec<String>,
    /// Scenes, by their ids, whose environments may play differently from run to run. The browsers of a
    /// group then need not agree.
    #[serde(default)]
    #[schemars(inner(length(min = 1)))]
    pub(crate) allow_nondeterminism: Vec<String>,
}

/// A package that is left out.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub(crate) enum OmitChoice {
    Package(#[schemars(length(min = 1))] String),
    Section(OmitSection),
}

/// A package that is left out, with the names of its modules.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OmitSection {
    /// Such as "opencv-python".
    #[schemars(length(min = 1))]
    pub(crate) package: String,
    /// The modules that it would bring, such as "cv2".
    #[schemars(length(min = 1), inner(length(min = 1)))]
    pub(crate) imports: Vec<String>,
}

/// Which environment is played: one of the catalogue, or one in Python.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub(crate) enum EnvironmentChoice {
    Native(#[schemars(schema_with = "environment_ids")] String),
    Python(Box<EnvironmentSection>),
}

/// An environment in Python, named by one of `file`, `id` and `target`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(example = example())]
pub(crate) struct EnvironmentSection {
    /// A file beside the study file that defines it, such as "env.py".
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub(crate) file: Option<String>,
    /// Its name in `file`, if that defines several.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub(crate) attribute: Option<String>,
    /// What `gymnasium.make` knows it by, such as "CartPole-v1".
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub(crate) id: Option<String>,
    /// A class or function of a package that makes it, such as "package.module:make".
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub(crate) target: Option<String>,
    /// What it is made with.
    #[serde(default)]
    pub(crate) kwargs: BTreeMap<String, Value>,
    /// How it is played: "single" as Gymnasium with one agent, "dict" as Gymnasium with a
    /// dictionary of actions, "parallel" as PettingZoo; "auto" looks at what it has.
    #[serde(default)]
    pub(crate) style: StyleName,
    /// The function that draws it, such as "draw.py:draw"; it draws itself if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub(crate) draw: Option<String>,
    /// Infos that are not recorded, by their keys.
    #[serde(default)]
    pub(crate) omit_infos: Vec<String>,
    /// Width and height of the drawing in pixels; what the environment says, or [600, 400], if not
    /// given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(inner(range(min = 1, max = 16_384)))]
    pub(crate) size: Option<[u32; 2]>,
    /// How states are kept for rollbacks; "auto" tries and takes the fastest that is right.
    #[serde(default)]
    pub(crate) snapshot: SnapshotName,
    /// When it goes on: with each tick of the "clock", or "on_input", when somebody presses a key.
    #[serde(default)]
    pub(crate) step: StepName,
    /// For how many steps an action is held.
    #[serde(default = "default_action_repeat")]
    #[schemars(range(min = 1, max = 1_000))]
    pub(crate) action_repeat: u32,
}

/// How an environment is played.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(crate) enum StyleName {
    #[default]
    Auto,
    Single,
    Dict,
    Parallel,
}

/// How states are kept.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(crate) enum SnapshotName {
    #[default]
    Auto,
    Own,
    InPlace,
    Pickle,
    Cloudpickle,
    Deepcopy,
}

/// When an environment goes on.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(crate) enum StepName {
    #[default]
    Clock,
    OnInput,
}

fn example() -> BTreeMap<&'static str, &'static str> {
    BTreeMap::from([("id", "CartPole-v1")])
}

fn environment_ids(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    let ids: Vec<&str> = igym_envs::catalogue()
        .iter()
        .map(|known| known.id)
        .collect();
    schemars::json_schema!({ "type": "string", "enum": ids })
}

/// What a key means: for the catalogue's environments a label or number, for those in Python
/// anything that an action may be.
pub(crate) fn action_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "object",
        "additionalProperties": {
            "anyOf": [
                { "type": "number" },
                { "type": "string" },
                { "type": "array" },
                {
                    "type": "object",
                    "properties": {
                        "action": { "description": "The action." },
                        "label": {
                            "description": "What the action is called on screen and in the data.",
                            "type": "string",
                            "minLength": 1,
                            "maxLength": 100
                        }
                    }
                }
            ]
        }
    })
}

fn default_action_repeat() -> u32 {
    1
}
