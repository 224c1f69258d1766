//! One peer's play of one episode.

use igym_protocol::{EpisodePlan, Path};
use wasm_bindgen::prelude::*;

use crate::convert::{micros, milliseconds, thrown};
use crate::runtime::{Foreign, JsRuntime};
use crate::{Delivery, Outbox};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    fn performance_now() -> f64;
}

/// An episode: keys and packets in; packets, drawings and uploads out.
///
/// The worker's loop: `handle_packet` for what came, `tick` when `next_tick_at` is reached (again
/// and again while it is in the past, a bounded number of times), then `poll_packet` until it gives
/// nothing, `poll_upload` while it is true, `draw`.
#[wasm_bindgen]
pub struct Episode {
    inner: igym_play::Episode,
}

/// Bytes for another player, and the ways to send them: at least one, at times both. `free()` it
/// once it is read, or leave that to the garbage collector.
#[wasm_bindgen]
pub struct Packet {
    /// Player index.
    #[wasm_bindgen(readonly)]
    pub to: u8,
    /// Over the DataChannel, which `set_channel` said to be open.
    #[wasm_bindgen(readonly)]
    pub direct: bool,
    /// Through the server: see `encode_relay`.
    #[wasm_bindgen(readonly)]
    pub relay: bool,
    /// To be given to `encode_relay`: nothing comes from that player over the DataChannel.
    #[wasm_bindgen(readonly)]
    pub plea: bool,
    bytes: Vec<u8>,
}

#[wasm_bindgen]
impl Packet {
    #[wasm_bindgen(getter)]
    pub fn bytes(&self) -> Vec<u8> {
        self.bytes.clone()
    }
}

#[wasm_bindgen]
impl Episode {
    /// `plan_json` is the view's `plan` as JSON, `me` this page's player index, `start_at_ms` when
    /// frame 0 is due. Throws if this build cannot play the plan.
    #[wasm_bindgen(constructor)]
    pub fn new(
        plan_json: &str,
        me: u8,
        incarnation: u32,
        start_at_ms: f64,
    ) -> Result<Self, JsError> {
        let plan: EpisodePlan = serde_json::from_str(plan_json).map_err(thrown)?;
        let inner = igym_play::Episode::new(&plan, me, incarnation, micros(start_at_ms));
        Self::made(inner)
    }

    /// A running episode, in which an earlier page of this participant has played. `history` is
    /// the server's answer to `ClientMessage.rejoin`; `start_at_ms` is now, unless the view's
    /// `starts_in_ms` is not over. `Status.rejoining` is true until it plays. Throws if this build
    /// cannot play the plan, or the history is not of this episode.
    pub fn rejoin(
        plan_json: &str,
        me: u8,
        incarnation: u32,
        start_at_ms: f64,
        history: &Delivery,
    ) -> Result<Self, JsError> {
        let plan: EpisodePlan = serde_json::from_str(plan_json).map_err(thrown)?;
        let inputs = inputs_of(history, &plan)?;
        let start_at = micros(start_at_ms);
        Self::made(igym_play::Episode::rejoin(
            &plan,
            me,
            incarnation,
            start_at,
            inputs,
        ))
    }

    /// The same with an environment that is not in the module. `runtime` was opened with what
    /// `foreign_configuration` gives for the plan; it is reset at once, and plays nothing else until
    /// this is freed. With a `history` it is a running episode, as in `rejoin`; the
    /// delivery is taken, so do not `free()` it. Throws if this build
    /// cannot play the plan; an environment that fails is not thrown, but told by `failure`.
    pub fn foreign(
        plan_json: &str,
        runtime: JsRuntime,
        me: u8,
        incarnation: u32,
        start_at_ms: f64,
        history: Option<Delivery>,
    ) -> Result<Self, JsError> {
        let plan: EpisodePlan = serde_json::from_str(plan_json).map_err(thrown)?;
        let inputs = history.map(|history| inputs_of(&history, &plan));
        Self::made(igym_play::Episode::foreign(
            &plan,
            Box::new(Foreign(runtime)),
            me,
            incarnation,
            micros(start_at_ms),
            inputs.transpose()?,
        ))
    }

    /// `ForeignError` as JSON once the environment cannot go on: then `tick` does nothing more, and
    /// what was recorded is uploaded as ever.
    pub fn failure(&self) -> Option<String> {
        self.inner.failure().map(json)
    }

    /// The DataChannel to player `to` opened or closed. Say so for each that is open before the
    /// first `tick`: none counts as open until it is said.
    pub fn set_channel(&mut self, to: u8, open: bool, now_ms: f64) {
        self.inner.set_channel(to, open, micros(now_ms));
    }

    /// `ConnectionView.relay_only`: every packet goes through the server.
    pub fn set_relay_only(&mut self) {
        self.inner.set_relay_only();
    }

    /// `ConnectionView.direct_only`: no packet goes through the server.
    pub fn set_direct_only(&mut self) {
        self.inner.set_direct_only();
    }

    /// A key event: `KeyboardEvent.key`, whether it went down, and the event's own time stamp.
    pub fn key(&mut self, key: &str, down: bool, at_ms: f64) {
        self.inner.key(key, down, micros(at_ms));
    }

    /// The window lost the keyboard (`blur`).
    pub fn release_keys(&mut self, at_ms: f64) {
        self.inner.release_keys(micros(at_ms));
    }

    /// The page was hidden or shown (`visibilitychange`).
    pub fn set_visible(&mut self, visible: bool, at_ms: f64) {
        self.inner.set_visible(visible, micros(at_ms));
    }

    /// A packet of player `from` that came over the DataChannel. False if it was refused; then it
    /// changed nothing.
    pub fn handle_packet(&mut self, from: u8, bytes: &[u8], now_ms: f64) -> bool {
        self.inner
            .handle_packet(from, Path::DataChannel, bytes, micros(now_ms))
            .is_ok()
    }

    /// A packet of player `from` that came through the server: `from`, `plea` and `packet` of a
    /// `Delivery`. False if it was refused; then it changed nothing.
    pub fn handle_relayed(&mut self, from: u8, plea: bool, bytes: &[u8], now_ms: f64) -> bool {
        self.inner
            .handle_relayed(from, plea, bytes, micros(now_ms))
            .is_ok()
    }

    /// One beat; does nothing before `next_tick_at`. Measures itself for the report.
    pub fn tick(&mut self, now_ms: f64) {
        let began = performance_now();
        let ticked = self.inner.tick(micros(now_ms));
        if ticked {
            let took = micros(performance_now() - began);
            self.inner
                .record_tick(took.0.try_into().unwrap_or(u32::MAX));
        }
    }

    /// When to call `tick` next, in milliseconds of the same clock; in the past if it is late.
    pub fn next_tick_at(&self, now_ms: f64) -> f64 {
        milliseconds(self.inner.next_tick_at(micros(now_ms)))
    }

    /// The next packet to send. Say `packet_skipped` if its channel cannot take it.
    pub fn poll_packet(&mut self) -> Option<Packet> {
        let packet = self.inner.poll_packet()?;
        Some(Packet {
            to: packet.to,
            direct: packet.direct,
            relay: packet.relay,
            plea: packet.plea,
            bytes: packet.bytes,
        })
    }

    /// Moves the next upload that is due into `outbox`; false if none is.
    pub fn poll_upload(&mut self, now_ms: f64, outbox: &mut Outbox) -> bool {
        let Some(body) = self.inner.poll_upload(micros(now_ms)) else {
            return false;
        };
        let plan = self.inner.plan();
        outbox.inner.push(plan.session, plan.episode, body);
        true
    }

    /// The server asked to flush: play stops, and everything held is due for upload.
    pub fn flush(&mut self, now_ms: f64) {
        self.inner.flush(micros(now_ms));
    }

    /// The server closed the episode: what was recorded is due for upload before `free`.
    pub fn finish(&mut self, now_ms: f64) {
        self.inner.finish(micros(now_ms));
    }

    /// `DrawDelta` as JSON; empty if the page shows the current state already.
    pub fn draw(&mut self) -> String {
        json_unless_empty(&self.inner.draw())
    }

    /// `DrawDelta` with everything, for a page that shows nothing yet.
    pub fn redraw(&mut self) -> String {
        json_unless_empty(&self.inner.redraw())
    }

    /// The bytes of the image whose size the last `DrawDelta.pixels` told: row by row, red, green
    /// and blue of each pixel.
    pub fn take_pixels(&self) -> Vec<u8> {
        self.inner.take_pixels()
    }

    /// `Asset[]` as JSON: what must be loaded before the first drawing.
    pub fn assets(&self) -> String {
        json(&self.inner.assets())
    }

    /// `Status` as JSON.
    pub fn status(&self) -> String {
        json(&self.inner.status())
    }

    /// The packet just polled for player `to` was not sent: its channel still held one.
    pub fn packet_skipped(&mut self, to: u8) {
        self.inner.packet_skipped(to);
    }

    /// Key event to the drawing of the first frame that used it, in microseconds.
    pub fn record_key_latency(&mut self, microseconds: f64) {
        self.inner.record_key_latency(microseconds as u32);
    }

    /// What a step, a save and a load of a foreign environment cost on this machine, in microseconds,
    /// as its runtime's `measure` tells: snapshots are made as seldom as that makes them worth while.
    pub fn report_costs(&mut self, step_us: f64, save_us: f64, load_us: f64) {
        self.inner
            .report_costs(step_us as u32, save_us as u32, load_us as u32);
    }

    /// An error on the page or in the worker that belongs into the data.
    pub fn record_error(&mut self, message: &str, now_ms: f64) {
        self.inner.record_error(message, micros(now_ms));
    }
}

impl Episode {
    fn made(inner: Result<igym_play::Episode, igym_play::PlayError>) -> Result<Self, JsError> {
        let episode = Self {
            inner: inner.map_err(thrown)?,
        };
        #[cfg(feature = "fault-injection")]
        let episode = fault::injected(episode);
        Ok(episode)
    }
}

/// The inputs of a history, if it is the plan's.
fn inputs_of(delivery: &Delivery, plan: &EpisodePlan) -> Result<Vec<Vec<Vec<u8>>>, JsError> {
    delivery
        .history()
        .filter(|it| it.session == plan.session && it.episode == plan.episode)
        .map(|history| history.inputs.clone())
        .ok_or_else(|| thrown("the delivery is not the history of the plan's episode"))
}

/// The JSON that the plan's foreign environment is to be opened with. Throws if plan and environment
/// do not fit.
#[wasm_bindgen]
pub fn foreign_configuration(plan_json: &str) -> Result<String, JsError> {
    let plan: EpisodePlan = serde_json::from_str(plan_json).map_err(thrown)?;
    igym_play::foreign_configuration(&plan).map_err(thrown)
}

fn json_unless_empty(delta: &igym_play::DrawDelta) -> String {
    if delta.is_empty() {
        String::new()
    } else {
        json(delta)
    }
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("wire types hold nothing that JSON cannot")
}

/// The negative control of the parity tests.
#[cfg(feature = "fault-injection")]
mod fault {
    use super::*;

    #[wasm_bindgen]
    extern "C" {
        #[wasm_bindgen(thread_local_v2, js_name = globalThis)]
        static GLOBAL: JsValue;

        #[wasm_bindgen(js_namespace = Reflect, js_name = get)]
        fn property(of: &JsValue, name: &str) -> JsValue;
    }

    /// Flips one bit of state before the frame that `globalThis.igymFlipAtFrame` names.
    pub(super) fn injected(mut episode: Episode) -> Episode {
        let frame = GLOBAL.with(|global| property(global, "igymFlipAtFrame"));
        if let Some(frame) = frame.as_f64() {
            episode.inner.inject_fault(frame as u32);
        }
        episode
    }
}
