//! Playing an episode again from the journal's inputs.

use igym_gym::ForeignError;
use igym_protocol::CanonicalRow;
use igym_rollback::{ChainHash, Digest, Frame, chain};

use crate::replay::{ForeignReplay, Replay, Stop, Watched};
use crate::{Cancel, Environments, EpisodeLog};

/// Why an episode cannot be played again by this program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResimulationError {
    #[error(
        "the episode was played with {environment} {played}, this program has {available}: use \
         the version of igym that served the study"
    )]
    Version {
        environment: String,
        played: String,
        available: String,
    },
    #[error("the episode's environment cannot be built: {reason}")]
    Environment { reason: String },
    /// Nobody waits for it any more.
    #[error("playing the episode again was given up")]
    Cancelled,
}

/// An episode that is played again, frame by frame, for as long as every player's input is known.
pub struct Resimulation<'a> {
    log: &'a EpisodeLog,
    /// None if the environment failed at once.
    replay: Option<Replay>,
    rows: Vec<CanonicalRow>,
    failure: Option<ForeignError>,
    /// What there was to see in each frame, if that is asked for.
    watched: Option<Vec<Watched>>,
    cancel: Cancel,
}

impl<'a> Resimulation<'a> {
    pub fn new(
        log: &'a EpisodeLog,
        environments: &dyn Environments,
    ) -> Result<Self, ResimulationError> {
        Self::until(log, environments, &Cancel::default())
    }

    /// As [`new`](Self::new); once it is cancelled, steps are an error.
    pub fn until(
        log: &'a EpisodeLog,
        environments: &dyn Environments,
        cancel: &Cancel,
    ) -> Result<Self, ResimulationError> {
        let (replay, failure) = match Replay::open(&log.plan, environments, cancel) {
            Ok(replay) => (Some(replay), None),
            Err(Stop::Failed(failure)) => (None, Some(failure)),
            Err(Stop::Impossible(_)) if cancel.is_cancelled() => {
                return Err(ResimulationError::Cancelled);
            }
            Err(Stop::Impossible(error)) => return Err(error),
        };
        Ok(Self {
            log,
            replay,
            rows: Vec::new(),
            failure,
            watched: None,
            cancel: cancel.clone(),
        })
    }

    /// As [`new`](Self::new), and keeps what there is to see in each frame of an environment behind bytes.
    pub(crate) fn watching(
        log: &'a EpisodeLog,
        environments: &dyn Environments,
    ) -> Result<Self, ResimulationError> {
        let watched = Some(Vec::new());
        let new = Self::new(log, environments)?;
        Ok(Self { watched, ..new })
    }

    /// The environment behind bytes after its last frame, and what there was to see in each frame.
    pub(crate) fn into_watched(self) -> Option<(ForeignReplay, Vec<Watched>)> {
        match (self.replay, self.watched) {
            (Some(Replay::Foreign(replay)), Some(watched)) => Some((replay, watched)),
            _ => None,
        }
    }

    /// The frames played so far.
    pub fn rows(&self) -> &[CanonicalRow] {
        &self.rows
    }

    /// Whether the last frame played ended the episode.
    pub fn terminal(&self) -> bool {
        self.replay.as_ref().is_some_and(Replay::ended)
    }

    /// Why the environment could not play the next frame; it ended the episode as it was played, too.
    pub fn failure(&self) -> Option<&ForeignError> {
        self.failure.as_ref()
    }

    /// Every player's input for the next frame, if the episode goes on and all are known.
    pub fn inputs(&self) -> Option<Vec<&'a [u8]>> {
        if self.terminal() || self.failure.is_some() {
            return None;
        }
        let frame = self.replay.as_ref()?.frame();
        (0..self.log.players.len())
            .map(|player| {
                let player = u8::try_from(player).ok()?;
                self.log.input(frame, player).map(|input| input.bytes())
            })
            .collect()
    }

    /// Plays the next frame, if there is one.
    pub fn step(&mut self) -> Result<Option<&CanonicalRow>, ResimulationError> {
        if self.cancel.is_cancelled() {
            return Err(ResimulationError::Cancelled);
        }
        let (Some(inputs), Some(replay)) = (self.inputs(), &mut self.replay) else {
            return Ok(None);
        };
        let frame = replay.frame();
        let played = match (&mut *replay, &mut self.watched) {
            (Replay::Foreign(replay), Some(watched)) => {
                replay.watched_step(&inputs).map(|(record, seen)| {
                    watched.push(seen);
                    record
                })
            }
            (replay, _) => replay.step(&inputs),
        };
        let record = match played {
            Ok(record) => record,
            Err(Stop::Failed(failure)) => {
                self.failure = Some(failure);
                return Ok(None);
            }
            Err(Stop::Impossible(error)) => return Err(error),
        };
        let previous = match self.rows.last() {
            Some(row) => row.hash,
            None => self.log.plan.genesis(),
        };
        let hash = chain(
            ChainHash(previous),
            Frame(frame),
            &inputs,
            &record.outcome,
            record.digest.map(Digest),
        );
        self.rows.push(CanonicalRow {
            inputs: inputs.into_iter().map(<[u8]>::to_vec).collect(),
            outcome: record.outcome,
            digest: record.digest,
            hash: hash.0,
        });
        Ok(self.rows.last())
    }

    pub fn into_rows(self) -> Vec<CanonicalRow> {
        self.rows
    }

    pub(crate) fn take_rows(&mut self) -> Vec<CanonicalRow> {
        std::mem::take(&mut self.rows)
    }
}
