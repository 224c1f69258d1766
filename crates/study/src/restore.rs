//! A study that goes on after its server stopped, from what was written down.

use std::collections::BTreeSet;

use igym_protocol::{Entry, EpisodePlan, SessionId, SessionState};

use crate::context::Context;
use crate::deadline::Deadline;
use crate::links::Links;
use crate::participant::{Participant, Place};
use crate::past::{At, Group, Open, Past, Person};
use crate::playing::{Phase, Playing};
use crate::session::{Session, Stage};
use crate::timers::Timer;
use crate::{GymScene, Millis, Scene, SeatRule, Study, StudyConfig};

/// Why a journal cannot be gone on with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    #[error(
        "the study was changed (its file, or the Python files and packages that come with it) while \
         {under_way} participants are under way: serve it to a new data directory (--data), or \
         serve the study as it was until they have finished"
    )]
    StudyChanged { under_way: usize },
    #[error("the journal does not fit the study: {reason}")]
    Inconsistent { reason: String },
}

impl Study {
    /// The study as `entries`, a journal from its beginning, tell it: everything but uploads, and
    /// of the episodes that are not closed also the seals and flushes.
    ///
    /// Everybody is away, for the usual grace from `now` on. Nothing is recorded again. What was
    /// being judged is asked for again; poll the effects. `seed` must be another than before.
    pub fn restore<'a>(
        now: Millis,
        config: StudyConfig,
        build_digest: String,
        seed: [u8; 32],
        entries: impl IntoIterator<Item = &'a Entry>,
    ) -> Result<Study, RestoreError> {
        let mut past = Past::default();
        for entry in entries {
            past.read(entry);
        }
        let mut study = Study::new(config, build_digest, seed);
        let changed = past.digest.as_ref().is_some_and(|it| *it != study.digest);
        let under_way = past.people.values().filter(|one| one.is_under_way());
        let under_way = under_way.count();
        if changed && under_way > 0 {
            return Err(RestoreError::StudyChanged { under_way });
        }
        past.builds.remove(&study.build);
        study.former_builds = past.builds;
        for (id, group) in &past.sessions {
            study.restore_session(now, past.last, *id, group)?;
        }
        let mut waiting = Vec::new();
        for (who, person) in past.people {
            let place = study.place_of(who, &person)?;
            if let At::Lobby { since, entry } = person.place {
                waiting.push((entry, since, who, person.scene));
            }
            let one = Participant {
                connected: false,
                incarnation: person.incarnation,
                measured: person.measured,
                place,
            };
            study.participants.insert(who, one);
        }
        waiting.sort_unstable();
        for (_, since, who, scene) in waiting {
            let game = game(&study.config, scene)?;
            let (timeout, away) = (game.lobby_timeout, now + game.reconnect_grace);
            let lobby = study.lobbies.entry(scene).or_default();
            lobby.join(since, who, timeout);
            study.set_away(who, scene, Some(away));
        }
        for (id, group) in &past.sessions {
            for episode in group.unjudged.keys() {
                study.effects.judge(*id, *episode);
            }
            let is_over = group.open.as_ref().is_some_and(|open| open.over);
            study.with_session(now, *id, |session, context| match is_over {
                true => session.follow(context),
                false => session.judge_if_delivered(context),
            });
        }
        Ok(study)
    }

    fn place_of(
        &self,
        who: igym_protocol::ParticipantId,
        person: &Person,
    ) -> Result<Place, RestoreError> {
        let scene = person.scene;
        match &person.place {
            At::Page => match self.config.scene(scene) {
                Some(Scene::Start(_)) => Ok(Place::Start { scene }),
                Some(Scene::Gym(_)) => Ok(Place::Instructions { scene }),
                None => inconsistent(format!("there is no scene {scene}")),
            },
            At::Lobby { .. } => Ok(Place::Lobby { scene }),
            At::Session(session) => {
                let player = self.member(who, *session);
                let Some(player) = player else {
                    return inconsistent(format!("{who} is not a member of session {session}"));
                };
                Ok(Place::Session {
                    scene,
                    session: *session,
                    player,
                })
            }
            At::End { outcome, code } => Ok(Place::End {
                outcome: *outcome,
                code: code.clone(),
            }),
        }
    }

    fn restore_session(
        &mut self,
        now: Millis,
        last: Millis,
        id: SessionId,
        group: &Group,
    ) -> Result<(), RestoreError> {
        // One that no scene of the study is for has nobody left in it, or the study was refused.
        if group.state == Some(SessionState::Ended) || self.config.game(group.scene).is_none() {
            let mut session =
                Session::over(id, group.scene, &group.members, group.treatment.clone());
            session.unjudged = group.unjudged.clone();
            self.sessions.insert(id, session);
            return Ok(());
        }
        let mut context = Context {
            now,
            game: game(&self.config, group.scene)?,
            build: &self.build,
            study: &self.digest,
            former_builds: &self.former_builds,
            draws: &mut self.draws,
            effects: &mut self.effects,
            exits: Vec::new(),
        };
        let session = Session::restored(&mut context, last, id, group);
        self.timers.set(Timer::Session(id), session.deadline());
        self.sessions.insert(id, session);
        Ok(())
    }
}

impl Person {
    /// Whether they have seen more of the study than its first page, and not its last.
    fn is_under_way(&self) -> bool {
        match self.place {
            At::Page => self.scene > 0,
            At::Lobby { .. } | At::Session(_) => true,
            At::End { .. } => false,
        }
    }
}

impl Session {
    /// The session as it was, all members away for the usual grace.
    fn restored(context: &mut Context, last: Millis, id: SessionId, group: &Group) -> Session {
        let until = context.now + context.game.reconnect_grace;
        let seating = match (context.game.seats, &group.first) {
            (SeatRule::Random, Some(first)) => seating_of(first, context.game),
            (SeatRule::Fixed | SeatRule::Random | SeatRule::Rotating, _) => {
                Session::seating(context, group.members.len())
            }
        };
        let mut session = Session::over(id, group.scene, &group.members, group.treatment.clone());
        session.seating = seating;
        session.links = Links::restored(group.attempt, group.linked.clone());
        // What the restart broke is not held against the pages.
        session.attempts_left = context.game.connection_attempts;
        session.next_episode = group.next_episode;
        session.slowest = group.slowest;
        session.failed = group.failed;
        session.unjudged = group.unjudged.clone();
        for player in session.players() {
            match group.gone.contains(&player) {
                true => session.set_away(player, None),
                false => session.set_away(player, Some(until)),
            }
        }
        session.stage = match (&group.open, group.state) {
            (Some(open), _) => Stage::Playing(Playing::restored(context, last, group, open)),
            (None, Some(SessionState::Validating)) => {
                let mut reported = group.reported.clone();
                // Their pages have to be loaded again.
                reported.retain(|_, digests| !context.was_served(&digests.build));
                let closes_at = context.now + context.game.validation_timeout;
                Stage::Validating {
                    reported,
                    deadline: Deadline::new(closes_at, context.spare()),
                }
            }
            (None, _) => {
                let closes_at = context.now + context.game.connection_timeout;
                Stage::Connecting {
                    deadline: Deadline::new(closes_at, context.spare()),
                }
            }
        };
        if matches!(session.stage, Stage::Playing(_)) {
            session.await_links(context);
        }
        session.set_clock(context.now);
        session
    }
}

impl Playing {
    /// The episode as it was. Its time stood still while there was no server, and is not up before
    /// all could come back.
    fn restored(context: &Context, last: Millis, group: &Group, open: &Open) -> Playing {
        let until = context.now + context.game.reconnect_grace;
        let starts_at = open.since + context.game.countdown;
        let timeout = context.game.episode_timeout;
        let stood = context.now.since(last).min(timeout);
        let closes_at = until.max(starts_at + timeout + stood);
        let deadline = Deadline::new(closes_at, timeout - stood);
        let mut playing = Playing::new(open.plan.clone(), starts_at, deadline);
        playing.pages = open.pages.clone();
        let short = !group.gone.is_empty() && !playing.all_sealed();
        if open.flushed.is_some() || short || group.failed || playing.pages.lack_one() {
            playing.phase = Phase::Flushing {
                flushed: open.flushed.clone().unwrap_or_default(),
                closes_at: until + context.game.flush_timeout,
            };
        }
        playing
    }
}

/// The seats that were drawn, as the first plan shows them.
fn seating_of(first: &EpisodePlan, game: &GymScene) -> Vec<usize> {
    let mut taken = BTreeSet::new();
    let seat = |agents: &Vec<String>| {
        let mut groups = game.seat_groups.iter().enumerate();
        let found = groups.find(|(seat, group)| *group == agents && !taken.contains(seat));
        let seat = found.map_or(0, |(seat, _)| seat);
        taken.insert(seat);
        seat
    };
    first.seats.iter().map(|it| &it.agents).map(seat).collect()
}

fn game(config: &StudyConfig, scene: u32) -> Result<&GymScene, RestoreError> {
    match config.game(scene) {
        Some(game) => Ok(game),
        None => inconsistent(format!("scene {scene} is not a game")),
    }
}

fn inconsistent<T>(reason: String) -> Result<T, RestoreError> {
    Err(RestoreError::Inconsistent { reason })
}
