//! Reading: any number of threads, each on a connection of its own.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use igym_protocol::{Entry, ParticipantId, SessionId};
use igym_storage::{Filter, Selection, StorageError};
use rusqlite::{Connection, params, types::Value};

use crate::{codec, schema, schema::sql};

/// Connections that are kept open while nobody reads.
const IDLE: usize = 4;

pub(crate) struct Readers {
    file: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(crate) fn new(file: PathBuf) -> Self {
        Self {
            file,
            idle: Mutex::default(),
        }
    }

    /// Whether there is a journal that this program can read.
    pub(crate) fn check(&self) -> Result<(), StorageError> {
        self.with(|_| Ok(()))
    }

    pub(crate) fn read(&self, filter: &Filter) -> Result<Vec<Entry>, StorageError> {
        let (query, values) = select(filter);
        self.with(|connection| {
            let mut statement = connection.prepare_cached(&query).map_err(|e| sql(&e))?;
            let mut rows = statement
                .query(rusqlite::params_from_iter(values))
                .map_err(|e| sql(&e))?;
            let mut entries = Vec::new();
            while let Some(row) = rows.next().map_err(|e| sql(&e))? {
                entries.push(codec::decode(row)?);
            }
            Ok(entries)
        })
    }

    pub(crate) fn highest_upload(
        &self,
        participant: ParticipantId,
        incarnation: u32,
    ) -> Result<u32, StorageError> {
        self.with(|connection| {
            connection
                .prepare_cached(
                    "SELECT coalesce(max(seq), 0) FROM (
                         SELECT seq, row_number() OVER (ORDER BY seq) AS place FROM journal
                         WHERE participant = ? AND incarnation = ? AND seq IS NOT NULL
                     ) WHERE seq = place",
                )
                .and_then(|mut statement| {
                    statement.query_row(params![participant.0.as_bytes(), incarnation], |row| {
                        row.get(0)
                    })
                })
                .map_err(|e| sql(&e))
        })
    }

    pub(crate) fn uploaded_bytes(
        &self,
        session: SessionId,
        episode: u32,
    ) -> Result<BTreeMap<u8, u64>, StorageError> {
        self.with(|connection| {
            connection
                .prepare_cached(
                    "SELECT player, sum(length(body)) FROM journal
                     WHERE session = ? AND episode = ? AND seq IS NOT NULL GROUP BY player",
                )
                .and_then(|mut statement| {
                    statement
                        .query_map(params![session.0.as_bytes(), episode], |row| {
                            Ok((row.get(0)?, row.get::<_, i64>(1)?.cast_unsigned()))
                        })?
                        .collect()
                })
                .map_err(|e| sql(&e))
        })
    }

    pub(crate) fn last_id(&self) -> Result<u64, StorageError> {
        self.with(|connection| {
            connection
                .query_row("SELECT coalesce(max(id), 0) FROM journal", [], |row| {
                    row.get::<_, i64>(0).map(i64::cast_unsigned)
                })
                .map_err(|e| sql(&e))
        })
    }

    fn with<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = idle().pop();
        let connection = match taken {
            Some(connection) => connection,
            None => schema::open_read_only(&self.file)?,
        };
        let answer = read(&connection)?;
        let mut idle = idle();
        if idle.len() < IDLE {
            idle.push(connection);
        }
        Ok(answer)
    }
}

/// No seal and no flush has more bytes. SQLite knows a body's length without reading it.
const CLOSING_BYTES: i64 = 64;

fn select(filter: &Filter) -> (String, Vec<Value>) {
    let mut query = "SELECT id, at_ms, kind, participant, incarnation, player, body FROM journal \
                     WHERE id > ?"
        .to_owned();
    let mut values = vec![Value::from(filter.after.cast_signed())];
    if let Some(session) = filter.session {
        query.push_str(" AND session = ?");
        values.push(Value::from(session.0.as_bytes().to_vec()));
    }
    if let Some(episode) = filter.episode {
        query.push_str(" AND episode = ?");
        values.push(Value::from(i64::from(episode)));
    }
    if let Some(participant) = filter.participant {
        query.push_str(" AND participant = ?");
        values.push(Value::from(participant.0.as_bytes().to_vec()));
    }
    match filter.selection {
        Selection::All => {}
        Selection::Events => query.push_str(" AND seq IS NULL"),
        Selection::Uploads => query.push_str(" AND seq IS NOT NULL"),
        Selection::Closings => {
            query.push_str(" AND seq IS NOT NULL AND length(body) <= ?");
            values.push(Value::from(CLOSING_BYTES));
        }
    }
    query.push_str(" ORDER BY id");
    if let Some(limit) = filter.limit {
        query.push_str(" LIMIT ?");
        values.push(Value::from(i64::from(limit)));
    }
    (query, values)
}
