//! `study.toml` as it is written: names, kinds and bounds of everything in it.
//!
//! The JSON Schema is generated from these types, and [`super::shape`] checks files against that
//! same schema, so an editor and the program cannot disagree. Their comments are what an editor
//! shows.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::raw_ending::EndSection;
use super::raw_python::{EnvironmentChoice, PythonSection, action_schema};

/// A study of Interactive Gym.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "study.toml")]
pub(crate) struct StudyFile {
    pub(crate) study: StudySection,
    /// What environments in Python need; only where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) python: Option<PythonSection>,
    /// The pages in order: one of type "start", one or more of type "gym", one of type "end".
    pub(crate) scenes: Vec<SceneSection>,
}

/// The study as a whole.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StudySection {
    /// Names the study in its data: letters, digits, "_" and "-".
    #[schemars(regex(pattern = "^[A-Za-z0-9_-]+$"), length(max = 64))]
    pub(crate) id: String,
    /// The title of the participant's page.
    #[schemars(length(min = 1))]
    pub(crate) title: String,
    /// STUN and TURN servers; not needed on a local network.
    #[serde(default)]
    pub(crate) ice_servers: Vec<IceServerSection>,
}

/// A STUN or TURN server of your own.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct IceServerSection {
    /// Such as "stun:stun.example.org:3478".
    #[schemars(length(min = 1))]
    pub(crate) urls: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) credential: Option<String>,
}

/// One page-level step.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum SceneSection {
    Start(StartSection),
    Gym(Box<GymSection>),
    End(EndSection),
}

/// A page of text with a button that leads on.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StartSection {
    pub(crate) r#type: StartType,
    /// Names the scene in the data; "start" if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = "^[A-Za-z0-9_-]+$"), length(max = 64))]
    pub(crate) id: Option<String>,
    /// The heading; the study's title if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) title: Option<String>,
    /// Plain text; an empty line begins a new paragraph.
    #[serde(default)]
    pub(crate) body: String,
    /// What the button says.
    #[serde(default = "default_button")]
    #[schemars(length(min = 1))]
    pub(crate) button: String,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(crate) enum StartType {
    Start,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(crate) enum GymType {
    Gym,
}

/// A game: instructions, a lobby, and one session of one or more episodes.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GymSection {
    pub(crate) r#type: GymType,
    /// Names the scene in the data; "gym", "gym_2" and so on if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = "^[A-Za-z0-9_-]+$"), length(max = 64))]
    pub(crate) id: Option<String>,
    /// The heading; if not given, the title of the environment in the catalogue, of one in Python the study's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) title: Option<String>,
    /// Instructions: plain text; an empty line begins a new paragraph.
    #[serde(default)]
    pub(crate) body: String,
    /// Which environment is played: one of the catalogue by its id, or one in Python as a section.
    pub(crate) environment: EnvironmentChoice,
    /// The settings of an environment of the catalogue.
    #[serde(default)]
    pub(crate) config: BTreeMap<String, Value>,
    /// What differs from group to group: each session has one of these, the one that the fewest
    /// sessions of the scene had before; of several such one that is drawn. All groups play the same if
    /// there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) treatments: Vec<TreatmentSection>,
    /// Episodes of one session; as many as there are seeds, or 1, if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10_000))]
    pub(crate) episodes: Option<u32>,
    /// Who sits where: "fixed" in the order of arrival, "random" drawn once for each session,
    /// "rotating" moved on by one seat for each episode.
    #[serde(default)]
    pub(crate) seats: SeatRuleName,
    /// The agents that each player controls; one player for each agent if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 16))]
    pub(crate) seat_groups: Option<Vec<Vec<String>>>,
    /// "draw", or the seeds of the episodes, such as [1, 2].
    #[serde(default)]
    pub(crate) seeds: SeedsChoice,
    /// Frames per second; the environment's own, or 30, if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 240))]
    pub(crate) frames_per_second: Option<u16>,
    /// Frames between a key press and the step that uses it; more delay means fewer rollbacks. As
    /// many as pass in 70 ms, and no more than 2, if not given: 2 at 30 frames per second, 0 at 10.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 30))]
    pub(crate) input_delay: Option<u8>,
    /// How long what was shown by a wrong guess about a partner takes to its place on the screen, in
    /// milliseconds; 0 shows it there at once. States and data are right at once in any case.
    #[serde(default = "default_smoothing")]
    #[schemars(range(max = 1_000))]
    pub(crate) smoothing_ms: u16,
    /// How far a page plays on without hearing from a partner, in milliseconds.
    #[serde(default = "default_window")]
    #[schemars(range(min = 1, max = 2_000))]
    pub(crate) window_ms: u32,
    /// An episode is truncated after this many frames; 10000 if not given. Only if it is given, the
    /// page shows the time that is left.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub(crate) max_steps: Option<u32>,
    /// The state is compared every this many frames; 1, or 30 for environments in Python, where
    /// it takes about as long as a step, if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub(crate) digest_interval: Option<u32>,
    /// Environments in Python only: how long going back ten frames may take on a participant's
    /// machine, in milliseconds, as its page measures before the lobby; who is slower goes to the
    /// final page. Half the time that ten frames last if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 60_000))]
    pub(crate) slowest_rollback_ms: Option<u32>,
    /// How a partner's missing input is guessed: as the last one, or as the default action.
    #[serde(default)]
    pub(crate) prediction: PredictionName,
    /// How keys become actions.
    #[serde(default)]
    pub(crate) controls: ControlsSection,
    /// After this long in the lobby a participant goes to the final page, in seconds.
    #[serde(default = "default_lobby_timeout")]
    #[schemars(range(min = 0.1, max = 86_400))]
    pub(crate) lobby_timeout_s: f64,
    /// Whether packets pass through the study's server: as a "fallback" where pages cannot reach
    /// each other, as the "only" way, so that no participant's browser learns another's address,
    /// or "never", and a group whose pages cannot reach each other goes to the final page.
    #[serde(default)]
    pub(crate) relay: RelayName,
    /// How often the pages of a group try to connect to each other before the game goes on by
    /// relay, or ends where there is none; 2, or 3 without a relay, if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub(crate) connection_attempts: Option<u32>,
    /// How long one attempt may take, in seconds; 5, or 15 without a relay, if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.1, max = 600))]
    pub(crate) connection_timeout_s: Option<f64>,
    /// How long pages may take to say what they run, in seconds; 15, or 120 for environments in
    /// Python, which a page that is loaded again has to load too, if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.1, max = 600))]
    pub(crate) validation_timeout_s: Option<f64>,
    /// Time between the plan of an episode and its first frame, in seconds.
    #[serde(default = "default_countdown")]
    #[schemars(range(min = 0, max = 600))]
    pub(crate) countdown_s: f64,
    /// How long a participant may be gone before the group goes on without them, in seconds.
    #[serde(default = "default_reconnect_grace")]
    #[schemars(range(min = 0, max = 3_600))]
    pub(crate) reconnect_grace_s: f64,
    /// How long pages may take to deliver what they hold before an episode is cut, in seconds.
    #[serde(default = "default_flush_timeout")]
    #[schemars(range(min = 0.1, max = 600))]
    pub(crate) flush_timeout_s: f64,
    /// An episode that is not over this long after its first frame is cut, in seconds; if not
    /// given, a minute more than twice the time that `max_steps` take.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 86_400))]
    pub(crate) episode_timeout_s: Option<f64>,
}

impl GymSection {
    pub(crate) fn max_steps(&self) -> u32 {
        self.max_steps.unwrap_or(10_000)
    }
}

/// What differs for some of the groups: one that sets nothing plays what the scene says.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TreatmentSection {
    /// Names the treatment in the data: letters, digits, "_" and "-".
    #[schemars(regex(pattern = "^[A-Za-z0-9_-]+$"), length(max = 64))]
    pub(crate) id: String,
    /// What an environment in Python is made with, over the `kwargs` of its section.
    #[serde(default)]
    pub(crate) kwargs: BTreeMap<String, Value>,
    /// Settings of an environment of the catalogue, over the scene's `config`.
    #[serde(default)]
    pub(crate) config: BTreeMap<String, Value>,
}

/// Who sits where.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(crate) enum SeatRuleName {
    #[default]
    Fixed,
    Random,
    Rotating,
}

/// Whether packets pass through the server.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(crate) enum RelayName {
    #[default]
    Fallback,
    Only,
    Never,
}

/// Where seeds come from.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub(crate) enum SeedsChoice {
    Draw(DrawWord),
    Listed(Vec<u32>),
}

impl Default for SeedsChoice {
    fn default() -> Self {
        SeedsChoice::Draw(DrawWord::Draw)
    }
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(crate) enum DrawWord {
    Draw,
}

/// How a missing input is guessed.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(crate) enum PredictionName {
    #[default]
    RepeatLast,
    Default,
}

/// How keys become actions.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ControlsSection {
    /// Whether a key acts while it is held, or once for each press; once for each press where an
    /// environment waits for input, else while it is held, if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) mode: Option<InputModeName>,
    /// A key, or keys joined by "+", and the action they mean; the environment's own keys if not
    /// given. The first that matches counts, more keys first. Actions of the catalogue's
    /// environments have labels and numbers. Environments in Python take what their action space
    /// has, such as 2, [0.5, 1] or { part = 1 }; { action = 2, label = "left" } gives it a name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "action_schema")]
    pub(crate) bindings: Option<BTreeMap<String, Value>>,
    /// Environments in Python only: the action of a player who presses nothing bound; 0, or zeros,
    /// if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) default_action: Option<Value>,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(crate) enum InputModeName {
    #[default]
    HeldKeys,
    SingleKeystroke,
}

fn default_button() -> String {
    "Continue".to_owned()
}

fn default_smoothing() -> u16 {
    100
}

fn default_window() -> u32 {
    500
}

fn default_lobby_timeout() -> f64 {
    300.0
}

fn default_countdown() -> f64 {
    3.0
}

fn default_reconnect_grace() -> f64 {
    10.0
}

fn default_flush_timeout() -> f64 {
    5.0
}
