//! `study.toml`, parsed once into types that need no further checks.

use std::time::Duration;

use igym_protocol::{Controls, EnvironmentSpec, IceServer, Outcome, Prediction};

/// A study as the researcher wrote it, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct StudyConfig {
    /// Names the study in data; letters, digits, `_` and `-`.
    pub id: String,
    pub title: String,
    /// The scenes before the end, in order. The end has the index after the last of them.
    pub scenes: Vec<Scene>,
    pub end: EndScene,
    /// STUN and TURN servers that pages may use, none on a local network.
    pub ice_servers: Vec<IceServer>,
    source: String,
    digest: String,
}

/// One page-level step before the end.
#[derive(Clone, Debug, PartialEq)]
pub enum Scene {
    Start(StartScene),
    Gym(GymScene),
}

/// A page of text with a button.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartScene {
    pub id: String,
    pub title: String,
    pub body: String,
    pub button: String,
}

/// A game: instructions, lobby, and the episodes of one session.
#[derive(Clone, Debug, PartialEq)]
pub struct GymScene {
    pub id: String,
    pub title: String,
    pub body: String,
    pub environment: EnvironmentSpec,
    /// What a page that runs this environment reports in VALIDATING.
    pub environment_digest: String,
    /// Size of the drawing in its own pixels.
    pub width: u32,
    pub height: u32,
    /// The agents of each seat; a session has one player per seat.
    pub seat_groups: Vec<Vec<String>>,
    pub seats: SeatRule,
    pub seeds: Seeds,
    pub episodes: u32,
    pub frames_per_second: u16,
    pub input_delay: u8,
    pub window: Duration,
    pub max_steps: u32,
    pub digest_interval: u32,
    pub prediction: Prediction,
    pub controls: Controls,
    pub lobby_timeout: Duration,
    pub connection_attempts: u32,
    pub connection_timeout: Duration,
    pub validation_timeout: Duration,
    pub countdown: Duration,
    pub reconnect_grace: Duration,
    pub flush_timeout: Duration,
    /// An episode that is not sealed by all this long after its start is cut.
    pub episode_timeout: Duration,
}

impl GymScene {
    /// Players of one session.
    pub fn players(&self) -> usize {
        self.seat_groups.len()
    }
}

/// Who sits where in each episode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeatRule {
    /// Seats in the order in which the members came to the lobby.
    Fixed,
    /// Drawn once for a session, then kept.
    Random,
    /// As fixed, moved on by one seat for each episode.
    Rotating,
}

/// Where the seeds of episodes come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seeds {
    /// Drawn for each episode of each session.
    Draw,
    /// One for each episode, the same in every session.
    Listed(Vec<u32>),
}

/// The last page, for each outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndScene {
    pub id: String,
    pages: [FinalPage; 6],
}

impl EndScene {
    /// The page of participants who end with `outcome`.
    pub fn page(&self, outcome: Outcome) -> &FinalPage {
        match outcome {
            Outcome::Completed => &self.pages[0],
            Outcome::LobbyTimeout => &self.pages[1],
            Outcome::ConnectionFailed => &self.pages[2],
            Outcome::ValidationFailed => &self.pages[3],
            Outcome::PartnerLeft => &self.pages[4],
            Outcome::Left => &self.pages[5],
        }
    }
}

/// What the last page says and gives for one outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FinalPage {
    pub title: String,
    pub body: String,
    pub code: Code,
    /// Where the page's button leads; `{code}` in it stands for the completion code.
    pub redirect: Option<String>,
}

/// The completion code of one outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Code {
    None,
    /// One for each participant.
    Draw,
    Fixed(String),
}

/// A commented study that runs as it is: what `igym init` writes.
pub const EXAMPLE: &str = "";

impl StudyConfig {
    /// Reads a study file; `file_name` is for messages.
    pub fn parse(source: &str, file_name: &str) -> Result<StudyConfig, ConfigError> {
        let _ = source;
        Err(ConfigError {
            file: file_name.to_owned(),
            problems: Vec::new(),
        })
    }

    /// BLAKE3 over everything the file says or leaves to defaults, in hex.
    pub fn digest(&self) -> String {
        self.digest.clone()
    }

    /// The file as it was written.
    pub fn source(&self) -> &str {
        &self.source
    }
}

/// The JSON Schema of `study.toml`, for editors.
pub fn json_schema() -> String {
    String::new()
}

/// Why a study file cannot be served: everything found wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {} problems", problems.len())]
#[non_exhaustive]
pub struct ConfigError {
    pub file: String,
    pub problems: Vec<Problem>,
}

/// One thing wrong with a study file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    pub message: String,
    pub fix: String,
}
