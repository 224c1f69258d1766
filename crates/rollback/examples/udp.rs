//! Two players over UDP on one machine: `cargo run --package igym-rollback --example udp`.

use std::{error::Error, net::UdpSocket, thread, time::Instant};

use igym_rollback::*;

type End = Result<(Option<Frame>, ChainHash), Box<dyn Error + Send + Sync>>;

/// Two dots on a line; who is at 50 first has won. Plays until both know the end.
fn play(me: u8, socket: &UdpSocket) -> End {
    let clock = Instant::now();
    let now = || Micros(clock.elapsed().as_micros() as u64);
    let build = Engine::builder().players(2).local([PlayerIndex(me)]);
    let (mut engine, mut game) = (build.build()?, States::new([0; 2]));
    let (mut end, mut more) = (None, 20);
    let mut buffer = [0; wire::MAX_PACKET_BYTES];
    while end.is_none() || more > 0 {
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
            game.run(&mut batch, |places, inputs| {
                for (place, input) in places.iter_mut().zip(inputs) {
                    *place += input.as_slice()[0];
                }
                (*places, places.iter().any(|place| *place >= 50))
            });
            engine.complete(&mut batch)?;
        }
        // The other may lack our last packets, for some ticks more. In life, a server says when.
        more -= i32::from(end.is_some());
        while let Some(event) = engine.poll_event() {
            if let Event::Sealed { last_frame, hash } = event {
                end = Some((Some(last_frame), hash));
            }
        }
    }
    end.ok_or("it was closed".into())
}

pub(crate) fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let bind = || UdpSocket::bind("127.0.0.1:0");
    let (one, other) = (bind()?, bind()?);
    one.connect(other.local_addr()?)?;
    other.connect(one.local_addr()?)?;
    thread::scope(|scope| {
        let theirs = scope.spawn(|| play(1, &other));
        let (frame, hash) = play(0, &one)?;
        assert_eq!(theirs.join().expect("it does not panic")?, (frame, hash));
        println!("both ended at frame {frame:?} with {hash}");
        Ok(())
    })
}
