//! What one page computed of an episode: its rows and its seal.

use std::collections::BTreeMap;

use igym_protocol::{CanonicalRow, Rows, Seal};

/// One page's own account of an episode.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Account {
    /// Canonical rows as the page computed them; the first of each frame.
    pub rows: BTreeMap<u32, CanonicalRow>,
    pub seal: Option<Seal>,
    /// Later rows or seals of the same page that say otherwise.
    pub own_conflicts: Vec<OwnConflict>,
}

/// A page that uploaded two different things for one frame.
#[derive(Clone, Debug, PartialEq)]
pub enum OwnConflict {
    Row { frame: u32, row: CanonicalRow },
    Seal(Seal),
}

impl Account {
    pub(crate) fn add_rows(&mut self, rows: Rows) {
        for (frame, row) in (rows.first..=u32::MAX).zip(rows.rows) {
            match self.rows.get(&frame) {
                None => {
                    self.rows.insert(frame, row);
                }
                Some(known) if *known == row => {}
                Some(_) => self.own_conflicts.push(OwnConflict::Row { frame, row }),
            }
        }
    }

    pub(crate) fn add_seal(&mut self, seal: Seal) {
        match &self.seal {
            None => self.seal = Some(seal),
            Some(known) if *known == seal => {}
            Some(_) => self.own_conflicts.push(OwnConflict::Seal(seal)),
        }
    }
}
