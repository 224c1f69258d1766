//! An environment behind bytes: one call of its runtime per batch.

use igym_gym::{
    Asset, Description, DrawDelta, Foreign, ForeignError, ForeignErrorKind, Operations, Picture,
    Runtime, StepRecord,
};
use igym_protocol::Limits;
use igym_rollback::{Batch, Digest, Request, StepResult};

use crate::episode::screen::Screen;

/// The environment of one peer, what it looks like, and a test's means to make it err.
pub(in crate::episode) struct ForeignHost {
    pub(super) foreign: Foreign,
    assets: Vec<Asset>,
    /// Of the current state, if it was drawn.
    picture: Option<Picture>,
    #[cfg(feature = "fault-injection")]
    pub(super) fault_at: Option<u32>,
}

impl ForeignHost {
    /// Starts the episode. If the environment fails at once, it [has failed](Foreign::failure).
    pub(in crate::episode) fn new(
        description: Description,
        runtime: Box<dyn Runtime>,
        seed: u32,
    ) -> Self {
        let assets = description.assets().to_vec();
        let mut foreign = Foreign::new(description, runtime);
        // Infos and observations of the reset are made again when the episode is exported.
        let _ = foreign.reset(seed);
        Self {
            foreign,
            assets,
            picture: None,
            #[cfg(feature = "fault-injection")]
            fault_at: None,
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

    /// Nothing if the environment failed. What the page showed of the last state tells whether it
    /// will show this one too: then it is drawn in the same call.
    pub(super) fn run(&mut self, batch: &mut Batch, screen: &Screen) -> Option<()> {
        let mut operations = Operations::new();
        for request in batch.requests() {
            match request {
                Request::Load { frame } => operations.load(frame.0),
                Request::Save { frame } => operations.save(frame.0),
                Request::Step { frame, .. } => operations.step(frame.0, batch.inputs(*frame)),
            };
        }
        operations.forget_before(batch.keep_from().0);
        if screen.is_current() {
            operations.draw(screen.viewer());
        }
        self.picture = None;
        let answer = self.foreign.run(&operations).ok()?;
        let first = batch.requests().iter().find_map(|request| match request {
            Request::Step { frame, .. } => Some(frame.0),
            Request::Load { .. } | Request::Save { .. } => None,
        });
        for (frame, record) in (first.unwrap_or_default()..).zip(answer.steps) {
            if let Err(error) = check(frame, &record) {
                self.foreign.fail(error);
                return None;
            }
            #[cfg(feature = "fault-injection")]
            let record = fault::err(record, frame, self.fault_at);
            batch.answer(StepResult {
                outcome: &record.outcome,
                terminal: record.terminal,
                digest: record.digest.map(Digest),
            });
        }
        self.keep(answer.pictures);
        Some(())
    }

    pub(super) fn show(&mut self, screen: &mut Screen) -> Option<DrawDelta> {
        if self.picture.is_none() {
            let mut operations = Operations::new();
            operations.draw(screen.viewer());
            let answer = self.foreign.run(&operations).ok()?;
            self.keep(answer.pictures);
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
