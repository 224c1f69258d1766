//! What the engine tells the host.

use alloc::vec::Vec;
use core::ops::Range;

use crate::types::{InputList, append};
use crate::{ChainHash, Digest, Frame, HashPrefix, Input, LinkId, Micros, PlayerIndex, PlayerSet};

/// Events come in the order in which things happened. Inputs and outcomes are lent until the next
/// one is taken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event<'a> {
    /// A head frame was simulated for the first time: what the player saw, guesses included.
    /// Once per frame, in order; never a fact. An engine that rejoins shows nothing of the frames
    /// that it only catches up on: the first is the one where it begins to play.
    Presented {
        /// The frame that was shown.
        frame: Frame,
        /// One input per player, in player order.
        inputs: &'a [Input],
        /// Players whose input was a guess.
        predicted: PlayerSet,
        /// The time of the tick.
        at: Micros,
    },
    /// Inputs of a remote player arrived for the first time, for `first` and the frames after it.
    /// While an engine rejoins, also inputs of a local player, authored by its older page load: the
    /// peer attests them.
    Received {
        /// The link over which they came.
        link: LinkId,
        /// Whose inputs they are.
        player: PlayerIndex,
        /// The frame of the first of them.
        first: Frame,
        /// One for each frame from there on.
        inputs: &'a [Input],
        /// The time at which they came.
        at: Micros,
    },
    /// A fact: all inputs of the frame are known. Once per frame, in order, from frame 0 on also
    /// where the engine rejoins.
    Confirmed(ConfirmedFrame<'a>),
    /// The batch goes back to frame `to` because this player's input there was guessed wrong.
    Rollback {
        /// The first frame that was guessed wrong.
        to: Frame,
        /// Frames from there to the head.
        depth: u32,
        /// Whose input was guessed wrong.
        player: PlayerIndex,
    },
    /// The head cannot move: this player's inputs are missing.
    Stalled {
        /// Whose inputs are missing.
        player: PlayerIndex,
    },
    /// No longer stalled.
    Resumed,
    /// The peer at the other end computed another history: `frame` is the first that differs.
    /// Once per link and page load of the peer; play goes on.
    Desync {
        /// The first frame that differs.
        frame: Frame,
        /// The peer with the other history.
        link: LinkId,
        /// Our hash of that frame. Of one that is long past only two bytes are known, and the others are zero.
        ours: HashPrefix,
        /// The peer's, likewise.
        theirs: HashPrefix,
    },
    /// The input delay of a player changes: inputs are sampled for `frames` after the head from
    /// head `from` on. Also when a remote player's delay is heard for the first time.
    DelayAnnounced {
        /// Whose delay changes.
        player: PlayerIndex,
        /// The head with which the change begins.
        from: Frame,
        /// The new delay, in frames.
        frames: u32,
    },
    /// A longer input delay of a local player left `first` and the frames after it open: the engine
    /// authored these, the player's newest input again. They are final, as if the host had given
    /// them.
    Filled {
        /// Whose inputs they are.
        player: PlayerIndex,
        /// The frame of the first of them.
        first: Frame,
        /// One for each frame from there on.
        inputs: &'a [Input],
    },
    /// The terminal frame is confirmed: this peer's episode is closed.
    Sealed {
        /// The terminal frame.
        last_frame: Frame,
        /// The chain hash of that frame.
        hash: ChainHash,
    },
    /// After [`Engine::resync`](crate::Engine::resync): frames from this one on are confirmed a second
    /// time, and count instead of those before.
    Resynced {
        /// The first frame that is computed anew.
        from: Frame,
    },
    /// After [`Engine::close`](crate::Engine::close): all that can be confirmed is, and the peers have
    /// all that they need from here for the same.
    Closed {
        /// The last frame that was confirmed; `None` if none was.
        last_frame: Option<Frame>,
        /// The chain hash of that frame, the genesis where there is none.
        hash: ChainHash,
    },
}

/// A frame that will never change again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConfirmedFrame<'a> {
    /// The frame that was confirmed.
    pub frame: Frame,
    /// Every player's input, in player order.
    pub inputs: &'a [Input],
    /// The host's outcome of it.
    pub outcome: &'a [u8],
    /// The host's digest of the state after it, if it made one.
    pub digest: Option<Digest>,
    /// The chain hash h(frame).
    pub hash: ChainHash,
    /// Players whose input had been guessed wrong when the frame was presented.
    pub predicted_wrong: PlayerSet,
    /// The time of the tick in which the frame was first simulated.
    pub first_simulated_at: Micros,
    /// Frames gone back by the deepest rollback that simulated this frame anew; 0 for none.
    pub rollback_depth: u32,
}

impl Event<'_> {
    /// What the event lends: inputs, and the outcome of a confirmed frame.
    pub fn lent(&self) -> (&[Input], &[u8]) {
        match self {
            Event::Presented { inputs, .. }
            | Event::Received { inputs, .. }
            | Event::Filled { inputs, .. } => (inputs, &[]),
            Event::Confirmed(frame) => (frame.inputs, frame.outcome),
            Event::Rollback { .. }
            | Event::Stalled { .. }
            | Event::Resumed
            | Event::Desync { .. }
            | Event::DelayAnnounced { .. }
            | Event::Sealed { .. }
            | Event::Resynced { .. }
            | Event::Closed { .. } => (&[], &[]),
        }
    }

    /// The same event, lending these instead: for a host that keeps events with copies of its own.
    pub fn lending<'b>(self, inputs: &'b [Input], outcome: &'b [u8]) -> Event<'b> {
        match self {
            Event::Presented {
                frame,
                predicted,
                at,
                ..
            } => Event::Presented {
                frame,
                inputs,
                predicted,
                at,
            },
            Event::Received {
                link,
                player,
                first,
                at,
                ..
            } => Event::Received {
                link,
                player,
                first,
                inputs,
                at,
            },
            Event::Confirmed(frame) => Event::Confirmed(ConfirmedFrame {
                frame: frame.frame,
                inputs,
                outcome,
                digest: frame.digest,
                hash: frame.hash,
                predicted_wrong: frame.predicted_wrong,
                first_simulated_at: frame.first_simulated_at,
                rollback_depth: frame.rollback_depth,
            }),
            Event::Rollback { to, depth, player } => Event::Rollback { to, depth, player },
            Event::Stalled { player } => Event::Stalled { player },
            Event::Resumed => Event::Resumed,
            Event::Desync {
                frame,
                link,
                ours,
                theirs,
            } => Event::Desync {
                frame,
                link,
                ours,
                theirs,
            },
            Event::DelayAnnounced {
                player,
                from,
                frames,
            } => Event::DelayAnnounced {
                player,
                from,
                frames,
            },
            Event::Filled { player, first, .. } => Event::Filled {
                player,
                first,
                inputs,
            },
            Event::Sealed { last_frame, hash } => Event::Sealed { last_frame, hash },
            Event::Resynced { from } => Event::Resynced { from },
            Event::Closed { last_frame, hash } => Event::Closed { last_frame, hash },
        }
    }
}

impl<'a> Event<'a> {
    fn lend(&mut self, lent: &'a [Input], bytes: &'a [u8]) {
        match self {
            Event::Presented { inputs, .. }
            | Event::Received { inputs, .. }
            | Event::Filled { inputs, .. } => *inputs = lent,
            Event::Confirmed(frame) => (frame.inputs, frame.outcome) = (lent, bytes),
            Event::Rollback { .. }
            | Event::Stalled { .. }
            | Event::Resumed
            | Event::Desync { .. }
            | Event::DelayAnnounced { .. }
            | Event::Sealed { .. }
            | Event::Resynced { .. }
            | Event::Closed { .. } => {}
        }
    }
}

/// The events that the host has not taken. Their inputs and outcomes are held apart, in memory that
/// is used again once all are taken.
#[derive(Debug, Default)]
pub(crate) struct Events {
    queue: Vec<Queued>,
    /// How many were taken.
    taken: usize,
    inputs: InputList,
    outcomes: Vec<u8>,
}

/// An event, and where what it lends begins and ends.
#[derive(Debug)]
struct Queued {
    event: Event<'static>,
    inputs: Range<u32>,
    outcome: Range<u32>,
}

impl Events {
    pub(crate) fn push(&mut self, event: Event<'static>) {
        self.push_lending(event, &[], &[]);
    }

    /// An event that will lend these; it is given without, so that it need not be made twice.
    #[inline]
    pub(crate) fn push_lending(&mut self, event: Event<'static>, inputs: &[Input], outcome: &[u8]) {
        if self.len() == 0 {
            self.taken = 0;
            self.queue.clear();
            self.inputs.clear();
            self.outcomes.clear();
        }
        let begin = (self.inputs.as_slice().len(), self.outcomes.len());
        self.inputs.extend(inputs);
        append(&mut self.outcomes, outcome);
        let end = (self.inputs.as_slice().len(), self.outcomes.len());
        self.queue.push(Queued {
            event,
            inputs: begin.0 as u32..end.0 as u32,
            outcome: begin.1 as u32..end.1 as u32,
        });
    }

    pub(crate) fn pop(&mut self) -> Option<Event<'_>> {
        let queued = self.queue.get(self.taken)?;
        self.taken += 1;
        let range = |range: &Range<u32>| range.start as usize..range.end as usize;
        let inputs = &self.inputs.as_slice()[range(&queued.inputs)];
        let mut event: Event<'_> = queued.event;
        event.lend(inputs, &self.outcomes[range(&queued.outcome)]);
        Some(event)
    }

    pub(crate) fn len(&self) -> usize {
        self.queue.len() - self.taken
    }
}
