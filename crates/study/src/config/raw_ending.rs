//! The end of `study.toml`, as it is written; as [`super::raw`].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The last page.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EndSection {
    pub(crate) r#type: EndType,
    /// Names the scene in the data; "end" if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = "^[A-Za-z0-9_-]+$"), length(max = 64))]
    pub(crate) id: Option<String>,
    /// The heading for those who went through all scenes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) title: Option<String>,
    /// Plain text; an empty line begins a new paragraph.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) body: Option<String>,
    /// The completion code: "draw" for one of each participant's own, "none", or a fixed text.
    /// Everyone gets it but those who left.
    #[serde(default = "default_code")]
    #[schemars(length(min = 1, max = 100))]
    pub(crate) code: String,
    /// Where a button leads from here; `{code}` in it stands for the completion code. Everyone
    /// gets it but those who left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) redirect: Option<String>,
    /// Other texts and codes for those who could not finish.
    #[serde(default)]
    pub(crate) outcomes: OutcomesSection,
}

/// The last page of those who could not finish, for each reason.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OutcomesSection {
    /// No partner came in time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) lobby_timeout: Option<OutcomeSection>,
    /// The pages of the group could not connect to each other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) connection_failed: Option<OutcomeSection>,
    /// The pages of the group ran different builds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) validation_failed: Option<OutcomeSection>,
    /// A partner left in the middle of the session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) partner_left: Option<OutcomeSection>,
    /// The environment raised an error, on the participant's page or on a partner's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) environment_failed: Option<OutcomeSection>,
    /// The participant's machine runs the environment too slowly.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) too_slow: Option<OutcomeSection>,
    /// The participant left, or was gone too long.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) left: Option<OutcomeSection>,
}

/// The last page for one reason; what is not given is as for the others.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OutcomeSection {
    /// The heading.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) title: Option<String>,
    /// Plain text; an empty line begins a new paragraph.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) body: Option<String>,
    /// "draw", "none" or a fixed text.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 100))]
    pub(crate) code: Option<String>,
    /// Where a button leads from here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) redirect: Option<String>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(crate) enum EndType {
    End,
}

fn default_code() -> String {
    "draw".to_owned()
}
