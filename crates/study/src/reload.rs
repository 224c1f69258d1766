//! What a page that is loaded in the middle of play means for its session.

use crate::context::Context;
use crate::playing::Phase;
use crate::session::{Session, Stage};

impl Session {
    /// The one rule for a new page of a member in PLAYING. No frame is ever authored twice, and
    /// a new page does not know what the page before it authored. So:
    ///
    /// - Of an episode that its player has sealed, all is there: the new page waits for the next
    ///   one, before which all connect again.
    /// - In an episode that is being cut, it has nothing to deliver.
    /// - An episode in the midst of play cannot be rejoined. The player has left it, with
    ///   everything that this means for the others.
    pub(crate) fn handle_new_page(&mut self, context: &mut Context, player: u8) {
        let Stage::Playing(playing) = &mut self.stage else {
            return;
        };
        match playing.phase {
            Phase::Open { .. } if !playing.is_sealed_by(player) => {
                self.dismiss(context, &[player]);
            }
            Phase::Open { .. } | Phase::Judging { .. } => playing.new_page(player),
            Phase::Flushing { .. } => {
                playing.new_page(player);
                playing.flushed(player);
                self.judge_if_delivered(context);
            }
        }
    }

    /// Opens the next episode by way of MATCHED and VALIDATING: pages are there that the others
    /// have no links to.
    pub(crate) fn connect_new_pages(&mut self, context: &mut Context, episode: u32) {
        self.next_episode = episode;
        self.attempts_left = context.game.connection_attempts;
        self.connect_again(context);
    }
}
