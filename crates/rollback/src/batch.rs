//! What the engine asks of the host in one tick, and what the host answers.

use crate::inputs::Inputs;
use crate::types::{InputList, append};
use crate::{
    CompleteError, Digest, Frame, Input, InputError, LinkId, Micros, PlayerIndex, PlayerSet,
};
use alloc::vec::Vec;

/// The answer of [`Engine::advance`](crate::Engine::advance).
#[derive(Clone, Debug, PartialEq)]
pub enum Advance {
    /// Run the requests in order, then call [`Engine::complete`](crate::Engine::complete).
    Run(Batch),
    /// Nothing to simulate in this tick.
    Wait(Wait),
}

/// Why a tick simulates nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Frame 0 is due later.
    NotStarted {
        /// When it is due, by the host's clock.
        at: Micros,
    },
    /// The host has not given this local player's input for this frame.
    LocalInput {
        /// Whose input is missing.
        player: PlayerIndex,
        /// The frame that wants it.
        frame: Frame,
    },
    /// The head is as far ahead of this player's first missing input as the window allows.
    Window {
        /// Whose input is missing.
        player: PlayerIndex,
        /// The first frame for which it is.
        frame: Frame,
    },
    /// `frame` ended the episode as far as can be told; this player's input is missing to be sure.
    Ending {
        /// The frame that looks like the end.
        frame: Frame,
        /// Whose input is missing.
        player: PlayerIndex,
    },
    /// What an older page load of this peer authored is not known yet: this link has not told, or
    /// has not given back all that its peer holds.
    Rejoining {
        /// The link that owes an answer.
        link: LinkId,
    },
    /// A spectator has seen all that is confirmed: this player's input is not.
    Unconfirmed {
        /// Whose input is missing.
        player: PlayerIndex,
        /// The first frame for which it is.
        frame: Frame,
    },
    /// The engine was [closed](crate::Engine::close), and the local inputs end here.
    Closing,
    /// The episode is over at this peer.
    Sealed,
    /// The last batch has not been completed.
    BatchOpen {
        /// The batch that is open.
        id: u64,
    },
}

/// Requests to be run in order, as one call. A rollback is one batch: a load, then steps and saves
/// up to and including the head. So are up to [`CATCH_UP_FRAMES`](crate::CATCH_UP_FRAMES) frames on
/// which an engine that rejoins catches up.
///
/// Take the requests with [`poll_request`](Batch::poll_request), [`answer`](Batch::answer) each step,
/// and give the batch back to [`Engine::complete`](crate::Engine::complete), which uses its memory
/// again.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    id: u64,
    keep_from: Frame,
    requests: Vec<Request>,
    /// How many requests were taken.
    polled: usize,
    /// The frame of the first step.
    first: Frame,
    players: usize,
    /// Of each step, who is guessed.
    predicted: Vec<PlayerSet>,
    /// The inputs of all steps, one step after the other.
    inputs: InputList,
    answers: Vec<Answer>,
    /// The outcomes of all answers, one after the other.
    outcomes: Vec<u8>,
}

/// One thing for the host to do. The state at frame f is the state before step f.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// Restore the state at `frame`.
    Load {
        /// The frame before whose step the state is taken.
        frame: Frame,
    },
    /// Keep the state at `frame`, in place of one kept before.
    Save {
        /// The frame before whose step the state stands.
        frame: Frame,
    },
    /// Simulate `frame` with [`Batch::inputs`], and [`answer`](Batch::answer).
    Step {
        /// The frame to simulate.
        frame: Frame,
        /// Players whose input is a guess. A host that knows better, because it runs the partner's
        /// policy on the state, puts its own guess in with [`Batch::predict`] before it steps.
        predicted: PlayerSet,
    },
}

/// What came of one [`Request::Step`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepResult<'a> {
    /// Rewards, ends and the like in an encoding of the host's; enters the chain hash.
    pub outcome: &'a [u8],
    /// The episode ends with this frame, if its inputs were right.
    pub terminal: bool,
    /// A digest of the state after the step, where the host makes one; enters the chain hash.
    pub digest: Option<Digest>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Answer {
    terminal: bool,
    digest: Option<Digest>,
    /// Where its outcome ends.
    outcome_end: usize,
}

/// The same requests.
impl PartialEq for Batch {
    fn eq(&self, other: &Batch) -> bool {
        self.id == other.id
            && self.requests == other.requests
            && self.inputs.as_slice() == other.inputs.as_slice()
    }
}

impl Batch {
    /// Counts the engine's batches.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// No snapshot of an earlier frame will be asked for, once this batch has run.
    pub fn keep_from(&self) -> Frame {
        self.keep_from
    }

    /// All requests, for a host that hands them on as one call. Once a step is answered as terminal,
    /// the requests after it are not to be run.
    pub fn requests(&self) -> &[Request] {
        &self.requests
    }

    /// One input per player, in player order, for the step of `frame`; empty if the batch has none.
    pub fn inputs(&self, frame: Frame) -> &[Input] {
        match self.step(frame) {
            Some(step) => &self.inputs.as_slice()[step * self.players..(step + 1) * self.players],
            None => &[],
        }
    }

    /// Puts the host's own guess in place of the engine's, before the step is answered.
    pub fn predict(
        &mut self,
        frame: Frame,
        player: PlayerIndex,
        input: Input,
    ) -> Result<(), InputError> {
        let guessed =
            |step: &usize| *step >= self.answers.len() && self.predicted[*step].contains(player);
        let Some(step) = self.step(frame).filter(guessed) else {
            return Err(InputError::NotPredicted { player, frame });
        };
        let at = step * self.players + player.index();
        self.inputs.as_mut_slice()[at].set(input.as_slice());
        Ok(())
    }

    /// Answers the first step that has no answer yet.
    pub fn answer(&mut self, result: StepResult<'_>) {
        append(&mut self.outcomes, result.outcome);
        self.answers.push(Answer {
            terminal: result.terminal,
            digest: result.digest,
            outcome_end: self.outcomes.len(),
        });
    }

    /// The next request; `None` at the end, and after a step that was answered as terminal.
    pub fn poll_request(&mut self) -> Option<Request> {
        if self.ended() {
            return None;
        }
        let request = self.requests.get(self.polled).copied()?;
        self.polled += 1;
        Some(request)
    }

    /// Begins another batch in the same memory.
    pub(crate) fn begin(&mut self, id: u64, first: Frame, players: usize) {
        self.id = id;
        self.first = first;
        self.players = players;
        self.polled = 0;
        self.requests.clear();
        self.predicted.clear();
        self.inputs.clear();
        self.answers.clear();
        self.outcomes.clear();
    }

    pub(crate) fn ask(&mut self, request: Request) {
        self.requests.push(request);
    }

    /// Asks for a step, whose inputs are [`filled`](Batch::fill) in.
    pub(crate) fn ask_step(&mut self, frame: Frame) {
        let predicted = self.predicted[(frame - self.first) as usize];
        self.requests.push(Request::Step { frame, predicted });
    }

    /// Puts the inputs of all steps in, up to `end`.
    pub(crate) fn fill(&mut self, end: Frame, known: &Inputs) {
        known.fill(self.first..end, &mut self.inputs, &mut self.predicted);
    }

    pub(crate) fn set_keep_from(&mut self, frame: Frame) {
        self.keep_from = frame;
    }

    /// Every step has its answer, up to the first terminal one.
    pub(crate) fn check(&self) -> Result<(), CompleteError> {
        let ended = self.answers.iter().position(|answer| answer.terminal);
        let most = ended.map_or(self.predicted.len(), |last| last + 1);
        let most = most.min(self.predicted.len());
        if self.answers.len() > most {
            return Err(CompleteError::TooMany);
        }
        if self.answers.len() < most {
            let frame = self.first + self.answers.len() as u32;
            return Err(CompleteError::Missing { frame });
        }
        Ok(())
    }

    /// Every answer with its step.
    pub(crate) fn answered(&self) -> impl Iterator<Item = Answered<'_>> {
        let mut outcome_begin = 0;
        self.answers.iter().enumerate().map(move |(step, answer)| {
            let outcome = &self.outcomes[outcome_begin..answer.outcome_end];
            outcome_begin = answer.outcome_end;
            Answered {
                frame: self.first + step as u32,
                inputs: &self.inputs.as_slice()[step * self.players..(step + 1) * self.players],
                predicted: self.predicted[step],
                result: StepResult {
                    outcome,
                    terminal: answer.terminal,
                    digest: answer.digest,
                },
            }
        })
    }

    fn step(&self, frame: Frame) -> Option<usize> {
        let step = frame.0.checked_sub(self.first.0)? as usize;
        (step < self.predicted.len()).then_some(step)
    }

    fn ended(&self) -> bool {
        self.answers.last().is_some_and(|answer| answer.terminal)
    }
}

/// A step that was run.
#[derive(Debug)]
pub(crate) struct Answered<'a> {
    pub(crate) frame: Frame,
    pub(crate) inputs: &'a [Input],
    pub(crate) predicted: PlayerSet,
    pub(crate) result: StepResult<'a>,
}
