//! What a tick costs on this machine: two peers of slime volleyball, in virtual time, at several
//! delays; the work of one peer is measured.
//!
//! `cargo run --release -p igym-play --example tick_cost`

use std::time::Instant;

use igym_play::{Episode, Micros, Outbox};
use igym_protocol::{
    Controls, Digests, EnvironmentSpec, EpisodePlan, InputMode, KeyBinding, ParticipantId, Path,
    Prediction, Seat, SessionId,
};
use uuid::Uuid;

const FRAMES: u32 = 3000;

fn main() {
    println!("two peers of slime volleyball, 30 frames a second, {FRAMES} frames; times in µs\n");
    println!(
        "| one way | rollbacks | deepest | tick p50 | p99 | most | draw p50 | JSON p50 | upload p50 | bytes/s |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for delay in [0, 50_000, 100_000, 200_000] {
        measure(delay);
    }
}

fn measure(delay: u64) {
    let plan = plan();
    let mut peers = [0, 1]
        .map(|me| Episode::new(&plan, me, 1, Micros(100_000)).expect("the plan can be played"));
    let mut outbox = Outbox::new(1);
    let mut flights: Vec<(u64, usize, Vec<u8>)> = Vec::new();
    let (mut tick, mut draw, mut json, mut upload) = (vec![], vec![], vec![], vec![]);
    let mut uploaded = 0;
    let mut report = None;
    let mut now = 0;
    while peers.iter().any(|peer| !peer.status().sealed) || report.is_none() {
        let time = Micros(now);
        for (_, to, bytes) in flights.extract_if(.., |(at, _, _)| *at <= now) {
            peers[to]
                .handle_packet(1 - to as u8, Path::DataChannel, &bytes, time)
                .expect("peers send good packets");
        }
        for (me, peer) in peers.iter_mut().enumerate() {
            press(peer, me as u64, now);
            let start = Instant::now();
            if peer.tick(time) && me == 0 {
                tick.push(start.elapsed());
                let start = Instant::now();
                let delta = peer.draw();
                draw.push(start.elapsed());
                let start = Instant::now();
                let text = serde_json::to_string(&(delta, peer.status())).expect("plain data");
                json.push(start.elapsed());
                std::hint::black_box(text);
            }
            while let Some(packet) = peer.poll_packet() {
                flights.push((now + delay + 1, usize::from(packet.to), packet.bytes));
            }
            let start = Instant::now();
            while let Some(body) = peer.poll_upload(time) {
                if me == 0 {
                    if let igym_protocol::UploadBody::Report(found) = &body {
                        report = Some(found.clone());
                    }
                    outbox.push(plan.session, plan.episode, body);
                    let bytes = outbox.poll().expect("it was just pushed");
                    uploaded += bytes.len();
                    outbox.handle_ack(1, upload.len() as u32 + 1);
                    upload.push(start.elapsed());
                }
            }
        }
        now += 1000;
    }
    let report = report.expect("the loop ran until there was one");
    let micros = |times: &mut Vec<std::time::Duration>, percent: usize| {
        times.sort_unstable();
        times[(times.len() - 1) * percent / 100].as_nanos() as f64 / 1e3
    };
    println!(
        "| {} ms | {} | {} | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} | {} |",
        delay / 1000,
        report.rollbacks,
        report.deepest_rollback,
        micros(&mut tick, 50),
        micros(&mut tick, 99),
        micros(&mut tick, 100),
        micros(&mut draw, 50),
        micros(&mut json, 50),
        micros(&mut upload, 50),
        uploaded as u64 * 1_000_000 / now,
    );
}

/// A key changes every 150 ms or so, at other times for each player.
fn press(peer: &mut Episode, me: u64, now: u64) {
    const KEYS: [&str; 3] = ["ArrowLeft", "ArrowUp", "ArrowRight"];
    let period = 147_000 + 8_000 * me;
    if now.is_multiple_of(period) {
        let count = now / period + me;
        let key = KEYS[(count.wrapping_mul(0x9e37_79b9) >> 7) as usize % KEYS.len()];
        peer.key(key, count.is_multiple_of(2), Micros(now));
    }
}

fn plan() -> EpisodePlan {
    let info = igym_envs::find("slime_volleyball").expect("it is in the catalogue");
    EpisodePlan {
        session: SessionId(Uuid::nil()),
        episode: 0,
        episodes: 1,
        seed: 1,
        environment: EnvironmentSpec {
            id: info.id.to_owned(),
            version: info.version.to_owned(),
            config: r#"{"max_lives":1000000}"#.to_owned(),
        },
        seats: info
            .agents
            .iter()
            .map(|agent| Seat {
                participant: ParticipantId(Uuid::nil()),
                agents: vec![(*agent).to_owned()],
            })
            .collect(),
        frames_per_second: 30,
        input_delay: 2,
        window_ms: 1000,
        max_steps: FRAMES,
        digest_interval: 30,
        prediction: Prediction::RepeatLast,
        controls: Controls {
            mode: InputMode::HeldKeys,
            bindings: info
                .default_keys
                .iter()
                .map(|(keys, action)| KeyBinding {
                    keys: keys.iter().map(|key| (*key).to_owned()).collect(),
                    action: *action,
                    label: String::new(),
                })
                .collect(),
            default_action: info.default_action,
        },
        digests: Digests::default(),
    }
}
