//! One group's life: MATCHED → VALIDATING → PLAYING → ENDED.

use std::collections::BTreeMap;

use igym_protocol::{
    CloseReason, Digests, Measurement, MemberView, Outcome, ParticipantId, Record, SessionId,
    SessionState,
};

use crate::Millis;
use crate::context::{Context, Exit};
use crate::deadline::Deadline;
use crate::links::Links;
use crate::participant::Page;
use crate::playing::{Phase, Playing};

pub(crate) struct Session {
    pub(crate) id: SessionId,
    pub(crate) scene: u32,
    /// In player order.
    pub(crate) members: Vec<Member>,
    /// The id of its treatment, where the scene has any.
    pub(crate) treatment: Option<String>,
    pub(crate) stage: Stage,
    pub(crate) links: Links,
    /// How many attempts may follow the present one before there is play.
    pub(crate) attempts_left: u32,
    /// What is played once the members are connected and validated.
    pub(crate) next_episode: u32,
    /// The seat of each player in the first episode.
    pub(crate) seating: Vec<usize>,
    /// The slowest of the members' machines, where they were measured.
    pub(crate) slowest: Option<Measurement>,
    /// The environment raised an error: the session ends once its episode is over.
    pub(crate) failed: bool,
    /// Episodes that are over and have no verdict yet, and how they ended.
    pub(crate) unjudged: BTreeMap<u32, CloseReason>,
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
        deadline: Deadline,
    },
    Validating {
        reported: BTreeMap<u8, Digests>,
        deadline: Deadline,
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
        treatment: Option<String>,
        slowest: Option<Measurement>,
    ) -> Self {
        context.effects.record(Record::SessionOpened {
            session: id,
            scene,
            members: members.clone(),
            treatment: treatment.clone(),
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
            treatment,
            stage: Stage::Ended,
            links: Links::default(),
            attempts_left: context.game.connection_attempts.saturating_sub(1),
            next_episode: 0,
            slowest,
            failed: false,
            unjudged: BTreeMap::new(),
        };
        session.connect(context);
        session
    }

    /// A session that has ended.
    pub(crate) fn over(
        id: SessionId,
        scene: u32,
        members: &[ParticipantId],
        treatment: Option<String>,
    ) -> Self {
        let gone = |participant: &ParticipantId| Member {
            participant: *participant,
            presence: Presence::Gone,
        };
        Self {
            id,
            scene,
            members: members.iter().map(gone).collect(),
            treatment,
            stage: Stage::Ended,
            links: Links::default(),
            attempts_left: 0,
            next_episode: 0,
            seating: Vec::new(),
            slowest: None,
            failed: false,
            unjudged: BTreeMap::new(),
        }
    }

    pub(crate) fn player(&self, participant: ParticipantId) -> Option<u8> {
        let mut members = self.members.iter();
        let player = members.position(|member| member.participant == participant)?;
        u8::try_from(player).ok()
    }

    /// When `handle_time` is next needed.
    pub(crate) fn deadline(&self) -> Option<Millis> {
        let (stage, links) = match &self.stage {
            Stage::Connecting { deadline } | Stage::Validating { deadline, .. } => {
                (Some(deadline.moment()), None)
            }
            Stage::Playing(playing) => match playing.phase {
                Phase::Open { .. } => (Some(playing.deadline()), self.links.deadline()),
                Phase::Flushing { .. } => (Some(playing.deadline()), None),
            },
            Stage::Ended => return None,
        };
        let away = self.members.iter().filter_map(Member::away_until);
        away.chain(stage).chain(links).min()
    }

    /// The time of the stage stands still while a member is away.
    pub(crate) fn set_clock(&mut self, now: Millis) {
        let away = self.members.iter().any(|it| it.away_until().is_some());
        let deadline = match &mut self.stage {
            Stage::Connecting { deadline } | Stage::Validating { deadline, .. } => deadline,
            Stage::Playing(playing) => match &mut playing.phase {
                Phase::Open { deadline } => deadline,
                Phase::Flushing { .. } => return,
            },
            Stage::Ended => return,
        };
        match away {
            true => deadline.stand_still(now),
            false => deadline.run(now),
        }
    }

    pub(crate) fn handle_connected(&mut self, context: &mut Context, player: u8, page: Page) {
        self.set_presence(player, Presence::Here);
        match (&self.stage, page) {
            // Signals were lost meanwhile, and links with them if the page was loaded again. As
            // long as others are away, there is nobody to connect to. Nobody failed: it is not
            // counted, and has only the time that is left.
            (Stage::Connecting { .. }, _) if self.all_here() => self.begin_attempt(context),
            // The links are open and live on without the server.
            (Stage::Validating { .. }, Page::Same) => {}
            (Stage::Validating { .. }, Page::New { .. }) => self.validate_new_page(context, player),
            (Stage::Playing(_), Page::Same) => {
                self.mend_links(context);
                self.view_all(context);
            }
            (Stage::Playing(_), Page::New { incarnation }) => {
                self.handle_new_page(context, player, incarnation);
                self.view_all(context);
            }
            (Stage::Connecting { .. } | Stage::Ended, _) => {}
        }
    }

    pub(crate) fn handle_disconnected(&mut self, context: &mut Context, player: u8) {
        let until = context.now + context.game.reconnect_grace;
        self.set_presence(player, Presence::Away { until });
        if matches!(self.stage, Stage::Playing(_)) {
            self.view_all(context);
        }
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
            Stage::Connecting { deadline } if deadline.moment() <= now => {
                self.connect_again(context);
            }
            Stage::Validating { deadline, .. } if deadline.moment() <= now => {
                self.end(context, Exit::Ended(Outcome::ValidationFailed));
            }
            Stage::Playing(_) => self.handle_time_in_play(context),
            Stage::Connecting { .. } | Stage::Validating { .. } | Stage::Ended => {}
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
            Stage::Playing(_) => {
                self.handle_gone_in_play(context);
                self.view_all(context);
            }
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

    /// How each member stands, in player order.
    pub(crate) fn presence(&self, now: Millis, playing: &Playing) -> Vec<MemberView> {
        let view = |(player, member): (u8, &Member)| MemberView {
            connected: member.presence == Presence::Here,
            returns_within_ms: match member.presence {
                Presence::Here => None,
                Presence::Away { until } => Some(until.remaining_ms(now)),
                Presence::Gone => Some(0),
            },
            rejoining: member.presence != Presence::Gone && playing.is_rejoining(player),
        };
        (0..).zip(&self.members).map(view).collect()
    }

    /// Those whose pages are connected.
    pub(crate) fn here(&self) -> Vec<u8> {
        let members = (0..).zip(&self.members);
        let here = members.filter(|(_, member)| member.presence == Presence::Here);
        here.map(|(player, _)| player).collect()
    }

    fn all_here(&self) -> bool {
        self.here().len() == self.members.len()
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

    pub(crate) fn view(&self, context: &mut Context, player: u8) {
        if let Some(member) = self.members.get(usize::from(player)) {
            context.effects.view(member.participant);
        }
    }

    /// Somebody is away until then, and for good without a time. Only for a session that is made
    /// again: nobody comes back who is gone.
    pub(crate) fn set_away(&mut self, player: u8, until: Option<Millis>) {
        if let Some(member) = self.members.get_mut(usize::from(player)) {
            member.presence = until.map_or(Presence::Gone, |until| Presence::Away { until });
        }
    }

    fn set_presence(&mut self, player: u8, presence: Presence) {
        if let Some(member) = self.members.get_mut(usize::from(player))
            && member.presence != Presence::Gone
        {
            member.presence = presence;
        }
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

    pub(crate) fn playing_mut(&mut self) -> Option<&mut Playing> {
        match self {
            Stage::Playing(playing) => Some(playing),
            Stage::Connecting { .. } | Stage::Validating { .. } | Stage::Ended => None,
        }
    }
}
