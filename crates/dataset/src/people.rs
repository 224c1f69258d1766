//! Tables about the study's runs, its participants and their sessions.

use igym_protocol::{Digests, Outcome, SessionState};

use crate::journal::{LinkLog, ParticipantLog, SceneVisit, SessionLog, StudyOpening};
use crate::table::{Table, columns};

/// Unit of the server's clock.
pub(crate) const SERVER_TIME: &str = "ms since 1970-01-01 UTC";

/// Without the seed of the server's draws: whoever has it knows every completion code. It is in
/// the journal.
pub(crate) fn runs() -> Table<StudyOpening> {
    columns!(Table::new(), |row: &StudyOpening| {
        "opened_at_ms", SERVER_TIME => row.at_ms;
            "When a server began to serve the study.";
        "study", "none" => row.study.clone();
            "The study's id.";
        "title", "none" => row.title.clone();
            "The study's title.";
        "study_digest", "hexadecimal" => row.digest.clone();
            "Digest of the configuration as the server parsed it.";
        "study_file", "none" => study_file(row);
            "The study file as it was written, in this export.";
        "version", "none" => row.version.clone();
            "Version of Interactive Gym that served it.";
        "build", "hexadecimal" => row.build.clone();
            "BLAKE3 of the WebAssembly module that browsers were given.";
    })
}

/// Where the export keeps the study file of a run.
pub(crate) fn study_file(run: &StudyOpening) -> String {
    let digest: String = run
        .digest
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(16)
        .collect();
    format!("study-{digest}.toml")
}

pub(crate) fn participants() -> Table<ParticipantLog> {
    columns!(Table::new(), |row: &ParticipantLog| {
        "participant", "none" => row.participant;
            "The participant's public id; their secret token is nowhere in the data.";
        "arrived_at_ms", SERVER_TIME => row.arrived_at_ms;
            "When the participant opened the study link.";
        "ended_at_ms", SERVER_TIME => Some(row.end.as_ref()?.at_ms);
            "When the participant reached a final page; empty if not yet.";
        "outcome", "none" => Some(outcome_name(row.end.as_ref()?.outcome));
            "How the participant's study ended: `completed`, `lobby_timeout`, \
             `connection_failed`, `validation_failed`, `partner_left`, `environment_failed`, \
             `too_slow` or `left`; empty if it has not.";
        "last_scene", "none" => Some(row.scenes.last()?.scene_id.clone());
            "Id of the last scene entered.";
        "page_loads", "pages" => row.pages.len();
            "How often the participant's page was loaded.";
    })
}

/// All that leads back to a person, or to their payment. No other table has any of it.
pub(crate) fn identities() -> Table<ParticipantLog> {
    columns!(Table::new(), |row: &ParticipantLog| {
        "participant", "none" => row.participant;
            "The participant's public id.";
        "external_id", "none" => row.external_id.clone();
            "The recruiter's id, if the participant came with one.";
        "code", "none" => row.end.as_ref()?.code.clone();
            "The completion code shown.";
        "user_agent", "none" => Some(row.pages.last()?.user_agent.clone());
            "What the browser says it is, at the last page load.";
    })
}

/// A participant's visit of a scene.
pub(crate) struct SceneRow(
    pub(crate) igym_protocol::ParticipantId,
    pub(crate) SceneVisit,
);

pub(crate) fn scenes() -> Table<SceneRow> {
    columns!(Table::new(), |row: &SceneRow| {
        "participant", "none" => row.0;
            "The participant's public id.";
        "scene", "none" => row.1.scene;
            "Index of the scene in the study, from 0.";
        "scene_id", "none" => row.1.scene_id.clone();
            "Id of the scene.";
        "entered_at_ms", SERVER_TIME => row.1.at_ms;
            "When the participant entered the scene.";
        "lobby_joined_at_ms", SERVER_TIME => row.1.lobby_joined_at_ms;
            "When the participant last began to wait for partners in it.";
        "lobby_left_at_ms", SERVER_TIME => row.1.lobby_left_at_ms;
            "When the participant last ceased to wait without a match.";
        "measured_step_us", "µs" => Some(row.1.measured?.step_us);
            "How long a step of the scene's environment took on the participant's machine, \
             measured by the page before it joined the lobby; empty for environments that need \
             no measuring.";
        "measured_save_us", "µs" => Some(row.1.measured?.save_us);
            "How long it took to keep a state.";
        "measured_load_us", "µs" => Some(row.1.measured?.load_us);
            "How long it took to return to one.";
        "measured_rollback_us", "µs" => Some(row.1.measured?.rollback_us);
            "How long a rollback over ten frames took.";
        "unable", "none" => row.1.unable.clone();
            "Why the page could not run the scene's environment at all, in the page's words.";
    })
}

pub(crate) fn sessions() -> Table<SessionLog> {
    columns!(Table::new(), |row: &SessionLog| {
        "session", "none" => row.session;
            "The session's id.";
        "scene", "none" => row.scene;
            "Index of the scene that it plays, from 0.";
        "treatment", "none" => row.treatment.clone();
            "Id of the treatment that the group has; empty if the scene has none.";
        "players", "players" => row.members.len();
            "How many play.";
        "participants", "none" => members(row);
            "The participants in player order, separated by spaces.";
        "episodes", "episodes" => row.episodes.len();
            "How many episodes were begun.";
        "opened_at_ms", SERVER_TIME => row.opened_at_ms;
            "When the group was formed.";
        "matched_at_ms", SERVER_TIME => entered(row, SessionState::Matched);
            "When its pages began to connect to each other.";
        "validating_at_ms", SERVER_TIME => entered(row, SessionState::Validating);
            "When the server began to compare what the pages run.";
        "playing_at_ms", SERVER_TIME => entered(row, SessionState::Playing);
            "When play began.";
        "ended_at_ms", SERVER_TIME => entered(row, SessionState::Ended);
            "When the session ended; empty if it has not.";
        "digests_equal", "none" => digests_equal(row);
            "Whether every player's page reported the same build, environment and study; empty \
             if not all did.";
        "failed_player", "none" => Some(row.failure.as_ref()?.player);
            "The player whose page first said that the environment raised an error, which ended \
             the session.";
        "failed_episode", "none" => Some(row.failure.as_ref()?.episode);
            "In which episode, or before which one, from 0.";
        "failed_frame", "none" => Some(row.failure.as_ref()?.frame);
            "In or before which frame.";
        "failure", "none" => Some(row.failure.as_ref()?.message.clone());
            "What the error was, in the page's words.";
    })
}

/// What a page said about its link.
pub(crate) struct ConnectionRow(pub(crate) igym_protocol::SessionId, pub(crate) LinkLog);

pub(crate) fn connections() -> Table<ConnectionRow> {
    columns!(Table::new(), |row: &ConnectionRow| {
        "session", "none" => row.0;
            "The session's id.";
        "at_ms", SERVER_TIME => row.1.at_ms;
            "When the server heard of it.";
        "attempt", "none" => row.1.attempt;
            "Number of the connection attempt.";
        "player", "none" => row.1.from;
            "The player whose page reported.";
        "partner", "none" => row.1.to;
            "The player at the other end.";
        "open", "none" => row.1.open;
            "Whether the link was open; else it had failed.";
        "detail", "none" => row.1.detail.clone();
            "The kinds of ICE candidates in use, or why it failed.";
    })
}

fn members(session: &SessionLog) -> String {
    let members: Vec<String> = session.members.iter().map(ToString::to_string).collect();
    members.join(" ")
}

fn entered(session: &SessionLog, state: SessionState) -> Option<u64> {
    session
        .states
        .iter()
        .find_map(|(at_ms, entered)| (*entered == state).then_some(*at_ms))
}

fn digests_equal(session: &SessionLog) -> Option<bool> {
    let all: Vec<&Digests> = session.digests.values().collect();
    let complete = !all.is_empty() && all.len() == session.members.len();
    complete.then(|| all.windows(2).all(|pair| pair[0] == pair[1]))
}

fn outcome_name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Completed => "completed",
        Outcome::LobbyTimeout => "lobby_timeout",
        Outcome::ConnectionFailed => "connection_failed",
        Outcome::ValidationFailed => "validation_failed",
        Outcome::PartnerLeft => "partner_left",
        Outcome::EnvironmentFailed => "environment_failed",
        Outcome::TooSlow => "too_slow",
        Outcome::Left => "left",
    }
}
