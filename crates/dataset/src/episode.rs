//! What the journal holds about one episode.

use std::collections::BTreeMap;

use igym_protocol::{
    CanonicalRow, ClientEvent, CloseReason, EpisodePlan, EpisodeReport, JournalBatch, Judgement,
    KeyEvent, NetworkSample, Path, PresentedFrame, Rows, Seal, UploadBody,
};

use crate::inputs::{Contradiction, KnownInput, Origin, Statement, Statements};

/// Everything the journal holds about one episode.
#[derive(Clone, Debug, PartialEq)]
pub struct EpisodeLog {
    pub plan: EpisodePlan,
    pub opened_at_ms: u64,
    pub closing: Option<Closing>,
    /// In player order.
    pub players: Vec<PlayerLog>,
    /// Uploads with inputs, rows or a seal that came after the closing: evidence, without effect.
    pub late_uploads: u32,
    /// Statements about players or inputs that nobody may make; without effect.
    pub strays: u32,
    inputs: Statements,
}

/// How the server closed an episode.
#[derive(Clone, Debug, PartialEq)]
pub struct Closing {
    pub at_ms: u64,
    pub reason: CloseReason,
    /// What the server found then.
    pub judgement: Judgement,
}

/// What one player's pages uploaded about an episode, but for inputs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlayerLog {
    /// Canonical rows as this player's page computed them; the first of each frame.
    pub rows: BTreeMap<u32, CanonicalRow>,
    /// Later rows or seals of the same player that say otherwise.
    pub own_conflicts: Vec<OwnConflict>,
    pub seal: Option<Seal>,
    /// All that the page held was uploaded before a cut.
    pub flushed: bool,
    pub reports: Vec<Paged<EpisodeReport>>,
    pub presented: Vec<Paged<PresentedFrame>>,
    pub keys: Vec<Paged<KeyEvent>>,
    pub events: Vec<Paged<ClientEvent>>,
    pub network: Vec<Paged<NetworkSample>>,
}

/// Something a page said, with the incarnation whose clock it uses.
#[derive(Clone, Debug, PartialEq)]
pub struct Paged<T> {
    pub incarnation: u32,
    pub value: T,
}

/// A player who uploaded two different things for one frame.
#[derive(Clone, Debug, PartialEq)]
pub enum OwnConflict {
    Row {
        frame: u32,
        incarnation: u32,
        row: CanonicalRow,
    },
    Seal {
        incarnation: u32,
        seal: Seal,
    },
}

impl EpisodeLog {
    pub fn new(plan: EpisodePlan, opened_at_ms: u64) -> Self {
        let players = plan.seats.iter().map(|_| PlayerLog::default()).collect();
        Self {
            plan,
            opened_at_ms,
            closing: None,
            players,
            late_uploads: 0,
            strays: 0,
            inputs: Statements::default(),
        }
    }

    /// The input that counts: its author's first word, else the first copy of it.
    pub fn input(&self, frame: u32, player: u8) -> Option<KnownInput<'_>> {
        self.inputs.known(frame, player)
    }

    /// Statements about inputs that cannot both be true, by frame and player.
    pub fn contradictions(&self) -> impl Iterator<Item = Contradiction> {
        self.inputs.contradictions()
    }

    /// Frame, author and path of each input that `player` received from another.
    pub fn received_by(&self, player: u8) -> impl Iterator<Item = (u32, u8, Path)> {
        self.inputs.received_by(player)
    }

    /// Takes up what `player`'s page uploaded. Who uploaded it is the server's word.
    pub fn add_upload(&mut self, player: u8, incarnation: u32, body: UploadBody) {
        if usize::from(player) >= self.players.len() {
            self.strays += 1;
            return;
        }
        let closed = self.closing.is_some();
        match body {
            UploadBody::Journal(batch) => {
                if closed && !(batch.authored.is_empty() && batch.received.is_empty()) {
                    self.late_uploads += 1;
                }
                if !closed {
                    self.add_inputs(player, incarnation, &batch);
                }
                self.player_mut(player).add_observations(incarnation, batch);
            }
            UploadBody::Rows(_) | UploadBody::Seal(_) if closed => self.late_uploads += 1,
            UploadBody::Rows(rows) => self.player_mut(player).add_rows(incarnation, rows),
            UploadBody::Seal(seal) => self.player_mut(player).add_seal(incarnation, seal),
            UploadBody::Flushed => self.player_mut(player).flushed = true,
            UploadBody::Report(value) => {
                let report = Paged { incarnation, value };
                self.player_mut(player).reports.push(report);
            }
        }
    }

    fn player_mut(&mut self, player: u8) -> &mut PlayerLog {
        &mut self.players[usize::from(player)]
    }

    fn add_inputs(&mut self, by: u8, incarnation: u32, batch: &JournalBatch) {
        for authored in &batch.authored {
            if authored.player != by {
                self.strays += 1;
                continue;
            }
            let origin = Origin::Authored {
                source: authored.source,
                at_us: authored.at_us,
                delay: authored.delay,
            };
            let statement = Statement {
                by,
                incarnation,
                input: authored.input.clone(),
                origin,
            };
            self.inputs.add(authored.frame, by, statement);
        }
        for received in &batch.received {
            if received.player == by || usize::from(received.player) >= self.players.len() {
                self.strays += 1;
                continue;
            }
            let origin = Origin::Copied {
                path: received.path,
                at_us: received.at_us,
            };
            let statement = Statement {
                by,
                incarnation,
                input: received.input.clone(),
                origin,
            };
            self.inputs.add(received.frame, received.player, statement);
        }
    }
}

impl PlayerLog {
    fn add_rows(&mut self, incarnation: u32, rows: Rows) {
        for (frame, row) in (rows.first..=u32::MAX).zip(rows.rows) {
            match self.rows.get(&frame) {
                None => {
                    self.rows.insert(frame, row);
                }
                Some(known) if *known == row => {}
                Some(_) => self.own_conflicts.push(OwnConflict::Row {
                    frame,
                    incarnation,
                    row,
                }),
            }
        }
    }

    fn add_seal(&mut self, incarnation: u32, seal: Seal) {
        match &self.seal {
            None => self.seal = Some(seal),
            Some(known) if *known == seal => {}
            Some(_) => self
                .own_conflicts
                .push(OwnConflict::Seal { incarnation, seal }),
        }
    }

    fn add_observations(&mut self, incarnation: u32, batch: JournalBatch) {
        fn take<T>(list: &mut Vec<Paged<T>>, incarnation: u32, values: Vec<T>) {
            list.extend(values.into_iter().map(|value| Paged { incarnation, value }));
        }
        take(&mut self.presented, incarnation, batch.presented);
        take(&mut self.keys, incarnation, batch.keys);
        take(&mut self.events, incarnation, batch.events);
        take(&mut self.network, incarnation, batch.network);
    }
}
