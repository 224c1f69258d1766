//! MATCHED and VALIDATING: the members' pages connect to each other, then say what they run.

use std::collections::BTreeMap;

use igym_protocol::{
    Digests, Limits, LinkState, Outcome, ParticipantId, Record, Refusal, RefusalCode,
    ServerMessage, SessionState, SignalPayload,
};

use crate::RelayRule;
use crate::context::{Context, Exit};
use crate::deadline::Deadline;
use crate::refusal::{not_now, refuse};
use crate::session::{Session, Stage};

impl Session {
    pub(crate) fn handle_signal(
        &mut self,
        context: &mut Context,
        from: u8,
        to: u8,
        attempt: u32,
        payload: &SignalPayload,
    ) -> Result<(), Refusal> {
        let to = self.partner(context, from, to, attempt)?;
        let message = ServerMessage::Signal {
            session: self.id,
            from,
            attempt,
            payload: payload.clone(),
        };
        context.effects.signal(to, message);
        Ok(())
    }

    pub(crate) fn handle_link(
        &mut self,
        context: &mut Context,
        from: u8,
        to: u8,
        attempt: u32,
        state: &LinkState,
    ) -> Result<(), Refusal> {
        self.partner(context, from, to, attempt)?;
        let link = (from, to);
        let (open, detail) = match state {
            LinkState::Open { local, remote } => (true, format!("{local} to {remote}")),
            LinkState::Failed { reason } => (false, reason.clone()),
        };
        if self.links.is_too_much(link, open) {
            let message = "this link has opened and failed too often: wait for the next attempt";
            return refuse(RefusalCode::TooFast, message);
        }
        if !self.links.report(link, open) {
            return Ok(());
        }
        context.effects.record(Record::LinkReported {
            session: self.id,
            from,
            to,
            attempt,
            open,
            detail: detail.chars().take(Limits::TEXT_CHARS).collect(),
        });
        match &self.stage {
            Stage::Connecting { .. } if open => {
                self.view(context, from);
                self.validate_if_connected(context);
            }
            Stage::Connecting { .. } => self.connect_again(context),
            Stage::Validating { .. } if !open && context.game.relay == RelayRule::Never => {
                self.connect_again(context);
            }
            Stage::Playing(_) => {
                self.handle_link_in_play(context, link, open);
                self.view(context, from);
            }
            Stage::Validating { .. } | Stage::Ended => {}
        }
        Ok(())
    }

    pub(crate) fn handle_validate(
        &mut self,
        context: &mut Context,
        player: u8,
        digests: &Digests,
    ) -> Result<(), Refusal> {
        let texts = [&digests.build, &digests.environment, &digests.study];
        if texts.iter().any(|text| text.len() > Limits::TEXT_CHARS) {
            return refuse(RefusalCode::TooLarge, "a digest is 64 characters");
        }
        let Stage::Validating { reported, .. } = &mut self.stage else {
            return match self.stage {
                // A repetition of what was already accepted.
                Stage::Playing(_) if *digests == context.expected(self.treatment.as_deref()) => {
                    Ok(())
                }
                _ => not_now("the session is not being validated"),
            };
        };
        if context.was_served(&digests.build) {
            let message = "the program was replaced by another version: load this page again";
            return refuse(RefusalCode::Version, message);
        }
        match reported.get(&player) {
            Some(before) if before == digests => return Ok(()),
            Some(_) => return not_now("this page has reported other digests before"),
            None => reported.insert(player, digests.clone()),
        };
        let complete = reported.len() == self.members.len();
        // All are equal to each other where each is equal to what this server gave out.
        let expected = context.expected(self.treatment.as_deref());
        let equal = reported.values().all(|digests| *digests == expected);
        context.effects.record(Record::Validated {
            session: self.id,
            player,
            digests: digests.clone(),
        });
        self.view(context, player);
        match (complete, equal) {
            (false, _) => {}
            (true, true) => {
                self.enter(context, SessionState::Playing);
                self.play(context, self.next_episode);
            }
            (true, false) => self.end(context, Exit::Ended(Outcome::ValidationFailed)),
        }
        Ok(())
    }

    /// The participant at the other end of a link of the present attempt.
    fn partner(
        &self,
        context: &Context,
        from: u8,
        to: u8,
        attempt: u32,
    ) -> Result<ParticipantId, Refusal> {
        let Some(member) = self.members.get(usize::from(to)).filter(|_| to != from) else {
            return refuse(RefusalCode::NotAMember, format!("there is no partner {to}"));
        };
        if matches!(self.stage, Stage::Ended) {
            return not_now("the session is over");
        }
        if context.game.relay == RelayRule::Only {
            return not_now("in this game packets pass through the server alone");
        }
        let present = self.links.attempt();
        if attempt != present {
            return not_now(format!("attempt {present} is the present one"));
        }
        Ok(member.participant)
    }

    /// MATCHED: the pages connect to each other, by a new attempt.
    pub(crate) fn connect(&mut self, context: &mut Context) {
        let closes_at = context.now + context.game.connection_timeout;
        let before = std::mem::replace(
            &mut self.stage,
            Stage::Connecting {
                deadline: Deadline::new(closes_at, context.spare()),
            },
        );
        if !matches!(before, Stage::Connecting { .. }) {
            self.enter(context, SessionState::Matched);
        }
        self.begin_attempt(context);
    }

    /// Once more, if there may be another attempt; else the session goes on without links where
    /// packets can take another way.
    pub(crate) fn connect_again(&mut self, context: &mut Context) {
        match self.attempts_left.checked_sub(1) {
            Some(left) => {
                self.attempts_left = left;
                self.connect(context);
            }
            None if context.game.relay == RelayRule::Never => {
                self.end(context, Exit::Ended(Outcome::ConnectionFailed));
            }
            None => self.validate(context),
        }
    }

    /// Fresh connections to all members, within the time that the stage has.
    pub(crate) fn begin_attempt(&mut self, context: &mut Context) {
        self.number_attempt(context);
        self.view_all(context);
        self.validate_if_connected(context);
    }

    /// Only MATCHED and PLAYING show the number to pages; between the two it waits for PLAYING.
    fn number_attempt(&mut self, context: &mut Context) {
        if context.game.relay != RelayRule::Only {
            let attempt = self.links.begin();
            context.effects.record(Record::ConnectionAttempt {
                session: self.id,
                attempt,
            });
        }
    }

    /// A session is connected when each page has an open link to each other one.
    fn validate_if_connected(&mut self, context: &mut Context) {
        if matches!(self.stage, Stage::Connecting { .. }) && self.is_linked(context) {
            self.validate(context);
        }
    }

    /// Whether all links are there that are to be there.
    pub(crate) fn is_linked(&self, context: &Context) -> bool {
        context.game.relay == RelayRule::Only || self.links.all_open(self.members.len())
    }

    /// VALIDATING: the pages say what they run.
    pub(crate) fn validate(&mut self, context: &mut Context) {
        let closes_at = context.now + context.game.validation_timeout;
        self.stage = Stage::Validating {
            reported: BTreeMap::new(),
            deadline: Deadline::new(closes_at, context.spare()),
        };
        self.enter(context, SessionState::Validating);
        self.view_all(context);
    }

    /// A page was loaded in VALIDATING: it has no links, and has not said what it runs.
    pub(crate) fn validate_new_page(&mut self, context: &mut Context, player: u8) {
        let by_relay = match context.game.relay {
            RelayRule::Only => true,
            RelayRule::Fallback => self.attempts_left == 0,
            RelayRule::Never => false,
        };
        match &mut self.stage {
            // Within the time that is left: who loads it for ever holds nobody for ever.
            Stage::Validating { reported, .. } if by_relay => {
                reported.remove(&player);
                self.number_attempt(context);
                self.view(context, player);
            }
            _ => self.connect_again(context),
        }
    }
}
