//! What a page that is loaded in the middle of play means for its session.

use igym_protocol::{EpisodePart, Record, Refusal};

use crate::context::Context;
use crate::playing::Phase;
use crate::refusal::not_now;
use crate::session::{Session, Stage};

impl Session {
    /// A new page of a member in PLAYING. No frame is ever authored twice, and a new page does not
    /// know what the page before it authored. So:
    ///
    /// - Of an episode that all have sealed, all is there: the new page waits for the next one.
    /// - In an episode that is being closed, it only brings what its browser kept.
    /// - In the midst of play it brings what its browser kept, then asks for what the journal
    ///   holds, and goes on from there; also where its player has sealed: a partner who lacks their
    ///   last inputs has nobody else to get them from.
    ///
    /// - Where the server gives out another build by now than the one that the others play with, it
    ///   cannot: if its player has sealed, it waits for the next episode, else this one is cut.
    ///
    /// Its links are made anew, which for the others means all of theirs to it.
    pub(crate) fn handle_new_page(&mut self, context: &mut Context, player: u8, incarnation: u32) {
        let Stage::Playing(playing) = &mut self.stage else {
            return;
        };
        let upgraded = playing.plan.digests.build != context.build;
        playing.pages.load(player, incarnation, upgraded);
        let cannot_go_on = matches!(playing.phase, Phase::Open { .. }) && playing.pages.lack_one();
        self.links.forget_failures();
        // It was the page before that these links were missing to.
        self.links.forget_down();
        self.relink(context);
        if cannot_go_on {
            self.begin_cut(context);
        }
    }

    /// A page asks for the inputs of the episode that it was loaded in the middle of. From now on
    /// it may author frames, and what its player's earlier pages still bring no longer counts.
    pub(crate) fn handle_rejoin(
        &mut self,
        context: &mut Context,
        player: u8,
        episode: u32,
    ) -> Result<(), Refusal> {
        if !self.is_open(episode)? {
            return not_now("this episode is over");
        }
        let Stage::Playing(playing) = &mut self.stage else {
            return not_now("no episode is open");
        };
        match (playing.part_of(player), &playing.phase) {
            (EpisodePart::Rejoin, Phase::Open { .. }) => {}
            (EpisodePart::Play, _) => return not_now("this page plays from the first frame on"),
            (EpisodePart::Over | EpisodePart::Rejoin, _) => {
                return not_now("this page has no more part in the episode");
            }
        }
        if let Some(incarnation) = playing.rejoin(player) {
            context.effects.record(Record::EpisodeRejoined {
                session: self.id,
                episode,
                player,
                incarnation,
            });
            self.view_all(context);
        }
        if let Some(member) = self.members.get(usize::from(player)) {
            context
                .effects
                .history(member.participant, self.id, episode);
        }
        Ok(())
    }
}
