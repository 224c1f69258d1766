//! An environment in this program.

use igym_gym::{Action, Asset, DrawDelta, MultiAgentEnv, Simulation, Surface};
use igym_rollback::{Batch, Digest, Request, StepResult};

use crate::episode::screen::Screen;

/// The simulation of one peer, its surface, and a test's means to make it err.
pub(in crate::episode) struct NativeHost {
    pub(super) simulation: Simulation,
    surface: Surface,
    #[cfg(feature = "fault-injection")]
    pub(super) fault_at: Option<u32>,
}

impl NativeHost {
    pub(in crate::episode) fn new(simulation: Simulation) -> Self {
        let env = simulation.env();
        let (width, height) = env.size();
        let mut surface = Surface::new(width, height);
        env.register_assets(&mut surface);
        Self {
            simulation,
            surface,
            #[cfg(feature = "fault-injection")]
            fault_at: None,
        }
    }

    pub(super) fn assets(&self) -> &[Asset] {
        self.surface.assets()
    }

    pub(super) fn can(&self, seat: &[String], action: u32) -> bool {
        let env = self.simulation.env();
        own_agents(env, seat).any(|agent| Action::idle(env.action_space(agent), action).is_some())
    }

    /// The input of a player all of whose agents do `action`; those that cannot do the default.
    pub(super) fn input(&self, seat: &[String], action: Option<u32>) -> Vec<u8> {
        let env = self.simulation.env();
        let default = self.simulation.rules().default_action;
        let action = action.unwrap_or(default);
        let mut bytes = Vec::new();
        for agent in own_agents(env, seat) {
            let space = env.action_space(agent);
            let chosen = Action::idle(space, action).or_else(|| Action::idle(space, default));
            let encoded = chosen.and_then(|chosen| chosen.encode(space));
            bytes.extend(encoded.unwrap_or_default());
        }
        bytes
    }

    pub(super) fn run(&mut self, batch: &mut Batch) {
        while let Some(request) = batch.poll_request() {
            match request {
                Request::Load { frame } => self
                    .simulation
                    .load(frame.0)
                    .expect("the engine loads only frames that it had saved and not let go"),
                Request::Save { frame } => {
                    debug_assert_eq!(self.simulation.frame(), frame.0);
                    self.simulation.save(frame.0);
                }
                Request::Step { frame, .. } => {
                    #[cfg(feature = "fault-injection")]
                    if self.fault_at == Some(frame.0) {
                        self.simulation.fault(0);
                    }
                    let record = self.simulation.step(batch.inputs(frame));
                    batch.answer(StepResult {
                        outcome: &record.outcome,
                        terminal: record.terminal,
                        digest: record.digest.map(Digest),
                    });
                }
            }
        }
        self.simulation.forget_before(batch.keep_from().0);
    }

    pub(super) fn show(&mut self, screen: &mut Screen) -> DrawDelta {
        let env = self.simulation.env();
        env.render(&mut self.surface, screen.viewer());
        screen.show_list(&self.surface.commit())
    }
}

fn own_agents<'a>(
    env: &'a dyn MultiAgentEnv,
    seat: &'a [String],
) -> impl Iterator<Item = usize> + 'a {
    seat.iter()
        .filter_map(|name| env.agents().iter().position(|agent| agent == name))
}
