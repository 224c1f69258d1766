//! The environment of an episode that is played again.

use igym_gym::{
    Description, Details, Foreign, ForeignError, ForeignErrorKind, Observations, Operations,
    Simulation, StepRecord,
};
use igym_protocol::EpisodePlan;

use crate::environments::FOREIGN;
use crate::{Cancel, Environments, ResimulationError};

/// At frame 0, or wherever it was played to.
pub(crate) enum Replay {
    Native(Simulation),
    Foreign(ForeignReplay),
}

/// An environment behind bytes, and what it said of frame 0.
pub(crate) struct ForeignReplay {
    pub(crate) foreign: Foreign,
    pub(crate) seats: Vec<Vec<String>>,
    /// What the agents saw at first, and the infos of the reset, a map by agent.
    pub(crate) begun: [Observations; 2],
}

/// What there was to see in a frame.
pub(crate) struct Watched {
    /// By agent, before the frame.
    pub(crate) live: Vec<bool>,
    pub(crate) details: Details,
}

/// Why an episode goes no further.
pub(crate) enum Stop {
    /// The environment failed, as it did when it was played.
    Failed(ForeignError),
    Impossible(ResimulationError),
}

impl Replay {
    /// The environment that every peer of the plan's episode had, at frame 0.
    pub(crate) fn open(
        plan: &EpisodePlan,
        environments: &dyn Environments,
        cancel: &Cancel,
    ) -> Result<Self, Stop> {
        if plan.environment.id != FOREIGN {
            let mut simulation = simulation(plan).map_err(Stop::Impossible)?;
            simulation.reset(plan.seed);
            return Ok(Self::Native(simulation));
        }
        ForeignReplay::open(plan, environments, cancel).map(Self::Foreign)
    }

    /// The frame that the next step is.
    pub(crate) fn frame(&self) -> u32 {
        match self {
            Self::Native(simulation) => simulation.frame(),
            Self::Foreign(replay) => replay.foreign.frame(),
        }
    }

    /// Whether the last frame played ended the episode.
    pub(crate) fn ended(&self) -> bool {
        match self {
            Self::Native(simulation) => simulation.ended(),
            Self::Foreign(replay) => replay.foreign.ended(),
        }
    }

    pub(crate) fn step(&mut self, inputs: &[&[u8]]) -> Result<StepRecord, Stop> {
        match self {
            Self::Native(simulation) => Ok(simulation.step(inputs)),
            Self::Foreign(replay) => {
                let mut operations = Operations::new();
                operations.step(replay.foreign.frame(), inputs);
                let answer = replay.foreign.run(&operations).map_err(stop)?;
                only(answer.steps)
            }
        }
    }
}

impl ForeignReplay {
    fn open(
        plan: &EpisodePlan,
        environments: &dyn Environments,
        cancel: &Cancel,
    ) -> Result<Self, Stop> {
        let description = Description::from_config(&plan.environment.config).map_err(impossible)?;
        let configuration = igym_play::foreign_configuration(plan).map_err(impossible)?;
        let runtime = environments
            .open(&plan.environment, &configuration, cancel)
            .map_err(impossible)?;
        let mut foreign = Foreign::new(description, runtime);
        let begun = foreign.reset(plan.seed).map_err(stop)?;
        Ok(Self {
            foreign,
            seats: igym_play::rules(plan).seats,
            begun,
        })
    }

    /// A step, and all that is known about it.
    pub(crate) fn watched_step(&mut self, inputs: &[&[u8]]) -> Result<(StepRecord, Watched), Stop> {
        let live = self.foreign.live().to_vec();
        let mut operations = Operations::detailed();
        operations.step(self.foreign.frame(), inputs);
        let answer = self.foreign.run(&operations).map_err(stop)?;
        let details = only(answer.details)?;
        Ok((only(answer.steps)?, Watched { live, details }))
    }
}

/// What the environment did wrong is a part of the episode; what its runtime did wrong is not.
fn stop(error: ForeignError) -> Stop {
    match error.kind {
        ForeignErrorKind::Environment | ForeignErrorKind::State | ForeignErrorKind::Value => {
            Stop::Failed(error)
        }
        ForeignErrorKind::Setup | ForeignErrorKind::Protocol | ForeignErrorKind::Runtime => {
            impossible(error)
        }
    }
}

fn impossible(reason: impl ToString) -> Stop {
    Stop::Impossible(ResimulationError::Environment {
        reason: reason.to_string(),
    })
}

fn only<T>(mut things: Vec<T>) -> Result<T, Stop> {
    things
        .pop()
        .ok_or_else(|| impossible("a step gave nothing"))
}

impl From<Stop> for ResimulationError {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Impossible(error) => error,
            Stop::Failed(error) => Self::Environment {
                reason: error.to_string(),
            },
        }
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
    Simulation::new(environment, igym_play::rules(plan))
        .map_err(|error| impossible(error.to_string()))
}
