//! MATCHED and VALIDATING: the members' pages connect to each other, then say what they run.

use std::collections::{BTreeMap, BTreeSet};

use igym_protocol::{
    Digests, Limits, LinkState, Outcome, ParticipantId, Record, Refusal, RefusalCode,
    ServerMessage, SessionState, SignalPayload,
};

use crate::context::{Context, Exit};
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
        let to = self.partner(from, to, attempt)?;
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
        self.partner(from, to, attempt)?;
        let grace = context.now + context.game.reconnect_grace;
        let link = (from, to);
        let news = match (&mut self.stage, state) {
            (Stage::Connecting { linked, .. }, LinkState::Open { .. }) => linked.insert(link),
            (Stage::Connecting { .. } | Stage::Validating { .. }, LinkState::Failed { .. }) => true,
            (Stage::Playing(playing), LinkState::Open { .. }) => playing.link_open(link),
            (Stage::Playing(playing), LinkState::Failed { .. }) => playing.link_failed(link, grace),
            (Stage::Validating { .. } | Stage::Ended, _) => false,
        };
        if !news {
            return Ok(());
        }
        let (open, detail) = match state {
            LinkState::Open { local, remote } => (true, format!("{local} to {remote}")),
            LinkState::Failed { reason } => (false, reason.clone()),
        };
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
            Stage::Connecting { .. } | Stage::Validating { .. } => self.connect_again(context),
            Stage::Playing(_) | Stage::Ended => {}
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
                Stage::Playing(_) if *digests == context.expected() => Ok(()),
                _ => not_now("the session is not being validated"),
            };
        };
        match reported.get(&player) {
            Some(before) if before == digests => return Ok(()),
            Some(_) => return not_now("this page has reported other digests before"),
            None => reported.insert(player, digests.clone()),
        };
        let complete = reported.len() == self.members.len();
        // All are equal to each other where each is equal to what this server gave out.
        let expected = context.expected();
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
    fn partner(&self, from: u8, to: u8, attempt: u32) -> Result<ParticipantId, Refusal> {
        let Some(member) = self.members.get(usize::from(to)).filter(|_| to != from) else {
            return refuse(RefusalCode::NotAMember, format!("there is no partner {to}"));
        };
        if matches!(self.stage, Stage::Ended) {
            return not_now("the session is over");
        }
        if attempt != self.attempt {
            return not_now(format!("attempt {} is the present one", self.attempt));
        }
        Ok(member.participant)
    }

    pub(crate) fn connect(&mut self, context: &mut Context) {
        self.stage = Stage::Connecting {
            linked: BTreeSet::new(),
            closes_at: context.now + context.game.connection_timeout,
        };
        self.enter(context, SessionState::Matched);
        self.view_all(context);
        self.validate_if_connected(context);
    }

    pub(crate) fn connect_again(&mut self, context: &mut Context) {
        if self.attempts_left == 0 {
            self.end(context, Exit::Ended(Outcome::ConnectionFailed));
        } else {
            self.attempts_left -= 1;
            self.attempt += 1;
            self.connect(context);
        }
    }

    /// A session is connected when each page has an open link to each other one.
    fn validate_if_connected(&mut self, context: &mut Context) {
        let Stage::Connecting { linked, .. } = &self.stage else {
            return;
        };
        let players = self.members.len();
        if linked.len() < players * (players - 1) {
            return;
        }
        self.stage = Stage::Validating {
            reported: BTreeMap::new(),
            closes_at: context.now + context.game.validation_timeout,
        };
        self.enter(context, SessionState::Validating);
        self.view_all(context);
    }
}
