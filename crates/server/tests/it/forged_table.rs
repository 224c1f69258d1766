//! Everything that is forged in `forged.rs`, as tables.

use igym_protocol::{
    ClientMessage, Digests, Envelope, JournalBatch, Limits, LinkState, Measurement, Relay, Resume,
    Seal, SessionId, SignalPayload, Token, Upload, UploadBody, encode_relay, encode_upload,
};
use tokio_tungstenite::tungstenite::Message;
use uuid::Uuid;

use crate::uploads::{authored, impossible, upload};

/// Where the forger stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Standing {
    Start,
    Instructions,
    Lobby,
    Connecting,
    Validating,
    Playing,
    Ended,
}

/// One thing to send, and what it is called.
pub(crate) struct Kind {
    pub(crate) name: String,
    pub(crate) message: Message,
}

/// What the forger knows.
pub(crate) struct Knowledge {
    pub(crate) standing: Standing,
    /// Their own session and the number of their place in it.
    pub(crate) own: Option<(SessionId, u8)>,
    /// The session of the victims.
    pub(crate) foreign: SessionId,
}

impl Knowledge {
    /// Every message of the protocol with every wrong thing in it.
    pub(crate) fn messages(&self) -> Vec<Kind> {
        let mut messages = vec![ClientMessage::Hello {
            token: Token("0".repeat(64)),
            resume: Some(Resume {
                incarnation: 1,
                key: "0".repeat(64),
            }),
            user_agent: String::new(),
        }];
        // A scene that is over may be left and joined again: a page repeats itself.
        for scene in [2, 3, 99, u32::MAX] {
            messages.push(ClientMessage::Advance { scene });
            messages.push(ClientMessage::Join { scene });
        }
        // Nothing is to be measured of this study's environment, and it raises no errors.
        for scene in [0, 1, 2, 99, u32::MAX] {
            messages.push(ClientMessage::Measured {
                scene,
                measurement: Measurement {
                    rollback_us: u32::MAX,
                    ..Measurement::default()
                },
            });
            messages.push(ClientMessage::Unable {
                scene,
                message: "forged\r\nERROR".into(),
            });
        }
        let (own, me) = self.own.unzip();
        let me = me.unwrap_or(0);
        let unknown = SessionId(Uuid::from_u128(0xbad));
        for (session, episodes) in [
            (Some(self.foreign), &[0, 1][..]),
            (Some(unknown), &[0]),
            (own, &[0, 1, u32::MAX]),
        ] {
            let Some(session) = session else { continue };
            for episode in episodes.iter().copied() {
                messages.push(ClientMessage::Failed {
                    session,
                    episode,
                    frame: 3,
                    message: "x".repeat(30_000),
                });
            }
        }
        for (session, places) in [
            (Some(self.foreign), &[(0, 1), (1, 1), (255, u32::MAX)][..]),
            (Some(unknown), &[(0, 1), (1, 0)]),
            // Oneself, nobody, and attempts that never were.
            (
                own,
                &[
                    (me, 1),
                    (2, 1),
                    (15, 1),
                    (255, 1),
                    (1 - me, 0),
                    (1 - me, 77),
                ],
            ),
        ] {
            let Some(session) = session else { continue };
            for (to, attempt) in places.iter().copied() {
                messages.push(ClientMessage::Signal {
                    session,
                    to,
                    attempt,
                    payload: SignalPayload::Offer {
                        sdp: "let me in".into(),
                    },
                });
                for state in [
                    LinkState::Open {
                        local: "host".into(),
                        remote: "host".into(),
                    },
                    LinkState::Failed {
                        reason: "forged".into(),
                    },
                ] {
                    messages.push(ClientMessage::Link {
                        session,
                        to,
                        attempt,
                        state,
                    });
                }
            }
            // To report other digests in one's own VALIDATING is to say that one cannot play.
            if own != Some(session) || self.standing != Standing::Validating {
                messages.push(ClientMessage::Validate {
                    session,
                    digests: Digests {
                        build: "forged".into(),
                        ..Digests::default()
                    },
                });
            }
        }
        for (session, episodes) in [
            (Some(self.foreign), &[0, 1][..]),
            (Some(unknown), &[0]),
            // The first page of whoever plays has nothing to rejoin.
            (own, &[0, 1, 7, u32::MAX]),
        ] {
            let Some(session) = session else { continue };
            for episode in episodes.iter().copied() {
                messages.push(ClientMessage::Rejoin { session, episode });
            }
        }
        messages
            .into_iter()
            .map(|message| Kind {
                name: format!("{:?}: {message:?}", self.standing),
                message: Message::text(Envelope::new(message).encode()),
            })
            .collect()
    }

    /// Uploads about sessions of others, and about the own one where nothing is open.
    pub(crate) fn uploads(&self) -> Vec<Kind> {
        let unknown = SessionId(Uuid::from_u128(0xbad));
        let bodies = [
            ("journal", UploadBody::Journal(JournalBatch::default())),
            (
                "an input",
                UploadBody::Journal(JournalBatch {
                    authored: vec![authored(0, 3)],
                    ..JournalBatch::default()
                }),
            ),
            (
                "a seal",
                UploadBody::Seal(Seal {
                    last_frame: 3,
                    hash: [0; 16],
                }),
            ),
            ("a flush", UploadBody::Flushed),
        ];
        let mut kinds = Vec::new();
        for (whose, session, episode) in [
            ("the victims' session", self.foreign, 0),
            ("the victims' next episode", self.foreign, 1),
            ("no session", unknown, 0),
        ] {
            for (what, body) in &bodies {
                let forged = upload(session, 1, episode, body.clone());
                kinds.push(Kind {
                    name: format!("{:?}: {what} about {whose}", self.standing),
                    message: Message::binary(encode_upload(&forged)),
                });
            }
        }
        kinds
    }
}

impl Knowledge {
    /// Packets for members of sessions of others, and for nobody in one's own.
    pub(crate) fn relays(&self) -> Vec<Kind> {
        let unknown = SessionId(Uuid::from_u128(0xbad));
        let running = matches!(
            self.standing,
            Standing::Connecting | Standing::Validating | Standing::Playing
        );
        let mut relays = vec![
            ("the victims", self.foreign, 0, 40),
            ("the other victim", self.foreign, 1, 40),
            ("nobody among the victims", self.foreign, 255, 40),
            ("no session", unknown, 0, 40),
        ];
        if let (Some((own, me)), true) = (self.own, running) {
            relays.extend([
                ("oneself", own, me, 40),
                ("a third", own, 2, 40),
                ("a far one", own, 255, 40),
                ("a partner, of nothing", own, 1 - me, 0),
                ("a partner, too long", own, 1 - me, Limits::PACKET_BYTES + 1),
                ("a partner, far too long", own, 1 - me, 100_000),
            ]);
        }
        let kind = |(what, session, to, size): (&str, SessionId, u8, usize)| Kind {
            name: format!("{:?}: a packet for {what}", self.standing),
            message: Message::binary(encode_relay(&Relay {
                session,
                to,
                plea: false,
                packet: vec![7; size],
            })),
        };
        relays.into_iter().map(kind).collect()
    }
}

/// Bytes that are no packet for a partner, by mutating one that is.
pub(crate) fn mutated_relays(own: SessionId, to: u8) -> Vec<Kind> {
    let good = encode_relay(&Relay {
        session: own,
        to,
        plea: true,
        packet: vec![7; 10],
    });
    let mut kinds = Vec::new();
    let mut kind = |name: String, bytes: Vec<u8>| {
        let message = Message::binary(bytes);
        kinds.push(Kind { name, message });
    };
    for length in 2..good.len() {
        kind(format!("packet cut at {length}"), good[..length].to_vec());
    }
    for bit in 0..32 {
        let mut bytes = good.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        kind(format!("bit {bit} of a packet's header flipped"), bytes);
    }
    for extra in [1, 2_000, Limits::UPLOAD_BYTES] {
        let mut bytes = good.clone();
        bytes.resize(good.len() + extra, 0);
        kind(format!("packet with {extra} bytes more"), bytes);
    }
    kinds
}

/// Text that is no message, by mutating those that are.
pub(crate) fn mutated_texts() -> Vec<Kind> {
    let kind = |name: String, text: String| Kind {
        name,
        message: Message::text(text),
    };
    let good = Envelope::new(ClientMessage::Link {
        session: SessionId(Uuid::from_u128(5)),
        to: 1,
        attempt: 1,
        state: LinkState::Failed { reason: "r".into() },
    })
    .encode();
    let mut kinds = Vec::new();
    for length in (0..good.len()).step_by(3) {
        let cut = good[..length].to_owned();
        kinds.push(kind(format!("text cut at {length}"), cut));
    }
    for (wrong, right) in [
        ("\"v\":2", "\"v\":1"),
        ("\"v\":0", "\"v\":1"),
        ("\"v\":65535", "\"v\":1"),
        ("\"v\":65536", "\"v\":1"),
        ("\"v\":-1", "\"v\":1"),
        ("\"v\":\"1\"", "\"v\":1"),
        ("\"v\":1,\"v\":1", "\"v\":1"),
        ("\"to\":256", "\"to\":1"),
        ("\"to\":-1", "\"to\":1"),
        ("\"to\":1.5", "\"to\":1"),
        ("\"to\":null", "\"to\":1"),
        ("\"to\":[1]", "\"to\":1"),
        ("\"to\":1,\"to\":2", "\"to\":1"),
        ("\"to\":1,\"from\":0", "\"to\":1"),
        ("\"to\":1,\"participant\":\"me\"", "\"to\":1"),
        ("\"attempt\":4294967296", "\"attempt\":1"),
        ("\"attempt\":1e99", "\"attempt\":1"),
        ("\"type\":\"LINK\"", "\"type\":\"link\""),
        ("\"type\":\"welcome\"", "\"type\":\"link\""),
        ("\"type\":7", "\"type\":\"link\""),
        ("\"kind\":\"admin\"", "\"kind\":\"failed\""),
        ("\"body\":null,\"x\"", "\"body\""),
        ("0000000g", "00000000"),
    ] {
        let text = good.replacen(right, wrong, 1);
        assert_ne!(text, good, "{right} is there");
        kinds.push(kind(format!("text with {wrong}"), text));
    }
    let measured = Envelope::new(ClientMessage::Measured {
        scene: 1,
        measurement: Measurement::default(),
    })
    .encode();
    for wrong in [
        "-1",
        "0.5",
        "4294967296",
        "1e300",
        "NaN",
        "null",
        "\"0\"",
        "[0]",
    ] {
        let text = measured.replacen("\"rollback_us\":0", &format!("\"rollback_us\":{wrong}"), 1);
        assert_ne!(text, measured);
        kinds.push(kind(format!("a rollback of {wrong}"), text));
    }
    for (name, text) in [
        ("deep lists", "[".repeat(30_000)),
        ("deep objects", "{\"a\":".repeat(6_000)),
        ("a long number", "1".repeat(30_000)),
        ("zeros", "\0".repeat(100)),
        ("spaces", " ".repeat(Limits::TEXT_BYTES)),
        ("too much", " ".repeat(Limits::TEXT_BYTES + 1)),
        (
            "too much of a message",
            format!("{good}{}", " ".repeat(Limits::TEXT_BYTES)),
        ),
        ("two messages", format!("{good}{good}")),
        ("a surrogate", good.replace("\"r\"", "\"\\ud800\"")),
        (
            "a long reason",
            good.replace("\"r\"", &format!("\"{}\"", "r".repeat(1_025))),
        ),
    ] {
        kinds.push(kind(name.to_owned(), text));
    }
    kinds
}

/// Bytes that are no upload, or none that player 0 of this session could send next. `seq` is the
/// next one.
pub(crate) fn mutated_uploads(own: SessionId, seq: u32) -> Vec<Kind> {
    let kind = |name: String, bytes: Vec<u8>| Kind {
        name,
        message: Message::binary(bytes),
    };
    let body = UploadBody::Journal(JournalBatch {
        authored: vec![authored(0, 7)],
        ..JournalBatch::default()
    });
    let good = encode_upload(&upload(own, seq, 0, body.clone()));
    let mut kinds = Vec::new();
    for length in 0..good.len() {
        kinds.push(kind(
            format!("upload cut at {length}"),
            good[..length].to_vec(),
        ));
    }
    for bit in 0..32 {
        let mut bytes = good.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        kinds.push(kind(format!("bit {bit} of the header flipped"), bytes));
    }
    for extra in [1, 100, Limits::UPLOAD_BYTES] {
        let mut bytes = good.clone();
        bytes.resize(good.len() + extra, 0);
        kinds.push(kind(format!("upload with {extra} bytes more"), bytes));
    }
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for number in 0..40_usize {
        let bytes = (0..number * 97).map(|_| {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            random.to_be_bytes()[0]
        });
        let bytes: Vec<u8> = if number % 2 == 0 {
            bytes.collect()
        } else {
            // Noise with an honest header: 0xff makes the first number one that never ends.
            good[..4]
                .iter()
                .copied()
                .chain([0xff; 12])
                .chain(bytes)
                .collect()
        };
        kinds.push(kind(format!("noise {number}"), bytes));
    }
    for wrong in [0, seq + 1, seq + 2, seq + 1_000, u32::MAX - 1, u32::MAX] {
        let forged = upload(own, wrong, 0, body.clone());
        kinds.push(kind(
            format!("number {wrong} out of order"),
            encode_upload(&forged),
        ));
    }
    for incarnation in [0, 2, 99, u32::MAX] {
        let forged = Upload {
            incarnation,
            ..upload(own, 1, 0, body.clone())
        };
        kinds.push(kind(
            format!("page load {incarnation}"),
            encode_upload(&forged),
        ));
    }
    for episode in [1, 2, 99, u32::MAX] {
        let forged = upload(own, seq, episode, body.clone());
        kinds.push(kind(format!("episode {episode}"), encode_upload(&forged)));
    }
    for (what, body) in impossible() {
        let forged = upload(own, seq, 0, body);
        kinds.push(kind(format!("upload of {what}"), encode_upload(&forged)));
    }
    kinds
}

/// What no WebSocket sends after its upgrade: frames as they are on the wire.
pub(crate) fn broken_frames() -> Vec<(&'static str, Vec<u8>)> {
    let masked = |first: u8, length: &[u8], payload: &[u8]| {
        let mut frame = vec![first];
        frame.extend(length);
        frame[1] |= 0x80;
        frame.extend([0; 4]);
        frame.extend(payload);
        frame
    };
    vec![
        ("a frame without a mask", vec![0x81, 2, b'{', b'}']),
        ("a reserved bit", masked(0xc1, &[2], b"{}")),
        ("a reserved kind", masked(0x83, &[2], b"{}")),
        ("a reserved control kind", masked(0x8b, &[0], b"")),
        ("a long ping", masked(0x89, &[126, 0, 200], &[0; 200])),
        ("a ping in pieces", masked(0x09, &[1], b"x")),
        ("a continuation of nothing", masked(0x80, &[1], b"x")),
        ("text that is not UTF-8", masked(0x81, &[2], &[0xc3, 0x28])),
        (
            "a closing that is not UTF-8",
            masked(0x88, &[4], &[3, 0xe8, 0xc3, 0x28]),
        ),
        ("a closing of one byte", masked(0x88, &[1], &[3])),
        (
            "a frame of 2^63 bytes",
            masked(0x82, &[127, 0x80, 0, 0, 0, 0, 0, 0, 0], b""),
        ),
        (
            "a frame of 2^40 bytes",
            masked(0x82, &[127, 0, 0, 1, 0, 0, 0, 0, 0], b""),
        ),
        (
            "text within text",
            [masked(0x01, &[1], b"{"), masked(0x81, &[1], b"}")].concat(),
        ),
        ("a request", b"GET / HTTP/1.1\r\nhost: x\r\n\r\n".to_vec()),
    ]
}

/// HTTP that deserves no better answer than one of the 400s, or none.
pub(crate) fn broken_requests() -> Vec<(&'static str, Vec<u8>)> {
    let post = |body: &str| {
        let length = body.len();
        format!("POST /api/participants HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}")
            .into_bytes()
    };
    let get = |path: &str| {
        format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").into_bytes()
    };
    vec![
        ("no HTTP", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec()),
        ("nonsense", b"hello server\r\n\r\n".to_vec()),
        ("a long path", get(&format!("/{}", "a".repeat(20_000)))),
        ("many headers", {
            let headers = "a: b\r\n".repeat(500);
            format!("GET / HTTP/1.1\r\n{headers}\r\n").into_bytes()
        }),
        ("a long header", {
            let header = "b".repeat(40_000);
            format!("GET / HTTP/1.1\r\na: {header}\r\n\r\n").into_bytes()
        }),
        ("a way up", get("/assets/../../journal.sqlite")),
        ("an encoded way up", get("/assets/%2e%2e%2f%2e%2e%2fjournal.sqlite")),
        ("the journal", get("/journal.sqlite")),
        ("a hidden file", get("/.hidden")),
        ("a WebSocket without upgrade", get("/ws")),
        ("an upgrade without key", b"GET /ws HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\r\n".to_vec()),
        ("an old WebSocket", b"GET /ws HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 8\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".to_vec()),
        ("another method", b"DELETE /api/participants HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".to_vec()),
        ("an arrival that is no JSON", post("{")),
        ("an arrival that is a list", post("[]")),
        ("an arrival with more", post("{\"participant\":\"me\"}")),
        ("an arrival with a token", post("{\"token\":\"mine\"}")),
        ("a long name", post(&format!("{{\"external_id\":\"{}\"}}", "x".repeat(300)))),
        ("a large arrival", post(&format!("{{\"external_id\":\"{}\"}}", "x".repeat(9_000)))),
        ("two lengths", b"POST /api/participants HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}".to_vec()),
        ("a length that is no number", b"POST /api/participants HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n{}".to_vec()),
        ("a chunk of 2^64 bytes", b"POST /api/participants HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\nffffffffffffffff1\r\n".to_vec()),
    ]
}
