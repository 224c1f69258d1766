//! What earlier runs wrote down, as far as this one has to know it.

use std::{collections::BTreeSet, sync::Arc};

use igym_protocol::{Entry, Record, SessionId, UploadBody};
use igym_storage::{Filter, JournalStore, Selection, StorageError};
use igym_study::{Study, StudyConfig};
use tokio::{task, time::Instant};

use crate::{
    ServeError, clock::Clock, registry::Registry, relays::Relays, roster::Roster, summary::Census,
};

/// Entries of the journal that are read at once.
const PAGE: u32 = 10_000;

/// The server as it was.
pub(crate) struct Recalled {
    pub(crate) study: Study,
    pub(crate) registry: Registry,
    pub(crate) census: Census,
    pub(crate) roster: Roster,
    /// What this run draws from.
    pub(crate) seed: [u8; 32],
}

/// Reads the journal, from its beginning; of uploads only what the open episodes need.
pub(crate) async fn recall(
    store: Arc<dyn JournalStore>,
    registry: Registry,
    relays: Arc<Relays>,
    clock: Clock,
    config: StudyConfig,
    build: String,
    seed: [u8; 32],
) -> Result<Recalled, ServeError> {
    let recalled = move || {
        let mut registry = registry;
        let (mut census, roster) = (Census::default(), Roster::default());
        let mut entries = events(&*store)?;
        let now = Instant::now();
        for entry in &entries {
            registry.learn(&entry.record, now);
            census.learn(&entry.record);
            roster.recall(&entry.record);
            relays.learn(&entry.record);
        }
        closings(&*store, &mut entries)?;
        let seed = seed_of_run(seed, census.openings());
        let study = Study::restore(clock.now(), config, build, seed, &entries)?;
        if !entries.is_empty() {
            tracing::info!(entries = entries.len(), "the journal is read");
        }
        Ok(Recalled {
            study,
            registry,
            census,
            roster,
            seed,
        })
    };
    task::spawn_blocking(recalled)
        .await
        .map_err(|_| ServeError::Crashed { task: "recall" })?
}

fn events(store: &dyn JournalStore) -> Result<Vec<Entry>, StorageError> {
    let mut entries: Vec<Entry> = Vec::new();
    loop {
        let page = store.read(Filter {
            selection: Selection::Events,
            after: entries.last().map_or(0, |entry| entry.id),
            limit: Some(PAGE),
            ..Filter::default()
        })?;
        if page.is_empty() {
            return Ok(entries);
        }
        entries.extend(page);
        tracing::info!(entries = entries.len(), "reading the journal");
    }
}

/// Adds the seals and flushes of the episodes that are open, in their place.
fn closings(store: &dyn JournalStore, entries: &mut Vec<Entry>) -> Result<(), StorageError> {
    for (session, episode) in open_episodes(entries) {
        let uploads = store.read(Filter {
            session: Some(session),
            episode: Some(episode),
            selection: Selection::Closings,
            ..Filter::default()
        })?;
        entries.extend(uploads.into_iter().filter(|entry| match &entry.record {
            Record::Uploaded { upload, .. } => {
                matches!(upload.body, UploadBody::Seal(_) | UploadBody::Flushed)
            }
            _ => false,
        }));
    }
    entries.sort_unstable_by_key(|entry| entry.id);
    Ok(())
}

fn open_episodes(entries: &[Entry]) -> BTreeSet<(SessionId, u32)> {
    let mut open = BTreeSet::new();
    for entry in entries {
        match &entry.record {
            Record::EpisodeOpened { plan } => {
                open.insert((plan.session, plan.episode));
            }
            Record::EpisodeClosed {
                session, episode, ..
            } => {
                open.remove(&(*session, *episode));
            }
            _ => {}
        }
    }
    open
}

/// The same draws must not come twice in one journal: two sessions would have one id. So a run
/// after the first on the same data draws from a seed of its own.
fn seed_of_run(seed: [u8; 32], runs_before: u64) -> [u8; 32] {
    if runs_before == 0 {
        return seed;
    }
    let mut hasher = blake3::Hasher::new_keyed(&seed);
    hasher.update(&runs_before.to_le_bytes());
    *hasher.finalize().as_bytes()
}
