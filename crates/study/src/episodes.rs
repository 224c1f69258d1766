//! The episodes of a session: plans, seals, cuts, verdicts.

use std::collections::BTreeSet;

use igym_protocol::{CloseReason, EpisodePlan, Judgement, Outcome, Record, Refusal, Seat};

use crate::context::{Context, Exit};
use crate::deadline::Deadline;
use crate::effect::Effects;
use crate::playing::{Phase, Playing};
use crate::refusal::not_now;
use crate::session::{Session, Stage};
use crate::speed::window;
use crate::{RelayRule, SeatRule, Seeds};

impl Session {
    /// The seat of each player in the first episode.
    pub(crate) fn seating(context: &mut Context, players: usize) -> Vec<usize> {
        match context.game.seats {
            SeatRule::Fixed | SeatRule::Rotating => (0..players).collect(),
            SeatRule::Random => context.draws.order(players),
        }
    }

    /// Opens an episode.
    pub(crate) fn play(&mut self, context: &mut Context, episode: u32) {
        let plan = self.plan(context, episode);
        context
            .effects
            .record(Record::EpisodeOpened { plan: plan.clone() });
        let starts_at = context.now + context.game.countdown;
        let timeout = context.game.episode_timeout;
        let deadline = Deadline::new(starts_at + timeout, timeout);
        self.stage = Stage::Playing(Playing::new(plan, starts_at, deadline));
        self.links.forget_down();
        self.await_links(context);
        self.view_all(context);
    }

    pub(crate) fn handle_seal(
        &mut self,
        context: &mut Context,
        player: u8,
        incarnation: u32,
        episode: u32,
    ) -> Result<(), Refusal> {
        if self.is_open(episode)?
            && let Some(playing) = self.stage.playing_mut()
            && playing.pages.counts(player, incarnation)
        {
            let part = playing.part_of(player);
            playing.seal(player, incarnation);
            // A page that was to rejoin brought the seal of the one before it.
            if playing.part_of(player) != part {
                self.view_all(context);
            }
            self.judge_if_delivered(context);
        }
        Ok(())
    }

    pub(crate) fn handle_flushed(
        &mut self,
        context: &mut Context,
        player: u8,
        incarnation: u32,
        episode: u32,
    ) -> Result<(), Refusal> {
        if self.is_open(episode)?
            && let Some(playing) = self.stage.playing_mut()
        {
            if !playing.flush() {
                return not_now("nobody asked for a flush");
            }
            if playing.pages.counts(player, incarnation) && playing.flushed(player) {
                self.judge_if_delivered(context);
            }
        }
        Ok(())
    }

    /// The verdict on an episode that is over. Nothing in the session waits for it, or depends on it.
    pub(crate) fn handle_judged(
        &mut self,
        effects: &mut Effects,
        episode: u32,
        judgement: Judgement,
    ) {
        if let Some(reason) = self.unjudged.remove(&episode) {
            effects.record(Record::EpisodeClosed {
                session: self.id,
                episode,
                reason,
                judgement,
            });
        }
    }

    /// The next episode, in which pages that were loaded in this one must be validated first, and
    /// links that broke be made anew if nothing else carries packets.
    fn go_on(&mut self, context: &mut Context, episode: u32) {
        let new_pages = self.stage.playing().is_some_and(Playing::has_new_pages);
        self.next_episode = episode;
        self.attempts_left = context.game.connection_attempts;
        if context.game.relay == RelayRule::Never && !self.is_linked(context) {
            self.connect_again(context);
        } else if new_pages {
            self.validate(context);
        } else {
            self.play(context, episode);
        }
    }

    /// Somebody is gone for good while an episode is open.
    pub(crate) fn handle_gone_in_play(&mut self, context: &mut Context) {
        let Some(playing) = self.stage.playing() else {
            return;
        };
        match playing.phase {
            Phase::Open { .. } => self.begin_cut(context),
            Phase::Flushing { .. } => self.judge_if_delivered(context),
        }
    }

    /// Something in play may be due.
    pub(crate) fn handle_time_in_play(&mut self, context: &mut Context) {
        let Some(playing) = self.stage.playing() else {
            return;
        };
        let is_over = playing.deadline() <= context.now;
        match playing.phase {
            Phase::Open { .. } if is_over || self.links.is_lost(context.now) => {
                self.begin_cut(context);
            }
            Phase::Open { .. } => self.relink_if_due(context),
            Phase::Flushing { .. } if is_over => {
                let missing = |player: &u8| !playing.delivered(*player) && !self.is_gone(*player);
                let missing: Vec<u8> = self.players().filter(missing).collect();
                // Where nobody left and the episode stood still, a page that does not answer is
                // the reason, though its connection may look alive.
                if !self.failed && !self.players().any(|player| self.is_gone(player)) {
                    self.dismiss(context, &missing);
                }
                self.judge(context);
            }
            Phase::Flushing { .. } => {}
        }
    }

    pub(crate) fn begin_cut(&mut self, context: &mut Context) {
        let closes_at = context.now + context.game.flush_timeout;
        if let Stage::Playing(playing) = &mut self.stage {
            playing.phase = Phase::Flushing {
                flushed: BTreeSet::new(),
                closes_at,
            };
            context.effects.record(Record::EpisodeFlushing {
                session: self.id,
                episode: playing.plan.episode,
            });
        }
        self.view_all(context);
        self.judge_if_delivered(context);
    }

    /// Judges the episode once everything that can come has come: all seals, or in a cut the
    /// flushes of those who are there.
    pub(crate) fn judge_if_delivered(&mut self, context: &mut Context) {
        let Some(playing) = self.stage.playing() else {
            return;
        };
        let delivered = match playing.phase {
            Phase::Open { .. } => playing.all_sealed(),
            Phase::Flushing { .. } => self
                .players()
                .all(|player| self.is_gone(player) || playing.delivered(player)),
        };
        if delivered {
            self.judge(context);
        }
    }

    /// Everything that counts of the episode is there: it is over, and is judged while the session goes
    /// on.
    fn judge(&mut self, context: &mut Context) {
        let Some(playing) = self.stage.playing() else {
            return;
        };
        let episode = playing.plan.episode;
        context.effects.record(Record::EpisodeJudging {
            session: self.id,
            episode,
        });
        context.effects.judge(self.id, episode);
        self.unjudged.insert(episode, playing.reason());
        self.follow(context);
    }

    /// What comes after the present episode, which is over.
    pub(crate) fn follow(&mut self, context: &mut Context) {
        let Some(playing) = self.stage.playing() else {
            return;
        };
        let (reason, last) = (playing.reason(), playing.is_last());
        let episode = playing.plan.episode;
        let somebody_gone = self.players().any(|player| self.is_gone(player));
        match (reason, last, somebody_gone) {
            (CloseReason::Sealed, true, _) => self.end(context, Exit::Onward),
            _ if self.failed => self.end(context, Exit::Ended(Outcome::EnvironmentFailed)),
            (_, _, true) => self.end(context, Exit::Ended(Outcome::PartnerLeft)),
            (CloseReason::Sealed, false, false) => self.go_on(context, episode + 1),
            (CloseReason::Cut, _, false) => {
                self.end(context, Exit::Ended(Outcome::ConnectionFailed));
            }
        }
    }

    /// Whether this is the present episode. An earlier one is over: what still comes of it is
    /// evidence and changes nothing.
    pub(crate) fn is_open(&self, episode: u32) -> Result<bool, Refusal> {
        match &self.stage {
            Stage::Connecting { .. } | Stage::Validating { .. } if episode >= self.next_episode => {
                not_now("this episode is not open yet")
            }
            Stage::Connecting { .. } | Stage::Validating { .. } => Ok(false),
            Stage::Playing(playing) if episode > playing.plan.episode => {
                not_now("this episode is not open yet")
            }
            Stage::Playing(playing) => Ok(episode == playing.plan.episode),
            Stage::Ended => Ok(false),
        }
    }

    fn plan(&self, context: &mut Context, episode: u32) -> EpisodePlan {
        let game = context.game;
        let digests = match &self.stage {
            Stage::Playing(before) => before.plan.digests.clone(),
            Stage::Connecting { .. } | Stage::Validating { .. } | Stage::Ended => {
                context.expected(self.treatment.as_deref())
            }
        };
        let seed = match &game.seeds {
            Seeds::Draw => context.draws.episode_seed(),
            Seeds::Listed(seeds) => seeds[episode as usize % seeds.len()],
        };
        let (environment, _) = game.environment_with(self.treatment.as_deref());
        let window = window(game.window, game.frames_per_second, self.slowest);
        EpisodePlan {
            session: self.id,
            episode,
            episodes: game.episodes,
            seed,
            environment: environment.clone(),
            seats: self.seats(context, episode),
            frames_per_second: game.frames_per_second,
            input_delay: game.input_delay,
            window_ms: u32::try_from(window.as_millis()).unwrap_or(u32::MAX),
            max_steps: game.max_steps,
            digest_interval: game.digest_interval,
            prediction: game.prediction,
            controls: game.controls.clone(),
            digests,
        }
    }

    fn seats(&self, context: &Context, episode: u32) -> Vec<Seat> {
        let groups = &context.game.seat_groups;
        let moved_by = match context.game.seats {
            SeatRule::Fixed | SeatRule::Random => 0,
            SeatRule::Rotating => episode as usize,
        };
        let seated = self.members.iter().zip(&self.seating);
        seated
            .map(|(member, seat)| Seat {
                participant: member.participant,
                agents: groups[(seat + moved_by) % groups.len()].clone(),
            })
            .collect()
    }
}
