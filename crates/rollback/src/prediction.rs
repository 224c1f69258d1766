//! Guesses for inputs that have not come.

use alloc::sync::Arc;
use core::fmt;

use crate::inputs::Queue;
use crate::{Frame, Input, PlayerIndex};

/// How a missing input is guessed. Peers need not guess alike: a wrong guess costs a rollback and
/// nothing else.
///
/// A strategy that needs the state, such as the policy of a partner that is a bot, belongs to the
/// host: it puts its guess into the batch with [`Batch::predict`](crate::Batch::predict), and what
/// is set here stands where it does not.
#[derive(Clone, Default)]
pub enum Prediction {
    /// The player's newest known input; the default input where there is none.
    #[default]
    RepeatLast,
    /// The default input.
    Default,
    /// The host's own strategy.
    Custom(Arc<dyn Predict>),
}

/// A strategy of the host's: what a player will probably do.
///
/// Any function of a player, a frame and that player's [`PastInputs`] is one.
pub trait Predict: Send + Sync {
    /// The guess for `frame`, which is not before [`PastInputs::end`]. Asked for every missing input
    /// of every frame that is simulated, again whenever a frame is simulated anew.
    fn predict(&self, player: PlayerIndex, frame: Frame, past: PastInputs<'_>) -> Input;
}

impl<F> Predict for F
where
    F: Fn(PlayerIndex, Frame, PastInputs<'_>) -> Input + Send + Sync,
{
    fn predict(&self, player: PlayerIndex, frame: Frame, past: PastInputs<'_>) -> Input {
        self(player, frame, past)
    }
}

/// What is known of one player: its inputs without gaps.
#[derive(Clone, Copy, Debug)]
pub struct PastInputs<'a> {
    queue: &'a Queue,
}

impl<'a> PastInputs<'a> {
    pub(crate) fn of(queue: &'a Queue) -> PastInputs<'a> {
        PastInputs { queue }
    }

    /// The first frame whose input is not known.
    pub fn end(&self) -> Frame {
        self.queue.end()
    }

    /// The input of a frame; `None` from [`end`](PastInputs::end) on, and for frames that were let
    /// go. The last 64 known ones are always there.
    pub fn get(&self, frame: Frame) -> Option<Input> {
        Input::new(self.queue.get(frame)?).ok()
    }

    /// The newest known input.
    pub fn last(&self) -> Option<Input> {
        self.queue.last().copied()
    }
}

impl fmt::Debug for Prediction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Prediction::RepeatLast => "RepeatLast",
            Prediction::Default => "Default",
            Prediction::Custom(_) => "Custom",
        })
    }
}
