//! One engine with its game, ticked by hand.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use igym_rollback::{
    Advance, Builder, ConfirmedFrame, Engine, Event, Frame, Incarnation, Input, LinkId, Micros,
    PacketError, PlayerIndex, PlayerSet, Request, Wait,
    wire::{self, Key, Near},
};

use crate::game::{Game, Rules};

pub(crate) const FRAME: Duration = Duration::from_micros(16_667);

#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) engine: Engine,
    pub(crate) game: Game,
    pub(crate) events: Vec<Event<'static>>,
    /// The local players.
    pub(crate) players: Vec<u8>,
    pub(crate) now: Micros,
    /// The players guessed in each step of the last tick.
    pub(crate) predicted: Vec<(Frame, PlayerSet)>,
    ears: BTreeMap<LinkId, Ear>,
}

/// The length of the default input.
pub(crate) const PLAIN: usize = 1;

thread_local! {
    /// Every packet that a host of this test sent, as its receiver understands it.
    static SAID: RefCell<BTreeMap<Vec<u8>, (wire::Header, wire::Body)>> = RefCell::default();
}

/// Understands all packets of one way that are read in order.
#[derive(Debug)]
pub(crate) struct Ear {
    header: wire::Header,
    addressee: Option<Incarnation>,
    near: wire::Near,
}

impl Default for Ear {
    fn default() -> Ear {
        Ear {
            header: wire::Header::default(),
            addressee: None,
            near: Near {
                own_sequence: 127,
                ..Near::default()
            },
        }
    }
}

impl Ear {
    /// `None` for a packet to a page load that only a forged packet told of.
    pub(crate) fn hear(&mut self, bytes: &[u8]) -> Option<(wire::Header, wire::Body)> {
        let mut body = wire::Body::default();
        if wire::is_short(bytes) {
            // A peer that was addressed need not have said so in a full packet.
            let guesses = self.addressee.map_or(1..=9, |known| known.0..=known.0);
            let heard = guesses.map(Incarnation).find(|addressee| {
                let Near { from, to, .. } = self.near;
                let key = Key::new(&self.header, *addressee, from, to);
                wire::decode_short(bytes, key, &self.near, PLAIN, &mut body).is_ok()
            });
            self.addressee = Some(heard?);
            body.addressee = heard;
        } else {
            let (header, rest) = wire::decode_header(bytes).unwrap();
            wire::decode_body(rest, PLAIN, &mut body).unwrap();
            self.header = header;
            self.addressee = body.addressee;
        }
        self.near = Near {
            from: body.from,
            to: body.to,
            sequence: body.sequence,
            since: 0,
            head: body.head,
            sent_at: body.sent_at.unwrap_or(self.near.sent_at),
            // Next to the last echo, which the receiver has surely sent.
            own_sequence: body.echo.map_or(self.near.own_sequence, |echo| {
                echo.sequence.saturating_add(127)
            }),
        };
        Some((self.header, body))
    }

    /// The packet with something else in it.
    pub(crate) fn retell(&mut self, bytes: &[u8], change: impl Fn(&mut wire::Body)) -> Vec<u8> {
        let (header, mut body) = self.hear(bytes).expect("it is of play");
        change(&mut body);
        match self.addressee {
            Some(addressee) if wire::is_short(bytes) => {
                let key = Key::new(&header, addressee, body.from, body.to);
                wire::encode_short(key, &body, PLAIN)
            }
            _ => wire::encode(&header, &body, PLAIN),
        }
    }
}

/// Two players, one here; delay 2, window 10 frames.
pub(crate) fn duo(me: u8) -> Builder {
    Engine::builder()
        .players(2)
        .local([PlayerIndex(me)])
        .input_delay(2)
        .frame_duration(FRAME)
        .window(FRAME * 10)
}

pub(crate) fn endless() -> Rules {
    Rules {
        start: 1,
        end_one_in: u64::MAX,
        frames: u32::MAX,
        digest_interval: 4,
        agreed_end: None,
        bot: None,
        flipped: None,
    }
}

impl Host {
    pub(crate) fn new(builder: Builder, players: &[u8], rules: Rules) -> Host {
        Host {
            engine: builder.build().unwrap(),
            game: Game::new(rules),
            events: Vec::new(),
            players: players.to_vec(),
            now: Micros(1_000_000),
            predicted: Vec::new(),
            ears: BTreeMap::new(),
        }
    }

    /// A tick in which every local player whose input is wanted gives this one.
    pub(crate) fn tick(&mut self, input: u8) -> (Option<Wait>, Vec<Packet>) {
        self.tick_with(|_, _| Input::new(&[input]).unwrap())
    }

    pub(crate) fn tick_with(
        &mut self,
        input: impl Fn(u8, Frame) -> Input,
    ) -> (Option<Wait>, Vec<Packet>) {
        self.now = self.now + FRAME;
        while let Some(frame) = self.engine.wanted_input() {
            for player in &self.players {
                let taken = self
                    .engine
                    .add_local_input(PlayerIndex(*player), input(*player, frame));
                assert_eq!(taken, Ok(frame));
            }
        }
        self.predicted.clear();
        let wait = match self.engine.advance(self.now) {
            Advance::Run(mut batch) => {
                for request in batch.requests() {
                    if let Request::Step { frame, predicted } = request {
                        self.predicted.push((*frame, *predicted));
                    }
                }
                self.game.run(&mut batch);
                self.engine.complete(&mut batch).unwrap();
                None
            }
            Advance::Wait(wait) => Some(wait),
        };
        let packets = packets(&mut self.engine);
        for packet in &packets {
            let ear = self.ears.entry(packet.link).or_default();
            if let Some(said) = ear.hear(&packet.bytes) {
                SAID.with_borrow_mut(|all| all.insert(packet.bytes.clone(), said));
            }
        }
        self.drain();
        (wait, packets)
    }

    pub(crate) fn take(&mut self, from: u8, packets: &[Packet]) {
        for packet in packets {
            let taken = self
                .engine
                .handle_packet(LinkId(from), &packet.bytes, self.now);
            taken.unwrap();
        }
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(event) = self.engine.poll_event() {
            self.events.push(kept(event));
        }
    }

    pub(crate) fn confirmed(&self) -> Vec<&ConfirmedFrame<'static>> {
        let events = self.events.iter();
        events
            .filter_map(|event| match event {
                Event::Confirmed(frame) => Some(frame),
                _ => None,
            })
            .collect()
    }

    /// The engine, but for the counters of refused packets.
    pub(crate) fn unrefused(&self) -> String {
        let text = format!("{:?}", self.engine);
        let (before, rest) = text.split_once("refused: Refused {").unwrap();
        let (_, after) = rest.split_once('}').unwrap();
        format!("{before}{after}")
    }

    /// A packet of player 1 is refused, and changes nothing but the counter.
    pub(crate) fn refuses(&mut self, bytes: &[u8], expected: PacketError) {
        let refused = self.engine.counters().refused.total();
        let before = self.unrefused();
        let taken = self.engine.handle_packet(LinkId(1), bytes, self.now);
        assert_eq!(taken, Err(expected));
        assert_eq!(self.unrefused(), before);
        assert_eq!(self.engine.counters().refused.total(), refused + 1);
    }
}

/// A packet that was taken.
#[derive(Clone, Debug)]
pub(crate) struct Packet {
    pub(crate) link: LinkId,
    pub(crate) bytes: Vec<u8>,
}

pub(crate) fn packets(engine: &mut Engine) -> Vec<Packet> {
    let mut packets = Vec::new();
    while let Some(packet) = engine.poll_packet() {
        packets.push(Packet {
            link: packet.link,
            bytes: packet.bytes.to_vec(),
        });
    }
    packets
}

/// What the event lends is kept for as long as the tests run.
fn kept(event: Event<'_>) -> Event<'static> {
    let (inputs, outcome) = event.lent();
    let (inputs, outcome) = (inputs.to_vec().leak(), outcome.to_vec().leak());
    event.lending(inputs, outcome)
}

/// Two hosts of one player each.
pub(crate) fn pair(rules: Rules) -> (Host, Host) {
    let host = |me: u8| Host::new(duo(me), &[me], rules.clone());
    (host(0), host(1))
}

/// Both play for so many ticks, and all packets arrive.
pub(crate) fn played(ticks: u32) -> (Host, Host) {
    let (mut a, mut b) = pair(endless());
    for _ in 0..ticks {
        let (_, to_b) = a.tick(3);
        b.take(0, &to_b);
        let (_, to_a) = b.tick(4);
        a.take(1, &to_a);
    }
    (a, b)
}

pub(crate) fn input(byte: u8) -> Input {
    Input::new(&[byte]).unwrap()
}

/// What was said in a packet that a host sent.
pub(crate) fn body(packet: &Packet) -> wire::Body {
    said(packet).1
}

/// The packet as a full one that says something else.
pub(crate) fn rewrite(
    packet: &Packet,
    change: impl Fn(&mut wire::Header, &mut wire::Body),
) -> Vec<u8> {
    let (mut header, mut body) = said(packet);
    change(&mut header, &mut body);
    wire::encode(&header, &body, PLAIN)
}

fn said(packet: &Packet) -> (wire::Header, wire::Body) {
    SAID.with_borrow(|said| said[&packet.bytes].clone())
}
