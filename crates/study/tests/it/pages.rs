//! Pages that do what their view asks for.

use igym_protocol::{
    ClientMessage, ConnectionView, Digests, EpisodePart, Measurement, ParticipantId, Refusal,
    RefusalCode, SessionId, SessionView, Verdict, View,
};

use crate::authors::What;
use crate::world::{World, failed, open};

impl World {
    /// What a page of this study reports in VALIDATING.
    pub(crate) fn digests(
        &self,
        who: ParticipantId,
        environment: &igym_protocol::EnvironmentSpec,
        study: &str,
    ) -> Digests {
        Digests {
            build: self.builds[&who].clone(),
            environment: igym_envs::environment_digest(&environment.id, &environment.config),
            study: study.to_owned(),
        }
    }

    /// The page does the next thing that its view asks for; whether there was one.
    pub(crate) fn answer(&mut self, who: ParticipantId) -> bool {
        let result = match self.view(who) {
            View::Start { scene, .. } => self.send(who, &ClientMessage::Advance { scene }),
            View::Instructions {
                scene,
                measured: false,
                ..
            }
            | View::Lobby {
                scene,
                measured: false,
                ..
            } => self.measure(who, scene),
            View::Instructions { scene, .. } => self.send(who, &ClientMessage::Join { scene }),
            View::Connecting {
                session,
                connection,
                ..
            } => match self.link(who, &session, &connection) {
                Some(message) => self.report_link(who, &message),
                None => return false,
            },
            View::Validating {
                session,
                environment,
                study_digest,
                validated: false,
                ..
            } => {
                let message = ClientMessage::Validate {
                    session: session.session,
                    digests: self.digests(who, &environment, &study_digest),
                };
                match self.send(who, &message) {
                    Err(refusal) if refusal.code == RefusalCode::Version => {
                        self.reload(who);
                        Ok(())
                    }
                    result => result,
                }
            }
            View::Playing {
                session,
                connection,
                plan,
                part,
                flush,
                ..
            } => {
                if let Some(message) = self.link(who, &session, &connection)
                    && !flush
                {
                    self.report_link(who, &message)
                } else {
                    match self.answer_in_play(who, session.session, plan.episode, part, flush) {
                        Some(result) => result,
                        None => return false,
                    }
                }
            }
            View::Lobby { .. } | View::Validating { .. } | View::End { .. } => return false,
        };
        result.unwrap();
        true
    }

    /// The page says how fast its machine is.
    pub(crate) fn measure(&mut self, who: ParticipantId, scene: u32) -> Result<(), Refusal> {
        let rollback_us = self.rollbacks.get(&who).copied().unwrap_or(10_000);
        let measurement = Measurement {
            step_us: rollback_us / 12,
            save_us: 20,
            load_us: 30,
            rollback_us,
        };
        self.send(who, &ClientMessage::Measured { scene, measurement })
    }

    /// The environment raises an error on the page.
    pub(crate) fn raise(&mut self, who: ParticipantId, frame: u32) -> Result<(), Refusal> {
        let Some(session) = self.study.session_of(who) else {
            return Ok(());
        };
        let episode = match self.view(who) {
            View::Playing { plan, .. } => plan.episode,
            _ => 0,
        };
        let message = "env.py:12: ZeroDivisionError: division by zero".to_owned();
        let failed = ClientMessage::Failed {
            session,
            episode,
            frame,
            message,
        };
        self.send(who, &failed)
    }

    fn answer_in_play(
        &mut self,
        who: ParticipantId,
        session: SessionId,
        episode: u32,
        part: EpisodePart,
        flush: bool,
    ) -> Option<Result<(), Refusal>> {
        let page = self.page(who);
        if self.authors.has_kept(who) {
            self.deliver(who);
            return Some(Ok(()));
        }
        if flush {
            let says = self.authors.says(who, session, episode, page, true);
            return says.then(|| self.flushed(who, session, episode));
        }
        match part {
            EpisodePart::Over => return None,
            EpisodePart::Rejoin if !self.authors.plays(who, session, episode, page) => {
                let message = ClientMessage::Rejoin { session, episode };
                return Some(self.send(who, &message));
            }
            EpisodePart::Rejoin | EpisodePart::Play => {}
        }
        let says = self.authors.says(who, session, episode, page, false);
        says.then(|| self.seal(who, session, episode))
    }

    /// What the page has to report of its links.
    fn link(
        &mut self,
        who: ParticipantId,
        session: &SessionView,
        connection: &ConnectionView,
    ) -> Option<ClientMessage> {
        if connection.relay_only {
            return None;
        }
        let members = self.study.members(session.session)?;
        let (id, attempt) = (session.session, connection.attempt);
        for (to, partner) in (0..).zip(members) {
            if to == session.player || connection.linked.contains(&to) {
                continue;
            }
            if self.hushed.contains(&(who, id, attempt, to)) {
                continue;
            }
            let blocked = self.blocked.contains(&who) || self.blocked.contains(&partner);
            // That it failed is said once.
            if blocked && !self.gave_up.insert((who, id, attempt, to)) {
                continue;
            }
            return Some(ClientMessage::Link {
                session: id,
                to,
                attempt,
                state: if blocked { failed() } else { open() },
            });
        }
        None
    }

    fn report_link(&mut self, who: ParticipantId, message: &ClientMessage) -> Result<(), Refusal> {
        match (self.send(who, message), message) {
            (
                Err(refusal),
                ClientMessage::Link {
                    session,
                    to,
                    attempt,
                    ..
                },
            ) if refusal.code == RefusalCode::TooFast => {
                self.hushed.insert((who, *session, *attempt, *to));
                Ok(())
            }
            (result, _) => result,
        }
    }

    /// The page plays so many frames, if it can. Their inputs are kept in its browser.
    pub(crate) fn play(&mut self, who: ParticipantId, frames: u32) {
        let page = self.page(who);
        if let View::Playing {
            session,
            plan,
            part,
            flush: false,
            ..
        } = self.view(who)
        {
            let (session, episode) = (session.session, plan.episode);
            if part == EpisodePart::Play {
                self.authors.start(who, session, episode, page);
            }
            if part != EpisodePart::Over {
                self.authors.author(who, session, episode, page, frames);
            }
        }
    }

    /// A page that was replaced plays on for a while, as it was not told yet.
    pub(crate) fn play_before(&mut self, who: ParticipantId, frames: u32) {
        let before = self.page(who).saturating_sub(1);
        if let View::Playing { session, plan, .. } = self.view(who) {
            let session = session.session;
            self.authors
                .author(who, session, plan.episode, before, frames);
        }
    }

    /// The page comes to the end of the episode, and keeps its seal.
    pub(crate) fn finish_unheard(&mut self, who: ParticipantId) {
        let page = self.page(who);
        if let View::Playing {
            session,
            plan,
            flush: false,
            ..
        } = self.view(who)
        {
            let (session, episode) = (session.session, plan.episode);
            if self.authors.plays(who, session, episode, page)
                && self.authors.says(who, session, episode, page, false)
            {
                self.authors.keep(who, session, episode, page, What::Seal);
            }
        }
    }

    /// The page delivers what its participant's browser kept.
    pub(crate) fn deliver(&mut self, who: ParticipantId) {
        for kept in self.authors.take_kept(who) {
            let (page, session, episode) = (kept.page, kept.session, kept.episode);
            match kept.what {
                What::Frames(from, to) => {
                    let fence = self.ledger.fence(who, session, episode);
                    let open = self.ledger.sessions[&session].is_open(episode);
                    if page < fence {
                        self.authors.overruled += 1;
                    } else if open {
                        self.authors.count(who, session, episode, page, from..to);
                    }
                }
                What::Seal => {
                    let _ = self.seal_of(who, page, session, episode);
                }
            }
        }
    }

    /// Connected pages answer, and a judge that is not slow judges, until nothing is left to say.
    pub(crate) fn settle(&mut self) {
        for _ in 0..10_000 {
            let people: Vec<_> = self.connected.iter().copied().collect();
            let arrived = |who: &ParticipantId| self.ledger.people.contains_key(who);
            let people: Vec<_> = people.into_iter().filter(arrived).collect();
            let mut answered = false;
            for who in people {
                answered |= self.answer(who);
            }
            if !answered && (self.judge_is_slow || !self.judge(Verdict::Verified)) {
                return;
            }
        }
        panic!("the pages go on for ever");
    }

    /// Answers until `who` sees what `wanted` accepts.
    pub(crate) fn until(&mut self, people: &[ParticipantId], wanted: impl Fn(&View) -> bool) {
        for _ in 0..1_000 {
            if people.iter().all(|who| wanted(&self.view(*who))) {
                return;
            }
            for who in people {
                if !wanted(&self.view(*who)) {
                    self.answer(*who);
                }
            }
        }
        panic!("never came");
    }
}
