//! A study's data folder, read a part at a time.

use std::path::Path;

use anyhow::{Context as _, Result};
use igym_dataset::{EpisodeLog, Journal};
use igym_protocol::{Entry, SessionId};
use igym_storage::{Filter, JournalStore as _, Selection, StorageError};
use igym_storage_sqlite::SqliteStore;

/// Entries that are read at once.
const PAGE: u32 = 10_000;

/// The journal as it stood when it was opened: what a server adds meanwhile is left out.
pub(crate) struct Data {
    store: SqliteStore,
    last: u64,
}

impl Data {
    pub(crate) fn open(folder: &Path) -> Result<Self> {
        let open = || {
            let store = SqliteStore::open_read_only(folder)?;
            let last = store.last_id()?;
            Ok::<_, StorageError>(Self { store, last })
        };
        open().with_context(|| {
            // Whole, as it is looked for from where the program was started.
            let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
            format!("cannot read the data in {}", folder.display())
        })
    }

    /// Everything but uploads.
    pub(crate) fn overview(&self) -> Result<Journal> {
        self.journal(&Filter {
            selection: Selection::Events,
            ..Filter::default()
        })
    }

    /// One episode with its uploads.
    pub(crate) fn episode(&self, session: SessionId, episode: u32) -> Result<EpisodeLog> {
        let journal = self.journal(&Filter {
            session: Some(session),
            episode: Some(episode),
            ..Filter::default()
        })?;
        journal
            .into_episodes()
            .find(|log| (log.plan.session, log.plan.episode) == (session, episode))
            .with_context(|| {
                format!("the journal does not hold episode {episode} of session {session}")
            })
    }

    fn journal(&self, filter: &Filter) -> Result<Journal> {
        let mut journal = Journal::default();
        let mut after = 0;
        loop {
            let page: Vec<Entry> = self.store.read(Filter {
                after,
                limit: Some(PAGE),
                ..filter.clone()
            })?;
            let Some(last) = page.last() else {
                return Ok(journal);
            };
            after = last.id;
            for entry in page {
                if entry.id <= self.last {
                    journal.push(entry);
                }
            }
        }
    }
}
