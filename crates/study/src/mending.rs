//! Links that break while an episode is played.

use crate::RelayRule;
use crate::context::Context;
use crate::links::Link;
use crate::session::Session;

impl Session {
    /// A link opened or failed in play. Where packets can take another way meanwhile, links are
    /// made anew for as long as it takes; else the episode is cut when one stays broken.
    pub(crate) fn handle_link_in_play(&mut self, context: &Context, link: Link, open: bool) {
        if open {
            self.links.bear_no_more(link);
            if self.is_linked(context) {
                self.links.hold(context.now);
            }
            return;
        }
        self.links.break_up(context.now);
        if context.game.relay == RelayRule::Never {
            let until = context.now + context.game.reconnect_grace;
            self.links.bear(link, until);
        }
    }

    /// Somebody is back: signals were lost meanwhile.
    pub(crate) fn mend_links(&mut self, context: &Context) {
        if !self.is_linked(context) {
            self.links.break_up(context.now);
        }
    }

    /// An episode begins: the present attempt has its time, also after it began.
    pub(crate) fn await_links(&mut self, context: &Context) {
        match self.is_linked(context) {
            true => self.links.hold(context.now),
            false => {
                let timeout = context.game.connection_timeout;
                self.links.let_be();
                self.links.give_time(context.now, timeout);
                self.bear_missing(context);
            }
        }
    }

    pub(crate) fn relink_if_due(&mut self, context: &mut Context) {
        if !self.links.is_due(context.now) {
            return;
        }
        if self.links.missing(&self.here()).is_empty() {
            // Who is not there cannot be reached, and says so when they are back.
            self.links.let_be();
        } else {
            self.links.count_failure();
            self.relink(context);
        }
    }

    /// A new attempt while an episode is played.
    pub(crate) fn relink(&mut self, context: &mut Context) {
        self.begin_attempt(context);
        if self.is_linked(context) {
            return;
        }
        let timeout = context.game.connection_timeout;
        self.links.give_time(context.now, timeout);
        self.bear_missing(context);
    }

    /// Without a relay each link has to be there before long.
    fn bear_missing(&mut self, context: &Context) {
        if context.game.relay != RelayRule::Never {
            return;
        }
        let until = context.now + context.game.connection_timeout + context.game.reconnect_grace;
        let players: Vec<u8> = self.players().collect();
        for link in self.links.missing(&players) {
            self.links.bear(link, until);
        }
    }
}
