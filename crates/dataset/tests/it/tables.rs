//! A study to export, and how to read what was written.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use igym_dataset::{Journal, NativeOnly, judge};
use igym_protocol::{CloseReason, Outcome, Record};

use crate::support::{Played, entries, participant, plan, play};

/// A study with two episodes: one verified, one in which player 1 left at frame 33.
pub(crate) fn study() -> (Journal, Vec<Played>) {
    let first = play(plan(2, 7));
    let mut second = play(igym_protocol::EpisodePlan {
        episode: 1,
        ..plan(2, 8)
    });
    for page in &mut second.pages {
        page.seal = None;
        page.rows.retain(|frame, _| *frame < 34);
    }
    second.pages[1].journal.authored.truncate(30);
    second.pages[0].journal.received.truncate(34);
    let mut records = vec![
        Record::StudyOpened {
            study: "pilot".into(),
            title: "A pilot".into(),
            digest: "d1d2".into(),
            source: "id = \"pilot\"\n".into(),
            version: "0.1.0".into(),
            build: "b1".into(),
            seed: "SEED-OF-ALL-DRAWS".into(),
        },
        Record::ParticipantArrived {
            participant: participant(0),
            token_hash: "TOKEN-HASH".into(),
            external_id: Some("PROLIFIC-1".into()),
        },
        Record::PageLoaded {
            participant: participant(0),
            incarnation: 1,
            resume_key_hash: "KEY-HASH".into(),
            user_agent: "Browser, \"quoted\"\nline".into(),
        },
        Record::ParticipantEnded {
            participant: participant(0),
            outcome: Outcome::PartnerLeft,
            code: Some("CODE-1".into()),
        },
    ];
    records.extend(first.records(CloseReason::Sealed, judge(&first.log(), &NativeOnly)));
    records.extend(second.records(CloseReason::Cut, judge(&second.log(), &NativeOnly)));
    (Journal::from_entries(entries(records)), vec![first, second])
}

/// A table as a CSV reader finds it.
pub(crate) struct Csv {
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
}

impl Csv {
    pub(crate) fn read(path: &Path) -> Self {
        let mut reader = csv::Reader::from_path(path).unwrap();
        Self {
            columns: reader
                .headers()
                .unwrap()
                .iter()
                .map(str::to_owned)
                .collect(),
            rows: reader
                .records()
                .map(|row| row.unwrap().iter().map(str::to_owned).collect())
                .collect(),
        }
    }

    pub(crate) fn cell(&self, row: usize, column: &str) -> &str {
        let index = self.columns.iter().position(|name| name == column);
        &self.rows[row][index.unwrap_or_else(|| panic!("no column {column}"))]
    }

    pub(crate) fn column(&self, column: &str) -> Vec<&str> {
        (0..self.rows.len())
            .map(|row| self.cell(row, column))
            .collect()
    }
}

/// Every file below a folder, by its path.
pub(crate) fn files(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![directory.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => open.push(path),
                false => {
                    let name = path.strip_prefix(directory).unwrap();
                    found.insert(name.to_str().unwrap().to_owned(), fs::read(&path).unwrap());
                }
            }
        }
    }
    found
}
