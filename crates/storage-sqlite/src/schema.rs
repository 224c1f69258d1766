//! The file: how it is made, recognised and opened.

use std::{fs, io, path::Path, time::Duration};

use igym_storage::StorageError;
use rusqlite::{Connection, ErrorCode, OpenFlags};

pub(crate) const FILE: &str = "journal.sqlite";

/// Grows with each change of the tables; kept in `user_version`.
const VERSION: u32 = 1;

/// "IGYM": tells a journal from another program's SQLite file.
const APPLICATION_ID: u32 = 0x4947_594d;

/// `body` is JSON text for events and the bytes of the upload for uploads. The other columns
/// repeat what is in the body, for the indexes and for reading by eye, except for an upload's
/// `participant`, `incarnation` and `player`, which the server knows and the page does not say.
const TABLES: &str = "
    CREATE TABLE journal (
        id INTEGER PRIMARY KEY,
        at_ms INTEGER NOT NULL,
        kind TEXT NOT NULL,
        participant BLOB,
        session BLOB,
        episode INTEGER,
        incarnation INTEGER,
        seq INTEGER,
        player INTEGER,
        body BLOB NOT NULL
    );
    CREATE UNIQUE INDEX journal_upload ON journal (participant, incarnation, seq)
        WHERE seq IS NOT NULL;
    CREATE INDEX journal_session ON journal (session, episode) WHERE session IS NOT NULL;
    CREATE INDEX journal_event ON journal (id) WHERE seq IS NULL;
";

pub(crate) fn make_directory(directory: &Path) -> Result<(), StorageError> {
    if directory.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(directory).map_err(|error| io_error(directory, &error))?;
    // The directory's own name has to survive a loss of power, too.
    if let (true, Some(parent)) = (cfg!(unix), directory.parent())
        && let Ok(parent) = fs::File::open(parent)
    {
        parent
            .sync_all()
            .map_err(|error| io_error(directory, &error))?;
    }
    Ok(())
}

pub(crate) fn open_writable(file: &Path) -> Result<Connection, StorageError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(file, flags).map_err(|error| sql(&error))?;
    // Looked at before anything is changed: the file may be somebody else's.
    let empty = identify(&connection, file)? == Contents::Empty;
    let mode: String = connection
        .pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))
        .map_err(|error| sql(&error))?;
    if mode != "wal" {
        return Err(StorageError::Io {
            reason: format!(
                "the file system of {} cannot do write-ahead logging: put the data directory on \
                 a local disk",
                file.display()
            ),
        });
    }
    (|| {
        connection.pragma_update(None, "synchronous", "FULL")?;
        // Without it macOS calls data durable that is still in the drive's cache.
        connection.pragma_update(None, "fullfsync", true)?;
        connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
        connection.busy_timeout(Duration::from_secs(10))?;
        if empty {
            let transaction = connection.transaction()?;
            transaction.execute_batch(TABLES)?;
            transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
            transaction.pragma_update(None, "user_version", VERSION)?;
            transaction.commit()?;
        }
        Ok(connection)
    })()
    .map_err(|error| sql(&error))
}

pub(crate) fn open_read_only(file: &Path) -> Result<Connection, StorageError> {
    if !file.is_file() {
        return Err(StorageError::Missing {
            file: file.to_owned(),
        });
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags).map_err(|error| sql(&error))?;
    connection
        .busy_timeout(Duration::from_secs(10))
        .map_err(|error| sql(&error))?;
    match identify(&connection, file)? {
        Contents::Journal => Ok(connection),
        Contents::Empty => Err(StorageError::Missing {
            file: file.to_owned(),
        }),
    }
}

#[derive(PartialEq, Eq)]
enum Contents {
    Empty,
    Journal,
}

fn identify(connection: &Connection, file: &Path) -> Result<Contents, StorageError> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, u32>(0));
    let read = || {
        let tables = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| {
            row.get::<_, u32>(0)
        })?;
        Ok((pragma("application_id")?, pragma("user_version")?, tables))
    };
    match read() {
        Ok((0, 0, 0)) => Ok(Contents::Empty),
        Ok((APPLICATION_ID, 1..=VERSION, _)) => Ok(Contents::Journal),
        Ok((APPLICATION_ID, found, _)) => Err(StorageError::Newer {
            file: file.to_owned(),
            found,
            supported: VERSION,
        }),
        Ok(_) => Err(StorageError::NotAJournal {
            file: file.to_owned(),
        }),
        Err(error) if code(&error) == Some(ErrorCode::NotADatabase) => {
            Err(StorageError::NotAJournal {
                file: file.to_owned(),
            })
        }
        Err(error) => Err(sql(&error)),
    }
}

pub(crate) fn sql(error: &rusqlite::Error) -> StorageError {
    match code(error) {
        Some(ErrorCode::DiskFull) => StorageError::Full,
        _ => StorageError::Io {
            reason: error.to_string(),
        },
    }
}

pub(crate) fn io_error(path: &Path, error: &io::Error) -> StorageError {
    match error.kind() {
        io::ErrorKind::StorageFull => StorageError::Full,
        _ => StorageError::Io {
            reason: format!("{}: {error}", path.display()),
        },
    }
}

fn code(error: &rusqlite::Error) -> Option<ErrorCode> {
    error.sqlite_error_code()
}
