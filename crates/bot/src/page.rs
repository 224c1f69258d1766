//! One page load, without a screen and without sockets.

use std::collections::VecDeque;

use igym_envs::environment_digest;
use igym_play::{Episode, Micros, PlayError};
use igym_protocol::{
    ClientMessage, ConnectionView, DecodeError, Delivery, Digests, Envelope, EpisodePart, History,
    LinkState, Outcome, Refusal, RefusalCode, Relay, Resume, ServerMessage, SessionId, SessionView,
    Token, View, decode_delivery, encode_relay,
};

use crate::fingers::Fingers;
use crate::uploads::{Kept, Uploads};

/// What the view asks for is said again this often.
const REPEAT: Micros = Micros(1_000_000);
/// After an upload was refused for now.
const RESEND: Micros = Micros(2_000_000);
/// Frames that a late page makes up for at once.
const CATCH_UP: usize = 8;

/// A frame for the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transmit {
    Text(String),
    Binary(Vec<u8>),
}

/// Why a page cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PageError {
    #[error("the server's message cannot be read: {0}")]
    Unreadable(#[from] DecodeError),
    #[error("another page of this participant has taken over")]
    TakenOver,
    #[error("the server does not know this page any more: load it again")]
    Unknown,
    #[error("the server refused what an honest page says ({code:?}): {message}")]
    Refused { code: RefusalCode, message: String },
    #[error("the episode cannot be played: {0}")]
    Play(#[from] PlayError),
}

/// A page that follows the server's views and plays with random keys.
///
/// Call a `handle_*` method with what happened, then send what [`Page::poll_transmit`] gives, then
/// wait for the next message, at most until [`Page::next_wake`]. Times are of any monotonic clock.
pub struct Page {
    token: Token,
    build: String,
    fingers: Fingers,
    identity: Option<Resume>,
    connected: bool,
    uploads: Uploads,
    view: Option<View>,
    play: Option<Episode>,
    repeat_at: Micros,
    resend_at: Option<Micros>,
    transmits: VecDeque<Transmit>,
}

impl Page {
    /// A page of the participant with this token, in a browser that has `kept` uploads. `build` is
    /// what it says that it runs; the same `seed` presses the same keys.
    pub fn new(token: Token, build: String, seed: u64, kept: Kept) -> Self {
        Self {
            token,
            build,
            fingers: Fingers::new(seed),
            identity: None,
            connected: false,
            uploads: Uploads::new(kept),
            view: None,
            play: None,
            repeat_at: Micros(0),
            resend_at: None,
            transmits: VecDeque::new(),
        }
    }

    /// How the study ended, once the last page is shown and everything is delivered.
    pub fn ended(&self) -> Option<(Outcome, Option<String>)> {
        match &self.view {
            Some(View::End { outcome, code, .. }) if self.uploads.is_empty() => {
                Some((*outcome, code.clone()))
            }
            _ => None,
        }
    }

    /// A connection stands: says hello on it.
    pub fn handle_connected(&mut self) {
        self.transmits.clear();
        self.say(ClientMessage::Hello {
            token: self.token.clone(),
            resume: self.identity.clone(),
            user_agent: concat!("igym-bot/", env!("CARGO_PKG_VERSION")).to_owned(),
        });
    }

    /// The connection is gone; play goes on.
    pub fn handle_disconnected(&mut self) {
        self.connected = false;
        self.transmits.clear();
    }

    pub fn handle_text(&mut self, text: &str, now: Micros) -> Result<(), PageError> {
        match Envelope::<ServerMessage>::decode(text)?.body {
            ServerMessage::Welcome {
                participant,
                incarnation,
                resume_key: key,
                acknowledged,
                ..
            } => {
                if self
                    .identity
                    .as_ref()
                    .is_some_and(|it| it.incarnation != incarnation)
                {
                    return Err(PageError::Unknown);
                }
                self.identity = Some(Resume { incarnation, key });
                self.connected = true;
                self.uploads
                    .handle_welcome(participant, incarnation, acknowledged);
            }
            ServerMessage::View { view, .. } => {
                self.view = Some(view);
                self.repeat_at = now;
                self.follow(now)?;
            }
            ServerMessage::Ack { incarnation, seq } => self.uploads.handle_ack(incarnation, seq),
            ServerMessage::Refused { refusal } => self.handle_refusal(refusal, now)?,
            ServerMessage::TakenOver => return Err(PageError::TakenOver),
            ServerMessage::Signal { .. } | ServerMessage::Pong { .. } => {}
        }
        self.work(now)
    }

    pub fn handle_binary(&mut self, bytes: &[u8], now: Micros) -> Result<(), PageError> {
        match decode_delivery(bytes)? {
            Delivery::Relayed {
                session,
                from,
                plea,
                packet,
            } => {
                if let Some(play) = &mut self.play
                    && play.plan().session == session
                {
                    // A packet of another episode, or of a page that is gone, changes nothing.
                    let _ = play.handle_relayed(from, plea, &packet, now);
                }
            }
            Delivery::History(history) => self.rejoin(history, now)?,
        }
        self.work(now)
    }

    /// Does what is due.
    pub fn handle_time(&mut self, now: Micros) -> Result<(), PageError> {
        self.work(now)
    }

    /// When `handle_time` is needed next.
    pub fn next_wake(&self, now: Micros) -> Micros {
        let play = self.play.as_ref().map(|play| play.next_tick_at(now));
        [Some(self.repeat_at), self.resend_at, play]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or(self.repeat_at)
    }

    /// The next frame to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.transmits.pop_front()
    }
}

impl Page {
    /// Does what the new view asks for.
    fn follow(&mut self, now: Micros) -> Result<(), PageError> {
        let Some(View::Playing {
            session,
            connection,
            plan,
            part,
            starts_in_ms,
            flush,
            ..
        }) = self.view.clone()
        else {
            self.end_play(now);
            return Ok(());
        };
        if self.playing() != Some((plan.session, plan.episode)) {
            self.end_play(now);
            if part == EpisodePart::Play {
                let start_at = Micros(now.0 + u64::from(starts_in_ms) * 1000);
                let incarnation = self.incarnation();
                let episode = Episode::new(&plan, session.player, incarnation, start_at)?;
                self.begin(episode, &connection);
            }
        }
        if flush {
            match &mut self.play {
                Some(play) => play.flush(now),
                None => self.uploads.flush(plan.session, plan.episode),
            }
        }
        Ok(())
    }

    /// The history came: the episode goes on where an earlier page left it.
    fn rejoin(&mut self, history: History, now: Micros) -> Result<(), PageError> {
        let Some(View::Playing {
            session,
            connection,
            plan,
            part: EpisodePart::Rejoin,
            flush: false,
            ..
        }) = self.view.clone()
        else {
            return Ok(());
        };
        let wanted = (plan.session, plan.episode);
        if (history.session, history.episode) != wanted || self.playing() == Some(wanted) {
            return Ok(());
        }
        let incarnation = self.incarnation();
        let episode = Episode::rejoin(&plan, session.player, incarnation, now, history.inputs)?;
        self.begin(episode, &connection);
        Ok(())
    }

    fn begin(&mut self, mut episode: Episode, connection: &ConnectionView) {
        // Without it a partner without a DataChannel counts as one who lost it.
        if connection.relay_only {
            episode.set_relay_only();
        }
        if connection.direct_only {
            episode.set_direct_only();
        }
        self.play = Some(episode);
    }

    /// The server closed the episode. What it still holds for upload is taken out first.
    fn end_play(&mut self, now: Micros) {
        if let Some(mut play) = self.play.take() {
            collect(&mut play, &mut self.uploads, now);
        }
    }

    fn work(&mut self, now: Micros) -> Result<(), PageError> {
        if let Some(play) = &mut self.play {
            for _ in 0..CATCH_UP {
                if play.next_tick_at(now) > now {
                    break;
                }
                for (key, down) in self.fingers.moves(&play.plan().controls.clone()) {
                    play.key(&key, down, now);
                }
                play.tick(now);
                while let Some(outgoing) = play.poll_packet() {
                    // Worthless when it cannot go at once.
                    if outgoing.relay && self.connected {
                        let relay = Relay {
                            session: play.plan().session,
                            to: outgoing.to,
                            plea: outgoing.plea,
                            packet: outgoing.bytes,
                        };
                        self.transmits
                            .push_back(Transmit::Binary(encode_relay(&relay)));
                    }
                }
            }
            collect(play, &mut self.uploads, now);
        }
        if self.repeat_at <= now {
            self.repeat_at = Micros(now.0 + REPEAT.0);
            self.repeat();
        }
        if self.resend_at.is_some_and(|at| at <= now) {
            self.resend_at = None;
        }
        while self.connected
            && self.resend_at.is_none()
            && let Some(bytes) = self.uploads.poll()
        {
            self.transmits.push_back(Transmit::Binary(bytes));
        }
        Ok(())
    }

    /// Control messages are not queued: what the view still waits for is said again.
    fn repeat(&mut self) {
        if !self.connected {
            return;
        }
        match self.view.clone() {
            Some(View::Start { scene, .. }) => self.say(ClientMessage::Advance { scene }),
            // What has to be measured is in Python.
            Some(View::Instructions {
                scene,
                measured: false,
                ..
            }) => self.say(ClientMessage::Unable {
                scene,
                message: "a bot cannot run environments in Python".to_owned(),
            }),
            Some(View::Instructions { scene, .. }) => self.say(ClientMessage::Join { scene }),
            Some(View::Connecting {
                session,
                connection,
                ..
            }) if !connection.relay_only => self.report_links(&session, connection.attempt),
            Some(View::Validating {
                session,
                environment,
                study_digest,
                validated: false,
                ..
            }) => {
                let environment = environment_digest(&environment.id, &environment.config);
                self.say(ClientMessage::Validate {
                    session: session.session,
                    digests: Digests {
                        build: self.build.clone(),
                        environment,
                        study: study_digest,
                    },
                });
            }
            Some(View::Playing {
                plan,
                part: EpisodePart::Rejoin,
                flush: false,
                ..
            }) if self.playing() != Some((plan.session, plan.episode))
                // What an earlier page left must be in the history.
                && self.uploads.delivered_earlier() =>
            {
                self.say(ClientMessage::Rejoin {
                    session: plan.session,
                    episode: plan.episode,
                });
            }
            Some(
                View::Connecting { .. }
                | View::Validating { .. }
                | View::Playing { .. }
                | View::Lobby { .. }
                | View::End { .. },
            )
            | None => {}
        }
    }

    fn report_links(&mut self, session: &SessionView, attempt: u32) {
        for to in (0..session.players).filter(|to| *to != session.player) {
            self.say(ClientMessage::Link {
                session: session.session,
                to,
                attempt,
                state: LinkState::Failed {
                    reason: "a bot has no WebRTC".to_owned(),
                },
            });
        }
    }

    fn handle_refusal(&mut self, refusal: Refusal, now: Micros) -> Result<(), PageError> {
        if let Some(upload) = refusal.upload {
            self.uploads.handle_refusal(upload, refusal.code);
            if upload.incarnation < self.incarnation() {
                // What an earlier page left may come too late.
                return Ok(());
            }
        }
        match refusal.code {
            RefusalCode::Storage | RefusalCode::OutOfOrder | RefusalCode::TooFast => {
                self.resend_at.get_or_insert(Micros(now.0 + RESEND.0));
                Ok(())
            }
            // A repeated answer that crossed with the view it led to.
            RefusalCode::WrongState if refusal.upload.is_none() => Ok(()),
            RefusalCode::WrongState
            | RefusalCode::Malformed
            | RefusalCode::Version
            | RefusalCode::UnknownToken
            | RefusalCode::NotAMember
            | RefusalCode::TooLarge => Err(PageError::Refused {
                code: refusal.code,
                message: refusal.message,
            }),
        }
    }

    fn playing(&self) -> Option<(SessionId, u32)> {
        let plan = self.play.as_ref()?.plan();
        Some((plan.session, plan.episode))
    }

    fn incarnation(&self) -> u32 {
        self.identity.as_ref().map_or(0, |it| it.incarnation)
    }

    fn say(&mut self, message: ClientMessage) {
        let text = Envelope::new(message).encode();
        self.transmits.push_back(Transmit::Text(text));
    }
}

fn collect(episode: &mut Episode, uploads: &mut Uploads, now: Micros) {
    let (session, number) = (episode.plan().session, episode.plan().episode);
    while let Some(body) = episode.poll_upload(now) {
        uploads.push(session, number, body);
    }
}
