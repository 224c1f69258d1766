//! kill -9, and logs that end in the middle of a write.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    path::Path,
    process::{Child, Command, Stdio},
};

use igym_storage::{Filter, JournalStore};

use crate::support::{append, event, open, participant, upload};

/// Set for the process that is to be killed: where it appends.
const DIRECTORY: &str = "IGYM_TEST_APPEND_TO";

/// Not a test of its own: `killed_at_any_instant…` runs this test binary again with
/// [`DIRECTORY`] set, and kills it. Appends until then, and prints every acknowledged id.
#[test]
fn appender() {
    let Some(directory) = std::env::var_os(DIRECTORY) else {
        return;
    };
    let store = open(Path::new(&directory));
    let first = store.highest_upload(participant(1), 1).unwrap() + 1;
    for seq in first.. {
        store.append(
            vec![upload(participant(1), 1, seq), event(seq)],
            Box::new(move |result| {
                let ids = result.expect("the disk has room");
                let mut output = std::io::stdout().lock();
                writeln!(output, "\nacknowledged {seq} {} {}", ids[0], ids[1]).unwrap();
                output.flush().unwrap();
            }),
        );
    }
}

fn spawn_appender(directory: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::appender", "--nocapture"])
        .env(DIRECTORY, directory)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// (seq, id of the upload, id of the event), if the line is an acknowledgement and whole.
fn acknowledgement(line: &str) -> Option<(u32, u64, u64)> {
    let mut words = line.strip_prefix("acknowledged ")?.split(' ');
    let seq = words.next()?.parse().ok()?;
    let upload = words.next()?.parse().ok()?;
    Some((seq, upload, words.next()?.parse().ok()?))
}

#[test]
fn killed_at_any_instant_it_keeps_all_that_it_acknowledged() {
    let directory = tempfile::tempdir().unwrap();
    let mut acknowledged = Vec::new();
    for kill_after in [1, 2, 10, 77, 300, 1_000] {
        let mut child = spawn_appender(directory.path());
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut this_run = Vec::new();
        let mut line = String::new();
        while this_run.len() < kill_after {
            line.clear();
            assert_ne!(
                output.read_line(&mut line).unwrap(),
                0,
                "it ended by itself"
            );
            this_run.extend(acknowledgement(line.trim_end()));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // What it had said before it died; a line cut short was not said.
        let mut rest = String::new();
        output.read_to_string(&mut rest).unwrap();
        let whole = rest.rsplit_once('\n').map_or("", |(whole, _)| whole);
        this_run.extend(whole.lines().filter_map(acknowledgement));
        acknowledged.extend(this_run);

        let store = open(directory.path());
        let entries = store.read(Filter::default()).unwrap();
        for &(seq, upload_id, event_id) in &acknowledged {
            for (id, expected) in [
                (upload_id, upload(participant(1), 1, seq)),
                (event_id, event(seq)),
            ] {
                let index = usize::try_from(id).unwrap() - 1;
                assert_eq!(entries[index].id, id);
                assert_eq!(entries[index].record, expected.record, "seq {seq}");
            }
        }
        // An append is stored whole or not at all.
        let highest = store.highest_upload(participant(1), 1).unwrap();
        assert_eq!(entries.len(), 2 * usize::try_from(highest).unwrap());
    }
    assert!(acknowledged.len() >= 1_390, "{}", acknowledged.len());
}

/// A power cut may leave any part of what was written after the last sync.
#[test]
fn a_log_torn_anywhere_opens_with_what_was_committed_before_the_tear() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let log = directory.path().join("journal.sqlite-wal");
    // The log's size when each entry was acknowledged.
    let mut sizes = Vec::new();
    for scene in 1..=12 {
        append(&store, vec![event(scene)]).unwrap();
        sizes.push(fs::metadata(&log).unwrap().len());
    }
    let database = fs::read(directory.path().join("journal.sqlite")).unwrap();
    let bytes = fs::read(&log).unwrap();
    let end = usize::try_from(sizes[11]).unwrap();
    for tear in (0..=end).step_by(1_531).chain([end]) {
        let torn = tempfile::tempdir().unwrap();
        fs::write(torn.path().join("journal.sqlite"), &database).unwrap();
        // The rest of the file is there, but holds something else.
        let mut tail = bytes[..tear].to_vec();
        tail.resize(bytes.len(), 0xa5);
        fs::write(torn.path().join("journal.sqlite-wal"), tail).unwrap();
        let committed = sizes
            .iter()
            .filter(|&&size| usize::try_from(size).unwrap() <= tear)
            .count();
        let reopened = open(torn.path());
        let entries = reopened.read(Filter::default()).unwrap();
        assert_eq!(entries.len(), committed, "torn at {tear} of {end}");
        // And it goes on.
        append(&reopened, vec![event(99)]).unwrap();
        assert_eq!(reopened.last_id(), Ok(committed as u64 + 1));
    }
}
