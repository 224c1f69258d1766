//! Runs the engine's batches on a simulation.

use igym_gym::Simulation;
use igym_rollback::{Batch, Digest, Request, StepResult};

/// The simulation of one peer, and a test's means to make it err.
pub(super) struct Host {
    pub(super) simulation: Simulation,
    #[cfg(feature = "fault-injection")]
    pub(super) fault_at: Option<u32>,
}

impl Host {
    pub(super) fn new(simulation: Simulation) -> Self {
        Self {
            simulation,
            #[cfg(feature = "fault-injection")]
            fault_at: None,
        }
    }

    /// One call per tick, however far it goes back. Stops at a terminal frame.
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
}
