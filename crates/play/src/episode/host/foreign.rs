//! An environment behind bytes: one call of its runtime per batch.
//!
//! An environment may fail in a frame that was played with a wrong guess, and never would have with
//! what was really pressed. So a failure is in doubt at first: to the engine the frame is an end, as
//! far as can be told. If it becomes canonical, the environment has failed; if it is taken back, the
//! episode is played again up to there, in an environment made anew.

use std::collections::BTreeSet;

use igym_gym::{
    AgentOutcome, Asset, Description, DrawDelta, Foreign, ForeignError, ForeignErrorKind,
    Operations, Outcome, Picture, Runtime, StepRecord,
};
use igym_protocol::Limits;
use igym_rollback::{Batch, Digest, Input, Request, StepResult};

use crate::episode::screen::Screen;

/// The environment of one peer, what it looks like, and a test's means to make it err.
pub(in crate::episode) struct ForeignHost {
    pub(super) foreign: Foreign,
    seed: u32,
    past: Past,
    /// The frame in which the environment failed, if that frame is to be.
    doubt: Option<(u32, ForeignError)>,
    failure: Option<ForeignError>,
    assets: Vec<Asset>,
    /// Of the current state, if it was drawn.
    picture: Option<Picture>,
    #[cfg(feature = "fault-injection")]
    pub(super) fault_at: Option<u32>,
}

/// What it takes to play the episode again up to a snapshot.
#[derive(Default)]
struct Past {
    /// By frame, the inputs that it was last played with.
    inputs: Vec<Vec<Input>>,
    /// Frames whose states the runtime was asked to keep.
    saved: BTreeSet<u32>,
}

impl ForeignHost {
    /// Starts the episode. If the environment fails at once, it [has failed](Self::failure).
    pub(in crate::episode) fn new(
        description: Description,
        runtime: Box<dyn Runtime>,
        seed: u32,
    ) -> Self {
        let assets = description.assets().to_vec();
        let mut foreign = Foreign::new(description, runtime);
        // Infos and observations of the reset are made again when the episode is exported.
        let failure = foreign.reset(seed).err();
        Self {
            foreign,
            seed,
            past: Past::default(),
            doubt: None,
            failure,
            assets,
            picture: None,
            #[cfg(feature = "fault-injection")]
            fault_at: None,
        }
    }

    pub(super) fn failure(&self) -> Option<&ForeignError> {
        self.failure.as_ref()
    }

    /// A frame is canonical. False if it is the one in which the environment failed: then there is
    /// no such frame.
    pub(super) fn confirm(&mut self, frame: u32) -> bool {
        match self.doubt.take_if(|(failed, _)| *failed == frame) {
            Some((_, error)) => {
                self.failure = Some(error);
                false
            }
            None => true,
        }
    }

    pub(super) fn assets(&self) -> &[Asset] {
        &self.assets
    }

    pub(super) fn has_binding(&self, action: u32) -> bool {
        (action as usize) < self.foreign.description().bindings()
    }

    pub(super) fn input(&self, seat: &[String], action: Option<u32>) -> Vec<u8> {
        let binding = action.map(|action| action as usize);
        self.foreign.description().input(seat, binding)
    }

    /// Nothing if the runtime failed. What the page showed of the last state tells whether it will
    /// show this one too: then it is drawn in the same call.
    pub(super) fn run(&mut self, batch: &mut Batch, screen: &Screen) -> Option<()> {
        let mut operations = Operations::new();
        let mut requests = batch.requests().iter().copied();
        let mut replayed = 0;
        if let Some((_, error)) = self.doubt.take() {
            let Some(Request::Load { frame }) = requests.next() else {
                return self.fail(error);
            };
            if let Err(error) = self.foreign.reset(self.seed) {
                return self.fail(error);
            }
            self.past.replay(frame.0, &mut operations);
            replayed = frame.0 as usize;
        }
        for request in requests {
            self.past.note(request, batch);
            match request {
                Request::Load { frame } => operations.load(frame.0),
                Request::Save { frame } => operations.save(frame.0),
                Request::Step { frame, .. } => operations.step(frame.0, batch.inputs(frame)),
            };
        }
        operations.forget_before(batch.keep_from().0);
        self.past.saved = self.past.saved.split_off(&batch.keep_from().0);
        if screen.is_current() {
            operations.draw(screen.viewer());
        }
        self.picture = None;
        let (answer, done) = self.foreign.run_as_far(&operations);
        let mut error = done.err();
        let mut unanswered = steps(batch).into_iter();
        for record in answer.steps.into_iter().skip(replayed) {
            let frame = unanswered.next()?;
            if let Err(too_large) = check(frame, &record) {
                return self.doubt(batch, frame, too_large);
            }
            #[cfg(feature = "fault-injection")]
            let record = fault::err(record, frame, self.fault_at);
            let terminal = record.terminal;
            batch.answer(StepResult {
                outcome: &record.outcome,
                terminal,
                digest: record.digest.map(Digest),
            });
            if terminal {
                unanswered = Vec::new().into_iter();
            }
        }
        self.keep(answer.pictures);
        match (error.take(), unanswered.next()) {
            (None, _) => Some(()),
            (Some(error), Some(frame)) if is_environments(&error) => {
                self.doubt(batch, frame, error)
            }
            (Some(error), Some(_)) => self.fail(error),
            // All frames were played, and it failed in drawing.
            (Some(error), None) => {
                self.failure = Some(error);
                Some(())
            }
        }
    }

    /// The environment failed in `frame`, if that frame is to be.
    fn doubt(&mut self, batch: &mut Batch, frame: u32, error: ForeignError) -> Option<()> {
        let nothing = |agent: &String| AgentOutcome {
            agent: agent.clone(),
            ..AgentOutcome::default()
        };
        let agents = self.foreign.description().agents();
        let outcome = Outcome {
            agents: agents.iter().map(nothing).collect(),
            terminal: true,
        };
        batch.answer(StepResult {
            outcome: &outcome.encode(),
            terminal: true,
            digest: None,
        });
        self.doubt = Some((frame, error));
        Some(())
    }

    fn fail(&mut self, error: ForeignError) -> Option<()> {
        self.failure = Some(error);
        None
    }

    pub(super) fn show(&mut self, screen: &mut Screen) -> Option<DrawDelta> {
        if self.doubt.is_some() || self.failure.is_some() {
            return None;
        }
        if self.picture.is_none() {
            let mut operations = Operations::new();
            operations.draw(screen.viewer());
            match self.foreign.run(&operations) {
                Ok(answer) => self.keep(answer.pictures),
                Err(error) => self.failure = Some(error),
            }
        }
        Some(screen.show(self.picture.as_ref()?, &self.assets))
    }

    fn keep(&mut self, pictures: Vec<Picture>) {
        for mut picture in pictures {
            if let Some(assets) = picture.assets.take() {
                self.assets = assets;
            }
            self.picture = Some(picture);
        }
    }
}

impl Past {
    fn note(&mut self, request: Request, batch: &Batch) {
        match request {
            Request::Load { frame } => self.go_back(frame.0),
            Request::Save { frame } => {
                self.saved.insert(frame.0);
            }
            Request::Step { frame, .. } => {
                self.inputs.truncate(frame.0 as usize);
                self.inputs.push(batch.inputs(frame).to_vec());
            }
        }
    }

    fn go_back(&mut self, frame: u32) {
        self.inputs.truncate(frame as usize);
        self.saved.split_off(&frame.saturating_add(1));
    }

    /// From frame 0 to `frame`, with the snapshots that there were.
    fn replay(&mut self, frame: u32, operations: &mut Operations) {
        self.go_back(frame);
        for (at, inputs) in (0..frame).zip(&self.inputs) {
            if self.saved.contains(&at) {
                operations.save(at);
            }
            operations.step(at, inputs);
        }
        operations.save(frame);
    }
}

/// The frames that a batch plays.
fn steps(batch: &Batch) -> Vec<u32> {
    let frame = |request: &Request| match request {
        Request::Step { frame, .. } => Some(frame.0),
        Request::Load { .. } | Request::Save { .. } => None,
    };
    batch.requests().iter().filter_map(frame).collect()
}

/// Whether it is the environment's doing, and not that of what runs it.
fn is_environments(error: &ForeignError) -> bool {
    match error.kind {
        ForeignErrorKind::Environment | ForeignErrorKind::State | ForeignErrorKind::Value => true,
        ForeignErrorKind::Setup | ForeignErrorKind::Protocol | ForeignErrorKind::Runtime => false,
    }
}

/// Whether the frame can be uploaded: an upload that is refused would take all later ones with it.
fn check(frame: u32, record: &StepRecord) -> Result<(), ForeignError> {
    let (bytes, most) = (record.outcome.len(), Limits::OUTCOME_BYTES);
    if bytes <= most {
        return Ok(());
    }
    let message = format!(
        "rewards, ends and infos of frame {frame} take {bytes} bytes, at most {most} can be \
         recorded: name the largest infos in omit_infos"
    );
    Err(ForeignError {
        frame: Some(frame),
        ..ForeignError::new(ForeignErrorKind::Value, message)
    })
}

/// The negative control of the parity tests. The state is not within reach, so what would tell of
/// it is changed.
#[cfg(feature = "fault-injection")]
mod fault {
    use igym_gym::{Outcome, StepRecord};

    /// One bit of a reward in the frame `at`, and one bit of every digest from then on.
    pub(super) fn err(mut record: StepRecord, frame: u32, at: Option<u32>) -> StepRecord {
        let Some(at) = at.filter(|at| *at <= frame) else {
            return record;
        };
        if let Some(digest) = &mut record.digest {
            digest[0] ^= 1;
        }
        if let (true, Ok(mut outcome)) = (frame == at, Outcome::decode(&record.outcome)) {
            let mut rewards = outcome
                .agents
                .iter_mut()
                .filter_map(|it| it.reward.as_mut());
            if let Some(reward) = rewards.next() {
                *reward = f64::from_bits(reward.to_bits() ^ 1);
            }
            record.outcome = outcome.encode();
        }
        record
    }
}
