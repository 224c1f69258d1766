//! An environment under the platform's rules: the one code that browser, server and verifier run.

use std::collections::BTreeMap;

use crate::outcome::{AgentOutcome, Outcome};
use crate::{Action, LoadError, MultiAgentEnv};

/// Longest input of one player: the encoded actions of all its agents.
pub const MAX_INPUT_BYTES: usize = 64;

/// What the platform decides about an episode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// The platform truncates the episode after this many frames.
    pub max_steps: u32,
    /// The state is hashed after every this many frames, and after the last one; 0 means only
    /// after the last.
    pub digest_interval: u32,
    /// The agents of each player, by name. An agent of no player never acts.
    pub seats: Vec<Vec<String>>,
    /// What an agent does in a frame whose input is missing or invalid.
    pub default_action: u32,
}

/// Rules that do not fit the environment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    #[error("the environment has no agent {agent:?}; it has {known}")]
    UnknownAgent { agent: String, known: String },
    #[error("agent {0:?} sits in two seats; give it to one player")]
    SharedAgent(String),
    #[error("{action} is not an action of agent {agent:?}; choose another default action")]
    DefaultAction { agent: String, action: u32 },
    #[error("the action space of agent {0:?} is empty or too large")]
    Space(String),
    #[error("the actions of player {player} take {bytes} bytes, the limit is {MAX_INPUT_BYTES}")]
    InputLength { player: usize, bytes: usize },
    #[error("an episode needs at least one frame; set max_steps to 1 or more")]
    NoFrames,
}

/// Why a frame cannot be returned to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    #[error("no snapshot of frame {0} is kept")]
    Missing(u32),
    #[error("the snapshot of frame {frame} was refused: {error}")]
    Refused { frame: u32, error: LoadError },
}

/// What one step gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepRecord {
    /// The encoded [`Outcome`].
    pub outcome: Vec<u8>,
    /// Whether the episode ended with this frame.
    pub terminal: bool,
    /// Of the state after the step, where the rules ask for it.
    pub digest: Option<[u8; 16]>,
}

/// One episode of an environment, with the snapshots that a rollback needs.
///
/// A state "at frame f" is the state before step f, so a fresh one is at frame 0. Steps after the
/// terminal one change nothing.
pub struct Simulation {
    env: Box<dyn MultiAgentEnv>,
    rules: Rules,
    /// Per player, its agents' indices.
    seats: Vec<Vec<usize>>,
    /// Per agent, what it does for want of an input.
    idle: Vec<Action>,
    frame: u32,
    live: Vec<bool>,
    returns: Vec<f64>,
    snapshots: BTreeMap<u32, Snapshot>,
    /// Snapshots let go of, whose buffers are used again.
    spare: Vec<Snapshot>,
    scratch: Vec<u8>,
}

#[derive(Default)]
struct Snapshot {
    state: Vec<u8>,
    live: Vec<bool>,
    returns: Vec<f64>,
}

impl Simulation {
    /// Checks the rules against the environment and resets it with seed 0.
    pub fn new(env: Box<dyn MultiAgentEnv>, rules: Rules) -> Result<Self, SetupError> {
        if rules.max_steps == 0 {
            return Err(SetupError::NoFrames);
        }
        let names = env.agents();
        let mut idle = Vec::with_capacity(names.len());
        let mut lengths = Vec::with_capacity(names.len());
        for (agent, name) in names.iter().enumerate() {
            let space = env.action_space(agent);
            let length = space
                .encoded_len()
                .ok_or_else(|| SetupError::Space(name.clone()))?;
            let action = Action::idle(space, rules.default_action).ok_or_else(|| {
                SetupError::DefaultAction {
                    agent: name.clone(),
                    action: rules.default_action,
                }
            })?;
            lengths.push(length);
            idle.push(action);
        }
        let seats = seat_indices(names, &rules.seats)?;
        for (player, agents) in seats.iter().enumerate() {
            let bytes: usize = agents.iter().map(|agent| lengths[*agent]).sum();
            if bytes > MAX_INPUT_BYTES {
                return Err(SetupError::InputLength { player, bytes });
            }
        }
        let count = names.len();
        let mut simulation = Self {
            env,
            rules,
            seats,
            idle,
            frame: 0,
            live: vec![true; count],
            returns: vec![0.0; count],
            snapshots: BTreeMap::new(),
            spare: Vec::new(),
            scratch: Vec::new(),
        };
        simulation.reset(0);
        Ok(simulation)
    }

    pub fn env(&self) -> &dyn MultiAgentEnv {
        self.env.as_ref()
    }

    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The frame that the next step is.
    pub fn frame(&self) -> u32 {
        self.frame
    }

    /// Each agent's rewards so far, summed in frame order.
    pub fn returns(&self) -> &[f64] {
        &self.returns
    }

    /// Per agent, whether it has not ended.
    pub fn live(&self) -> &[bool] {
        &self.live
    }

    /// Whether the episode has ended.
    pub fn ended(&self) -> bool {
        !self.live.contains(&true)
    }

    /// The environment's saved state.
    pub fn state(&self) -> Vec<u8> {
        let mut state = Vec::new();
        self.env.save(&mut state);
        state
    }

    /// The first 16 bytes of the BLAKE3 hash of the environment's saved state.
    pub fn digest(&self) -> [u8; 16] {
        digest(&self.state())
    }

    /// Starts an episode; drops all snapshots.
    pub fn reset(&mut self, seed: u32) {
        self.env.reset(seed);
        self.frame = 0;
        self.live.fill(true);
        self.returns.fill(0.0);
        self.forget_before(u32::MAX);
    }

    /// One frame, with one input per player. An input that is not exactly one action for each of
    /// the player's agents counts as the default action, and so does one that is missing.
    pub fn step(&mut self, inputs: &[impl AsRef<[u8]>]) -> StepRecord {
        let mut outcome = Outcome {
            agents: self
                .env
                .agents()
                .iter()
                .map(|agent| AgentOutcome {
                    agent: agent.clone(),
                    ..AgentOutcome::default()
                })
                .collect(),
            terminal: true,
        };
        if self.ended() {
            return StepRecord {
                outcome: outcome.encode(),
                terminal: true,
                digest: None,
            };
        }
        let actions = self.actions(inputs);
        let steps = self.env.step(&actions);
        self.frame += 1;
        let out_of_steps = self.frame >= self.rules.max_steps;
        for (agent, (cell, step)) in outcome.agents.iter_mut().zip(steps).enumerate() {
            if !self.live[agent] {
                continue;
            }
            self.returns[agent] += step.reward.unwrap_or(0.0);
            cell.reward = step.reward;
            cell.terminated = step.terminated;
            cell.truncated = step.truncated;
            cell.info = step.info;
            if cell.terminated == Some(true) || cell.truncated == Some(true) {
                self.live[agent] = false;
            }
        }
        if out_of_steps {
            for (cell, live) in outcome.agents.iter_mut().zip(&mut self.live) {
                if *live {
                    cell.truncated = Some(true);
                    cell.platform_truncated = true;
                    *live = false;
                }
            }
        }
        outcome.terminal = self.ended();
        let interval = self.rules.digest_interval;
        let due = interval != 0 && self.frame.is_multiple_of(interval);
        let digest = (due || outcome.terminal).then(|| {
            self.scratch.clear();
            self.env.save(&mut self.scratch);
            digest(&self.scratch)
        });
        StepRecord {
            outcome: outcome.encode(),
            terminal: outcome.terminal,
            digest,
        }
    }

    /// Keeps a snapshot of the state at `frame`, which is the current one.
    pub fn save(&mut self, frame: u32) {
        debug_assert_eq!(frame, self.frame, "only the current frame can be saved");
        let mut snapshot = self.spare.pop().unwrap_or_default();
        snapshot.state.clear();
        self.env.save(&mut snapshot.state);
        snapshot.live.clone_from(&self.live);
        snapshot.returns.clone_from(&self.returns);
        let replaced = self.snapshots.insert(self.frame, snapshot);
        self.spare.extend(replaced);
    }

    /// Returns to a snapshot. Those of later frames are dropped: they are of another past now.
    pub fn load(&mut self, frame: u32) -> Result<(), SnapshotError> {
        let snapshot = self
            .snapshots
            .get(&frame)
            .ok_or(SnapshotError::Missing(frame))?;
        self.env
            .load(&snapshot.state)
            .map_err(|error| SnapshotError::Refused { frame, error })?;
        self.live.clone_from(&snapshot.live);
        self.returns.clone_from(&snapshot.returns);
        self.frame = frame;
        let later = self.snapshots.split_off(&frame.saturating_add(1));
        self.spare.extend(later.into_values());
        Ok(())
    }

    /// Drops the snapshots of frames before `frame`.
    pub fn forget_before(&mut self, frame: u32) {
        let kept = self.snapshots.split_off(&frame);
        let dropped = std::mem::replace(&mut self.snapshots, kept);
        self.spare.extend(dropped.into_values());
    }

    /// Flips one bit of the environment's state, counted from the start of its saved form and
    /// around its end. `false` if the environment refuses the result; then nothing has changed.
    #[cfg(feature = "fault-injection")]
    pub fn fault(&mut self, bit: usize) -> bool {
        let mut state = self.state();
        if state.is_empty() {
            return false;
        }
        let bit = bit % (state.len() * 8);
        state[bit / 8] ^= 1 << (bit % 8);
        self.env.load(&state).is_ok()
    }

    /// What each agent does in the next frame if these are its inputs; `None` for one that has
    /// ended or belongs to no player.
    pub fn actions(&self, inputs: &[impl AsRef<[u8]>]) -> Vec<Option<Action>> {
        let mut actions = vec![None; self.live.len()];
        for (player, agents) in self.seats.iter().enumerate() {
            let input = inputs.get(player).map_or(&[][..], AsRef::as_ref);
            let chosen = self.decode(agents, input);
            for (place, agent) in agents.iter().enumerate() {
                if self.live[*agent] {
                    actions[*agent] = Some(match &chosen {
                        Some(chosen) => chosen[place].clone(),
                        None => self.idle[*agent].clone(),
                    });
                }
            }
        }
        actions
    }

    /// One action for each of a player's agents, ended ones too, or nothing.
    fn decode(&self, agents: &[usize], mut input: &[u8]) -> Option<Vec<Action>> {
        let mut chosen = Vec::with_capacity(agents.len());
        for agent in agents {
            let space = self.env.action_space(*agent);
            let (bytes, rest) = input.split_at_checked(space.encoded_len()?)?;
            chosen.push(Action::decode(space, bytes)?);
            input = rest;
        }
        input.is_empty().then_some(chosen)
    }
}

fn seat_indices(names: &[String], seats: &[Vec<String>]) -> Result<Vec<Vec<usize>>, SetupError> {
    let mut taken = vec![false; names.len()];
    let mut index = |agent: &String| {
        let found = names.iter().position(|name| name == agent).ok_or_else(|| {
            SetupError::UnknownAgent {
                agent: agent.clone(),
                known: names.join(", "),
            }
        })?;
        if std::mem::replace(&mut taken[found], true) {
            return Err(SetupError::SharedAgent(agent.clone()));
        }
        Ok(found)
    };
    seats
        .iter()
        .map(|agents| agents.iter().map(&mut index).collect())
        .collect()
}

fn digest(state: &[u8]) -> [u8; 16] {
    let hash = blake3::hash(state);
    let mut digest = [0; 16];
    digest.copy_from_slice(&hash.as_bytes()[..16]);
    digest
}
