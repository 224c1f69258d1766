//! One of everything, with fixed contents.

use igym_protocol::*;
use uuid::Uuid;

pub(crate) fn session() -> SessionId {
    SessionId(Uuid::from_u128(0x0192_3000_0000_7000_8000_0000_0000_0001))
}

pub(crate) fn participant(n: u128) -> ParticipantId {
    ParticipantId(Uuid::from_u128(
        0x0192_3000_0000_7000_8000_0000_0000_0100 + n,
    ))
}

pub(crate) fn upload(seq: u32, body: UploadBody) -> Upload {
    Upload {
        incarnation: 2,
        seq,
        session: session(),
        episode: 1,
        body,
    }
}

pub(crate) fn journal_batch() -> JournalBatch {
    JournalBatch {
        authored: vec![AuthoredInput {
            frame: 7,
            player: 0,
            input: vec![3],
            source: InputSource::Human,
            at_us: 233_333,
            delay: 2,
        }],
        received: vec![ReceivedInput {
            frame: 5,
            player: 1,
            input: vec![1],
            path: Path::DataChannel,
            at_us: 240_000,
        }],
        presented: vec![PresentedFrame {
            frame: 6,
            at_us: 241_000,
            inputs: vec![vec![3], vec![1]],
            predicted: 0b10,
        }],
        keys: vec![KeyEvent {
            at_us: 230_000,
            key: "ArrowUp".into(),
            down: true,
            frame: 7,
        }],
        events: vec![
            ClientEvent::Rollback {
                at_us: 242_000,
                frame: 4,
                depth: 2,
                player: 1,
            },
            ClientEvent::Visibility {
                at_us: 243_000,
                visible: false,
            },
        ],
        network: vec![NetworkSample {
            at_us: 250_000,
            player: 1,
            rtt_us: 100_500,
            jitter_us: 900,
            sent: 30,
            received: 29,
            lost: 1,
        }],
    }
}

pub(crate) fn row() -> CanonicalRow {
    CanonicalRow {
        inputs: vec![vec![3], vec![1]],
        outcome: vec![0xAA, 0xBB],
        digest: Some([7; 16]),
        hash: [9; 16],
    }
}

pub(crate) fn bodies() -> Vec<UploadBody> {
    vec![
        UploadBody::Journal(journal_batch()),
        UploadBody::Rows(Rows {
            first: 0,
            rows: vec![row(), row()],
        }),
        UploadBody::Seal(Seal {
            last_frame: 1,
            hash: [9; 16],
        }),
        UploadBody::Flushed,
        UploadBody::Report(EpisodeReport {
            frames: 2,
            key_to_frame_p50_us: Some(41_000),
            links: vec![LinkReport {
                player: 1,
                rtt_median_us: 100_000,
                ..LinkReport::default()
            }],
            ..EpisodeReport::default()
        }),
    ]
}

pub(crate) fn plan() -> EpisodePlan {
    EpisodePlan {
        session: session(),
        episode: 1,
        episodes: 2,
        seed: 42,
        environment: EnvironmentSpec {
            id: "slime_volleyball".into(),
            version: "1".into(),
            config: "{}".into(),
        },
        seats: vec![
            Seat {
                participant: participant(0),
                agents: vec!["agent_left".into()],
            },
            Seat {
                participant: participant(1),
                agents: vec!["agent_right".into()],
            },
        ],
        frames_per_second: 30,
        input_delay: 2,
        window_ms: 500,
        max_steps: 3000,
        digest_interval: 1,
        prediction: Prediction::RepeatLast,
        controls: Controls {
            mode: InputMode::HeldKeys,
            bindings: vec![KeyBinding {
                keys: vec!["ArrowUp".into()],
                action: 3,
                label: "jump".into(),
            }],
            default_action: 0,
        },
        digests: Digests {
            build: "b".into(),
            environment: "e".into(),
            study: "s".into(),
        },
    }
}

pub(crate) fn measurement() -> Measurement {
    Measurement {
        step_us: 310,
        save_us: 40,
        load_us: 90,
        rollback_us: 3_600,
    }
}

pub(crate) fn relay() -> Relay {
    Relay {
        session: session(),
        to: 1,
        plea: true,
        packet: vec![7; 20],
    }
}

pub(crate) fn deliveries() -> [Delivery; 2] {
    [
        Delivery::Relayed {
            session: session(),
            from: 1,
            plea: true,
            packet: vec![7; 20],
        },
        Delivery::History(History {
            session: session(),
            episode: 1,
            inputs: vec![vec![vec![3], vec![1, 2]], vec![]],
        }),
    ]
}
