//! The host's part of a batch, where its state is a value that can be cloned.

use alloc::collections::VecDeque;

use crate::{Batch, Frame, Input, Request, StepResult};

/// A state, and those of earlier frames that a rollback can need, for a host whose state is cheap to clone and
/// that makes no digests. Any other host takes the [requests](Batch::poll_request) itself.
#[derive(Clone, Debug, Default)]
pub struct States<S> {
    /// The state before the next step.
    pub now: S,
    /// Ascending.
    saved: VecDeque<(Frame, S)>,
}

impl<S: Clone> States<S> {
    /// With the state of the first frame.
    pub fn new(now: S) -> States<S> {
        States {
            now,
            saved: VecDeque::new(),
        }
    }

    /// Runs all requests of a batch, which is then ready for [`Engine::complete`](crate::Engine::complete).
    /// `step` plays a frame with one input per player, in player order; it returns the frame's outcome (see
    /// [`StepResult::outcome`]) and whether the episode ends with it.
    ///
    /// # Panics
    ///
    /// If a state is to be loaded that was not saved here, which no batch asks for but the first of an engine
    /// with a [checkpoint](crate::Builder::checkpoint) or after a [resync](crate::Engine::resync).
    pub fn run<O: AsRef<[u8]>>(
        &mut self,
        batch: &mut Batch,
        mut step: impl FnMut(&mut S, &[Input]) -> (O, bool),
    ) {
        while let Some(request) = batch.poll_request() {
            match request {
                Request::Load { frame } => {
                    let found = self.saved.binary_search_by_key(&frame, |(saved, _)| *saved);
                    let found = found.expect("the state of the frame was saved here");
                    self.saved.truncate(found + 1);
                    self.now.clone_from(&self.saved[found].1);
                }
                Request::Save { frame } => self.saved.push_back((frame, self.now.clone())),
                Request::Step { frame, .. } => {
                    let (outcome, terminal) = step(&mut self.now, batch.inputs(frame));
                    batch.answer(StepResult {
                        outcome: outcome.as_ref(),
                        terminal,
                        digest: None,
                    });
                }
            }
        }
        while let Some((frame, _)) = self.saved.front()
            && *frame < batch.keep_from()
        {
            self.saved.pop_front();
        }
    }
}
