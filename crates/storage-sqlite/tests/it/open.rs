use std::fs;

use igym_storage::{Filter, JournalStore, StorageError};
use igym_storage_sqlite::SqliteStore;
use rusqlite::Connection;

use crate::support::{append, event, open, participant, upload};

#[test]
fn a_journal_goes_on_where_it_ended() {
    let directory = tempfile::tempdir().unwrap();
    let nested = directory.path().join("studies").join("volleyball");
    append(&open(&nested), vec![event(1)]).unwrap();
    let store = open(&nested);
    assert_eq!(append(&store, vec![event(2)]), Ok(vec![2]));
    assert_eq!(store.read(Filter::default()).unwrap().len(), 2);
}

#[test]
fn two_servers_cannot_share_a_directory() {
    let directory = tempfile::tempdir().unwrap();
    let first = open(directory.path());
    let error = SqliteStore::open(directory.path()).err().unwrap();
    assert_eq!(
        error,
        StorageError::InUse {
            directory: directory.path().to_owned(),
            holder: format!("process {}", std::process::id()),
        }
    );
    assert!(error.to_string().contains("stop it, or give this server"));
    append(&first, vec![event(1)]).unwrap();
    drop(first);
    assert_eq!(open(directory.path()).last_id(), Ok(1));
}

#[test]
fn a_reader_follows_a_running_server() {
    let directory = tempfile::tempdir().unwrap();
    let server = open(directory.path());
    append(&server, vec![event(1)]).unwrap();
    let reader = SqliteStore::open_read_only(directory.path()).unwrap();
    assert_eq!(reader.read(Filter::default()).unwrap().len(), 1);
    append(&server, vec![event(2)]).unwrap();
    assert_eq!(reader.read(Filter::default()).unwrap().len(), 2);
}

#[test]
fn a_newer_journal_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    append(&open(directory.path()), vec![event(1)]).unwrap();
    let file = directory.path().join("journal.sqlite");
    let connection = Connection::open(&file).unwrap();
    connection.pragma_update(None, "user_version", 2).unwrap();
    drop(connection);
    let newer = StorageError::Newer {
        file,
        found: 2,
        supported: 1,
    };
    for opened in [
        SqliteStore::open(directory.path()),
        SqliteStore::open_read_only(directory.path()),
    ] {
        let error = opened.err().unwrap();
        assert_eq!(error, newer);
        assert!(error.to_string().contains("use the newer program"));
    }
}

#[test]
fn foreign_files_are_refused_and_left_alone() {
    let text = tempfile::tempdir().unwrap();
    let file = text.path().join("journal.sqlite");
    let prose = "Dear diary, ".repeat(1_000);
    fs::write(&file, &prose).unwrap();
    let database = tempfile::tempdir().unwrap();
    let other = database.path().join("journal.sqlite");
    Connection::open(&other)
        .unwrap()
        .execute_batch("CREATE TABLE diary (day TEXT)")
        .unwrap();
    let before = fs::read(&other).unwrap();
    for directory in [text.path(), database.path()] {
        for opened in [
            SqliteStore::open(directory),
            SqliteStore::open_read_only(directory),
        ] {
            let file = directory.join("journal.sqlite");
            assert_eq!(opened.err().unwrap(), StorageError::NotAJournal { file });
        }
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), prose);
    assert_eq!(fs::read(&other).unwrap(), before);
}

#[test]
fn reading_where_there_is_no_journal_makes_none() {
    let directory = tempfile::tempdir().unwrap();
    let error = SqliteStore::open_read_only(directory.path()).err().unwrap();
    let file = directory.path().join("journal.sqlite");
    assert_eq!(error, StorageError::Missing { file: file.clone() });
    assert!(!file.exists());
}

/// What a researcher with `sqlite3` sees.
#[test]
fn events_are_text_and_uploads_are_the_bytes_of_the_page() {
    let directory = tempfile::tempdir().unwrap();
    let sent = upload(participant(1), 1, 1);
    append(&open(directory.path()), vec![event(5), sent.clone()]).unwrap();
    let connection = Connection::open(directory.path().join("journal.sqlite")).unwrap();
    let (kind, body): (String, String) = connection
        .query_row("SELECT kind, body FROM journal WHERE id = 1", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .unwrap();
    assert_eq!(kind, "lobby_joined");
    assert_eq!(
        body,
        r#"{"kind":"lobby_joined","participant":"00000000-0000-0000-0000-000000000007","scene":5}"#
    );
    let bytes: Vec<u8> = connection
        .query_row("SELECT body FROM journal WHERE id = 2", [], |row| {
            row.get(0)
        })
        .unwrap();
    let igym_protocol::Record::Uploaded { upload, .. } = sent.record else {
        unreachable!("it is an upload");
    };
    assert_eq!(bytes, igym_protocol::encode_upload(&upload));
}

#[test]
fn a_damaged_entry_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let entries = vec![event(1), upload(participant(1), 1, 1), event(2)];
    append(&open(directory.path()), entries).unwrap();
    let connection = Connection::open(directory.path().join("journal.sqlite")).unwrap();
    connection
        .execute("UPDATE journal SET body = x'4947ff' WHERE id = 2", [])
        .unwrap();
    drop(connection);
    let store = SqliteStore::open_read_only(directory.path()).unwrap();
    let error = store.read(Filter::default()).unwrap_err();
    assert!(
        matches!(error, StorageError::Damaged { id: 2, .. }),
        "{error}"
    );
}
