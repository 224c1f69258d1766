//! One group's life: MATCHED → VALIDATING → PLAYING → ENDED.

use std::collections::{BTreeMap, BTreeSet};

use igym_protocol::{
    Digests, Limits, LinkState, Outcome, ParticipantId, Record, Refusal, RefusalCode,
    ServerMessage, SessionId, SessionState, SignalPayload,
};

use crate::Millis;
use crate::context::{Context, Exit};
use crate::playing::{Phase, Playing};
use crate::refusal::{not_now, refuse};

pub(crate) struct Session {
    pub(crate) id: SessionId,
    pub(crate) scene: u32,
    /// In player order.
    pub(crate) members: Vec<Member>,
    pub(crate) stage: Stage,
    /// The number of the present connection attempt, from 1.
    pub(crate) attempt: u32,
    /// The seat of each player in the first episode.
    pub(crate) seating: Vec<usize>,
}

pub(crate) struct Member {
    pub(crate) participant: ParticipantId,
    presence: Presence,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Presence {
    Here,
    /// Not connected; gone for good after `until`.
    Away {
        until: Millis,
    },
    Gone,
}

pub(crate) enum Stage {
    Connecting {
        /// (from, to): `from` has an open link to `to`.
        linked: BTreeSet<(u8, u8)>,
        closes_at: Millis,
    },
    Validating {
        reported: BTreeMap<u8, Digests>,
        closes_at: Millis,
    },
    Playing(Playing),
    Ended,
}

impl Session {
    /// A session of `members`, all of them connected, who now connect to each other.
    pub(crate) fn open(
        context: &mut Context,
        id: SessionId,
        scene: u32,
        members: Vec<ParticipantId>,
    ) -> Self {
        context.effects.record(Record::SessionOpened {
            session: id,
            scene,
            members: members.clone(),
        });
        let here = |participant| Member {
            participant,
            presence: Presence::Here,
        };
        let mut session = Self {
            id,
            scene,
            seating: Self::seating(context, members.len()),
            members: members.into_iter().map(here).collect(),
            stage: Stage::Ended,
            attempt: 1,
        };
        session.connect(context);
        session
    }

    pub(crate) fn player(&self, participant: ParticipantId) -> Option<u8> {
        let mut members = self.members.iter();
        let player = members.position(|member| member.participant == participant)?;
        u8::try_from(player).ok()
    }

    /// When `handle_time` is next needed.
    pub(crate) fn deadline(&self) -> Option<Millis> {
        let stage = match &self.stage {
            Stage::Connecting { closes_at, .. } | Stage::Validating { closes_at, .. } => {
                Some(*closes_at)
            }
            Stage::Playing(playing) => playing.deadline(),
            Stage::Ended => return None,
        };
        let away = self.members.iter().filter_map(Member::away_until);
        away.chain(stage).min()
    }

    pub(crate) fn handle_connected(&mut self, context: &mut Context, player: u8) {
        self.set_presence(player, Presence::Here);
        match &self.stage {
            // Signals were lost meanwhile, and links with them if the page was loaded again.
            Stage::Connecting { .. } | Stage::Validating { .. } if self.members.len() > 1 => {
                self.connect_again(context);
            }
            Stage::Connecting { .. }
            | Stage::Validating { .. }
            | Stage::Playing(_)
            | Stage::Ended => {}
        }
    }

    pub(crate) fn handle_disconnected(&mut self, context: &Context, player: u8) {
        let until = context.now + context.game.reconnect_grace;
        self.set_presence(player, Presence::Away { until });
    }

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
                self.play(context, 0);
            }
            (true, false) => self.end(context, Exit::Ended(Outcome::ValidationFailed)),
        }
        Ok(())
    }

    /// Somebody leaves on purpose.
    pub(crate) fn handle_left(&mut self, context: &mut Context, player: u8) {
        self.dismiss(context, &[player]);
    }

    pub(crate) fn handle_time(&mut self, context: &mut Context) {
        let now = context.now;
        let away_too_long = |player: &u8| {
            let member = self.members.get(usize::from(*player));
            let until = member.and_then(Member::away_until);
            until.is_some_and(|until| until <= now)
        };
        let lost: Vec<u8> = self.players().filter(away_too_long).collect();
        self.dismiss(context, &lost);
        match &self.stage {
            Stage::Connecting { closes_at, .. } if *closes_at <= now => self.connect_again(context),
            Stage::Validating { closes_at, .. } if *closes_at <= now => {
                self.end(context, Exit::Ended(Outcome::ValidationFailed));
            }
            Stage::Playing(playing) if playing.deadline().is_some_and(|at| at <= now) => {
                self.handle_time_in_play(context);
            }
            Stage::Connecting { .. }
            | Stage::Validating { .. }
            | Stage::Playing(_)
            | Stage::Ended => {}
        }
    }

    /// These are gone for good; the session cannot go on without them.
    pub(crate) fn dismiss(&mut self, context: &mut Context, players: &[u8]) {
        let before = context.exits.len();
        for player in players {
            if let Some(member) = self.members.get_mut(usize::from(*player))
                && member.presence != Presence::Gone
            {
                member.presence = Presence::Gone;
                let left = Exit::Ended(Outcome::Left);
                context.exits.push((member.participant, left));
            }
        }
        if context.exits.len() == before {
            return;
        }
        match &self.stage {
            Stage::Connecting { .. } | Stage::Validating { .. } => {
                self.end(context, Exit::Ended(Outcome::PartnerLeft));
            }
            Stage::Playing(_) => self.handle_gone_in_play(context),
            Stage::Ended => {}
        }
    }

    /// Ends the session; all who are not gone leave it by `exit`.
    pub(crate) fn end(&mut self, context: &mut Context, exit: Exit) {
        self.stage = Stage::Ended;
        self.enter(context, SessionState::Ended);
        for player in self.players() {
            if !self.is_gone(player) {
                let participant = self.members[usize::from(player)].participant;
                context.exits.push((participant, exit));
            }
        }
    }

    pub(crate) fn players(&self) -> impl Iterator<Item = u8> + use<> {
        0..u8::try_from(self.members.len()).unwrap_or(u8::MAX)
    }

    pub(crate) fn is_gone(&self, player: u8) -> bool {
        let member = self.members.get(usize::from(player));
        member.is_none_or(|member| member.presence == Presence::Gone)
    }

    pub(crate) fn enter(&self, context: &mut Context, state: SessionState) {
        let session = self.id;
        context
            .effects
            .record(Record::SessionEntered { session, state });
    }

    pub(crate) fn view_all(&self, context: &mut Context) {
        for player in self.players().filter(|player| !self.is_gone(*player)) {
            self.view(context, player);
        }
    }

    fn view(&self, context: &mut Context, player: u8) {
        if let Some(member) = self.members.get(usize::from(player)) {
            context.effects.view(member.participant);
        }
    }

    fn set_presence(&mut self, player: u8, presence: Presence) {
        if let Some(member) = self.members.get_mut(usize::from(player))
            && member.presence != Presence::Gone
        {
            member.presence = presence;
        }
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

    fn connect(&mut self, context: &mut Context) {
        self.stage = Stage::Connecting {
            linked: BTreeSet::new(),
            closes_at: context.now + context.game.connection_timeout,
        };
        self.enter(context, SessionState::Matched);
        self.view_all(context);
        self.validate_if_connected(context);
    }

    fn connect_again(&mut self, context: &mut Context) {
        if self.attempt >= context.game.connection_attempts {
            self.end(context, Exit::Ended(Outcome::ConnectionFailed));
        } else {
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

impl Member {
    fn away_until(&self) -> Option<Millis> {
        match self.presence {
            Presence::Away { until } => Some(until),
            Presence::Here | Presence::Gone => None,
        }
    }
}

impl Stage {
    pub(crate) fn playing(&self) -> Option<&Playing> {
        match self {
            Stage::Playing(playing) => Some(playing),
            Stage::Connecting { .. } | Stage::Validating { .. } | Stage::Ended => None,
        }
    }

    /// The episode, if it can still be sealed or flushed.
    pub(crate) fn unjudged(&mut self) -> Option<&mut Playing> {
        match self {
            Stage::Playing(playing) if !matches!(playing.phase, Phase::Judging { .. }) => {
                Some(playing)
            }
            Stage::Connecting { .. }
            | Stage::Validating { .. }
            | Stage::Playing(_)
            | Stage::Ended => None,
        }
    }
}
