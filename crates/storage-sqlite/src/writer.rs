//! The one thread that writes.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
        mpsc,
    },
    thread::{self, JoinHandle},
    time::Instant,
};

use igym_storage::{Counters, Done, Histogram, NewEntry, StorageError};
use rusqlite::{Connection, Transaction, TransactionBehavior, params, types::Value};

use crate::{
    codec::{self, Row},
    schema::sql,
};

/// Rows of one transaction, about: what waits longer than this waits for the next one.
const GROUP_ROWS: usize = 4096;

const INSERT: &str = "
    INSERT INTO journal
        (at_ms, kind, participant, session, episode, incarnation, seq, player, body)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (participant, incarnation, seq) WHERE seq IS NOT NULL DO NOTHING";

const FIND_UPLOAD: &str = "
    SELECT id FROM journal WHERE participant = ? AND incarnation = ? AND seq = ?";

pub(crate) struct Writer {
    /// None only while dropping.
    requests: Option<mpsc::Sender<Request>>,
    thread: Option<JoinHandle<()>>,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    commits: AtomicU64,
    failed_commits: AtomicU64,
    records: AtomicU64,
    bytes: AtomicU64,
    queued: AtomicU64,
    commit_latency: Histogram,
}

struct Request {
    rows: Vec<Row>,
    done: Done,
}

impl Writer {
    pub(crate) fn start(connection: Connection) -> Result<Self, StorageError> {
        let (requests, queue) = mpsc::channel();
        let counts = Arc::new(Counts::default());
        let thread = thread::Builder::new()
            .name("journal".to_owned())
            .spawn({
                let counts = counts.clone();
                move || run(connection, &queue, &counts)
            })
            .map_err(|error| StorageError::Io {
                reason: format!("the journal's thread could not be started: {error}"),
            })?;
        Ok(Self {
            requests: Some(requests),
            thread: Some(thread),
            counts,
        })
    }

    pub(crate) fn counters(&self) -> Counters {
        Counters {
            commits: self.counts.commits.load(Relaxed),
            failed_commits: self.counts.failed_commits.load(Relaxed),
            records: self.counts.records.load(Relaxed),
            bytes: self.counts.bytes.load(Relaxed),
            queued: self.counts.queued.load(Relaxed),
            commit_latency: self.counts.commit_latency.snapshot(),
        }
    }

    /// Entries are encoded here, on the caller's thread, so that the writer only writes.
    pub(crate) fn append(&self, entries: Vec<NewEntry>, done: Done) {
        let rows = match entries.iter().map(codec::encode).collect() {
            Ok(rows) => rows,
            Err(error) => return done(Err(error)),
        };
        let request = Request { rows, done };
        self.counts.queued.fetch_add(1, Relaxed);
        let unsent = match &self.requests {
            Some(requests) => requests.send(request).err().map(|error| error.0),
            None => Some(request),
        };
        if let Some(request) = unsent {
            self.counts.queued.fetch_sub(1, Relaxed);
            (request.done)(Err(StorageError::Closed));
        }
    }
}

impl Drop for Writer {
    /// Waits for what is queued. A callback may own the store itself; then there is nothing to
    /// wait for, as this runs on the writer's thread after its last request.
    fn drop(&mut self) {
        self.requests = None;
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != thread::current().id()
        {
            // A panic there was reported when it happened.
            drop(thread.join());
        }
    }
}

fn run(mut connection: Connection, queue: &mpsc::Receiver<Request>, counts: &Counts) {
    while let Ok(first) = queue.recv() {
        let mut size = first.rows.len();
        let mut group = vec![first];
        while size < GROUP_ROWS
            && let Ok(request) = queue.try_recv()
        {
            size += request.rows.len();
            group.push(request);
        }
        let begun = Instant::now();
        let committed = commit(&mut connection, &group);
        counts.commit_latency.observe(begun.elapsed());
        counts.queued.fetch_sub(group.len() as u64, Relaxed);
        match committed {
            Ok(ids) => {
                counts.commits.fetch_add(1, Relaxed);
                counts.records.fetch_add(size as u64, Relaxed);
                counts
                    .bytes
                    .fetch_add(group.iter().map(body_bytes).sum(), Relaxed);
                for (request, ids) in group.into_iter().zip(ids) {
                    (request.done)(Ok(ids));
                }
            }
            Err(error) => {
                counts.failed_commits.fetch_add(1, Relaxed);
                let error = sql(&error);
                for request in group {
                    (request.done)(Err(error.clone()));
                }
            }
        }
    }
}

fn body_bytes(request: &Request) -> u64 {
    let bytes = request.rows.iter().map(|row| match &row.body {
        Value::Blob(bytes) => bytes.len() as u64,
        Value::Text(text) => text.len() as u64,
        Value::Null | Value::Integer(_) | Value::Real(_) => 0,
    });
    bytes.sum()
}

/// One transaction for all requests: the ids of each. On an error nothing of it is stored.
fn commit(
    connection: &mut Connection,
    group: &[Request],
) -> Result<Vec<Vec<u64>>, rusqlite::Error> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let ids = group
        .iter()
        .map(|request| {
            request
                .rows
                .iter()
                .map(|row| insert(&transaction, row))
                .collect()
        })
        .collect::<Result<_, _>>()?;
    transaction.commit()?;
    Ok(ids)
}

fn insert(transaction: &Transaction<'_>, row: &Row) -> Result<u64, rusqlite::Error> {
    let inserted = transaction.prepare_cached(INSERT)?.execute(params![
        row.at_ms,
        row.kind,
        row.participant,
        row.session,
        row.episode,
        row.incarnation,
        row.seq,
        row.player,
        row.body,
    ])?;
    if inserted == 1 {
        return Ok(transaction.last_insert_rowid().cast_unsigned());
    }
    transaction
        .prepare_cached(FIND_UPLOAD)?
        .query_row(params![row.participant, row.incarnation, row.seq], |row| {
            row.get::<_, i64>(0).map(i64::cast_unsigned)
        })
}
