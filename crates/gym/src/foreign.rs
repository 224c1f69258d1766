//! An environment that is not in this program: behind bytes, whatever it is written in.

use crate::foreign_answer::{self, Answer, Observations, Standing};
use crate::{Description, ForeignError, Operations};

/// Runs one environment that is not in this program. `python/README.md` says byte by byte what goes
/// in and what comes out ("Batch", "Answer").
///
/// Nothing here fails: an error is a part of the answer. A runtime whose interpreter is gone answers
/// with [`ForeignError::answer`](crate::ForeignError::answer).
pub trait Runtime: Send {
    /// Starts an episode.
    fn reset(&mut self, seed: u32) -> Vec<u8>;

    /// Does what a batch ([`Operations::bytes`](crate::Operations::bytes)) asks for, in its order.
    fn run(&mut self, batch: &[u8]) -> Vec<u8>;
}

/// One episode of an environment behind a [`Runtime`], which was opened with what
/// [`configuration`](crate::configuration) gives.
///
/// The first error ends the episode: from then on every call gives the same one, until the next
/// reset.
pub struct Foreign {
    description: Description,
    runtime: Box<dyn Runtime>,
    standing: Standing,
    failure: Option<ForeignError>,
}

impl Foreign {
    /// Before its first reset.
    pub fn new(description: Description, runtime: Box<dyn Runtime>) -> Self {
        let agents = description.agents().len();
        Self {
            description,
            runtime,
            standing: Standing {
                returns: vec![0.0; agents],
                live: vec![true; agents],
                ..Standing::default()
            },
            failure: None,
        }
    }

    pub fn description(&self) -> &Description {
        &self.description
    }

    /// The frame that the next step is.
    pub fn frame(&self) -> u32 {
        self.standing.frame
    }

    /// Each agent's rewards so far, summed in frame order.
    pub fn returns(&self) -> &[f64] {
        &self.standing.returns
    }

    /// Per agent, whether it is there and has not ended.
    pub fn live(&self) -> &[bool] {
        &self.standing.live
    }

    /// Whether the episode has ended.
    pub fn ended(&self) -> bool {
        self.standing.ended
    }

    /// What went wrong since the last reset.
    pub fn failure(&self) -> Option<&ForeignError> {
        self.failure.as_ref()
    }

    /// Starts an episode; drops all snapshots. Returns what the agents see at first, and the infos of
    /// the reset, a map by agent.
    pub fn reset(&mut self, seed: u32) -> Result<[Observations; 2], ForeignError> {
        self.failure = None;
        let answer = self.runtime.reset(seed);
        let read = foreign_answer::read_reset(&answer, self.description.agents());
        self.take(read)
    }

    /// Does what is asked for, in one call of the runtime. After an error nothing of the answer
    /// counts.
    pub fn run(&mut self, operations: &Operations) -> Result<Answer, ForeignError> {
        let (answer, done) = self.run_as_far(operations);
        done.map(|()| answer)
    }

    /// As [`run`](Self::run), with what was done before an error.
    pub fn run_as_far(&mut self, operations: &Operations) -> (Answer, Result<(), ForeignError>) {
        if let Some(failure) = &self.failure {
            return (Answer::default(), Err(failure.clone()));
        }
        let answer = self.runtime.run(operations.bytes());
        let agents = self.description.agents();
        let (answer, standing) = foreign_answer::read(&answer, operations, agents);
        let done = self.take(standing.map(|standing| ((), standing)));
        (answer, done)
    }

    fn take<T>(&mut self, read: Result<(T, Standing), ForeignError>) -> Result<T, ForeignError> {
        match read {
            Ok((answer, standing)) => {
                self.standing = standing;
                Ok(answer)
            }
            Err(error) => {
                self.failure = Some(error.clone());
                Err(error)
            }
        }
    }
}
