//! The peers at the bench: `ggrs` and `fortress-rollback`, as their documentation says. Both have the
//! same interface, so one text makes both.

use std::hint::black_box;

use serde::{Deserialize, Serialize};

use crate::game::State;
use crate::meter::host;
use crate::network::Socket;
use crate::world::{FRAME_US, Peer, Setup, Tick};

#[derive(Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Key(u8);

/// Frames between exchanged checksums; the default of `fortress-rollback`.
const CHECKSUMS: u32 = 60;

impl ggrs::NonBlockingSocket<usize> for Socket {
    fn send_to(&mut self, message: &ggrs::Message, to: &usize) {
        // As its UDP socket does.
        self.send(*to, &bincode::serialize(message).unwrap());
    }

    fn receive_all_messages(&mut self) -> Vec<(usize, ggrs::Message)> {
        let mut messages = Vec::new();
        while let Some((from, bytes)) = self.receive() {
            messages.push((from, bincode::deserialize(&bytes).unwrap()));
            self.drop(bytes);
        }
        messages
    }
}

/// Encodes into memory that is used again, as its UDP socket does.
struct FortressSocket {
    socket: Socket,
    buffer: Vec<u8>,
}

impl fortress_rollback::NonBlockingSocket<usize> for FortressSocket {
    fn send_to(&mut self, message: &fortress_rollback::Message, to: &usize) {
        let length =
            fortress_rollback::network::codec::encode_into(message, &mut self.buffer).unwrap();
        self.socket.send(*to, &self.buffer[..length]);
    }

    fn receive_all_messages(&mut self) -> Vec<(usize, fortress_rollback::Message)> {
        let mut messages = Vec::new();
        while let Some((from, bytes)) = self.socket.receive() {
            let (message, _) = fortress_rollback::network::codec::decode_message(&bytes).unwrap();
            messages.push((from, message));
            self.socket.drop(bytes);
        }
        messages
    }
}

pub struct GgrsConfig;

impl ggrs::Config for GgrsConfig {
    type Input = Key;
    type InputPredictor = ggrs::PredictRepeatLast;
    type State = State;
    type Address = usize;
}

pub struct FortressConfig;

impl fortress_rollback::Config for FortressConfig {
    type Input = Key;
    type State = State;
    type Address = usize;
}

pub struct Ggrs {
    session: ggrs::P2PSession<GgrsConfig>,
    state: State,
    me: usize,
    keys: crate::game::Keys,
}

pub struct Fortress {
    session: fortress_rollback::P2PSession<FortressConfig>,
    state: State,
    me: usize,
    keys: crate::game::Keys,
}

macro_rules! peer {
    ($name:ident, $crate_name:literal, $config:ident, $request:path, $state:path,
     $handle:expr, $start:expr) => {
        impl Peer for $name {
            const NAME: &'static str = $crate_name;

            fn new(setup: &Setup, socket: Socket, _: u64) -> $name {
                $name {
                    state: State::new(setup.state_bytes),
                    me: socket.me,
                    keys: setup.keys,
                    session: $start(setup, socket),
                }
            }

            fn greet(&mut self) {
                self.session.poll_remote_clients();
            }

            fn tick(&mut self, _: u64) -> Tick {
                use $request as Request;
                use $state as SessionState;
                self.session.poll_remote_clients();
                for event in self.session.events() {
                    black_box(&event);
                }
                if self.session.current_state() != SessionState::Running {
                    return Tick::default();
                }
                let before = self.session.current_frame();
                let tick = self.head();
                let key = Key(self.keys.input(self.me, tick));
                self.session.add_local_input($handle(self.me), key).unwrap();
                let Ok(requests) = self.session.advance_frame() else {
                    return Tick::default();
                };
                let mut steps = 0;
                for request in requests {
                    match request {
                        Request::SaveGameState { cell, frame } => {
                            let (state, sum) = host(|| (self.state.clone(), self.state.checksum()));
                            cell.save(frame, Some(state), Some(sum));
                        }
                        Request::LoadGameState { cell, .. } => {
                            let state = cell.load().unwrap();
                            host(|| self.state = state);
                        }
                        Request::AdvanceFrame { inputs } => {
                            steps += 1;
                            host(|| self.state.step(inputs.iter().map(|(key, _)| key.0)));
                        }
                    }
                }
                let advanced = u32::from(self.session.current_frame() != before);
                Tick {
                    advanced,
                    resimulated: steps - advanced,
                }
            }

            /// The smoother of the two ways that the documentation of `ggrs` shows.
            fn next_tick_us(&self, now_us: u64) -> u64 {
                let ahead = self.session.frames_ahead().clamp(0, 3) as u64;
                now_us + FRAME_US + FRAME_US * ahead / 10
            }

            fn ready(&self) -> bool {
                use $state as SessionState;
                self.session.current_state() == SessionState::Running
            }

            fn head(&self) -> u32 {
                let frame = self.session.current_frame();
                format_frame(frame)
            }

            fn agrees(&self) -> bool {
                format_frame(self.session.confirmed_frame()) > 30
            }
        }
    };
}

trait FrameNumber {
    fn number(self) -> u32;
}

impl FrameNumber for i32 {
    fn number(self) -> u32 {
        self.max(0) as u32
    }
}

impl FrameNumber for fortress_rollback::Frame {
    fn number(self) -> u32 {
        self.as_usize().unwrap_or(0) as u32
    }
}

fn format_frame(frame: impl FrameNumber) -> u32 {
    frame.number()
}

peer!(
    Ggrs,
    "ggrs 0.13",
    GgrsConfig,
    ggrs::GgrsRequest,
    ggrs::SessionState,
    |me| me,
    |setup: &Setup, socket: Socket| {
        let mut builder = ggrs::SessionBuilder::<GgrsConfig>::new()
            .with_num_players(setup.players)
            .unwrap()
            .with_max_prediction_window(setup.window as usize)
            .with_input_delay(setup.delay as usize)
            .with_fps(60)
            .unwrap()
            .with_desync_detection_mode(ggrs::DesyncDetection::On {
                interval: CHECKSUMS,
            });
        for player in 0..setup.players {
            let kind = match player == socket.me {
                true => ggrs::PlayerType::Local,
                false => ggrs::PlayerType::Remote(player),
            };
            builder = builder.add_player(kind, player).unwrap();
        }
        builder.start_p2p_session(socket).unwrap()
    }
);

peer!(
    Fortress,
    "fortress-rollback 0.13",
    FortressConfig,
    fortress_rollback::FortressRequest,
    fortress_rollback::SessionState,
    fortress_rollback::PlayerHandle::new,
    |setup: &Setup, socket: Socket| {
        let mut builder = fortress_rollback::SessionBuilder::<FortressConfig>::new()
            .with_num_players(setup.players)
            .unwrap()
            .with_max_prediction_window(setup.window as usize)
            .with_input_delay(setup.delay as usize)
            .unwrap()
            .with_fps(60)
            .unwrap()
            .with_desync_detection_mode(fortress_rollback::DesyncDetection::On {
                interval: CHECKSUMS,
            });
        for player in 0..setup.players {
            let kind = match player == socket.me {
                true => fortress_rollback::PlayerType::Local,
                false => fortress_rollback::PlayerType::Remote(player),
            };
            let handle = fortress_rollback::PlayerHandle::new(player);
            builder = builder.add_player(kind, handle).unwrap();
        }
        let socket = FortressSocket {
            socket,
            buffer: vec![0; 4096],
        };
        builder.start_p2p_session(socket).unwrap()
    }
);
