//! Playing an episode again from the journal's inputs.

use igym_gym::{Rules, Simulation};
use igym_protocol::{CanonicalRow, EpisodePlan};
use igym_rollback::{ChainHash, Digest, Frame, chain};

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

/// An episode that is played again, frame by frame, for as long as every player's input is known.
pub struct Resimulation<'a> {
    log: &'a EpisodeLog,
    simulation: Simulation,
    rows: Vec<CanonicalRow>,
}

impl<'a> Resimulation<'a> {
    pub fn new(log: &'a EpisodeLog) -> Result<Self, ResimulationError> {
        let mut simulation = simulation(&log.plan)?;
        simulation.reset(log.plan.seed);
        Ok(Self {
            log,
            simulation,
            rows: Vec::new(),
        })
    }

    /// The environment and its state before the next frame.
    pub fn simulation(&self) -> &Simulation {
        &self.simulation
    }

    /// The frames played so far.
    pub fn rows(&self) -> &[CanonicalRow] {
        &self.rows
    }

    /// Whether the last frame played ended the episode.
    pub fn terminal(&self) -> bool {
        self.simulation.ended()
    }

    /// Every player's input for the next frame, if the episode goes on and all are known.
    pub fn inputs(&self) -> Option<Vec<&'a [u8]>> {
        if self.terminal() {
            return None;
        }
        let frame = self.simulation.frame();
        (0..self.log.players.len())
            .map(|player| {
                let player = u8::try_from(player).ok()?;
                self.log.input(frame, player).map(|input| input.bytes())
            })
            .collect()
    }

    /// Plays the next frame, if there is one.
    pub fn step(&mut self) -> Option<&CanonicalRow> {
        let inputs = self.inputs()?;
        let frame = self.simulation.frame();
        let record = self.simulation.step(&inputs);
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
        self.rows.last()
    }

    pub fn into_rows(self) -> Vec<CanonicalRow> {
        self.rows
    }
}

/// The simulation that every peer of the plan's episode ran, before it is reset.
pub(crate) fn simulation(plan: &EpisodePlan) -> Result<Simulation, ResimulationError> {
    let spec = &plan.environment;
    let impossible = |reason: String| ResimulationError::Environment { reason };
    let available = igym_envs::find(&spec.id).map_err(|error| impossible(error.to_string()))?;
    if available.version != spec.version {
        return Err(ResimulationError::Version {
            environment: spec.id.clone(),
            played: spec.version.clone(),
            available: available.version.to_owned(),
        });
    }
    let environment =
        igym_envs::create(&spec.id, &spec.config).map_err(|error| impossible(error.to_string()))?;
    let rules = Rules {
        max_steps: plan.max_steps,
        digest_interval: plan.digest_interval,
        seats: plan.seats.iter().map(|seat| seat.agents.clone()).collect(),
        default_action: plan.controls.default_action,
    };
    Simulation::new(environment, rules).map_err(|error| impossible(error.to_string()))
}
