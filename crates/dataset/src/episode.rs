//! What the journal holds about one episode.

use std::collections::BTreeMap;

use igym_protocol::{
    ClientEvent, CloseReason, EpisodePlan, EpisodeReport, JournalBatch, Judgement, KeyEvent,
    Limits, NetworkSample, Path, PresentedFrame, UploadBody,
};

use crate::account::Account;
use crate::inputs::{Contradiction, KnownInput, Origin, Statement, Statements};

/// Everything the journal holds about one episode.
#[derive(Clone, Debug, PartialEq)]
pub struct EpisodeLog {
    pub plan: EpisodePlan,
    pub opened_at_ms: u64,
    /// Its readings were being compared, or had been, when the journal ended.
    pub judged: bool,
    pub closing: Option<Closing>,
    /// In player order.
    pub players: Vec<PlayerLog>,
    /// Pages that were loaded while it was played and got its history.
    pub rejoins: Vec<Rejoin>,
    /// Uploads with inputs, rows or a seal that came after judging had begun: evidence, without
    /// effect.
    pub late_uploads: u32,
    /// Such uploads of a player's earlier page that came after a later page had got the history:
    /// evidence, without effect, since the later page may have authored the same frames.
    pub superseded_uploads: u32,
    /// Statements about players or inputs that nobody may make, and those about an input that had
    /// been contradicted too often to keep more; without effect.
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

/// A page that went on with an episode in which an earlier page of its player had played.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejoin {
    pub at_ms: u64,
    pub player: u8,
    pub incarnation: u32,
}

/// What one player's pages uploaded about an episode, but for inputs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlayerLog {
    /// What each of the player's pages computed, by its number.
    pub accounts: BTreeMap<u32, Account>,
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

impl EpisodeLog {
    /// Whether it is over and the server has not said what it found: its next start does.
    pub fn awaits_verdict(&self) -> bool {
        self.judged && self.closing.is_none()
    }

    pub fn new(plan: EpisodePlan, opened_at_ms: u64) -> Self {
        let players = plan.seats.iter().map(|_| PlayerLog::default()).collect();
        Self {
            plan,
            opened_at_ms,
            closing: None,
            players,
            rejoins: Vec::new(),
            judged: false,
            late_uploads: 0,
            superseded_uploads: 0,
            strays: 0,
            inputs: Statements::default(),
        }
    }

    /// The input that counts: its author's first word, else the first copy of it, else what stands
    /// in a row.
    pub fn input(&self, frame: u32, player: u8) -> Option<KnownInput<'_>> {
        let known = self.inputs.known(frame, player);
        known.or_else(|| self.input_in_rows(frame, player))
    }

    fn input_in_rows(&self, frame: u32, player: u8) -> Option<KnownInput<'_>> {
        self.player_numbers()
            .zip(&self.players)
            .flat_map(|(by, log)| log.accounts.iter().map(move |account| (by, account)))
            .find_map(|(by, (incarnation, account))| {
                let inputs = &account.rows.get(&frame)?.inputs;
                let bytes = inputs.get(usize::from(player))?;
                let known = KnownInput::new(by, *incarnation, Origin::InRow, bytes);
                possible(bytes).then_some(known)
            })
    }

    pub(crate) fn player_numbers(&self) -> impl Iterator<Item = u8> {
        (0..=u8::MAX).take(self.players.len())
    }

    /// Statements about inputs that cannot both be true, by frame and player.
    pub fn contradictions(&self) -> impl Iterator<Item = Contradiction> {
        self.inputs.contradictions()
    }

    /// Frame, author and path of each input that `player` received from another.
    pub fn received_by(&self, player: u8) -> impl Iterator<Item = (u32, u8, Path)> {
        self.inputs.received_by(player)
    }

    /// Takes up that a page of `player` got the history. What an earlier page of theirs says from
    /// here on about inputs, rows and the end has no effect.
    pub fn add_rejoin(&mut self, at_ms: u64, player: u8, incarnation: u32) {
        if usize::from(player) >= self.players.len() {
            self.strays += 1;
            return;
        }
        let rejoin = Rejoin {
            at_ms,
            player,
            incarnation,
        };
        let known = |it: &&Rejoin| (it.player, it.incarnation) == (player, incarnation);
        if !self.rejoins.iter().any(|it| known(&it)) {
            self.rejoins.push(rejoin);
        }
    }

    /// Takes up what `player`'s page uploaded. Who uploaded it is the server's word.
    pub fn add_upload(&mut self, player: u8, incarnation: u32, body: UploadBody) {
        if usize::from(player) >= self.players.len() {
            self.strays += 1;
            return;
        }
        let closed = self.judged || self.closing.is_some();
        let superseded = self
            .rejoins
            .iter()
            .any(|it| it.player == player && incarnation < it.incarnation);
        let counts = !closed && !superseded;
        if !counts && states(&body) {
            *(if closed {
                &mut self.late_uploads
            } else {
                &mut self.superseded_uploads
            }) += 1;
        }
        match body {
            UploadBody::Journal(batch) => {
                if counts {
                    self.add_inputs(player, incarnation, &batch);
                }
                self.player_mut(player).add_observations(incarnation, batch);
            }
            UploadBody::Rows(_) | UploadBody::Seal(_) | UploadBody::Flushed if !counts => {}
            UploadBody::Rows(rows) => self.account_mut(player, incarnation).add_rows(rows),
            UploadBody::Seal(seal) => self.account_mut(player, incarnation).add_seal(seal),
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

    fn account_mut(&mut self, player: u8, incarnation: u32) -> &mut Account {
        let accounts = &mut self.player_mut(player).accounts;
        accounts.entry(incarnation).or_default()
    }

    fn add_inputs(&mut self, by: u8, incarnation: u32, batch: &JournalBatch) {
        for authored in &batch.authored {
            if authored.player != by || !possible(&authored.input) {
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
            let kept = self.inputs.add(authored.frame, by, statement);
            self.strays += u32::from(!kept);
        }
        for received in &batch.received {
            // A first page has authored all its inputs itself; a later one may get some back.
            let own = received.player == by && incarnation <= 1;
            let nobody = usize::from(received.player) >= self.players.len();
            if own || nobody || !possible(&received.input) {
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
            let kept = self.inputs.add(received.frame, received.player, statement);
            self.strays += u32::from(!kept);
        }
    }
}

impl PlayerLog {
    /// The account that is the player's own, with the number of its page: that of the last page
    /// which sealed, else of the last which uploaded rows. What other pages computed is compared
    /// with the rest, but need not be complete.
    pub fn account(&self) -> Option<(u32, &Account)> {
        let sealed = |(_, account): &(&u32, &Account)| account.seal.is_some();
        let mut newest_first = self.accounts.iter().rev();
        let own = newest_first.clone().find(sealed).or(newest_first.next());
        own.map(|(incarnation, account)| (*incarnation, account))
    }

    pub fn sealed(&self) -> bool {
        self.accounts.values().any(|account| account.seal.is_some())
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

/// Whether an upload says something about inputs, rows or the end.
fn states(body: &UploadBody) -> bool {
    match body {
        UploadBody::Journal(batch) => !(batch.authored.is_empty() && batch.received.is_empty()),
        UploadBody::Rows(_) | UploadBody::Seal(_) => true,
        UploadBody::Flushed | UploadBody::Report(_) => false,
    }
}

/// Whether a page can have played these bytes.
fn possible(input: &[u8]) -> bool {
    (1..=Limits::INPUT_BYTES).contains(&input.len())
}
