//! This project's engine at the bench.

use std::hint::black_box;
use std::time::Duration;

use igym_rollback::{
    Advance, Digest, Engine, Frame, Input, LinkId, Micros, PlayerIndex, Request, StepResult,
};

use crate::game::State;
use crate::meter::host;
use crate::network::Socket;
use crate::world::{FRAME_US, Peer, Setup, Tick};

pub struct Ours {
    engine: Engine,
    socket: Socket,
    state: State,
    saved: Vec<State>,
    me: usize,
    keys: crate::game::Keys,
    journal: bool,
}

impl Peer for Ours {
    const NAME: &'static str = "igym";

    fn new(setup: &Setup, socket: Socket, start_us: u64) -> Ours {
        let me = socket.me;
        let engine = Engine::builder()
            .players(setup.players)
            .local([PlayerIndex(me as u8)])
            .frame_duration(Duration::from_micros(FRAME_US))
            .input_delay(setup.delay)
            .window(Duration::from_micros(FRAME_US * u64::from(setup.window)))
            .start_at(Micros(start_us))
            .build()
            .unwrap();
        Ours {
            engine,
            socket,
            state: State::new(setup.state_bytes),
            saved: vec![State::new(setup.state_bytes); setup.window as usize + 2],
            me,
            keys: setup.keys,
            journal: setup.journal,
        }
    }

    /// A session of this engine begins with its first packet.
    fn greet(&mut self) {}

    fn tick(&mut self, now_us: u64) -> Tick {
        let now = Micros(now_us);
        while let Some((from, bytes)) = self.socket.receive() {
            let taken = self.engine.handle_packet(LinkId(from as u8), &bytes, now);
            taken.unwrap();
            self.socket.drop(bytes);
        }
        while let Some(frame) = self.engine.wanted_input() {
            let input = Input::new(&[self.keys.input(self.me, frame.0)]).unwrap();
            self.engine
                .add_local_input(PlayerIndex(self.me as u8), input)
                .unwrap();
        }
        let head = self.engine.head();
        let advance = self.engine.advance(now);
        while let Some(packet) = self.engine.poll_packet() {
            self.socket.send(usize::from(packet.link.0), packet.bytes);
        }
        let mut steps = 0;
        if let Advance::Run(mut batch) = advance {
            while let Some(request) = batch.poll_request() {
                match request {
                    Request::Load { frame } => host(|| {
                        let slot = frame.0 as usize % self.saved.len();
                        self.state.copy_from(&self.saved[slot]);
                    }),
                    Request::Save { frame } => host(|| {
                        let slot = frame.0 as usize % self.saved.len();
                        self.saved[slot].copy_from(&self.state);
                    }),
                    Request::Step { frame, .. } => {
                        steps += 1;
                        let inputs = batch.inputs(frame);
                        let digest = host(|| {
                            self.state
                                .step(inputs.iter().map(|input| input.as_slice()[0]));
                            Digest(self.state.checksum().to_le_bytes())
                        });
                        batch.answer(StepResult {
                            outcome: &[],
                            terminal: false,
                            digest: Some(digest),
                        });
                    }
                }
            }
            self.engine.complete(&mut batch).unwrap();
        }
        while let Some(event) = self.engine.poll_event() {
            black_box(&event);
        }
        if let (true, Some(frame)) = (self.journal, self.engine.confirmed()) {
            self.engine.set_durable(frame);
        }
        let advanced = self.engine.head() - head;
        Tick {
            advanced,
            resimulated: steps - advanced,
        }
    }

    fn next_tick_us(&self, now_us: u64) -> u64 {
        self.engine.next_tick_at(Micros(now_us)).0
    }

    fn ready(&self) -> bool {
        true
    }

    fn head(&self) -> u32 {
        self.engine.head().0
    }

    fn agrees(&self) -> bool {
        self.engine.confirmed() > Some(Frame(30))
    }
}
