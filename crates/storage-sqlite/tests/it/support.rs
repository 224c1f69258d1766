//! Records to store, and an `append` that waits.

use std::{path::Path, sync::mpsc};

use igym_protocol::{
    AuthoredInput, InputSource, JournalBatch, ParticipantId, Record, SessionId, Upload, UploadBody,
};
use igym_storage::{JournalStore, NewEntry, StorageError};
use igym_storage_sqlite::SqliteStore;
use uuid::Uuid;

pub(crate) fn participant(number: u128) -> ParticipantId {
    ParticipantId(Uuid::from_u128(number))
}

pub(crate) fn session(number: u128) -> SessionId {
    SessionId(Uuid::from_u128(number))
}

/// An event that carries `scene`, so that each is told from the others.
pub(crate) fn event(scene: u32) -> NewEntry {
    NewEntry {
        at_ms: 1_000 + u64::from(scene),
        record: Record::LobbyJoined {
            participant: participant(7),
            scene,
        },
    }
}

/// The upload `seq` of a page, with inputs that depend on it.
pub(crate) fn upload(participant: ParticipantId, incarnation: u32, seq: u32) -> NewEntry {
    let authored = AuthoredInput {
        frame: seq,
        player: 1,
        input: seq.to_le_bytes().to_vec(),
        source: InputSource::Human,
        at_us: u64::from(seq) * 1_000,
        delay: 2,
    };
    NewEntry {
        at_ms: 2_000 + u64::from(seq),
        record: Record::Uploaded {
            participant,
            player: 1,
            upload: Upload {
                incarnation,
                seq,
                session: session(9),
                episode: 3,
                body: UploadBody::Journal(JournalBatch {
                    authored: vec![authored],
                    ..JournalBatch::default()
                }),
            },
        },
    }
}

pub(crate) fn open(directory: &Path) -> SqliteStore {
    SqliteStore::open(directory).expect("the directory is free")
}

/// Appends and waits for the answer.
pub(crate) fn append(
    store: &SqliteStore,
    entries: Vec<NewEntry>,
) -> Result<Vec<u64>, StorageError> {
    let (done, answer) = mpsc::channel();
    store.append(
        entries,
        Box::new(move |result| done.send(result).expect("the test waits")),
    );
    answer.recv().expect("every append is answered")
}
