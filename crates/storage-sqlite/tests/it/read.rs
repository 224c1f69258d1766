use igym_protocol::{
    CanonicalRow, CloseReason, Controls, Digests, Entry, EnvironmentSpec, EpisodePlan, InputMode,
    Judgement, Measurement, Outcome, Prediction, Record, Rows, Seal, Seat, SessionState,
    UploadBody, Verdict, encode_upload,
};
use igym_storage::{Filter, JournalStore, NewEntry, Selection};
use igym_storage_sqlite::SqliteStore;

use crate::support::{append, open, participant, session, upload};

/// One of each kind of record; the uploads and one episode belong to session 9, episode 3.
fn records() -> Vec<Record> {
    let me = participant(1);
    let digests = Digests {
        build: "b".into(),
        environment: "e".into(),
        study: "s".into(),
    };
    let plan = EpisodePlan {
        session: session(9),
        episode: 3,
        episodes: 4,
        seed: 5,
        environment: EnvironmentSpec {
            id: "slime_volleyball".into(),
            version: "1".into(),
            config: "{}".into(),
        },
        seats: vec![Seat {
            participant: me,
            agents: vec!["agent_left".into()],
        }],
        frames_per_second: 30,
        input_delay: 2,
        window_ms: 500,
        max_steps: 3000,
        digest_interval: 30,
        prediction: Prediction::RepeatLast,
        controls: Controls {
            mode: InputMode::HeldKeys,
            bindings: vec![],
            default_action: 0,
        },
        digests: digests.clone(),
    };
    vec![
        Record::StudyOpened {
            study: "volley".into(),
            title: "Volleyball — «é»".into(),
            digest: "d".into(),
            source: "id = \"volley\"\n".into(),
            version: "0.1.0".into(),
            build: "b".into(),
            seed: "00".into(),
        },
        Record::ParticipantArrived {
            participant: me,
            token_hash: "t".into(),
            external_id: Some("PID".into()),
        },
        Record::PageLoaded {
            participant: me,
            incarnation: 1,
            resume_key_hash: "r".into(),
            user_agent: "browser".into(),
        },
        Record::SceneEntered {
            participant: me,
            scene: 0,
            scene_id: "welcome".into(),
        },
        Record::Measured {
            participant: me,
            scene: 1,
            incarnation: 1,
            measurement: Measurement {
                rollback_us: u32::MAX,
                ..Measurement::default()
            },
        },
        Record::EnvironmentUnable {
            participant: me,
            scene: 1,
            message: "no memory".into(),
        },
        Record::LobbyJoined {
            participant: me,
            scene: 1,
        },
        Record::LobbyLeft {
            participant: me,
            scene: 1,
        },
        Record::SessionOpened {
            session: session(9),
            scene: 1,
            members: vec![me, participant(2)],
            treatment: Some("shared".into()),
        },
        Record::SessionEntered {
            session: session(9),
            state: SessionState::Matched,
        },
        Record::LinkReported {
            session: session(9),
            from: 0,
            to: 1,
            attempt: 2,
            open: true,
            detail: "host to host".into(),
        },
        Record::Validated {
            session: session(9),
            player: 0,
            digests,
        },
        Record::EpisodeOpened { plan: plan.clone() },
        Record::EpisodeOpened {
            plan: EpisodePlan {
                session: session(8),
                ..plan
            },
        },
        Record::EnvironmentFailed {
            session: session(9),
            episode: 3,
            player: 1,
            frame: 7,
            message: "env.py:12".into(),
        },
        upload(me, 1, 1).record,
        upload(me, 1, 2).record,
        upload(participant(2), 4, 1).record,
        Record::EpisodeClosed {
            session: session(9),
            episode: 3,
            reason: CloseReason::Cut,
            judgement: Judgement {
                verdict: Verdict::Desync,
                last_frame: Some(17),
                first_difference: Some(igym_protocol::FirstDifference {
                    frame: 4,
                    field: "hash".into(),
                    between: ["player 0".into(), "re-simulation".into()],
                }),
            },
        },
        Record::ParticipantEnded {
            participant: me,
            outcome: Outcome::PartnerLeft,
            code: None,
        },
    ]
}

fn filled() -> (tempfile::TempDir, SqliteStore, Vec<Entry>) {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let at_ms = 1_763_720_000_000;
    let entries: Vec<Entry> = (1..)
        .zip(records())
        .map(|(id, record)| Entry { id, at_ms, record })
        .collect();
    let new = entries
        .iter()
        .map(|entry| NewEntry {
            at_ms,
            record: entry.record.clone(),
        })
        .collect();
    append(&store, new).unwrap();
    (directory, store, entries)
}

fn ids(store: &SqliteStore, filter: Filter) -> Vec<u64> {
    let entries = store.read(filter).unwrap();
    entries.into_iter().map(|entry| entry.id).collect()
}

#[test]
fn every_kind_of_record_comes_back_as_it_went() {
    let (_directory, store, entries) = filled();
    assert_eq!(store.read(Filter::default()).unwrap(), entries);
}

#[test]
fn filters_select_and_combine() {
    let (_directory, store, _) = filled();
    let of_session = Filter {
        session: Some(session(9)),
        ..Filter::default()
    };
    assert_eq!(
        ids(&store, of_session.clone()),
        [9, 10, 11, 12, 13, 15, 16, 17, 18, 19]
    );
    let of_episode = Filter {
        episode: Some(3),
        ..of_session
    };
    assert_eq!(ids(&store, of_episode.clone()), [13, 15, 16, 17, 18, 19]);
    let events = Filter {
        selection: Selection::Events,
        ..of_episode.clone()
    };
    assert_eq!(ids(&store, events), [13, 15, 19]);
    let uploads = Filter {
        selection: Selection::Uploads,
        participant: Some(participant(1)),
        ..of_episode
    };
    assert_eq!(ids(&store, uploads), [16, 17]);
    let of_participant = Filter {
        participant: Some(participant(2)),
        ..Filter::default()
    };
    assert_eq!(ids(&store, of_participant), [18]);
    let nobody = Filter {
        session: Some(session(404)),
        ..Filter::default()
    };
    assert!(ids(&store, nobody).is_empty());
}

#[test]
fn pages_together_are_the_whole() {
    let (_directory, store, entries) = filled();
    let mut read = Vec::new();
    loop {
        let page = store
            .read(Filter {
                after: read.last().map_or(0, |entry: &Entry| entry.id),
                limit: Some(5),
                ..Filter::default()
            })
            .unwrap();
        if page.is_empty() {
            break;
        }
        assert!(page.len() <= 5);
        read.extend(page);
    }
    assert_eq!(read, entries);
    assert_eq!(store.last_id(), Ok(20));
}

#[test]
fn the_highest_upload_is_that_of_the_page() {
    let (_directory, store, _) = filled();
    assert_eq!(store.highest_upload(participant(1), 1), Ok(2));
    assert_eq!(store.highest_upload(participant(1), 2), Ok(0));
    assert_eq!(store.highest_upload(participant(2), 4), Ok(1));
    assert_eq!(store.highest_upload(participant(3), 1), Ok(0));
}

/// A write failed, the one behind it did not, and the server died before the page came again.
#[test]
fn uploads_behind_a_gap_do_not_count() {
    let (_directory, store, _) = filled();
    let page = |seq| upload(participant(5), 1, seq);
    append(&store, vec![page(2)]).unwrap();
    assert_eq!(store.highest_upload(participant(5), 1), Ok(0));
    append(&store, vec![page(1), page(4)]).unwrap();
    assert_eq!(store.highest_upload(participant(5), 1), Ok(2));
    append(&store, vec![page(3)]).unwrap();
    assert_eq!(store.highest_upload(participant(5), 1), Ok(4));
}

#[test]
fn bytes_of_uploads_are_summed_by_player() {
    let (_directory, store, entries) = filled();
    let bytes = entries.iter().filter_map(|entry| match &entry.record {
        Record::Uploaded { upload, .. } => Some(encode_upload(upload).len() as u64),
        _ => None,
    });
    let expected: u64 = bytes.sum();
    assert!(expected > 100);
    let uploaded = store.uploaded_bytes(session(9), 3).unwrap();
    assert_eq!(uploaded.into_iter().collect::<Vec<_>>(), [(1, expected)]);
    for (session, episode) in [(session(9), 4), (session(8), 3)] {
        assert!(store.uploaded_bytes(session, episode).unwrap().is_empty());
    }
}

#[test]
fn closings_come_without_what_is_longer() {
    let (_directory, store, _) = filled();
    let of = |seq, body| {
        let mut entry = upload(participant(7), u32::MAX, seq);
        if let Record::Uploaded { upload, .. } = &mut entry.record {
            (upload.episode, upload.body) = (u32::MAX, body);
        }
        entry
    };
    let seal = UploadBody::Seal(Seal {
        last_frame: u32::MAX,
        hash: [u8::MAX; 16],
    });
    let rows = UploadBody::Rows(Rows {
        first: 0,
        rows: vec![CanonicalRow {
            inputs: vec![vec![0; 64]],
            outcome: Vec::new(),
            digest: None,
            hash: [0; 16],
        }],
    });
    let longest = u32::MAX - 1;
    let entries = vec![
        of(longest - 1, rows),
        of(longest, seal),
        of(u32::MAX, UploadBody::Flushed),
    ];
    let [_, sealed, flushed] = append(&store, entries).unwrap()[..] else {
        panic!("three ids");
    };
    let closings = Filter {
        selection: Selection::Closings,
        participant: Some(participant(7)),
        ..Filter::default()
    };
    assert_eq!(ids(&store, closings), [sealed, flushed]);
}
