//! Input delay: how many frames lie between sampling an input and the frame that uses it.
//!
//! A change is decided some frames before it begins, and announced to all peers. It begins with a
//! head, `from`: from then on inputs are sampled for the frame that is the new delay ahead. So no
//! frame is authored twice and none is left out:
//!
//! - Where the delay grows, the frames between the last that was sampled and the first that will be
//!   are authored by the engine with the player's newest input again: a key that is held stays held.
//!   The host is told with [`Event::Filled`].
//! - Where it shrinks, nothing is sampled for as many ticks as it shrinks by, since the inputs of
//!   those frames are authored already.

use crate::link::Link;
use crate::rejoin::Presence;
use crate::{Engine, Event, Frame, InputError, MAX_INPUT_DELAY, PlayerIndex, PlayerSet, wire};
use alloc::vec;
use alloc::vec::Vec;

/// Every this many ticks it is judged whether the delay fits the links.
const JUDGE_INTERVAL: u32 = 30;

/// So many judgements in a row raise the delay, and so many lower it: 1 s and 5 s at 60 Hz.
const RAISE_AFTER: u32 = 2;
const LOWER_AFTER: u32 = 10;

/// Frames between a decision and its beginning: beyond the time to tell the peers, and at most.
const MARGIN: u32 = 4;
const MOST_AHEAD: u32 = 64;

/// Who decides the input delay of the local players.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DelayPolicy {
    /// The host: [`Builder::input_delay`](crate::Builder::input_delay), and
    /// [`Engine::set_input_delay`] in mid-session.
    #[default]
    Fixed,
    /// The links of this peer: so many frames that the inputs usually arrive in time everywhere,
    /// within these bounds. That is the one-way delay, half the median round trip, and twice the
    /// jitter. It grows if this was too little for a second, and shrinks if it was too much by at
    /// least half a frame for five.
    Adaptive {
        /// The shortest delay, in frames.
        least: u32,
        /// The longest, in frames; at most [`MAX_INPUT_DELAY`].
        most: u32,
    },
    /// As adaptive, but everybody has the delay of the peer whose links call for the longest, so
    /// that no player has an advantage. All peers of an episode should choose it, with the same
    /// bounds; it is for the bounds that a peer that lies cannot make the delay long.
    Equalised {
        /// The shortest delay, in frames.
        least: u32,
        /// The longest, in frames; at most [`MAX_INPUT_DELAY`].
        most: u32,
    },
}

/// The input delay of one player.
#[derive(Clone, Debug)]
struct Player {
    /// In force.
    current: u32,
    /// From the head `from` on, if it is another.
    frames: u32,
    from: Frame,
    /// What the links of its peer call for.
    wanted: u32,
    /// Of a local player: no input of this frame or later was authored when it was announced. Of a
    /// remote one: `None` until it was heard.
    announced: Option<Frame>,
}

#[derive(Debug)]
pub(crate) struct Delays {
    policy: DelayPolicy,
    players: Vec<Player>,
    /// What our links call for.
    wanted: u32,
    ticks: u32,
    too_short: u32,
    too_long: u32,
}

impl Delays {
    /// Of remote players only the bound is known.
    pub(crate) fn new(policy: DelayPolicy, players: usize, local: &[(PlayerIndex, u32)]) -> Delays {
        let player = |frames, wanted| Player {
            current: frames,
            frames,
            from: Frame(0),
            wanted,
            announced: None,
        };
        let mut all = vec![player(MAX_INPUT_DELAY, 0); players];
        for (index, frames) in local {
            all[index.index()] = player(*frames, *frames);
        }
        Delays {
            policy,
            players: all,
            wanted: local.first().map_or(0, |(_, frames)| *frames),
            ticks: 0,
            too_short: 0,
            too_long: 0,
        }
    }

    /// The delay in force.
    pub(crate) fn of(&self, player: PlayerIndex) -> u32 {
        self.players[player.index()].current
    }

    /// The longest delay that the player's newest inputs can have.
    pub(crate) fn longest(&self, player: PlayerIndex) -> u32 {
        let player = &self.players[player.index()];
        player.current.max(player.frames)
    }

    /// The player has another author from here on: a local one with the delay of the others.
    pub(crate) fn move_to(&mut self, player: PlayerIndex, local: Option<u32>) {
        let frames = local.unwrap_or(MAX_INPUT_DELAY);
        let moved = &mut self.players[player.index()];
        (moved.current, moved.frames) = (frames, frames);
        moved.announced = None;
    }

    /// The delays of our players, for a peer with their inputs before these frames, if it may not
    /// know them.
    pub(crate) fn announcement(&self, local: PlayerSet, acks: &[Frame]) -> Option<wire::Delays> {
        let ours = || local.iter().map(|player| &self.players[player.index()]);
        let known = |player: PlayerIndex| {
            let announced = self.players[player.index()].announced;
            announced.is_some_and(|at| acks[player.index()] > at)
        };
        let pending = ours().map(|player| player.from);
        (!local.iter().all(known)).then(|| wire::Delays {
            from: pending.max().unwrap_or_default(),
            wanted: self.wanted as u8,
            frames: ours().map(|player| player.frames as u8).collect(),
        })
    }

    /// Judges how many frames the links call for: `enough`, and `ample` with half a frame to spare.
    fn judge(&mut self, enough: u32, ample: u32) {
        self.too_short = match enough > self.wanted {
            true => self.too_short + 1,
            false => 0,
        };
        self.too_long = match ample < self.wanted {
            true => self.too_long + 1,
            false => 0,
        };
        if self.too_short >= RAISE_AFTER {
            (self.wanted, self.too_short) = (enough, 0);
        } else if self.too_long >= LOWER_AFTER {
            (self.wanted, self.too_long) = (ample, 0);
        }
    }
}

impl DelayPolicy {
    fn bounds(self) -> Option<(u32, u32)> {
        match self {
            DelayPolicy::Fixed => None,
            DelayPolicy::Adaptive { least, most } | DelayPolicy::Equalised { least, most } => {
                Some((least, most))
            }
        }
    }

    /// The delay to begin with.
    pub(crate) fn within(self, frames: u32) -> u32 {
        let bounds = self.bounds();
        bounds.map_or(frames, |(least, most)| frames.min(most).max(least))
    }

    /// The bounds are the wrong way round, or beyond what is possible.
    pub(crate) fn impossible(self) -> bool {
        let bounds = self.bounds();
        bounds.is_some_and(|(least, most)| least > most || most > MAX_INPUT_DELAY)
    }
}

impl Engine {
    /// The frames between sampling an input of this player now and its use. Of a remote player what
    /// its peer announced; `None` before it has.
    pub fn input_delay(&self, player: PlayerIndex) -> Option<u32> {
        let delay = self.delays.players.get(player.index())?;
        let known = self.config.local.contains(player) || delay.announced.is_some();
        known.then_some(delay.current)
    }

    /// Changes the delay of a local player, and returns the head with which it begins: late enough
    /// for all peers to be told before. It takes the place of a change that has not begun. Under a
    /// policy other than [`DelayPolicy::Fixed`] it holds until the policy changes it.
    pub fn set_input_delay(
        &mut self,
        player: PlayerIndex,
        frames: u32,
    ) -> Result<Frame, InputError> {
        self.may_author(player)?;
        if frames > MAX_INPUT_DELAY {
            return Err(InputError::Delay {
                found: frames,
                most: MAX_INPUT_DELAY,
            });
        }
        self.announce(player, frames);
        Ok(self.delays.players[player.index()].from)
    }

    /// Our players author from here on; every peer is told with which delays.
    pub(crate) fn announce_delays(&mut self) {
        for player in self.config.local.iter() {
            let end = self.inputs.of(player).end();
            self.delays.players[player.index()].announced = Some(end);
        }
    }

    /// Takes what a peer announced of its players.
    pub(crate) fn hear_delays(&mut self, index: usize, from: PlayerSet, heard: &wire::Delays) {
        for (player, frames) in from.iter().zip(&heard.frames) {
            if !self.links[index].players.contains(player) {
                continue;
            }
            let known = &mut self.delays.players[player.index()];
            known.wanted = u32::from(heard.wanted);
            let frames = u32::from(*frames);
            let first = known.announced.replace(heard.from).is_none();
            if first {
                known.current = frames;
            }
            if first || known.frames != frames {
                self.links[index].stats.delay_changes += u64::from(!first);
                (known.frames, known.from) = (frames, heard.from);
                self.events.push(Event::DelayAnnounced {
                    player,
                    from: heard.from,
                    frames,
                });
            }
        }
    }

    /// The head has moved: begins what is due, and fills the frames that a longer delay leaves
    /// open.
    pub(crate) fn turn_delays(&mut self) {
        let (head, base) = (self.timeline.head(), self.timeline.base());
        for player in (0..self.config.players as u8).map(PlayerIndex) {
            let delay = &self.delays.players[player.index()];
            if delay.current == delay.frames {
                continue;
            }
            let settles = self.presence == Presence::Live && self.may_author(player).is_ok();
            let delay = &mut self.delays.players[player.index()];
            if !self.config.local.contains(player) {
                // Inputs authored under the old delay are all here.
                if base > delay.from + delay.current {
                    delay.current = delay.frames;
                }
                continue;
            }
            // What the host still owes under the old delay comes first.
            let owes = self.inputs.of(player).end() < head + delay.current;
            if head < delay.from || owes || !settles {
                continue;
            }
            delay.current = delay.frames;
            let until = head + delay.current;
            self.fill(player, until);
        }
    }

    /// Goes with the links, if the policy says so.
    pub(crate) fn judge_delays(&mut self) {
        let Some((least, most)) = self.delays.policy.bounds() else {
            return;
        };
        self.delays.ticks = self.delays.ticks.wrapping_add(1);
        if !self.delays.ticks.is_multiple_of(JUDGE_INTERVAL)
            || self.presence != Presence::Live
            || self.sealed.is_some()
        {
            return;
        }
        if let Some(way_us) = self.longest_way_us() {
            let frames = |us: u64| us.div_ceil(self.config.frame_us).try_into().unwrap_or(most);
            let within = |frames: u32| frames.clamp(least, most);
            let enough = within(frames(way_us));
            let ample = within(frames(way_us + self.config.frame_us / 2));
            self.delays.judge(enough, ample);
        }
        let links = self.links.iter().filter(|link| link.counts());
        let remote = links.flat_map(|link| link.players.iter());
        let wanted = remote.map(|player| self.delays.players[player.index()].wanted);
        let others = match self.delays.policy {
            DelayPolicy::Equalised { .. } => wanted.max(),
            DelayPolicy::Adaptive { .. } | DelayPolicy::Fixed => None,
        };
        let (wanted, others) = (self.delays.wanted, others.unwrap_or(0));
        let frames = wanted.max(others).clamp(least, most);
        for player in self.config.local.iter() {
            let delay = &mut self.delays.players[player.index()];
            if (delay.wanted, delay.frames) != (wanted, frames) {
                delay.wanted = wanted;
                self.announce(player, frames);
            }
        }
    }

    fn announce(&mut self, player: PlayerIndex, frames: u32) {
        let way = self.longest_way_us().unwrap_or(0) / self.config.frame_us;
        let ahead = (way as u32).saturating_add(MARGIN).min(MOST_AHEAD);
        let from = self.timeline.head() + ahead;
        self.announce_delays();
        if self.delays.players[player.index()].frames == frames {
            return;
        }
        self.delays.players[player.index()].frames = frames;
        // What has not begun begins with it.
        for player in self.config.local.iter() {
            let delay = &mut self.delays.players[player.index()];
            if delay.current != delay.frames {
                delay.from = from;
            }
        }
        self.delays.players[player.index()].from = from;
        self.counters.delay_changes += 1;
        self.events.push(Event::DelayAnnounced {
            player,
            from,
            frames,
        });
    }

    fn fill(&mut self, player: PlayerIndex, until: Frame) {
        let first = self.inputs.of(player).end();
        let last = self.inputs.of(player).last();
        let input = last.copied().unwrap_or(self.config.default_input);
        let inputs = vec![input; (until - first) as usize];
        for input in &inputs {
            self.enter(player, input.as_slice());
        }
        if !inputs.is_empty() {
            let filled = Event::Filled {
                player,
                first,
                inputs: &[],
            };
            self.events.push_lending(filled, &inputs, &[]);
        }
    }

    /// The time within which an input is usually there at every peer.
    fn longest_way_us(&self) -> Option<u64> {
        let plays = |link: &&Link| link.counts() && !link.players.is_empty();
        let links = self.links.iter().filter(plays);
        links.filter_map(|link| link.clock.usual_way_us()).max()
    }
}
