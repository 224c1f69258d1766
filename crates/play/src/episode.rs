//! One peer's play of one episode.

mod host;
mod measure;
mod recorder;
mod records;
mod routes;
mod screen;
mod setup;

use std::time::Duration;

use igym_gym::{Asset, DrawDelta, ForeignError};
use igym_protocol::{ClientEvent, EpisodePlan, InputSource, Path, Seal, UploadBody};
use igym_rollback::{
    Advance, Costs, Engine, Frame, Input, LinkId, Micros, PacketError, PlayerIndex,
};

use crate::keyboard::Keyboard;
use crate::{LinkStatus, Score, Status};
use host::Host;
use measure::Measurements;
use recorder::Recorder;
use routes::Routes;
use screen::Screen;

pub use setup::{PlayError, foreign_configuration, rules};

/// How often the links are sampled.
const SAMPLE_EVERY: Duration = Duration::from_secs(1);

/// Engine, environment, keys, recorder and drawing of one peer in one episode.
///
/// After each call that takes a time, poll packets and uploads until there are none. Uploads are to
/// be polled at least once per frame.
pub struct Episode {
    plan: EpisodePlan,
    me: PlayerIndex,
    start_at: Micros,
    /// Of the lead frames.
    default_input: Input,
    engine: Engine,
    host: Host,
    routes: Routes,
    keyboard: Keyboard,
    visible: bool,
    /// The next frame that a sampled input is for; while rejoining, the first that may be.
    next_input: Frame,
    /// The first lead frame whose input nobody is known to hold; none once lead inputs are recorded.
    lead_from: Option<Frame>,
    recorder: Recorder,
    measurements: Measurements,
    /// The earliest time this episode was told: the zero of what it records.
    origin: Option<Micros>,
    next_sample_at: Micros,
    desync_at: Option<u32>,
    seal: Option<Seal>,
    closing: Closing,
    screen: Screen,
    failure_recorded: bool,
}

/// A packet and the ways that it is to be sent: at least one, at times both. The receiver takes
/// whichever comes first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Player index of the receiver.
    pub to: u8,
    pub bytes: Vec<u8>,
    /// Over the DataChannel, which was said to be open; it is dropped if the channel's buffer is
    /// full ([`Episode::packet_skipped`]).
    pub direct: bool,
    /// Through the server, as an `igym_protocol::Relay`.
    pub relay: bool,
    /// For `Relay::plea`: nothing comes from the receiver over the DataChannel.
    pub plea: bool,
}

/// What was uploaded of the episode's end.
#[derive(Debug, Default)]
struct Closing {
    flush_asked: bool,
    /// The host lets go of the episode.
    finished: bool,
    reported: bool,
    seal_uploaded: bool,
    flush_answered: bool,
}

impl Episode {
    /// The plan that is played.
    pub fn plan(&self) -> &EpisodePlan {
        &self.plan
    }

    /// What the page must load before it can draw.
    pub fn assets(&self) -> &[Asset] {
        self.host.assets()
    }

    /// Why the environment cannot go on: then [`tick`](Self::tick) does nothing more, and what was
    /// recorded is uploaded as ever. Only a foreign environment can fail.
    pub fn failure(&self) -> Option<&ForeignError> {
        self.host.failure()
    }

    /// When `tick` is to be called next; in the past if it is late.
    pub fn next_tick_at(&self, now: Micros) -> Micros {
        if self.stopped() {
            // A host that only watches this time must not spin.
            return now + SAMPLE_EVERY;
        }
        self.engine.next_tick_at(now)
    }

    /// How the episode stands.
    pub fn status(&self) -> Status {
        let frame = self.engine.head().0;
        let confirmed = self.engine.confirmed().map_or(0, |last| last.0 + 1);
        let frames_left = self.plan.max_steps.saturating_sub(frame);
        let own = &self.plan.seats[usize::from(self.me.0)].agents;
        Status {
            round: self.plan.episode + 1,
            rounds: self.plan.episodes,
            frame,
            confirmed,
            predicted: frame.saturating_sub(confirmed),
            frames_left,
            ms_left: (u64::from(frames_left) * 1000 / u64::from(self.plan.frames_per_second))
                .try_into()
                .unwrap_or(u32::MAX),
            scores: (self.host.agents().iter())
                .zip(self.host.returns())
                .map(|(agent, score)| Score {
                    agent: agent.clone(),
                    score: *score,
                    own: own.contains(agent),
                })
                .collect(),
            own_agents: own.clone(),
            stalled_by: self.engine.stalled().map(|player| player.0),
            desync_at: self.desync_at,
            sealed: self.seal.is_some(),
            flushed: self.closing.flush_asked,
            rejoining: self.engine.rejoining(),
            rollbacks: measure::number(self.engine.counters().rollbacks),
            links: measure::links(&self.engine)
                .map(|(player, stats)| LinkStatus {
                    player,
                    rtt_ms: stats.rtt_median.as_secs_f64() * 1e3,
                    relayed: self.routes.relaying(player),
                })
                .collect(),
        }
    }

    /// Takes a packet of player `from` that came by `path`. An error changes nothing but a counter.
    /// One that came through the server may carry a plea: give it to
    /// [`handle_relayed`](Self::handle_relayed).
    pub fn handle_packet(
        &mut self,
        from: u8,
        path: Path,
        bytes: &[u8],
        now: Micros,
    ) -> Result<(), PacketError> {
        self.us(now);
        if self.stopped() {
            return Ok(());
        }
        let handled = self.engine.handle_packet(LinkId(from), bytes, now);
        if handled.is_ok() {
            self.routes.heard(from, path);
        }
        self.drain(now, path);
        handled
    }

    /// Takes a packet of player `from` that came through the server; `plea` is that of
    /// `igym_protocol::Delivery::Relayed`.
    pub fn handle_relayed(
        &mut self,
        from: u8,
        plea: bool,
        bytes: &[u8],
        now: Micros,
    ) -> Result<(), PacketError> {
        let handled = self.handle_packet(from, Path::Relay, bytes, now);
        if handled.is_ok() && plea {
            self.routes.pleaded(from, now);
        }
        handled
    }

    /// The DataChannel to player `to` opened or closed. None counts as open until this is said.
    pub fn set_channel(&mut self, to: u8, open: bool, now: Micros) {
        self.us(now);
        self.routes.set_channel(to, open);
    }

    /// The study lets packets pass through the server alone: there will be no DataChannels.
    pub fn set_relay_only(&mut self) {
        self.routes.set_relay_only();
    }

    /// The study lets no packet pass through the server: what no DataChannel carries is not sent.
    pub fn set_direct_only(&mut self) {
        self.routes.set_direct_only();
    }

    /// A key of the keyboard went down or up at `at`; `key` is `KeyboardEvent.key`. Automatic
    /// repeats and keys without a binding are ignored and not recorded.
    pub fn key(&mut self, key: &str, down: bool, at: Micros) {
        if let Some(change) = self.keyboard.handle_key(key, down) {
            let frame = self.next_input + change.samples_before;
            self.record_key(change.key, down, frame, at);
        }
    }

    /// The window lost the keyboard: every key counts as up.
    pub fn release_keys(&mut self, at: Micros) {
        for key in self.keyboard.release() {
            self.record_key(key, false, self.next_input, at);
        }
    }

    /// The page was hidden or shown. While it is hidden the default action is played, and the data
    /// say so.
    pub fn set_visible(&mut self, visible: bool, at: Micros) {
        if visible == self.visible {
            return;
        }
        self.visible = visible;
        if !visible {
            self.release_keys(at);
            self.keyboard.forget();
        }
        let at_us = self.us(at);
        self.recorder
            .event(at_us, ClientEvent::Visibility { at_us, visible });
    }

    /// One beat: samples the keys, simulates what is due, makes packets. Does nothing and returns
    /// false before `next_tick_at`, and after a flush or a [failure](Self::failure). One call makes one frame at most, so a host that is late calls it again
    /// until `next_tick_at` is in the future.
    pub fn tick(&mut self, now: Micros) -> bool {
        self.us(now);
        if self.stopped() || now < self.engine.next_tick_at(now) {
            return false;
        }
        self.route(now);
        self.author(now);
        if let Advance::Run(mut batch) = self.engine.advance(now)
            && self.host.run(&mut batch, &self.screen)
        {
            self.engine
                .complete(&mut batch)
                .expect("the host ran each step of the batch, in order, up to a terminal one");
            self.screen.set_current(false);
        }
        // Inputs arrive in `handle_packet` alone, so the path is of no account here.
        self.drain(now, Path::Relay);
        self.sample_links(now);
        true
    }

    /// The server is about to cut the episode: play stops here, and all that this peer holds goes
    /// out, `Flushed` last.
    pub fn flush(&mut self, now: Micros) {
        self.us(now);
        self.closing.flush_asked = true;
    }

    /// The server closed the episode and the host lets go of it: all that was recorded is due for
    /// upload at once, without a word about the episode's end that was not said before.
    pub fn finish(&mut self, now: Micros) {
        self.us(now);
        self.closing.finished = true;
    }

    /// What the page must change to show the current state; empty if it shows it already.
    pub fn draw(&mut self) -> DrawDelta {
        if self.screen.is_current() {
            return DrawDelta::default();
        }
        self.screen.set_current(true);
        self.host.show(&mut self.screen)
    }

    /// The whole picture, for a page that shows nothing yet.
    pub fn redraw(&mut self) -> DrawDelta {
        self.screen.clear();
        self.draw()
    }

    /// The bytes of the image whose size the last [`DrawDelta::pixels`] told: row by row, red, green
    /// and blue of each pixel.
    pub fn take_pixels(&self) -> Vec<u8> {
        self.screen.pixels().to_vec()
    }

    /// The host could not send the packet just polled for player `to`: its channel was full.
    pub fn packet_skipped(&mut self, to: u8) {
        self.measurements.skipped(to);
    }

    /// How long a tick took on the host, in microseconds.
    pub fn record_tick(&mut self, microseconds: u32) {
        self.measurements.tick(microseconds);
    }

    /// What the environment's work costs on the host, in microseconds; snapshots are made as seldom as
    /// it makes them worth while. Of no account for native environments.
    pub fn report_costs(&mut self, step: u32, save: u32, load: u32) {
        let [step, save, load] = [step, save, load].map(|it| Duration::from_micros(it.into()));
        self.engine.report_costs(Costs { save, load, step });
    }

    /// The time from a key event to the drawing of the first frame that used it, in microseconds.
    pub fn record_key_latency(&mut self, microseconds: u32) {
        self.measurements.key_to_frame(microseconds);
    }

    /// Test only: flips one bit of state before `frame` is stepped, each time it is.
    #[cfg(feature = "fault-injection")]
    pub fn inject_fault(&mut self, frame: u32) {
        self.host.inject_fault(frame);
    }

    /// A packet to send, to whom, and which ways.
    pub fn poll_packet(&mut self) -> Option<Outgoing> {
        if self.host.failure().is_some() {
            return None;
        }
        let packet = self.engine.poll_packet()?;
        let to = packet.link.0;
        let way = self.routes.way(to);
        Some(Outgoing {
            to,
            bytes: packet.bytes.to_vec(),
            direct: way.direct,
            relay: way.relay,
            plea: way.plea,
        })
    }

    /// The next upload that is due: journal batches in time, rows in chunks, and at the end the
    /// rest of both, the report, then the seal. After [`finish`](Self::finish) the rest of both.
    pub fn poll_upload(&mut self, now: Micros) -> Option<UploadBody> {
        let at_us = self.us(now);
        self.record_failure(now);
        let sealing = self.seal.is_some() && !self.closing.seal_uploaded;
        let flushing = self.closing.flush_asked && !self.closing.flush_answered;
        let closed = self.closing.seal_uploaded || self.closing.flush_answered;
        if !closed {
            let over = sealing || flushing;
            if let Some(body) = self.recorder.poll(at_us, over || self.closing.finished) {
                return Some(body);
            }
            if over && !self.closing.reported {
                self.closing.reported = true;
                return Some(UploadBody::Report(self.measurements.report(&self.engine)));
            }
        }
        if sealing {
            self.closing.seal_uploaded = true;
            return self.seal.clone().map(UploadBody::Seal);
        }
        if flushing {
            self.closing.flush_answered = true;
            return Some(UploadBody::Flushed);
        }
        None
    }

    /// Play has stopped at this peer.
    fn stopped(&self) -> bool {
        self.closing.flush_asked || self.host.failure().is_some()
    }

    /// Chooses the ways of this tick's packets.
    fn route(&mut self, now: Micros) {
        let at_us = self.us(now);
        for (player, path) in self.routes.tick(now) {
            let switch = ClientEvent::Route {
                at_us,
                player,
                path,
            };
            self.recorder.event(at_us, switch);
        }
    }

    /// Gives the engine what it wants of this player, and records it.
    fn author(&mut self, now: Micros) {
        while now >= self.start_at
            && let Some(frame) = self.engine.wanted_input()
        {
            let (action, source) = if self.visible {
                (self.keyboard.sample(), InputSource::Human)
            } else {
                (None, InputSource::Background)
            };
            let own = &self.plan.seats[usize::from(self.me.0)].agents;
            let input = self.host.input(own, action);
            if self.engine.add_local_input(self.me, input).is_err() {
                return;
            }
            let delay = frame - self.engine.head();
            self.record_authored(frame, &input, source, delay, now);
            self.next_input = frame + 1;
        }
    }
}
