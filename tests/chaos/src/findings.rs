//! What the journal says in the end, against what was acknowledged.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use igym_protocol::{Outcome, ParticipantId, Record, Verdict};
use igym_storage::{Filter, JournalStore as _};
use igym_storage_sqlite::SqliteStore;

use crate::people::Past;

/// Entries that are read at once.
const PAGE: u32 = 10_000;

#[derive(Default)]
pub(crate) struct Findings {
    pub(crate) reconnected: u64,
    crashes: u64,
    outcomes: BTreeMap<Outcome, u64>,
    verdicts: BTreeMap<Verdict, u64>,
    rejoined: u64,
    acknowledged: u64,
    /// Acknowledged and not in the journal.
    lost: Vec<(ParticipantId, u32, u32)>,
    /// In the journal more than once.
    twice: u64,
    /// Opened and never closed.
    open: u64,
}

impl Findings {
    pub(crate) fn of(data: PathBuf, pasts: &[Past]) -> Result<Self> {
        let mut findings = Self::default();
        let mut stored = BTreeSet::new();
        let store = SqliteStore::open(&data).context("the journal")?;
        let mut after = 0;
        loop {
            let entries = store.read(Filter {
                after,
                limit: Some(PAGE),
                ..Filter::default()
            })?;
            let Some(last) = entries.last() else { break };
            after = last.id;
            for entry in entries {
                match entry.record {
                    Record::Uploaded {
                        participant,
                        upload,
                        ..
                    } => {
                        let new = stored.insert((participant, upload.incarnation, upload.seq));
                        findings.twice += u64::from(!new);
                    }
                    Record::EpisodeOpened { .. } => findings.open += 1,
                    Record::EpisodeRejoined { .. } => findings.rejoined += 1,
                    Record::EpisodeClosed { judgement, .. } => {
                        findings.open -= 1;
                        *findings.verdicts.entry(judgement.verdict).or_default() += 1;
                    }
                    _ => {}
                }
            }
        }
        for past in pasts {
            *findings.outcomes.entry(past.ending.outcome).or_default() += 1;
            findings.crashes += past.crashes;
            findings.reconnected += past.reconnected;
            let Some(acknowledged) = &past.acknowledged else {
                continue;
            };
            for (incarnation, highest) in &acknowledged.uploads {
                findings.acknowledged += u64::from(*highest);
                let missing = (1..=*highest)
                    .map(|seq| (acknowledged.participant, *incarnation, seq))
                    .filter(|upload| !stored.contains(upload));
                findings.lost.extend(missing);
            }
        }
        Ok(findings)
    }

    /// What must hold, however often the server died.
    pub(crate) fn judge(&self) -> Result<()> {
        ensure!(
            self.lost.is_empty(),
            "acknowledged uploads were lost: {:?}",
            self.lost
        );
        ensure!(self.twice == 0, "{} uploads were stored twice", self.twice);
        ensure!(self.open == 0, "{} episodes were never closed", self.open);
        ensure!(
            self.acknowledged > 0,
            "nothing was acknowledged: the run proves nothing"
        );
        ensure!(
            self.outcomes.keys().eq([&Outcome::Completed]),
            "somebody did not complete the study: {:?}",
            self.outcomes
        );
        ensure!(
            self.verdicts.keys().eq([&Verdict::Verified]),
            "an episode is not verified: {:?}",
            self.verdicts
        );
        Ok(())
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "outcomes: {:?}", self.outcomes)?;
        writeln!(f, "verdicts: {:?}", self.verdicts)?;
        writeln!(
            f,
            "{} page crashes, {} episodes rejoined, {} connections made again",
            self.crashes, self.rejoined, self.reconnected
        )?;
        write!(
            f,
            "{} uploads acknowledged, {} of them lost, {} stored twice",
            self.acknowledged,
            self.lost.len(),
            self.twice
        )
    }
}
