//! Two players over UDP on one machine: `cargo run --package igym-rollback --example udp`.

use std::collections::BTreeMap;
use std::error::Error;
use std::net::UdpSocket;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use igym_rollback::*;

/// Two dots on a line; who is at 50 first has won.
#[derive(Default)]
struct Game {
    places: [i32; 2],
    saved: BTreeMap<Frame, [i32; 2]>,
}

impl Game {
    fn run(&mut self, batch: &mut Batch) {
        while let Some(request) = batch.poll_request() {
            match request {
                Request::Load { frame } => self.places = self.saved[&frame],
                Request::Save { frame } => _ = self.saved.insert(frame, self.places),
                Request::Step { frame, .. } => {
                    for (place, input) in self.places.iter_mut().zip(batch.inputs(frame)) {
                        *place += i32::from(input.as_slice()[0]);
                    }
                    let terminal = self.places.iter().any(|place| *place >= 50);
                    let outcome = &self.places.map(|place| place as u8);
                    batch.answer(StepResult {
                        outcome,
                        terminal,
                        digest: None,
                    });
                }
            }
        }
        self.saved = self.saved.split_off(&batch.keep_from());
    }
}

/// Plays until both know the end: its frame, and the hash of all that happened.
fn play(
    me: u8,
    socket: &UdpSocket,
    ended: &AtomicU8,
) -> Result<(Frame, ChainHash), Box<dyn Error + Send + Sync>> {
    let clock = Instant::now();
    let now = || Micros(clock.elapsed().as_micros() as u64);
    let build = Engine::builder()
        .players(2)
        .local([PlayerIndex(me)])
        .input_delay(1);
    let mut engine = build.frame_duration(Duration::from_millis(10)).build()?;
    let (mut game, mut end) = (Game::default(), None);
    let mut buffer = [0; wire::MAX_PACKET_BYTES];
    loop {
        // Until the next tick is due: packets. One that is refused changed nothing.
        let wait = engine.next_tick_at(now()).since(now());
        if !wait.is_zero() {
            socket.set_read_timeout(Some(wait))?;
            if let Ok(length) = socket.recv(&mut buffer) {
                _ = engine.handle_packet(LinkId(1 - me), &buffer[..length], now());
            }
            continue;
        }
        while let Some(frame) = engine.wanted_input() {
            let goes = (frame.0 / 7 + u32::from(me)) % 3 > 0;
            engine.add_local_input(PlayerIndex(me), Input::new(&[u8::from(goes)])?)?;
        }
        let advance = engine.advance(now());
        while let Some(packet) = engine.poll_packet() {
            _ = socket.send(packet.bytes); // What is lost comes again.
        }
        if let Advance::Run(mut batch) = advance {
            game.run(&mut batch);
            engine.complete(&mut batch)?;
        }
        while let Some(event) = engine.poll_event() {
            if let Event::Sealed { last_frame, hash } = event {
                end = Some((last_frame, hash));
                ended.fetch_add(1, Ordering::SeqCst);
            }
        }
        // The other may still lack our last inputs. In life, whoever opened the session says so.
        if let Some(end) = end.filter(|_| ended.load(Ordering::SeqCst) == 2) {
            return Ok(end);
        }
    }
}

pub(crate) fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let sockets = [
        UdpSocket::bind("127.0.0.1:0")?,
        UdpSocket::bind("127.0.0.1:0")?,
    ];
    sockets[0].connect(sockets[1].local_addr()?)?;
    sockets[1].connect(sockets[0].local_addr()?)?;
    let ended = AtomicU8::new(0);
    thread::scope(|scope| {
        let other = scope.spawn(|| play(1, &sockets[1], &ended));
        let (frame, hash) = play(0, &sockets[0], &ended)?;
        assert_eq!(other.join().expect("it does not panic")?, (frame, hash));
        println!("both ended at frame {frame} with {hash}");
        Ok(())
    })
}
