//! `study.toml`, parsed once into types that need no further checks.

mod actions;
mod check;
mod controls;
mod digest;
mod ending;
mod error;
mod gym;
mod kind;
mod opened;
mod place;
mod python;
mod raw;
mod raw_ending;
mod raw_python;
mod schema;
mod shape;
mod subject;
mod treatments;
mod words;

use std::time::Duration;

use igym_protocol::{Controls, EnvironmentSpec, IceServer, Outcome, Prediction};
use toml::de::DeTable;

use check::Checked;
use error::Found;
use python::Preparation;
use raw::StudyFile;

pub use error::{ConfigError, Problem};
pub use python::{Omit, Prepared, PythonEnvironment, PythonPart};
pub use schema::json_schema;

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
    /// The digest of the lock that pages load Python by, where a scene's environment is in Python.
    pub python: Option<String>,
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
    /// What sessions without a treatment play, what instructions show and machines are measured by.
    pub environment: EnvironmentSpec,
    /// What a page that runs this environment reports in VALIDATING.
    pub environment_digest: String,
    /// Each session has one of them; none if all groups play the same.
    pub treatments: Vec<Treatment>,
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
    /// How long a correction glides on the screen, in whole milliseconds; zero for not at all.
    pub smoothing: Duration,
    pub window: Duration,
    pub max_steps: u32,
    /// Whether the page shows the time that is left until `max_steps`.
    pub timed: bool,
    pub digest_interval: u32,
    pub prediction: Prediction,
    pub controls: Controls,
    pub lobby_timeout: Duration,
    pub relay: RelayRule,
    pub connection_attempts: u32,
    pub connection_timeout: Duration,
    pub validation_timeout: Duration,
    pub countdown: Duration,
    /// How long a rollback over ten frames may take on a participant's machine; who is slower
    /// goes to the last page. None where machines need not be measured.
    pub slowest_rollback: Option<Duration>,
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

    /// What a session with this treatment plays, and its digest: the scene's own environment
    /// without one, or with one that it does not have.
    pub fn environment_with(&self, treatment: Option<&str>) -> (&EnvironmentSpec, &str) {
        let mut all = self.treatments.iter();
        match all.find(|it| Some(it.id.as_str()) == treatment) {
            Some(treatment) => (&treatment.environment, &treatment.environment_digest),
            None => (&self.environment, &self.environment_digest),
        }
    }
}

/// What differs for some of the groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Treatment {
    /// Names it in data; letters, digits, `_` and `-`.
    pub id: String,
    /// As the scene's own, but for its settings.
    pub environment: EnvironmentSpec,
    /// What a page that runs this environment reports in VALIDATING.
    pub environment_digest: String,
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

/// Whether packets between the members of a session pass through the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RelayRule {
    /// Where pages cannot reach each other, or no longer do.
    Fallback,
    /// All of them: no page learns another's address.
    Only,
    /// None: a session whose pages cannot reach each other ends.
    Never,
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
    completed: FinalPage,
    lobby_timeout: FinalPage,
    connection_failed: FinalPage,
    validation_failed: FinalPage,
    partner_left: FinalPage,
    environment_failed: FinalPage,
    too_slow: FinalPage,
    left: FinalPage,
}

impl EndScene {
    /// The page of participants who end with `outcome`.
    pub fn page(&self, outcome: Outcome) -> &FinalPage {
        match outcome {
            Outcome::Completed => &self.completed,
            Outcome::LobbyTimeout => &self.lobby_timeout,
            Outcome::ConnectionFailed => &self.connection_failed,
            Outcome::ValidationFailed => &self.validation_failed,
            Outcome::PartnerLeft => &self.partner_left,
            Outcome::EnvironmentFailed => &self.environment_failed,
            Outcome::TooSlow => &self.too_slow,
            Outcome::Left => &self.left,
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

impl FinalPage {
    /// Where the page's button leads, with the code in its place.
    pub fn redirect_with(&self, code: Option<&str>) -> Option<String> {
        let redirect = self.redirect.as_deref()?;
        Some(redirect.replace("{code}", &percent_encode(code.unwrap_or(""))))
    }
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
pub const EXAMPLE: &str = include_str!("../../../../examples/slime_volleyball/study.toml");

impl StudyConfig {
    /// Reads a study file; `file_name` is for messages. One with environments in Python has to be
    /// prepared: see [`Self::parse_prepared`].
    pub fn parse(source: &str, file_name: &str) -> Result<StudyConfig, ConfigError> {
        parse(source, Preparation::Missing(file_name))
            .map_err(|found| ConfigError::new(file_name, source, found))
    }

    /// The same, where what [`python_part`] asks for was prepared.
    pub fn parse_prepared(
        source: &str,
        file_name: &str,
        prepared: &Prepared,
    ) -> Result<StudyConfig, ConfigError> {
        parse(source, Preparation::Done(prepared))
            .map_err(|found| ConfigError::new(file_name, source, found))
    }

    /// BLAKE3 over everything the file says or leaves to defaults, in hex; comments and layout
    /// are not in it.
    pub fn digest(&self) -> String {
        self.digest.clone()
    }

    /// The file as it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The scene with this index; none for the end, which has the index after the last.
    pub fn scene(&self, scene: u32) -> Option<&Scene> {
        self.scenes.get(scene as usize)
    }

    /// The scene with this index, if it is a game.
    pub fn game(&self, scene: u32) -> Option<&GymScene> {
        match self.scene(scene)? {
            Scene::Start(_) => None,
            Scene::Gym(gym) => Some(gym),
        }
    }

    /// The name of the scene with this index, the end's for any other.
    pub fn scene_id(&self, scene: u32) -> &str {
        self.scene(scene).map_or(&self.end.id, Scene::id)
    }
}

impl Scene {
    pub fn id(&self) -> &str {
        match self {
            Scene::Start(start) => &start.id,
            Scene::Gym(gym) => &gym.id,
        }
    }
}

/// What has to be prepared before a study file can be served; none if no environment is in Python.
/// Finds everything wrong with the file that can be known before.
pub fn python_part(source: &str, file_name: &str) -> Result<Option<PythonPart>, ConfigError> {
    checked(source, Preparation::Ahead)
        .map(|(_, checked)| checked.python)
        .map_err(|found| ConfigError::new(file_name, source, found))
}

/// The text as one part of an address.
fn percent_encode(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

fn parse(source: &str, preparation: Preparation) -> Result<StudyConfig, Vec<Found>> {
    let (file, checked) = checked(source, preparation)?;
    let Checked {
        scenes,
        end,
        ice_servers,
        python,
    } = checked;
    let lock = match preparation {
        Preparation::Done(prepared) => Some(prepared.lock.clone()),
        Preparation::Missing(_) | Preparation::Ahead => None,
    };
    Ok(StudyConfig {
        id: file.study.id.clone(),
        title: file.study.title.clone(),
        digest: digest::digest(file, &scenes, &end),
        scenes,
        end,
        ice_servers,
        python: lock.filter(|_| python.is_some()),
        source: source.to_owned(),
    })
}

fn checked(source: &str, preparation: Preparation) -> Result<(StudyFile, Checked), Vec<Found>> {
    let (document, errors) = DeTable::parse_recoverable(source);
    // What comes after a bracket that is missing is no mistake of its own.
    let first = errors.iter().map(syntax).min_by_key(|it| it.span.start);
    if let Some(first) = first {
        return Err(vec![first]);
    }
    let found = shape::check(&schema::schema(), &document);
    if !found.is_empty() {
        return Err(found);
    }
    let file: StudyFile = toml::from_str(source).map_err(|error| vec![syntax(&error)])?;
    let checked = check::check(&file, &document, preparation)?;
    Ok((file, checked))
}

fn syntax(error: &toml::de::Error) -> Found {
    Found {
        span: error.span().unwrap_or(0..0),
        message: error.message().trim_end().replace('\n', "; "),
        fix: "write it as TOML (https://toml.io)".to_owned(),
    }
}
