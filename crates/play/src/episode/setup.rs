//! From a plan to an episode that is ready to start.

use std::time::Duration;

use igym_gym::{Action, Display, MultiAgentEnv, Rules, Simulation, Surface};
use igym_protocol::{EpisodePlan, Prediction};
use igym_rollback::{
    BuildError, ChainHash, Engine, Epoch, Frame, Incarnation, Input, Micros, PlayerIndex,
};

use super::host::Host;
use super::measure::Measurements;
use super::recorder::Recorder;
use super::{Closing, Episode, Screen};
use crate::keyboard::Keyboard;

/// A plan that this peer cannot play. Studies are checked before they are served, so a participant
/// meets this only if the page and the server are of different builds.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlayError {
    #[error("there is no player {me}: the plan has {players}")]
    NoSuchPlayer { me: u8, players: usize },
    #[error("frames_per_second is 0; give at least 1")]
    FrameRate,
    #[error("no agent of the seat can do action {action} of key binding {label:?}")]
    Binding { action: u32, label: String },
    #[error("the environment cannot be made: {0}")]
    Environment(#[from] igym_envs::CreateError),
    #[error("the plan does not fit the environment: {0}")]
    Rules(#[from] igym_gym::SetupError),
    #[error("the plan does not fit the engine: {0}")]
    Engine(#[from] BuildError),
}

impl Episode {
    /// An episode of `plan` as player `me`, in this page's `incarnation`; frame 0 is due at
    /// `start_at` on the caller's monotonic clock.
    pub fn new(
        plan: &EpisodePlan,
        me: u8,
        incarnation: u32,
        start_at: Micros,
    ) -> Result<Self, PlayError> {
        let env = igym_envs::create(&plan.environment.id, &plan.environment.config)?;
        Self::with_environment(plan, env, me, incarnation, start_at)
    }

    /// The same with an environment that is not in the catalogue.
    pub fn with_environment(
        plan: &EpisodePlan,
        env: Box<dyn MultiAgentEnv>,
        me: u8,
        incarnation: u32,
        start_at: Micros,
    ) -> Result<Self, PlayError> {
        let players = plan.seats.len();
        let seat = plan
            .seats
            .get(usize::from(me))
            .ok_or(PlayError::NoSuchPlayer { me, players })?;
        if plan.frames_per_second == 0 {
            return Err(PlayError::FrameRate);
        }
        let frame_duration = Duration::from_secs(1) / u32::from(plan.frames_per_second);
        let viewer = env
            .agents()
            .iter()
            .position(|agent| seat.agents.contains(agent));
        let (width, height) = env.size();
        let mut surface = Surface::new(width, height);
        env.register_assets(&mut surface);
        let mut simulation = Simulation::new(
            env,
            Rules {
                max_steps: plan.max_steps,
                digest_interval: plan.digest_interval,
                seats: plan.seats.iter().map(|seat| seat.agents.clone()).collect(),
                default_action: plan.controls.default_action,
            },
        )?;
        simulation.reset(plan.seed);
        let default = plan.controls.default_action;
        for binding in &plan.controls.bindings {
            let possible = own_agents(simulation.env(), &seat.agents).any(|agent| {
                Action::idle(simulation.env().action_space(agent), binding.action).is_some()
            });
            if !possible {
                return Err(PlayError::Binding {
                    action: binding.action,
                    label: binding.label.clone(),
                });
            }
        }
        // All peers must agree on it, so it is made for the first seat. A seat with other agents
        // finds it invalid, which the simulation takes for the default action too.
        let first_seat = &plan.seats[0].agents;
        let default_input = input_of(simulation.env(), first_seat, default, default);
        let engine = Engine::builder()
            .players(players)
            .local([PlayerIndex(me)])
            .epoch(Epoch(plan.episode))
            .incarnation(Incarnation(incarnation))
            .frame_duration(frame_duration)
            .input_delay(u32::from(plan.input_delay))
            .window(Duration::from_millis(u64::from(plan.window_ms)))
            .prediction(match plan.prediction {
                Prediction::RepeatLast => igym_rollback::Prediction::RepeatLast,
                Prediction::Default => igym_rollback::Prediction::Default,
            })
            .default_input(default_input)
            .genesis(ChainHash(plan.genesis()))
            .start_at(start_at)
            .build()?;
        let next_input = Frame(engine.lead());
        Ok(Self {
            me: PlayerIndex(me),
            start_at,
            default_input,
            engine,
            host: Host::new(simulation),
            keyboard: Keyboard::new(&plan.controls),
            visible: true,
            next_input,
            recorder: Recorder::new(frame_duration.as_micros() as u64),
            measurements: Measurements::new(players),
            origin: None,
            next_sample_at: Micros(0),
            desync_at: None,
            seal: None,
            closing: Closing::default(),
            screen: Screen {
                surface,
                display: Display::default(),
                viewer,
                current: false,
            },
            plan: plan.clone(),
        })
    }
}

fn own_agents<'a>(
    env: &'a dyn MultiAgentEnv,
    seat: &'a [String],
) -> impl Iterator<Item = usize> + 'a {
    seat.iter()
        .filter_map(|name| env.agents().iter().position(|agent| agent == name))
}

/// The input of a player all of whose agents do `action`; those that cannot do `default`.
pub(super) fn input_of(
    env: &dyn MultiAgentEnv,
    seat: &[String],
    action: u32,
    default: u32,
) -> Input {
    let mut bytes = Vec::new();
    for agent in own_agents(env, seat) {
        let space = env.action_space(agent);
        let chosen = Action::idle(space, action).or_else(|| Action::idle(space, default));
        bytes.extend(
            chosen
                .and_then(|chosen| chosen.encode(space))
                .unwrap_or_default(),
        );
    }
    // A seat without agents still has a say, of one byte that nobody reads.
    Input::new(&bytes).unwrap_or_default()
}
