//! A toy game: its state depends on every byte of every input so far, and its end on the state, so
//! that wrong guesses lead to ends that are none.

use std::collections::BTreeMap;

use igym_rollback::{Batch, Digest, Frame, Input, PlayerIndex, Request, StepResult};

use crate::rng::mix;

#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub(crate) start: u64,
    /// A frame ends the game with a chance of one in this many.
    pub(crate) end_one_in: u64,
    /// The game has at most this many frames.
    pub(crate) frames: u32,
    pub(crate) digest_interval: u32,
    /// The game ends when the inputs of all players begin with this byte.
    pub(crate) agreed_end: Option<u8>,
    /// This player does what [`Game::policy`] says.
    pub(crate) bot: Option<PlayerIndex>,
    /// After this step a bit of the state is wrong.
    pub(crate) flipped: Option<Frame>,
}

/// What came of a step.
#[derive(Debug, PartialEq)]
pub(crate) struct Step {
    pub(crate) outcome: Vec<u8>,
    pub(crate) terminal: bool,
    pub(crate) digest: Option<Digest>,
}

#[derive(Debug)]
pub(crate) struct Game {
    rules: Rules,
    state: u64,
    /// The frame whose step comes next.
    at: Frame,
    saved: BTreeMap<Frame, u64>,
    /// The host guesses what the bot does.
    pub(crate) guesses: bool,
    /// No state was saved after a step with a guess in the same batch.
    pub(crate) saved_facts: bool,
}

impl Game {
    pub(crate) fn new(rules: Rules) -> Game {
        Game {
            state: rules.start,
            rules,
            at: Frame(0),
            saved: BTreeMap::new(),
            guesses: false,
            saved_facts: true,
        }
    }

    /// Runs a batch as a host must, and checks what the engine promises about it.
    pub(crate) fn run(&mut self, batch: &mut Batch) {
        let (mut begun, mut guessed) = (false, false);
        while let Some(request) = batch.poll_request() {
            match request {
                Request::Load { frame } => {
                    assert!(!begun, "a batch loads once, and first of all");
                    self.state = *self
                        .saved
                        .get(&frame)
                        .expect("the state was saved and kept");
                    self.at = frame;
                }
                Request::Save { frame } => {
                    assert_eq!(frame, self.at, "saves the present");
                    self.saved_facts &= !guessed;
                    self.saved.insert(frame, self.state);
                }
                Request::Step { frame, predicted } => {
                    assert_eq!(frame, self.at, "steps the present");
                    let bot = self.rules.bot.filter(|bot| predicted.contains(*bot));
                    if let Some(bot) = bot.filter(|_| self.guesses) {
                        batch
                            .predict(frame, bot, self.policy())
                            .expect("it is a guess");
                    }
                    guessed |= !predicted.is_empty();
                    let step = self.step(batch.inputs(frame));
                    batch.answer(StepResult {
                        outcome: &step.outcome,
                        terminal: step.terminal,
                        digest: step.digest,
                    });
                }
            }
            begun = true;
        }
        self.saved = self.saved.split_off(&batch.keep_from());
    }

    pub(crate) fn step(&mut self, inputs: &[Input]) -> Step {
        let frame = self.at;
        for input in inputs {
            for byte in input.as_slice() {
                self.state = mix(self.state ^ u64::from(*byte));
            }
            self.state = mix(self.state.wrapping_add(0xff));
        }
        if self.rules.flipped == Some(frame) {
            self.state ^= 1 << 40;
        }
        self.at = frame + 1;
        let chance = mix(self.state).is_multiple_of(self.rules.end_one_in);
        let agreed = |end: u8| inputs.iter().all(|input| input.as_slice()[0] == end);
        let agreed = self.rules.agreed_end.is_some_and(agreed);
        let terminal = chance || agreed || frame.0 + 1 >= self.rules.frames;
        let interval = self.rules.digest_interval;
        let digest = (terminal || (frame.0 + 1).is_multiple_of(interval)).then(|| {
            let mut digest = [0; 16];
            digest[..8].copy_from_slice(&self.state.to_le_bytes());
            Digest(digest)
        });
        Step {
            outcome: self.state.to_le_bytes()[..1 + (self.state % 3) as usize].to_vec(),
            terminal,
            digest,
        }
    }

    /// What a bot does in the next frame.
    pub(crate) fn policy(&self) -> Input {
        Input::new(&[1 + (mix(self.state) % 5) as u8]).unwrap_or_default()
    }

    pub(crate) fn state_at(&self, frame: Frame) -> Option<u64> {
        self.saved.get(&frame).copied()
    }

    pub(crate) fn saved(&self) -> usize {
        self.saved.len()
    }
}

impl Game {
    /// Keeps the present state, as a host keeps its own checkpoints.
    pub(crate) fn keep(&mut self) {
        self.saved.insert(self.at, self.state);
    }
}
