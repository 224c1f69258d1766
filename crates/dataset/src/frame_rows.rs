//! The canonical frames of one episode, played again row by row.

use igym_gym::{AgentOutcome, Outcome, Simulation, Space};
use igym_protocol::{CanonicalRow, EpisodePlan, InputSource};

use crate::column::Cell;
use crate::flat::{Leaf, action_cells, leaves, value_cells};
use crate::foreign_rows;
use crate::hex::hex;
use crate::replay::Replay;
use crate::{Cancel, Environments, EpisodeLog, ResimulationError};

/// The canonical frames of an episode, and what there is to say of each agent.
pub(crate) struct Replayed {
    pub(crate) agents: Vec<String>,
    /// By agent, the columns of what it observed.
    pub(crate) observations: Vec<Vec<Leaf>>,
    /// By agent, the columns of what it did.
    pub(crate) actions: Vec<Vec<Leaf>>,
    pub(crate) rows: Vec<FrameRow>,
}

/// One row: what stood before the frame, what was done, and what came of it.
pub(crate) struct FrameRow {
    pub(crate) kind: &'static str,
    pub(crate) frame: i64,
    /// By agent; empty cells for one that has nothing to observe any more.
    pub(crate) observations: Vec<Option<Vec<Cell>>>,
    pub(crate) actions: Vec<Option<Vec<Cell>>>,
    pub(crate) outcomes: Vec<AgentOutcome>,
    /// By player.
    pub(crate) inputs: Vec<PlayerInput>,
    pub(crate) state_hash: Option<String>,
    pub(crate) chain_hash: Option<String>,
}

/// One player's input of a frame.
pub(crate) struct PlayerInput {
    pub(crate) bytes: String,
    pub(crate) source: Option<&'static str>,
    pub(crate) delay: Option<u8>,
    pub(crate) attested_by: Option<u8>,
}

/// Plays the canonical frames again: the reset row, the frames, and the final row.
pub(crate) fn replay(
    log: &EpisodeLog,
    canonical: &[CanonicalRow],
    environments: &dyn Environments,
) -> Result<Replayed, ResimulationError> {
    let simulation = match Replay::open(&log.plan, environments, &Cancel::default())? {
        Replay::Native(simulation) => simulation,
        Replay::Foreign(mut replay) => {
            let mut watched = Vec::new();
            for row in canonical {
                let inputs: Vec<&[u8]> = row.inputs.iter().map(Vec::as_slice).collect();
                watched.push(replay.watched_step(&inputs)?.1);
            }
            return foreign_rows::rows(replay, watched, log, canonical);
        }
    };
    let env = simulation.env();
    let agents = env.agents().to_vec();
    let each = 0..agents.len();
    Ok(Replayed {
        agents,
        observations: each
            .clone()
            .map(|agent| leaves(env.observation_space(agent)))
            .collect(),
        actions: each
            .map(|agent| native_actions(&log.plan, env.action_space(agent)))
            .collect(),
        rows: rows_of(simulation, log, canonical)?,
    })
}

/// The columns of an action space, with the names that the environment's catalogue gives actions.
fn native_actions(plan: &EpisodePlan, space: &Space) -> Vec<Leaf> {
    let labels: Vec<String> = igym_envs::find(&plan.environment.id)
        .map_or(&[][..], |environment| environment.actions)
        .iter()
        .map(|(number, label)| format!("{number} {label}"))
        .collect();
    let mut leaves = leaves(space);
    if !labels.is_empty() {
        let legend = format!(" ({})", labels.join(", "));
        leaves
            .iter_mut()
            .for_each(|leaf| leaf.about.push_str(&legend));
    }
    leaves
}

fn rows_of(
    mut simulation: Simulation,
    log: &EpisodeLog,
    canonical: &[CanonicalRow],
) -> Result<Vec<FrameRow>, ResimulationError> {
    simulation.reset(log.plan.seed);
    let mut observing = simulation.live().to_vec();
    let mut rows = vec![FrameRow {
        observations: observe(&simulation, &observing)?,
        ..FrameRow::bare("reset", -1)
    }];
    for (frame, row) in (0_u32..).zip(canonical) {
        let observations = observe(&simulation, &observing)?;
        // What an agent sees once its last frame is over is its final observation.
        observing = simulation.live().to_vec();
        let actions = actions(&simulation, &row.inputs);
        let record = simulation.step(&row.inputs);
        let outcome =
            Outcome::decode(&record.outcome).map_err(|error| ResimulationError::Environment {
                reason: format!("an outcome cannot be read back: {error}"),
            })?;
        rows.push(FrameRow {
            observations,
            actions,
            outcomes: outcome.agents,
            ..step_row(log, frame, row)
        });
    }
    if !canonical.is_empty() {
        rows.push(FrameRow {
            observations: observe(&simulation, &observing)?,
            ..FrameRow::bare("final", simulation.frame().into())
        });
    }
    Ok(rows)
}

impl FrameRow {
    /// The cell of an agent's observation with this index, null if it had nothing to observe.
    pub(crate) fn observation(&self, agent: usize, index: usize) -> Cell {
        cell(&self.observations, agent, index)
    }

    /// The cell of an agent's action with this index, null if it did not act.
    pub(crate) fn action(&self, agent: usize, index: usize) -> Cell {
        cell(&self.actions, agent, index)
    }

    pub(crate) fn bare(kind: &'static str, frame: i64) -> Self {
        Self {
            kind,
            frame,
            observations: Vec::new(),
            actions: Vec::new(),
            outcomes: Vec::new(),
            inputs: Vec::new(),
            state_hash: None,
            chain_hash: None,
        }
    }
}

/// What the journal says of a frame.
pub(crate) fn step_row(log: &EpisodeLog, frame: u32, row: &CanonicalRow) -> FrameRow {
    FrameRow {
        inputs: inputs(log, frame),
        state_hash: row.digest.map(|digest| hex(&digest)),
        chain_hash: Some(hex(&row.hash)),
        ..FrameRow::bare("step", frame.into())
    }
}

fn cell(cells: &[Option<Vec<Cell>>], agent: usize, index: usize) -> Cell {
    let cells = cells.get(agent).and_then(Option::as_ref);
    cells
        .and_then(|cells| cells.get(index))
        .cloned()
        .unwrap_or(Cell::Null)
}

fn observe(
    simulation: &Simulation,
    observing: &[bool],
) -> Result<Vec<Option<Vec<Cell>>>, ResimulationError> {
    let env = simulation.env();
    observing
        .iter()
        .enumerate()
        .map(|(agent, observing)| {
            if !observing {
                return Ok(None);
            }
            value_cells(env.observation_space(agent), &env.observe(agent))
                .map(Some)
                .ok_or_else(|| ResimulationError::Environment {
                    reason: format!(
                        "an observation of {} is not of its space",
                        env.agents().get(agent).map_or("an agent", String::as_str)
                    ),
                })
        })
        .collect()
}

fn actions(simulation: &Simulation, inputs: &[Vec<u8>]) -> Vec<Option<Vec<Cell>>> {
    simulation
        .actions(inputs)
        .iter()
        .enumerate()
        .map(|(agent, action)| action_cells(simulation.env().action_space(agent), action.as_ref()?))
        .collect()
}

fn inputs(log: &EpisodeLog, frame: u32) -> Vec<PlayerInput> {
    (0..=u8::MAX)
        .zip(&log.players)
        .filter_map(|(player, _)| {
            let known = log.input(frame, player)?;
            Some(PlayerInput {
                bytes: hex(known.bytes()),
                source: known.source().map(source_name),
                delay: known.delay(),
                attested_by: known.attested_by(),
            })
        })
        .collect()
}

fn source_name(source: InputSource) -> &'static str {
    match source {
        InputSource::Human => "human",
        InputSource::Lead => "lead",
        InputSource::Background => "background",
    }
}

#[cfg(test)]
mod tests {
    use igym_gym::{Action, AgentStep, LoadError, MultiAgentEnv, Rules, Surface, Value};
    use igym_protocol::{
        Controls, Digests, EnvironmentSpec, InputMode, ParticipantId, Prediction, Seat, SessionId,
    };

    use super::*;

    /// Two agents that count frames; the first ends after frame 1, the second after frame 3.
    struct Staggered {
        names: Vec<String>,
        space: Space,
        frame: u32,
    }

    impl MultiAgentEnv for Staggered {
        fn agents(&self) -> &[String] {
            &self.names
        }
        fn action_space(&self, _agent: usize) -> &Space {
            &self.space
        }
        fn observation_space(&self, _agent: usize) -> &Space {
            &self.space
        }
        fn reset(&mut self, _seed: u32) {
            self.frame = 0;
        }
        fn step(&mut self, actions: &[Option<Action>]) -> Vec<AgentStep> {
            let last = [1, 3];
            let frame = self.frame;
            self.frame += 1;
            let step = |(action, last): (&Option<Action>, u32)| {
                let mut step = AgentStep::default();
                if action.is_some() {
                    step.reward = Some(f64::from(frame));
                    step.terminated = Some(frame == last);
                    step.truncated = Some(false);
                    step.info.insert("frame".into(), Value::Int(frame.into()));
                }
                step
            };
            actions.iter().zip(last).map(step).collect()
        }
        fn observe(&self, _agent: usize) -> Value {
            Value::Int(self.frame.into())
        }
        fn save(&self, out: &mut Vec<u8>) {
            out.extend(self.frame.to_le_bytes());
        }
        fn load(&mut self, _bytes: &[u8]) -> Result<(), LoadError> {
            Ok(())
        }
        fn size(&self) -> (u32, u32) {
            (1, 1)
        }
        fn render(&self, _surface: &mut Surface, _viewer: Option<usize>) {}
    }

    fn staggered() -> Simulation {
        let env = Staggered {
            names: vec!["first".into(), "second".into()],
            space: Space::Discrete { n: 6 },
            frame: 0,
        };
        let rules = Rules {
            max_steps: 10,
            digest_interval: 0,
            seats: vec![vec!["first".into()], vec!["second".into()]],
            default_action: 0,
        };
        Simulation::new(Box::new(env), rules).unwrap()
    }

    fn log() -> EpisodeLog {
        let seat = |agent: &str| Seat {
            participant: ParticipantId(uuid::Uuid::nil()),
            agents: vec![agent.to_owned()],
        };
        EpisodeLog::new(
            EpisodePlan {
                session: SessionId(uuid::Uuid::nil()),
                episode: 0,
                episodes: 1,
                seed: 0,
                environment: EnvironmentSpec {
                    id: "staggered".into(),
                    version: "1".into(),
                    config: "{}".into(),
                },
                seats: vec![seat("first"), seat("second")],
                frames_per_second: 30,
                input_delay: 0,
                window_ms: 500,
                max_steps: 10,
                digest_interval: 0,
                prediction: Prediction::Default,
                controls: Controls {
                    mode: InputMode::HeldKeys,
                    bindings: Vec::new(),
                    default_action: 0,
                },
                digests: Digests::default(),
            },
            0,
        )
    }

    #[test]
    fn cells_of_an_agent_that_has_ended_are_null() {
        let mut simulation = staggered();
        simulation.reset(0);
        let mut canonical = Vec::new();
        while !simulation.ended() {
            let inputs = vec![vec![5], vec![4]];
            let record = simulation.step(&inputs);
            canonical.push(CanonicalRow {
                inputs,
                outcome: record.outcome,
                digest: record.digest,
                hash: [0; 16],
            });
        }
        let rows = rows_of(staggered(), &log(), &canonical).ok().unwrap();
        let observed = |row: &FrameRow, agent| row.observation(agent, 0);
        let acted = |row: &FrameRow, agent| row.action(agent, 0);
        let outcome = |row: &FrameRow, agent: usize| {
            let outcome = row.outcomes.get(agent);
            outcome.map(|it| (it.reward, it.terminated, it.info.len()))
        };
        let none = (None, None, 0);

        let kinds: Vec<_> = rows.iter().map(|row| (row.kind, row.frame)).collect();
        let steps = (0..4).map(|frame| ("step", frame));
        let expected: Vec<_> = [("reset", -1)]
            .into_iter()
            .chain(steps)
            .chain([("final", 4)])
            .collect();
        assert_eq!(kinds, expected);

        // Frame 1 is the first agent's last; frame 2 shows what it saw at its end.
        assert_eq!(acted(&rows[2], 0), Cell::Int(5));
        assert_eq!(outcome(&rows[2], 0), Some((Some(1.0), Some(true), 1)));
        assert_eq!(observed(&rows[3], 0), Cell::Int(2));
        assert_eq!(acted(&rows[3], 0), Cell::Null);
        assert_eq!(outcome(&rows[3], 0), Some(none));
        for row in &rows[4..] {
            assert_eq!(observed(row, 0), Cell::Null);
            assert_eq!(acted(row, 0), Cell::Null);
        }
        // The second goes on.
        assert_eq!(acted(&rows[4], 1), Cell::Int(4));
        assert_eq!(outcome(&rows[4], 1), Some((Some(3.0), Some(true), 1)));
        assert_eq!(observed(&rows[5], 1), Cell::Int(4));
    }
}
