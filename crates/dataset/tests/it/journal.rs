//! Entries in the order of the store become participants, sessions and episodes.

use igym_dataset::Journal;
use igym_protocol::{CloseReason, Outcome, Record, SessionState, Upload, UploadBody, Verdict};

use crate::support::{SESSION, entries, participant, plan, play};

#[test]
fn a_journal_tells_the_whole_story() {
    let played = play(plan(2, 3));
    let judgement = igym_dataset::judge(&played.log(), &igym_dataset::NativeOnly);
    let mut records = vec![
        Record::ParticipantArrived {
            participant: participant(0),
            token_hash: "secret".into(),
            external_id: Some("PROLIFIC-1".into()),
        },
        Record::PageLoaded {
            participant: participant(0),
            incarnation: 1,
            resume_key_hash: "secret".into(),
            user_agent: "Firefox".into(),
        },
        Record::SceneEntered {
            participant: participant(0),
            scene: 1,
            scene_id: "play".into(),
        },
        Record::LobbyJoined {
            participant: participant(0),
            scene: 1,
        },
        Record::SessionOpened {
            session: SESSION,
            scene: 1,
            members: vec![participant(0), participant(1)],
            treatment: Some("shared".into()),
        },
        Record::SessionEntered {
            session: SESSION,
            state: SessionState::Matched,
        },
    ];
    records.extend(played.records(CloseReason::Sealed, judgement));
    records.push(Record::ParticipantEnded {
        participant: participant(0),
        outcome: Outcome::Completed,
        code: Some("CODE".into()),
    });
    let journal = Journal::from_entries(entries(records));

    let log = journal.participant(participant(0)).unwrap();
    assert_eq!(log.external_id.as_deref(), Some("PROLIFIC-1"));
    assert_eq!(log.pages[0].user_agent, "Firefox");
    assert_eq!(log.scenes[0].scene_id, "play");
    assert!(log.scenes[0].lobby_joined_at_ms.is_some());
    assert_eq!(log.end.as_ref().unwrap().outcome, Outcome::Completed);
    assert!(journal.participant(participant(9)).is_none());

    let session = journal.session(SESSION).unwrap();
    assert_eq!(session.members, [participant(0), participant(1)]);
    assert_eq!(session.treatment.as_deref(), Some("shared"));
    assert_eq!(session.states[0].1, SessionState::Matched);
    let episode = journal.episode(SESSION, 0).unwrap();
    assert_eq!(episode.plan, played.plan);
    assert_eq!(
        episode.closing.as_ref().unwrap().judgement.verdict,
        Verdict::Verified
    );
    assert!(journal.episode(SESSION, 1).is_none());
    assert_eq!(journal.episodes().count(), 1);
    assert_eq!(
        episode.players[0].account().unwrap().1.rows.len(),
        played.rows.len()
    );
    assert_eq!(episode.players[1].keys.len(), 1);
}

#[test]
fn an_upload_that_is_stored_twice_counts_once() {
    let played = play(plan(2, 3));
    let judgement = igym_dataset::judge(&played.log(), &igym_dataset::NativeOnly);
    let records = played.records(CloseReason::Sealed, judgement);
    let twice = records
        .iter()
        .flat_map(|record| [record.clone(), record.clone()]);
    assert_eq!(
        Journal::from_entries(entries(twice))
            .episode(SESSION, 0)
            .unwrap()
            .players,
        Journal::from_entries(entries(records))
            .episode(SESSION, 0)
            .unwrap()
            .players
    );
}

#[test]
fn uploads_to_unknown_episodes_are_counted() {
    let played = play(plan(2, 3));
    let judgement = igym_dataset::judge(&played.log(), &igym_dataset::NativeOnly);
    let mut records = played.records(CloseReason::Sealed, judgement);
    records.remove(0);
    let count = records.len() as u32;
    assert_eq!(Journal::from_entries(entries(records)).strays, count);
}

/// A page that is slow, or hostile, uploads while the server compares what it has.
#[test]
fn what_comes_while_an_episode_is_judged_changes_nothing() {
    let played = play(plan(2, 3));
    let judgement = igym_dataset::judge(&played.log(), &igym_dataset::NativeOnly);
    let (session, episode) = (played.plan.session, played.plan.episode);
    let mut records = played.records(CloseReason::Sealed, judgement.clone());
    let mut forged = played.pages[0].journal.clone();
    forged.authored[1].input = vec![9];
    let upload = |seq, body| Record::Uploaded {
        participant: participant(0),
        player: 0,
        upload: Upload {
            incarnation: 1,
            seq,
            session,
            episode,
            body,
        },
    };
    let closing = records.len() - 1;
    let judging = Record::EpisodeJudging { session, episode };
    let late = [
        judging.clone(),
        upload(90_001, UploadBody::Journal(forged)),
        // Another server judges it again.
        judging,
        upload(90_002, UploadBody::Flushed),
    ];
    records.splice(closing..closing, late);
    let journal = Journal::from_entries(entries(records));
    let log = journal.episode(session, episode).unwrap();
    assert_eq!(
        igym_dataset::judge(log, &igym_dataset::NativeOnly),
        judgement
    );
    assert_eq!((log.late_uploads, log.contradictions().count()), (1, 0));
}
