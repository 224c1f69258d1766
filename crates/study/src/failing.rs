//! What an environment that raises an error means for its session.

use igym_protocol::{Limits, Outcome, Record, Refusal};

use crate::context::{Context, Exit};
use crate::playing::Phase;
use crate::refusal::not_now;
use crate::session::{Session, Stage};

impl Session {
    /// The environment raised an error on a member's page. Nobody can go on: an environment
    /// that fails for one fails for all, or has desynchronised. In play the episode is cut, so that
    /// what pages hold is delivered and judged; before play there is nothing to deliver.
    pub(crate) fn handle_failed(
        &mut self,
        context: &mut Context,
        player: u8,
        episode: u32,
        frame: u32,
        message: &str,
    ) -> Result<(), Refusal> {
        if context.game.slowest_rollback.is_none() {
            return not_now("the environment of this session raises no errors");
        }
        let (episode, frame) = match &self.stage {
            Stage::Connecting { .. } | Stage::Validating { .. } => (self.next_episode, 0),
            Stage::Playing(playing) if playing.plan.episode != episode => {
                return not_now(format!("episode {episode} is not the present one"));
            }
            Stage::Playing(playing) if frame > playing.plan.max_steps => {
                return not_now(format!("the episode has no frame {frame}"));
            }
            Stage::Playing(_) => (episode, frame),
            Stage::Ended => return not_now("the session is over"),
        };
        if self.failed {
            return Ok(());
        }
        self.failed = true;
        context.effects.record(Record::EnvironmentFailed {
            session: self.id,
            episode,
            player,
            frame,
            message: message.chars().take(Limits::TEXT_CHARS).collect(),
        });
        match &self.stage {
            Stage::Connecting { .. } | Stage::Validating { .. } => {
                self.end(context, Exit::Ended(Outcome::EnvironmentFailed));
            }
            Stage::Playing(playing) => {
                if matches!(playing.phase, Phase::Open { .. }) {
                    self.begin_cut(context);
                }
            }
            Stage::Ended => {}
        }
        Ok(())
    }
}
