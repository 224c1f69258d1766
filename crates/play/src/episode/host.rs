//! Runs the engine's batches on an environment, whatever it is written in.

mod foreign;
mod native;

use igym_gym::{Asset, DrawDelta, ForeignError};
use igym_rollback::{Batch, Input, SnapshotPolicy};

use super::screen::Screen;

pub(super) use foreign::ForeignHost;
pub(super) use native::NativeHost;

/// The environment of one peer.
pub(super) enum Host {
    /// In this program.
    Native(NativeHost),
    /// Behind bytes.
    Foreign(ForeignHost),
}

impl Host {
    /// Every agent, in the environment's order.
    pub(super) fn agents(&self) -> &[String] {
        match self {
            Self::Native(host) => host.simulation.env().agents(),
            Self::Foreign(host) => host.foreign.description().agents(),
        }
    }

    /// Each agent's rewards so far.
    pub(super) fn returns(&self) -> &[f64] {
        match self {
            Self::Native(host) => host.simulation.returns(),
            Self::Foreign(host) => host.foreign.returns(),
        }
    }

    /// What the page must load before it can draw.
    pub(super) fn assets(&self) -> &[Asset] {
        match self {
            Self::Native(host) => host.assets(),
            Self::Foreign(host) => host.assets(),
        }
    }

    /// Why the environment cannot go on.
    pub(super) fn failure(&self) -> Option<&ForeignError> {
        match self {
            Self::Native(_) => None,
            Self::Foreign(host) => host.failure(),
        }
    }

    /// Which states the engine is to ask for: what is saved by a copy of some bytes always is.
    pub(super) fn snapshots(&self) -> SnapshotPolicy {
        match self {
            Self::Native(_) => SnapshotPolicy::EveryFrame,
            Self::Foreign(_) => SnapshotPolicy::Measured,
        }
    }

    /// Whether an agent of the seat can do what a key binding with this `action` means.
    pub(super) fn can(&self, seat: &[String], action: u32) -> bool {
        match self {
            Self::Native(host) => host.can(seat, action),
            Self::Foreign(host) => host.has_binding(action),
        }
    }

    /// The input of a player whose keys mean the `action` of a key binding, or nothing. An agent
    /// that cannot do it does the default.
    pub(super) fn input(&self, seat: &[String], action: Option<u32>) -> Input {
        let bytes = match self {
            Self::Native(host) => host.input(seat, action),
            Self::Foreign(host) => host.input(seat, action),
        };
        // A seat without agents still has a say, of one byte that nobody reads.
        Input::new(&bytes).unwrap_or_default()
    }

    /// A frame is canonical. False if the environment failed in it: then there is no such frame, and
    /// the episode did not end with it.
    pub(super) fn confirm(&mut self, frame: u32) -> bool {
        match self {
            Self::Native(_) => true,
            Self::Foreign(host) => host.confirm(frame),
        }
    }

    /// One call per tick, however far it goes back. Stops at a terminal frame. False if what runs the
    /// environment failed: then the batch cannot be completed.
    pub(super) fn run(&mut self, batch: &mut Batch, screen: &Screen) -> bool {
        match self {
            Self::Native(host) => {
                host.run(batch);
                true
            }
            Self::Foreign(host) => host.run(batch, screen).is_some(),
        }
    }

    /// Draws the current state onto the screen; one that failed draws nothing.
    pub(super) fn show(&mut self, screen: &mut Screen) -> DrawDelta {
        match self {
            Self::Native(host) => host.show(screen),
            Self::Foreign(host) => host.show(screen).unwrap_or_default(),
        }
    }

    #[cfg(feature = "fault-injection")]
    pub(super) fn inject_fault(&mut self, frame: u32) {
        match self {
            Self::Native(host) => host.fault_at = Some(frame),
            Self::Foreign(host) => host.fault_at = Some(frame),
        }
    }
}
