//! The settings of a game.

use std::collections::BTreeMap;
use std::time::Duration;

use igym_envs::EnvironmentInfo;
use igym_gym::Rules;
use igym_protocol::{EnvironmentSpec, Limits, Prediction};
use serde_json::Value;

use super::error::Found;
use super::place::Place;
use super::python::{self, Preparation, PythonEnvironment};
use super::raw::{GymSection, PredictionName, RelayName, SeatRuleName, SeedsChoice};
use super::raw_python::EnvironmentChoice;
use super::subject::Subject;
use super::words::{choose, list};
use super::{GymScene, RelayRule, SeatRule, Seeds, controls, treatments};

/// Agents, and thus players, that a game can have.
const PLAYERS: usize = Limits::PLAYERS;

/// The `number`th game of a study of this title, counted from 1. The configurations of its environment, one
/// for each treatment too, are added to `environments` if it is in Python.
pub(super) fn check(
    study: &str,
    section: &GymSection,
    number: usize,
    preparation: Preparation,
    environments: &mut Vec<PythonEnvironment>,
    place: &Place,
    found: &mut Vec<Found>,
) -> GymScene {
    let id = section.id.clone().unwrap_or_else(|| match number {
        1 => "gym".to_owned(),
        number => format!("gym_{number}"),
    });
    let subject = match &section.environment {
        EnvironmentChoice::Native(id) => native(section, id, place, found),
        EnvironmentChoice::Python(environment) => {
            let scene = (section, &*id);
            python::check(scene, environment, preparation, environments, place, found)
        }
    };
    let treatments = treatments::check(section, &subject, preparation, environments, place, found);
    let (episodes, seeds) = episodes(section, place, found);
    let own = subject.frames_per_second;
    let frames_per_second = section.frames_per_second.unwrap_or(own);
    let episode_timeout = section.episode_timeout_s.unwrap_or_else(|| {
        60.0 + 2.0 * f64::from(section.max_steps()) / f64::from(frames_per_second)
    });
    let max_steps = section.max_steps();
    let usual = match section.environment {
        EnvironmentChoice::Native(_) => 15.0,
        EnvironmentChoice::Python(_) => 120.0,
    };
    let validation_timeout = section.validation_timeout_s.unwrap_or(usual);
    let (relay, connection_attempts, connection_timeout) = connection(section, place, found);
    let spec = &subject.environment;
    GymScene {
        id,
        title: (section.title.as_ref().or(subject.title.as_ref()))
            .map_or_else(|| study.to_owned(), String::clone),
        body: section.body.clone(),
        environment_digest: igym_envs::environment_digest(&spec.id, &spec.config),
        treatments,
        width: subject.size.0,
        height: subject.size.1,
        seat_groups: seat_groups(section, &subject, place, found),
        seats: match section.seats {
            SeatRuleName::Fixed => SeatRule::Fixed,
            SeatRuleName::Random => SeatRule::Random,
            SeatRuleName::Rotating => SeatRule::Rotating,
        },
        seeds,
        episodes,
        frames_per_second,
        input_delay: section
            .input_delay
            .unwrap_or_else(|| usual_input_delay(frames_per_second)),
        smoothing: Duration::from_millis(u64::from(section.smoothing_ms)),
        window: Duration::from_millis(u64::from(section.window_ms)),
        max_steps,
        timed: section.max_steps.is_some(),
        digest_interval: section.digest_interval.unwrap_or(subject.digest_interval),
        prediction: match section.prediction {
            PredictionName::RepeatLast => Prediction::RepeatLast,
            PredictionName::Default => Prediction::Default,
        },
        slowest_rollback: slowest_rollback(section, frames_per_second, place, found),
        environment: subject.environment,
        controls: subject.controls,
        lobby_timeout: Duration::from_secs_f64(section.lobby_timeout_s),
        relay,
        connection_attempts,
        connection_timeout: Duration::from_secs_f64(connection_timeout),
        validation_timeout: Duration::from_secs_f64(validation_timeout),
        countdown: Duration::from_secs_f64(section.countdown_s),
        reconnect_grace: Duration::from_secs_f64(section.reconnect_grace_s),
        flush_timeout: Duration::from_secs_f64(section.flush_timeout_s),
        episode_timeout: Duration::from_secs_f64(episode_timeout),
    }
}

/// A delay spares rollbacks, and a key must not feel slow: as many frames as pass in 70 ms, up to 2.
fn usual_input_delay(frames_per_second: u16) -> u8 {
    match u32::from(frames_per_second) * 70 / 1_000 {
        0 => 0,
        1 => 1,
        _ => 2,
    }
}

/// An environment of the catalogue.
fn native(section: &GymSection, id: &str, place: &Place, found: &mut Vec<Found>) -> Subject {
    let known = igym_envs::catalogue()
        .iter()
        .find(|known| known.id == id)
        .expect("the schema allows the ids of the catalogue only");
    Subject {
        name: known.id.to_owned(),
        title: Some(known.title.to_owned()),
        environment: environment(known, section.config.clone(), &place.key("config"), found),
        size: (known.width, known.height),
        agents: known
            .agents
            .iter()
            .map(|agent| (*agent).to_owned())
            .collect(),
        description: None,
        controls: controls::native(section, known, place, found),
        frames_per_second: known.frames_per_second,
        digest_interval: 1,
    }
}

/// How long ten frames may take to be played again. Half the time that they last: who is slower
/// than that can hardly keep pace with play alone.
fn slowest_rollback(
    section: &GymSection,
    frames_per_second: u16,
    place: &Place,
    found: &mut Vec<Found>,
) -> Option<Duration> {
    let given = section.slowest_rollback_ms;
    match &section.environment {
        EnvironmentChoice::Python(_) => {
            let usual = Duration::from_secs(5) / u32::from(frames_per_second);
            Some(given.map_or(usual, |limit| Duration::from_millis(limit.into())))
        }
        EnvironmentChoice::Native(id) => {
            if given.is_some() {
                let message = format!("`slowest_rollback_ms` does nothing: {id} is not measured");
                let at = place.key("slowest_rollback_ms");
                found.push(at.problem(message, "remove it; it is for environments in Python"));
            }
            None
        }
    }
}

/// An environment of the catalogue with these settings, which stand at `place`.
pub(super) fn environment(
    known: &EnvironmentInfo,
    settings: BTreeMap<String, Value>,
    place: &Place,
    found: &mut Vec<Found>,
) -> EnvironmentSpec {
    let config = Value::Object(settings.into_iter().collect());
    let config = igym_envs::canonical_config(known.id, &config).unwrap_or_else(|error| {
        let fix = "correct the setting or remove it; what is not set has its default";
        let message = error.to_string();
        let named = |key: &str| message.contains(&format!("`{key}`"));
        let at = place.keys().into_iter().find(|(key, _)| named(key));
        let at = at.map_or_else(|| place.clone(), |(_, at)| at);
        found.push(at.problem(message, fix));
        String::new()
    });
    EnvironmentSpec {
        id: known.id.to_owned(),
        version: known.version.to_owned(),
        config,
    }
}

fn episodes(section: &GymSection, place: &Place, found: &mut Vec<Found>) -> (u32, Seeds) {
    let listed = match &section.seeds {
        SeedsChoice::Draw(_) => return (section.episodes.unwrap_or(1), Seeds::Draw),
        SeedsChoice::Listed(listed) => listed,
    };
    let at = place.key("seeds");
    let count = u32::try_from(listed.len()).unwrap_or(u32::MAX);
    let episodes = section.episodes.unwrap_or(count);
    if listed.is_empty() {
        found.push(at.problem(
            "`seeds` is empty",
            "list one seed for each episode, or write \"draw\"",
        ));
    } else if episodes != count {
        let message = format!("there are {count} seeds for {episodes} episodes");
        found.push(at.problem(message, "list one seed for each episode"));
    }
    (episodes, Seeds::Listed(listed.clone()))
}

/// The relay, how often pages try to reach each other, and for how long each time, in seconds.
/// With a relay the game need not wait for them: they go on trying while it is played.
fn connection(
    section: &GymSection,
    place: &Place,
    found: &mut Vec<Found>,
) -> (RelayRule, u32, f64) {
    let (relay, attempts, timeout) = match section.relay {
        RelayName::Fallback => (RelayRule::Fallback, 2, 5.0),
        RelayName::Only => (RelayRule::Only, 1, 5.0),
        RelayName::Never => (RelayRule::Never, 3, 15.0),
    };
    if relay == RelayRule::Only {
        let given = [
            ("connection_attempts", section.connection_attempts.is_some()),
            (
                "connection_timeout_s",
                section.connection_timeout_s.is_some(),
            ),
        ];
        for (key, _) in given.into_iter().filter(|(_, given)| *given) {
            found.push(place.key(key).problem(
                format!("`{key}` does nothing where `relay` is \"only\": pages do not connect"),
                "remove it, or write `relay = \"fallback\"`",
            ));
        }
    }
    (
        relay,
        section.connection_attempts.unwrap_or(attempts),
        section.connection_timeout_s.unwrap_or(timeout),
    )
}

/// One seat for each agent, or the groups of the file, in which each agent has one seat.
fn seat_groups(
    section: &GymSection,
    subject: &Subject,
    place: &Place,
    found: &mut Vec<Found>,
) -> Vec<Vec<String>> {
    let at = place.key("seat_groups");
    let agents = &subject.agents;
    let groups = match &section.seat_groups {
        Some(groups) => groups.clone(),
        None => agents.iter().map(|agent| vec![agent.clone()]).collect(),
    };
    let before = found.len();
    // Nothing is known of the agents of an environment that is not prepared yet.
    if section.seat_groups.is_some() && !agents.is_empty() {
        every_agent_once(&groups, subject, &at, found);
    }
    if groups.len() > PLAYERS {
        let message = format!(
            "{} has {} agents, and a game has at most {PLAYERS} players",
            subject.name,
            groups.len()
        );
        let fix = "give several agents to one player with `seat_groups`";
        found.push(place.key("environment").problem(message, fix));
    }
    if let Some(description) = &subject.description
        && found.len() == before
    {
        let rules = Rules {
            max_steps: section.max_steps(),
            digest_interval: 1,
            seats: groups.clone(),
            default_action: 0,
        };
        if let Err(error) = description.check(&rules) {
            let fix = "give each player fewer agents, or an environment with smaller actions";
            found.push(at.problem(error.to_string(), fix));
        }
    }
    groups
}

fn every_agent_once(
    groups: &[Vec<String>],
    subject: &Subject,
    place: &Place,
    found: &mut Vec<Found>,
) {
    let before = found.len();
    let agents: Vec<&str> = subject.agents.iter().map(String::as_str).collect();
    let mut missing = agents.clone();
    for (index, group) in groups.iter().enumerate() {
        let at = place.item(index);
        if group.is_empty() {
            found.push(at.problem("a seat has no agents", "name an agent, or remove the seat"));
        }
        for (index, agent) in group.iter().enumerate() {
            let at = at.item(index);
            if let Some(position) = missing.iter().position(|name| name == agent) {
                missing.remove(position);
            } else if agents.contains(&agent.as_str()) {
                let message = format!("the agent `{agent}` has two seats");
                found.push(at.problem(message, "name each agent once"));
            } else {
                let message = format!("{} has no agent `{agent}`", subject.name);
                found.push(at.problem(message, choose(agent, "its agents are", &agents)));
            }
        }
    }
    if !missing.is_empty() && found.len() == before {
        let message = format!("nobody controls {}", list(&missing));
        found.push(place.problem(message, "give every agent a seat"));
    }
}
