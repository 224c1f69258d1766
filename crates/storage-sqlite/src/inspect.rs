//! Looking at a data directory without changing it, also at a damaged one.

use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
};

use igym_protocol::Entry;
use igym_storage::StorageError;
use rusqlite::Connection;

pub use crate::wal::Log;
use crate::{codec, lock, schema, schema::sql, wal};

/// A journal that is open for inspection.
pub struct Inspector {
    connection: Connection,
    directory: PathBuf,
}

/// Whether a server is using a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LockState {
    Free,
    /// By whom, as that server wrote it down.
    Held(String),
}

impl Inspector {
    /// Opens the journal of a directory; a file that is not a journal, or too new, is an error.
    pub fn open(directory: &Path) -> Result<Self, StorageError> {
        Ok(Self {
            connection: schema::open_read_only(&directory.join(schema::FILE))?,
            directory: directory.to_owned(),
        })
    }

    /// The version of the file's tables.
    pub fn version(&self) -> Result<u32, StorageError> {
        let version = self
            .connection
            .pragma_query_value(None, "user_version", |row| row.get(0));
        version.map_err(|error| sql(&error))
    }

    /// What SQLite finds wrong with its file; empty if nothing is.
    pub fn integrity(&self) -> Result<Vec<String>, StorageError> {
        let read = || {
            let mut statement = self.connection.prepare("PRAGMA integrity_check(20)")?;
            let lines = statement.query_map([], |row| row.get::<_, String>(0))?;
            lines.collect::<Result<Vec<_>, _>>()
        };
        let mut lines = read().map_err(|error| sql(&error))?;
        lines.retain(|line| line != "ok");
        Ok(lines)
    }

    /// Every record in order; those that cannot be read as errors that name them.
    pub fn records(
        &self,
        mut each: impl FnMut(Result<Entry, StorageError>),
    ) -> Result<(), StorageError> {
        let mut read = || {
            let mut statement = self.connection.prepare(
                "SELECT id, at_ms, kind, participant, incarnation, player, body FROM journal \
                 ORDER BY id",
            )?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                each(codec::decode(row));
            }
            Ok(())
        };
        read().map_err(|error: rusqlite::Error| sql(&error))
    }

    /// The write-ahead log, if there is one. Of a directory in use it is a moving picture.
    pub fn log(&self) -> Result<Log, StorageError> {
        log(&self.directory)
    }
}

/// As [`Inspector::log`]; also where the journal itself cannot be opened.
fn log(directory: &Path) -> Result<Log, StorageError> {
    let file = directory.join(format!("{}-wal", schema::FILE));
    match fs::read(&file) {
        Ok(bytes) => Ok(wal::examine(&bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Log::default()),
        Err(error) => Err(schema::io_error(&file, &error)),
    }
}

/// Looks without taking the lock for longer than the look.
pub fn lock_state(directory: &Path) -> Result<LockState, StorageError> {
    let path = directory.join(lock::FILE);
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(LockState::Free),
        Err(error) => return Err(schema::io_error(&path, &error)),
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(LockState::Free),
        Err(TryLockError::WouldBlock) => Ok(LockState::Held(
            fs::read_to_string(&path)
                .unwrap_or_default()
                .trim()
                .to_owned(),
        )),
        Err(TryLockError::Error(error)) => Err(schema::io_error(&path, &error)),
    }
}
