//! Records as rows, and back.

use igym_protocol::{
    Entry, ParticipantId, Record, SessionId, Upload, decode_upload, encode_upload,
};
use igym_storage::{NewEntry, StorageError};
use rusqlite::types::Value;
use uuid::Uuid;

/// What is stored of an upload beside the upload itself.
const UPLOADED: &str = "uploaded";

/// A row to insert; its id is the database's to give.
pub(crate) struct Row {
    pub(crate) at_ms: i64,
    pub(crate) kind: &'static str,
    pub(crate) participant: Option<[u8; 16]>,
    pub(crate) session: Option<[u8; 16]>,
    pub(crate) episode: Option<u32>,
    pub(crate) incarnation: Option<u32>,
    pub(crate) seq: Option<u32>,
    pub(crate) player: Option<u8>,
    pub(crate) body: Value,
}

pub(crate) fn encode(entry: &NewEntry) -> Result<Row, StorageError> {
    let record = &entry.record;
    let keys = keys(record);
    Ok(Row {
        at_ms: i64::try_from(entry.at_ms).unwrap_or(i64::MAX),
        kind: keys.kind,
        participant: keys.participant.map(|id| id.0.into_bytes()),
        session: keys.session.map(|id| id.0.into_bytes()),
        episode: keys.episode,
        incarnation: keys.incarnation,
        seq: keys.upload.map(|(_, upload)| upload.seq),
        player: keys.upload.map(|(player, _)| player),
        body: match keys.upload {
            Some((_, upload)) => Value::Blob(encode_upload(upload)),
            None => {
                Value::Text(
                    serde_json::to_string(record).map_err(|error| StorageError::Io {
                        reason: format!("a record cannot be written as JSON: {error}"),
                    })?,
                )
            }
        },
    })
}

/// Reads a row of `id, at_ms, kind, participant, incarnation, player, body`.
pub(crate) fn decode(row: &rusqlite::Row<'_>) -> Result<Entry, StorageError> {
    let id: i64 = row.get(0).map_err(|error| crate::schema::sql(&error))?;
    let id = id.cast_unsigned();
    let damaged = |reason: String| StorageError::Damaged { id, reason };
    let read = || -> Result<Entry, String> {
        let at_ms: i64 = row.get(1).map_err(text)?;
        let kind: String = row.get(2).map_err(text)?;
        let body = row.get_ref(6).map_err(text)?;
        let record = if kind == UPLOADED {
            let participant: [u8; 16] = row.get(3).map_err(text)?;
            Record::Uploaded {
                participant: ParticipantId(Uuid::from_bytes(participant)),
                player: row.get(5).map_err(text)?,
                upload: decode_upload(body.as_blob().map_err(text)?).map_err(text)?,
            }
        } else {
            serde_json::from_str(body.as_str().map_err(text)?).map_err(text)?
        };
        Ok(Entry {
            id,
            at_ms: at_ms.cast_unsigned(),
            record,
        })
    };
    read().map_err(damaged)
}

fn text(error: impl ToString) -> String {
    error.to_string()
}

/// What a record is about.
#[derive(Default)]
struct Keys<'a> {
    kind: &'static str,
    participant: Option<ParticipantId>,
    session: Option<SessionId>,
    episode: Option<u32>,
    incarnation: Option<u32>,
    upload: Option<(u8, &'a Upload)>,
}

/// The kinds are the names that JSON uses for them.
fn keys(record: &Record) -> Keys<'_> {
    let of_study = |kind| Keys {
        kind,
        ..Keys::default()
    };
    let of_participant = |kind, &participant| Keys {
        kind,
        participant: Some(participant),
        ..Keys::default()
    };
    let of_session = |kind, &session| Keys {
        kind,
        session: Some(session),
        ..Keys::default()
    };
    let of_episode = |kind, session, &episode| Keys {
        episode: Some(episode),
        ..of_session(kind, session)
    };
    match record {
        Record::StudyOpened { .. } => of_study("study_opened"),
        Record::ParticipantArrived { participant, .. } => {
            of_participant("participant_arrived", participant)
        }
        Record::PageLoaded {
            participant,
            incarnation,
            ..
        } => Keys {
            incarnation: Some(*incarnation),
            ..of_participant("page_loaded", participant)
        },
        Record::SceneEntered { participant, .. } => of_participant("scene_entered", participant),
        Record::Measured {
            participant,
            incarnation,
            ..
        } => Keys {
            incarnation: Some(*incarnation),
            ..of_participant("measured", participant)
        },
        Record::EnvironmentUnable { participant, .. } => {
            of_participant("environment_unable", participant)
        }
        Record::LobbyJoined { participant, .. } => of_participant("lobby_joined", participant),
        Record::LobbyLeft { participant, .. } => of_participant("lobby_left", participant),
        Record::SessionOpened { session, .. } => of_session("session_opened", session),
        Record::SessionEntered { session, .. } => of_session("session_entered", session),
        Record::ConnectionAttempt { session, .. } => of_session("connection_attempt", session),
        Record::LinkReported { session, .. } => of_session("link_reported", session),
        Record::Validated { session, .. } => of_session("validated", session),
        Record::EpisodeOpened { plan } => {
            of_episode("episode_opened", &plan.session, &plan.episode)
        }
        Record::EpisodeRejoined {
            session, episode, ..
        } => of_episode("episode_rejoined", session, episode),
        Record::EnvironmentFailed {
            session, episode, ..
        } => of_episode("environment_failed", session, episode),
        Record::EpisodeFlushing { session, episode } => {
            of_episode("episode_flushing", session, episode)
        }
        Record::EpisodeJudging { session, episode } => {
            of_episode("episode_judging", session, episode)
        }
        Record::EpisodeClosed {
            session, episode, ..
        } => of_episode("episode_closed", session, episode),
        Record::ParticipantEnded { participant, .. } => {
            of_participant("participant_ended", participant)
        }
        Record::Uploaded {
            participant,
            player,
            upload,
        } => Keys {
            participant: Some(*participant),
            incarnation: Some(upload.incarnation),
            upload: Some((*player, upload)),
            ..of_episode(UPLOADED, &upload.session, &upload.episode)
        },
    }
}
