use std::sync::{Arc, mpsc};

use igym_storage::{Filter, JournalStore, StorageError};
use igym_storage_sqlite::SqliteStore;

use crate::support::{append, event, open, participant, upload};

#[test]
fn what_waits_together_is_committed_together() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    // The writer's thread is held in a callback while a hundred appends queue up.
    let (entered, writer_is_held) = mpsc::channel();
    let (release, held) = mpsc::channel::<()>();
    store.append(
        vec![event(0)],
        Box::new(move |_| {
            entered.send(()).unwrap();
            held.recv().unwrap();
        }),
    );
    writer_is_held.recv().unwrap();
    let (done, answers) = mpsc::channel();
    for scene in 1..=100 {
        let done = done.clone();
        store.append(
            vec![event(scene), event(1_000 + scene)],
            Box::new(move |result| done.send((scene, result)).unwrap()),
        );
    }
    release.send(()).unwrap();
    for expected in 1..=100 {
        let (scene, ids) = answers.recv().unwrap();
        assert_eq!(scene, expected, "callbacks come in the order of the calls");
        let first = u64::from(expected) * 2;
        assert_eq!(ids, Ok(vec![first, first + 1]));
    }
    assert_eq!(
        store.counters().commits,
        2,
        "one for the first, one for all the rest"
    );
}

#[test]
fn an_upload_is_stored_once() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let me = participant(1);
    let first = append(&store, vec![upload(me, 1, 1), upload(me, 1, 2)]).unwrap();
    assert_eq!(first, [1, 2]);
    // The same again, in one append with a new one, and with a different content.
    let mut forged = upload(me, 1, 2);
    forged.at_ms = 99;
    let again = append(&store, vec![upload(me, 1, 1), forged, upload(me, 1, 3)]).unwrap();
    assert_eq!(again[..2], [1, 2]);
    let stored: Vec<_> = store
        .read(Filter::default())
        .unwrap()
        .into_iter()
        .map(|entry| (entry.at_ms, entry.record))
        .collect();
    let expected: Vec<_> = [upload(me, 1, 1), upload(me, 1, 2), upload(me, 1, 3)]
        .into_iter()
        .map(|entry| (entry.at_ms, entry.record))
        .collect();
    assert_eq!(stored, expected, "the first writing is final");
}

#[test]
fn another_participant_or_incarnation_is_another_upload() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let uploads = vec![
        upload(participant(1), 1, 1),
        upload(participant(1), 2, 1),
        upload(participant(2), 1, 1),
    ];
    append(&store, uploads).unwrap();
    assert_eq!(store.last_id(), Ok(3));
}

#[test]
fn dropping_the_store_waits_for_what_is_queued() {
    let directory = tempfile::tempdir().unwrap();
    let (done, answers) = mpsc::channel();
    let store = open(directory.path());
    for scene in 0..500 {
        let done = done.clone();
        store.append(
            vec![event(scene)],
            Box::new(move |result| done.send(result).unwrap()),
        );
    }
    drop((store, done));
    assert_eq!(answers.iter().filter(Result::is_ok).count(), 500);
    assert_eq!(open(directory.path()).last_id(), Ok(500));
}

#[test]
fn the_last_owner_may_be_a_callback() {
    let directory = tempfile::tempdir().unwrap();
    let store = Arc::new(open(directory.path()));
    let (done, answer) = mpsc::channel();
    let kept = store.clone();
    let (release, held) = mpsc::channel::<()>();
    store.append(
        vec![event(1)],
        Box::new(move |result| {
            held.recv().unwrap();
            drop(kept);
            done.send(result).unwrap();
        }),
    );
    drop(store);
    release.send(()).unwrap();
    assert_eq!(answer.recv().unwrap(), Ok(vec![1]));
}

#[test]
fn nothing_is_appended_to_a_journal_opened_for_reading() {
    let directory = tempfile::tempdir().unwrap();
    append(&open(directory.path()), vec![event(1)]).unwrap();
    let store = SqliteStore::open_read_only(directory.path()).unwrap();
    assert_eq!(append(&store, vec![event(2)]), Err(StorageError::ReadOnly));
    assert_eq!(store.last_id(), Ok(1));
}
