//! What the server needs of a place to keep its journal.
//!
//! The journal is an append-only list of [`Record`]s. A store promises three things, and all else
//! is its own business:
//!
//! - **Durable when done.** The callback of [`JournalStore::append`] is called with the new ids
//!   only after the entries survive a kill of the process and a loss of power.
//! - **Whole and in order.** The entries of one `append` are stored all or not at all; ids grow in
//!   the order of the calls, and the callbacks come in that order too.
//! - **Once.** [`Record::Uploaded`] is stored once per (participant, incarnation, seq): appending
//!   it again changes nothing and gives the id of the first.
//!
//! A failed append leaves the store usable: the same entries may be appended again.
//!
//! This crate does no I/O; `igym-storage-sqlite` is the embedded implementation.
//!
//! ```
//! use igym_storage::{Filter, Selection};
//!
//! // The facts of a journal without the uploads, a thousand at a time.
//! let filter = Filter { selection: Selection::Events, limit: Some(1000), ..Filter::default() };
//! assert_eq!(filter.after, 0);
//! ```

mod counters;

use std::{collections::BTreeMap, path::PathBuf};

use igym_protocol::{Entry, ParticipantId, Record, SessionId};

pub use counters::{Counters, Distribution, Histogram};

/// A journal. All methods but `append` may block on the disk.
pub trait JournalStore: Send + Sync {
    /// Queues entries and returns at once. `done` is called on a thread of the store, so it must
    /// be quick: it hands the answer on and does no work of its own.
    fn append(&self, entries: Vec<NewEntry>, done: Done);

    /// The durable entries that pass `filter`, in the order of their ids.
    fn read(&self, filter: Filter) -> Result<Vec<Entry>, StorageError>;

    /// The highest upload `seq` of a page load up to which all are on disk, 0 for none. What lies
    /// behind a write that failed does not count: the page was never told that it is stored.
    fn highest_upload(
        &self,
        participant: ParticipantId,
        incarnation: u32,
    ) -> Result<u32, StorageError>;

    /// Bytes of the durable uploads about an episode, by player.
    fn uploaded_bytes(
        &self,
        session: SessionId,
        episode: u32,
    ) -> Result<BTreeMap<u8, u64>, StorageError>;

    /// The id of the last durable entry, 0 for an empty journal.
    fn last_id(&self) -> Result<u64, StorageError>;

    /// What the store did since it was opened. It never blocks. A store that does not count says
    /// nothing.
    fn counters(&self) -> Counters {
        Counters::default()
    }
}

/// Called once, with the id of each entry once all are on disk, or with the reason why none is.
pub type Done = Box<dyn FnOnce(Result<Vec<u64>, StorageError>) + Send>;

/// A record that is not in the journal yet.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEntry {
    /// The server's clock, milliseconds since 1970.
    pub at_ms: u64,
    pub record: Record,
}

/// Which entries to read. The default is all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only what belongs to this session.
    pub session: Option<SessionId>,
    /// Only what belongs to the episode with this index: its plan, uploads and closing.
    pub episode: Option<u32>,
    /// Only what this participant did, met or uploaded.
    pub participant: Option<ParticipantId>,
    pub selection: Selection,
    /// Only ids above this one.
    pub after: u64,
    /// At most this many: read a long journal in pages, each `after` the last id of the page
    /// before.
    pub limit: Option<u32>,
}

/// Kinds of entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Selection {
    #[default]
    All,
    /// Everything but uploads: few and small.
    Events,
    Uploads,
    /// Uploads that close an episode for their page, seals and flushes, without reading through all
    /// the others; a store may give a few others with them.
    Closings,
}

/// Why a store could not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    #[error(
        "another server ({holder}) is using the data directory {}: stop it, or give this server \
         a directory of its own",
        directory.display()
    )]
    InUse { directory: PathBuf, holder: String },
    #[error(
        "{} was written by a newer version of Interactive Gym (format {found}, this program \
         knows {supported}): use the newer program",
        file.display()
    )]
    Newer {
        file: PathBuf,
        found: u32,
        supported: u32,
    },
    #[error(
        "{} is not a journal of Interactive Gym: choose another data directory",
        file.display()
    )]
    NotAJournal { file: PathBuf },
    #[error(
        "there is no journal at {}: check the data directory's name, or serve a study first",
        file.display()
    )]
    Missing { file: PathBuf },
    #[error("the disk is full: free some space; nothing acknowledged was lost")]
    Full,
    #[error("the journal could not be read or written: {reason}")]
    Io { reason: String },
    #[error("entry {id} of the journal is damaged: {reason}")]
    Damaged { id: u64, reason: String },
    #[error("the journal is open for reading only")]
    ReadOnly,
    #[error("the journal is closed")]
    Closed,
}
