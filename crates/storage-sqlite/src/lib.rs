//! The embedded journal store: one SQLite file, `journal.sqlite`, in the data directory.
//!
//! - **One writer thread, group commit.** Everything that is queued when the writer is free goes
//!   into one transaction; the callbacks are called after its commit is synced to disk. So the
//!   number of syncs does not grow with the number of participants.
//! - **One server per directory.** `journal.lock` is locked by the operating system for as long as
//!   the process lives, however it ends.
//! - **Readable.** Events are stored as JSON text, so `sqlite3 journal.sqlite` shows them;
//!   uploads are stored as the bytes that a page sent.
//! - **Readers never wait.** Write-ahead logging lets an export read while a server writes.
//!
//! It must never call a callback with ids before the commit, and never change an entry.
//!
//! ```
//! use igym_protocol::{ParticipantId, Record};
//! use igym_storage::{Filter, JournalStore, NewEntry};
//! use igym_storage_sqlite::SqliteStore;
//!
//! let directory = tempfile::tempdir()?;
//! let store = SqliteStore::open(directory.path())?;
//! let (done, ids) = std::sync::mpsc::channel();
//! let participant = ParticipantId(uuid::Uuid::from_u128(1));
//! store.append(
//!     vec![NewEntry { at_ms: 0, record: Record::LobbyJoined { participant, scene: 1 } }],
//!     Box::new(move |result| done.send(result).expect("the receiver waits")),
//! );
//! assert_eq!(ids.recv()??, [1]);
//! assert_eq!(store.read(Filter::default())?.len(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod codec;
mod inspect;
mod lock;
mod reader;
mod schema;
mod wal;
mod writer;

use std::{collections::BTreeMap, path::Path};

use igym_protocol::{Entry, ParticipantId, SessionId};
use igym_storage::{Counters, Done, Filter, JournalStore, NewEntry, StorageError};

pub use inspect::{Inspector, LockState, Log, lock_state};

use crate::{lock::Lock, reader::Readers, writer::Writer};

/// A journal in `journal.sqlite` of a data directory.
///
/// Dropping it waits until everything that was appended is on disk.
pub struct SqliteStore {
    // In this order: the last connection to close folds the write-ahead log into the file, and
    // the lock outlives them all.
    readers: Readers,
    writer: Option<Writer>,
    _lock: Option<Lock>,
}

impl SqliteStore {
    /// Opens the journal of a data directory for writing; makes both if they do not exist.
    pub fn open(directory: &Path) -> Result<Self, StorageError> {
        schema::make_directory(directory)?;
        let lock = Lock::acquire(directory)?;
        let file = directory.join(schema::FILE);
        let connection = schema::open_writable(&file)?;
        Ok(Self {
            readers: Readers::new(file),
            writer: Some(Writer::start(connection)?),
            _lock: Some(lock),
        })
    }

    /// Opens an existing journal for reading, also while a server writes to it.
    pub fn open_read_only(directory: &Path) -> Result<Self, StorageError> {
        let file = directory.join(schema::FILE);
        let readers = Readers::new(file);
        readers.check()?;
        Ok(Self {
            readers,
            writer: None,
            _lock: None,
        })
    }
}

impl JournalStore for SqliteStore {
    fn append(&self, entries: Vec<NewEntry>, done: Done) {
        match &self.writer {
            Some(writer) => writer.append(entries, done),
            None => done(Err(StorageError::ReadOnly)),
        }
    }

    fn read(&self, filter: Filter) -> Result<Vec<Entry>, StorageError> {
        self.readers.read(&filter)
    }

    fn highest_upload(
        &self,
        participant: ParticipantId,
        incarnation: u32,
    ) -> Result<u32, StorageError> {
        self.readers.highest_upload(participant, incarnation)
    }

    fn uploaded_bytes(
        &self,
        session: SessionId,
        episode: u32,
    ) -> Result<BTreeMap<u8, u64>, StorageError> {
        self.readers.uploaded_bytes(session, episode)
    }

    fn last_id(&self) -> Result<u64, StorageError> {
        self.readers.last_id()
    }

    fn counters(&self) -> Counters {
        self.writer
            .as_ref()
            .map_or_else(Counters::default, Writer::counters)
    }
}
