//! From a plan to an episode that is ready to start.

use std::time::Duration;

use igym_gym::{Description, ForeignError, MultiAgentEnv, Rules, Runtime, Simulation};
use igym_protocol::{EpisodePlan, Prediction};
use igym_rollback::{
    BuildError, ChainHash, Engine, Epoch, Frame, Incarnation, Input, Micros, PlayerIndex,
};

use super::host::{ForeignHost, Host, NativeHost};
use super::measure::Measurements;
use super::recorder::Recorder;
use super::routes::Routes;
use super::screen::Screen;
use super::{Closing, Episode};
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
    #[error(transparent)]
    Description(#[from] igym_gym::DescriptionError),
    #[error("the plan does not fit the environment: {0}")]
    Rules(#[from] igym_gym::SetupError),
    #[error("the plan does not fit the engine: {0}")]
    Engine(#[from] BuildError),
    #[error("the history is of {found} players; the plan has {players}")]
    HistoryPlayers { found: usize, players: usize },
    #[error(
        "the history has {found} inputs of player {player}; an episode of this plan has at most \
         {most}"
    )]
    HistoryLength {
        player: usize,
        found: usize,
        most: usize,
    },
    #[error(
        "the history's input of player {player} for frame {frame} has {found} bytes; an input has \
         1 to 64"
    )]
    HistoryInput {
        player: usize,
        frame: usize,
        found: usize,
    },
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
        Self::with_environment(plan, env, me, incarnation, start_at, None)
    }

    /// A running episode of `plan`, in which an earlier page of player `me` has played: of each
    /// player the inputs that the journal holds, from frame 0 on without a gap.
    ///
    /// It catches up from `start_at` on, which is now unless play has not begun, and plays once
    /// its partners have told what they hold of the earlier page's inputs; no frame that anybody
    /// holds is authored again. [`Status::rejoining`](crate::Status) says when. It uploads
    /// canonical rows from frame 0 on, its own account of the whole episode, but of inputs only
    /// those that are new: what it authors, and what partners send or give back beyond `history`.
    pub fn rejoin(
        plan: &EpisodePlan,
        me: u8,
        incarnation: u32,
        start_at: Micros,
        history: Vec<Vec<Vec<u8>>>,
    ) -> Result<Self, PlayError> {
        let env = igym_envs::create(&plan.environment.id, &plan.environment.config)?;
        Self::with_environment(plan, env, me, incarnation, start_at, Some(history))
    }

    /// [`new`](Self::new), or [`rejoin`](Self::rejoin) where there is a history, with an
    /// environment that is not in the catalogue.
    pub fn with_environment(
        plan: &EpisodePlan,
        env: Box<dyn MultiAgentEnv>,
        me: u8,
        incarnation: u32,
        start_at: Micros,
        history: Option<Vec<Vec<Vec<u8>>>>,
    ) -> Result<Self, PlayError> {
        let mut simulation = Simulation::new(env, rules(plan))?;
        simulation.reset(plan.seed);
        let host = Host::Native(NativeHost::new(simulation));
        Self::assemble(plan, host, me, incarnation, start_at, history)
    }

    /// [`new`](Self::new), or [`rejoin`](Self::rejoin) where there is a history, with an environment
    /// that is not in this program. `runtime` was opened with what
    /// [`foreign_configuration`](crate::foreign_configuration) gives for the plan; the episode is
    /// begun in it at once. An environment that fails in that gives an episode that
    /// [has failed](Self::failure).
    pub fn foreign(
        plan: &EpisodePlan,
        runtime: Box<dyn Runtime>,
        me: u8,
        incarnation: u32,
        start_at: Micros,
        history: Option<Vec<Vec<Vec<u8>>>>,
    ) -> Result<Self, PlayError> {
        let description = Description::from_config(&plan.environment.config)?;
        description.check(&rules(plan))?;
        let host = ForeignHost::new(description, runtime, plan.seed);
        let host = Host::Foreign(host);
        Self::assemble(plan, host, me, incarnation, start_at, history)
    }

    fn assemble(
        plan: &EpisodePlan,
        host: Host,
        me: u8,
        incarnation: u32,
        start_at: Micros,
        history: Option<Vec<Vec<Vec<u8>>>>,
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
        let history = history
            .map(|history| checked_history(plan, &history))
            .transpose()?;
        let viewer = (host.agents().iter()).position(|agent| seat.agents.contains(agent));
        for binding in &plan.controls.bindings {
            if !host.can(&seat.agents, binding.action) {
                return Err(PlayError::Binding {
                    action: binding.action,
                    label: binding.label.clone(),
                });
            }
        }
        // All peers must agree on it, so it is made for the first seat. A seat with other agents
        // finds it invalid, which the environment takes for the default action too.
        let default_input = host.input(&plan.seats[0].agents, None);
        let known = history.as_ref().map(|history| &history[usize::from(me)]);
        let lead_from = Frame(known.map_or(0, |inputs| inputs.len() as u32));
        let mut builder = Engine::builder()
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
            .snapshots(host.snapshots())
            .keep_hashes(igym_rollback::MAX_KEPT_HASHES)
            .default_input(default_input)
            .genesis(ChainHash(plan.genesis()))
            .start_at(start_at);
        if let Some(history) = history {
            builder = builder.history(history);
        }
        let engine = builder.build()?;
        let next_input = lead_from.max(Frame(engine.lead()));
        let partners = (0..=u8::MAX).take(players).filter(|player| *player != me);
        let screen = Screen::new(viewer, host.assets());
        let mut episode = Self {
            me: PlayerIndex(me),
            start_at,
            default_input,
            engine,
            host,
            routes: Routes::new(partners, frame_duration, start_at),
            keyboard: Keyboard::new(&plan.controls),
            visible: true,
            next_input,
            lead_from: Some(lead_from),
            recorder: Recorder::new(frame_duration.as_micros() as u64),
            measurements: Measurements::new(players),
            origin: None,
            next_sample_at: Micros(0),
            desync_at: None,
            seal: None,
            closing: Closing::default(),
            screen,
            failure_recorded: false,
            plan: plan.clone(),
        };
        let [step, save, load] = TYPICAL_COSTS;
        episode.report_costs(step, save, load);
        Ok(episode)
    }
}

/// Of a small Python environment in a browser, in microseconds, until the host says what it
/// measured: a step, a save, a load.
const TYPICAL_COSTS: [u32; 3] = [400, 120, 200];

/// What the platform decides about the plan's episode: the same for who plays it and who plays it again.
pub fn rules(plan: &EpisodePlan) -> Rules {
    Rules {
        max_steps: plan.max_steps,
        digest_interval: plan.digest_interval,
        seats: plan.seats.iter().map(|seat| seat.agents.clone()).collect(),
        default_action: plan.controls.default_action,
    }
}

/// What the runtime of a foreign environment is to be opened with for the plan, as JSON.
pub fn foreign_configuration(plan: &EpisodePlan) -> Result<String, ForeignError> {
    igym_gym::configuration(&plan.environment.config, &rules(plan))
}

/// The history as the engine takes it, if an episode of the plan can have it.
fn checked_history(
    plan: &EpisodePlan,
    history: &[Vec<Vec<u8>>],
) -> Result<Vec<Vec<Input>>, PlayError> {
    let players = plan.seats.len();
    if history.len() != players {
        return Err(PlayError::HistoryPlayers {
            found: history.len(),
            players,
        });
    }
    let most = plan.most_inputs() as usize;
    let checked = |(player, inputs): (usize, &Vec<Vec<u8>>)| {
        if inputs.len() > most {
            return Err(PlayError::HistoryLength {
                player,
                found: inputs.len(),
                most,
            });
        }
        let input = |(frame, bytes): (usize, &Vec<u8>)| {
            Input::new(bytes).map_err(|_| PlayError::HistoryInput {
                player,
                frame,
                found: bytes.len(),
            })
        };
        inputs.iter().enumerate().map(input).collect()
    };
    history.iter().enumerate().map(checked).collect()
}
