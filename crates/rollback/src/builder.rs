//! Setting up an engine.

use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use crate::compare::{KEPT_HASHES, MAX_KEPT_HASHES};
use crate::types::{MAX_PLAYERS, as_micros};
use crate::wire::{self, Configuration, Header};
use crate::{
    BuildError, ChainHash, DelayPolicy, Engine, Epoch, Frame, Incarnation, Input, LinkId, Micros,
    PlayerIndex, PlayerSet, Prediction, SnapshotPolicy,
};

/// The most frames between sampling an input and its use.
pub const MAX_INPUT_DELAY: u32 = 32;

/// The most frames that the head may run ahead of a missing input.
pub const MAX_WINDOW: u32 = 512;

/// Collects the settings of an [`Engine`]. All peers of an episode give the same players, frame
/// duration, window, default input, epoch and genesis.
#[derive(Clone, Debug)]
pub struct Builder {
    players: usize,
    local: Vec<PlayerIndex>,
    links: Vec<(LinkId, Vec<PlayerIndex>)>,
    epoch: Epoch,
    incarnation: Incarnation,
    frame_duration: Duration,
    input_delay: u32,
    input_delay_of: Vec<(PlayerIndex, u32)>,
    delay_policy: DelayPolicy,
    window: Duration,
    prediction: Prediction,
    snapshots: SnapshotPolicy,
    kept_states: u32,
    kept_hashes: u32,
    default_input: Input,
    genesis: ChainHash,
    start_at: Micros,
    history: Option<Vec<Vec<Input>>>,
    spectator: Option<LinkId>,
    checkpoint: Option<(Frame, ChainHash)>,
}

impl Default for Builder {
    fn default() -> Builder {
        Builder {
            players: 2,
            local: Vec::new(),
            links: Vec::new(),
            epoch: Epoch(0),
            incarnation: Incarnation(1),
            frame_duration: Duration::from_micros(16_667),
            input_delay: 2,
            input_delay_of: Vec::new(),
            delay_policy: DelayPolicy::Fixed,
            window: Duration::from_millis(500),
            prediction: Prediction::RepeatLast,
            snapshots: SnapshotPolicy::EveryFrame,
            kept_states: 0,
            kept_hashes: KEPT_HASHES,
            default_input: Input::default(),
            genesis: ChainHash::default(),
            start_at: Micros(0),
            history: None,
            spectator: None,
            checkpoint: None,
        }
    }
}

impl Builder {
    /// How many players the episode has, 1 to 16 (2 unless told).
    pub fn players(mut self, players: usize) -> Builder {
        self.players = players;
        self
    }

    /// The players whose inputs this host gives.
    pub fn local(mut self, players: impl IntoIterator<Item = PlayerIndex>) -> Builder {
        self.local = players.into_iter().collect();
        self
    }

    /// A peer with these players. Without any call of this, every remote player n is alone at the
    /// other end of `LinkId(n)`.
    pub fn link(mut self, link: LinkId, players: impl IntoIterator<Item = PlayerIndex>) -> Builder {
        self.links.push((link, players.into_iter().collect()));
        self
    }

    /// The episode's number (0 unless told).
    pub fn epoch(mut self, epoch: Epoch) -> Builder {
        self.epoch = epoch;
        self
    }

    /// This peer's page load (1 unless told).
    pub fn incarnation(mut self, incarnation: Incarnation) -> Builder {
        self.incarnation = incarnation;
        self
    }

    /// The length of a tick (16,667 µs unless told).
    pub fn frame_duration(mut self, duration: Duration) -> Builder {
        self.frame_duration = duration;
        self
    }

    /// Frames between sampling a local input and its use (2 unless told).
    pub fn input_delay(mut self, frames: u32) -> Builder {
        self.input_delay = frames;
        self
    }

    /// Another input delay for one local player.
    pub fn input_delay_of(mut self, player: PlayerIndex, frames: u32) -> Builder {
        self.input_delay_of.push((player, frames));
        self
    }

    /// Who changes input delays during the episode (nobody but the host, unless told). The delay to
    /// begin with is still the one given, within the bounds of the policy.
    pub fn delay_policy(mut self, policy: DelayPolicy) -> Builder {
        self.delay_policy = policy;
        self
    }

    /// How far the head may run ahead of a missing input (500 ms unless told), rounded up to whole
    /// frames; zero is lockstep.
    pub fn window(mut self, window: Duration) -> Builder {
        self.window = window;
        self
    }

    /// How missing inputs are guessed (repeat the last unless told).
    pub fn prediction(mut self, prediction: Prediction) -> Builder {
        self.prediction = prediction;
        self
    }

    /// Which states the host is asked to save (that of every frame unless told).
    pub fn snapshots(mut self, policy: SnapshotPolicy) -> Builder {
        self.snapshots = policy;
        self
    }

    /// The host is also asked to save states that nothing is guessed of, and to keep them for so many frames
    /// (none unless told; at most [`MAX_WINDOW`] count): [`Evidence::states`](crate::Evidence::states) names
    /// those around a first difference, which is usually found within a second.
    pub fn keep_states(mut self, frames: u32) -> Builder {
        self.kept_states = frames.min(MAX_WINDOW);
        self
    }

    /// Of so many frames, before the newest hundred or so, two bytes of each hash are kept, which find a first
    /// difference that old (2,048 frames unless told; at most [`MAX_KEPT_HASHES`] count). An older one is
    /// named as the oldest frame kept. Of use where page loads rejoin, which compute the episode again from
    /// its beginning.
    pub fn keep_hashes(mut self, frames: u32) -> Builder {
        self.kept_hashes = frames.min(MAX_KEPT_HASHES);
        self
    }

    /// The input of lead frames, and of guesses without a better source (one zero byte unless
    /// told).
    pub fn default_input(mut self, input: Input) -> Builder {
        self.default_input = input;
        self
    }

    /// h(−1) (zeros unless told).
    pub fn genesis(mut self, genesis: ChainHash) -> Builder {
        self.genesis = genesis;
        self
    }

    /// When frame 0 is due on the host's clock (0 unless told). A peer that ticks before, and hears
    /// that another begins later, waits for it, up to a second.
    pub fn start_at(mut self, at: Micros) -> Builder {
        self.start_at = at;
        self
    }

    /// This peer had an engine in this epoch before: it rejoins from the inputs that a journal holds,
    /// one list per player in player order, each from frame 0 on without a gap, of any length. To be
    /// called even if they are all empty: without it, the engine takes itself for the peer's first and
    /// authors at once. It catches up from [`start_at`](Builder::start_at) on, so that is now, unless
    /// play has not begun. The crate's documentation says what the host must see to.
    pub fn history(mut self, inputs: impl IntoIterator<Item = Vec<Input>>) -> Builder {
        self.history = Some(inputs.into_iter().collect());
        self
    }

    /// This is a spectator, without a local player: over this link a peer that
    /// [watches over](Engine::watch) it gives it the inputs of confirmed frames, and it simulates
    /// nothing else. It may come at any time, with a [`history`](Builder::history) or without.
    pub fn spectator(mut self, link: LinkId) -> Builder {
        self.spectator = Some(link);
        self
    }

    /// The host's simulation stands at `frame` already: it has its own state there, which it has
    /// checked. `hash` is the chain hash of the frame before it, of the time when that was confirmed;
    /// the peers' hashes prove or disprove it. The lists of the [`history`](Builder::history), which is
    /// needed with it, begin at `frame`, and frames before it are not confirmed again. Peers that
    /// rejoin must not need inputs of this one from before it: see
    /// [`set_durable`](Engine::set_durable).
    pub fn checkpoint(mut self, frame: Frame, hash: ChainHash) -> Builder {
        self.checkpoint = Some((frame, hash));
        self
    }

    /// The engine, if the settings are possible together; else what to set otherwise. It holds all inputs
    /// of the history, and nothing else yet: frames and packets come with the first tick.
    pub fn build(self) -> Result<Engine, BuildError> {
        let local = self.checked_local()?;
        let links = self.checked_links(local)?;
        if let Some(history) = &self.history
            && history.len() != self.players
        {
            return Err(BuildError::History {
                found: history.len(),
                players: self.players,
            });
        }
        if self.checkpoint.is_some() && self.history.is_none() {
            return Err(BuildError::Checkpoint);
        }
        let duration = self.frame_duration;
        if duration < Duration::from_millis(1) || duration > Duration::from_secs(10) {
            return Err(BuildError::FrameDuration);
        }
        let delays = self.checked_delays(local)?;
        let window = self.window.as_micros().div_ceil(duration.as_micros());
        let window = u32::try_from(window)
            .ok()
            .filter(|frames| *frames <= MAX_WINDOW)
            .ok_or(BuildError::Window {
                found: window,
                most: MAX_WINDOW,
            })?;
        Ok(Engine::new(
            Config {
                digest: self.digest(window),
                players: self.players,
                local,
                epoch: self.epoch,
                incarnation: self.incarnation,
                frame_us: as_micros(duration),
                delays,
                delay_policy: self.delay_policy,
                window,
                prediction: self.prediction,
                snapshots: self.snapshots,
                kept_states: self.kept_states,
                kept_hashes: self.kept_hashes,
                default_input: self.default_input,
                spectates: self.spectator.is_some(),
                origin: self.checkpoint.map_or(Frame(0), |(frame, _)| frame),
                genesis_at_origin: self.checkpoint.map_or(self.genesis, |(_, hash)| hash),
                start_at: self.start_at,
                rejoined: self.history.is_some(),
            },
            links,
            self.history.unwrap_or_default(),
        ))
    }

    fn digest(&self, window: u32) -> Configuration {
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"igym-rollback");
        hasher.update(&[wire::VERSION, self.players as u8]);
        hasher.update(&as_micros(self.frame_duration).to_le_bytes());
        hasher.update(&window.to_le_bytes());
        hasher.update(&self.genesis.0);
        hasher.update(self.default_input.as_slice());
        let mut first = [0; 8];
        first.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
        Configuration(first)
    }

    fn checked_local(&self) -> Result<PlayerSet, BuildError> {
        if self.players == 0 || self.players > MAX_PLAYERS {
            return Err(BuildError::Players {
                found: self.players,
            });
        }
        if self.spectator.is_some() {
            return match self.local.is_empty() {
                true => Ok(PlayerSet::default()),
                false => Err(BuildError::Spectator),
            };
        }
        if self.local.is_empty() {
            return Err(BuildError::NoLocal);
        }
        let missing = self.local.iter().find(|p| p.index() >= self.players);
        if let Some(player) = missing {
            return Err(BuildError::LocalOutOfRange {
                player: *player,
                players: self.players,
            });
        }
        Ok(self.local.iter().copied().collect())
    }

    fn checked_delays(&self, local: PlayerSet) -> Result<Vec<(PlayerIndex, u32)>, BuildError> {
        if self.delay_policy.impossible() {
            return Err(BuildError::DelayPolicy);
        }
        let own = self.input_delay_of.iter();
        if let Some((player, _)) = own.clone().find(|(player, _)| !local.contains(*player)) {
            return Err(BuildError::DelayPlayer { player: *player });
        }
        let of = |player| {
            let own = self.input_delay_of.iter().rev();
            own.copied()
                .find(|(other, _)| *other == player)
                .unwrap_or((player, self.input_delay))
        };
        let delays: Vec<(PlayerIndex, u32)> = local.iter().map(of).collect();
        if let Some((_, found)) = delays.iter().find(|(_, frames)| *frames > MAX_INPUT_DELAY) {
            return Err(BuildError::InputDelay {
                found: *found,
                most: MAX_INPUT_DELAY,
            });
        }
        let within = |(player, frames)| (player, self.delay_policy.within(frames));
        Ok(delays.into_iter().map(within).collect())
    }

    fn checked_links(&self, local: PlayerSet) -> Result<Vec<(LinkId, PlayerSet)>, BuildError> {
        let remote: PlayerSet = (0..self.players as u8)
            .map(PlayerIndex)
            .filter(|player| !local.contains(*player))
            .collect();
        if let Some(link) = self.spectator {
            return Ok(vec![(link, remote)]);
        }
        if self.links.is_empty() {
            let alone = |player: PlayerIndex| (LinkId(player.0), [player].into_iter().collect());
            return Ok(remote.iter().map(alone).collect());
        }
        let mut links: Vec<(LinkId, PlayerSet)> = Vec::new();
        let mut covered = PlayerSet::default();
        for (link, players) in &self.links {
            if links.iter().any(|(other, _)| other == link) {
                return Err(BuildError::LinkTwice { link: *link });
            }
            if players.is_empty() {
                return Err(BuildError::LinkEmpty { link: *link });
            }
            for player in players {
                if !remote.contains(*player) {
                    return Err(BuildError::LinkPlayer {
                        link: *link,
                        player: *player,
                    });
                }
                if covered.contains(*player) {
                    return Err(BuildError::LinkCover { player: *player });
                }
                covered.insert(*player);
            }
            links.push((*link, players.iter().copied().collect()));
        }
        match remote.iter().find(|player| !covered.contains(*player)) {
            Some(player) => Err(BuildError::LinkCover { player }),
            None => Ok(links),
        }
    }
}

/// Checked settings.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// No player is here.
    pub(crate) spectates: bool,
    /// The first frame that is simulated here.
    pub(crate) origin: Frame,
    /// The hash of the frame before it.
    pub(crate) genesis_at_origin: ChainHash,
    /// Of what all peers must have alike.
    pub(crate) digest: Configuration,
    pub(crate) players: usize,
    pub(crate) local: PlayerSet,
    pub(crate) epoch: Epoch,
    pub(crate) incarnation: Incarnation,
    pub(crate) frame_us: u64,
    /// Of every local player, to begin with.
    pub(crate) delays: Vec<(PlayerIndex, u32)>,
    pub(crate) delay_policy: DelayPolicy,
    /// In frames.
    pub(crate) window: u32,
    pub(crate) prediction: Prediction,
    pub(crate) snapshots: SnapshotPolicy,
    /// In frames.
    pub(crate) kept_states: u32,
    pub(crate) kept_hashes: u32,
    pub(crate) default_input: Input,
    pub(crate) start_at: Micros,
    /// Not this peer's first engine of the epoch.
    pub(crate) rejoined: bool,
}

impl Config {
    /// Who this is to its peers.
    pub(crate) fn header(&self) -> Header {
        Header {
            configuration: self.digest,
            epoch: self.epoch,
            incarnation: self.incarnation,
        }
    }
}
