//! Several pages of one player: which of them counts, and what they are compared with.

use igym_dataset::{EpisodeLog, Format, Journal, NativeOnly, examine, judge};
use igym_protocol::{
    CloseReason, FirstDifference, InputSource, JournalBatch, Record, Rows, Seal, Upload,
    UploadBody, Verdict,
};
use tempfile::TempDir;

use crate::support::{Page, Played, SESSION, entries, export_to, participant, plan, play};
use crate::tables::Csv;

/// The frame at which player 0's first page was loaded anew.
const RELOADED: usize = 40;

/// An episode in which player 0's first page was lost at frame 40, and the second went on.
struct Reloaded {
    played: Played,
    first: Page,
    second: Page,
}

impl Reloaded {
    fn new() -> Self {
        let played = play(plan(2, 7));
        assert!(played.rows.len() > 2 * RELOADED);
        let whole = &played.pages[0];
        let mut first = whole.clone();
        let mut second = whole.clone();
        first.journal.authored.truncate(RELOADED);
        first.journal.received.truncate(RELOADED - 3);
        first.rows.retain(|frame, _| *frame < RELOADED as u32 - 4);
        first.seal = None;
        second.journal.authored.drain(..RELOADED);
        second.journal.received.drain(..RELOADED - 3);
        Self {
            played,
            first,
            second,
        }
    }

    fn log(&self) -> EpisodeLog {
        let mut log = EpisodeLog::new(self.played.plan.clone(), 1_000);
        upload(&mut log, 0, 1, &self.first);
        log.add_rejoin(2_000, 0, 2);
        upload(&mut log, 0, 2, &self.second);
        upload(&mut log, 1, 1, &self.played.pages[1]);
        log
    }
}

fn upload(log: &mut EpisodeLog, player: u8, page: u32, content: &Page) {
    for body in bodies(content) {
        log.add_upload(player, page, body);
    }
}

fn bodies(page: &Page) -> Vec<UploadBody> {
    let mut bodies = vec![UploadBody::Journal(page.journal.clone())];
    bodies.extend(page.rows.iter().map(|(first, row)| {
        UploadBody::Rows(Rows {
            first: *first,
            rows: vec![row.clone()],
        })
    }));
    bodies.extend(page.seal.clone().map(UploadBody::Seal));
    bodies
}

#[test]
fn pages_that_agree_are_verified() {
    let reloaded = Reloaded::new();
    let log = reloaded.log();
    let examination = examine(&log, &NativeOnly).unwrap();
    assert_eq!(examination.differences, []);
    assert_eq!(examination.judgement.verdict, Verdict::Verified);
    assert_eq!(examination.canonical, reloaded.played.rows);
    let (page, account) = log.players[0].account().unwrap();
    assert_eq!((page, account.rows.len()), (2, reloaded.played.rows.len()));
    assert_eq!(log.players[0].accounts[&1].rows.len(), RELOADED - 4);
    assert_eq!(log.superseded_uploads + log.strays, 0);
}

/// What a page did wrong, and what is found.
type Case = (
    &'static str,
    fn(&mut Reloaded),
    Verdict,
    Option<(u32, &'static str, [&'static str; 2])>,
);

#[test]
fn every_page_is_compared_with_the_rest() {
    const OLDER: &str = "player 0 (page 1)";
    let cases: [Case; 10] = [
        (
            "the older page computed something else",
            |it| it.first.rows.get_mut(&19).unwrap().outcome.push(0),
            Verdict::Desync,
            Some((19, "outcome", [OLDER, "re-simulation"])),
        ),
        (
            "the older page's digest is flipped",
            |it| it.first.rows.get_mut(&19).unwrap().digest.as_mut().unwrap()[0] ^= 1,
            Verdict::Desync,
            Some((19, "digest", [OLDER, "re-simulation"])),
        ),
        (
            "the newer page computed something else",
            |it| it.second.rows.get_mut(&21).unwrap().hash[3] ^= 1,
            Verdict::Desync,
            Some((21, "hash", ["player 0", "re-simulation"])),
        ),
        (
            "the older page confirmed another input",
            |it| it.first.rows.get_mut(&8).unwrap().inputs[1] = vec![9],
            Verdict::Disputed,
            Some((8, "inputs", [OLDER, "re-simulation"])),
        ),
        (
            "the newer page authored a frame of the older one again",
            |it| {
                let mut again = it.first.journal.authored[30].clone();
                again.input = vec![9];
                it.second.journal.authored.push(again);
            },
            Verdict::Disputed,
            Some((30, "inputs", ["player 0", OLDER])),
        ),
        (
            "the newer page was given back another input than was authored",
            |it| {
                let mut copy = it.second.journal.received[0].clone();
                (copy.player, copy.frame, copy.input) = (0, 12, vec![9]);
                it.second.journal.received.push(copy);
            },
            Verdict::Disputed,
            Some((12, "inputs", ["player 0", "player 0 (page 2)"])),
        ),
        (
            "the partner received another input than was authored, and somebody computed wrong",
            |it| {
                it.played.pages[1].journal.received[35].input = vec![9];
                it.first.rows.get_mut(&5).unwrap().outcome.push(0);
            },
            Verdict::Disputed,
            Some((35, "inputs", ["player 0", "player 1"])),
        ),
        (
            "the newer page never sealed",
            |it| it.second.seal = None,
            Verdict::Partial,
            None,
        ),
        (
            "the newer page lacks a row",
            |it| _ = it.second.rows.remove(&50),
            Verdict::Partial,
            Some((50, "missing", ["player 0", "re-simulation"])),
        ),
        (
            "the older page sealed where the episode does not end",
            |it| {
                let row = &it.played.rows[20];
                it.first.seal = Some(Seal {
                    last_frame: 20,
                    hash: row.hash,
                });
            },
            Verdict::Desync,
            Some((20, "seal", [OLDER, "re-simulation"])),
        ),
    ];
    for (what, change, verdict, first) in cases {
        let mut reloaded = Reloaded::new();
        change(&mut reloaded);
        let judgement = judge(&reloaded.log(), &NativeOnly);
        let first = first.map(|(frame, field, between)| FirstDifference {
            frame,
            field: field.to_owned(),
            between: between.map(str::to_owned),
        });
        if what.starts_with("the newer page authored") {
            // The first word is final.
            let log = reloaded.log();
            assert_eq!(
                log.input(30, 0).unwrap().bytes(),
                reloaded.played.rows[30].inputs[0]
            );
            assert_eq!(judgement.verdict, verdict, "{what}");
            assert_eq!(judgement.first_difference.unwrap().frame, 30);
            continue;
        }
        assert_eq!(
            (judgement.verdict, judgement.first_difference),
            (verdict, first),
            "{what}"
        );
    }
}

/// The newer page may have authored the same frames.
#[test]
fn what_an_older_page_uploads_after_a_newer_one_has_rejoined_is_evidence_alone() {
    let reloaded = Reloaded::new();
    let mut log = reloaded.log();
    let before = (judge(&log, &NativeOnly), log.history());
    let mut forged = reloaded.played.pages[0].clone();
    for input in &mut forged.journal.authored {
        input.input = vec![9];
    }
    for input in &mut forged.journal.received {
        input.input = vec![9];
    }
    for row in forged.rows.values_mut() {
        row.outcome.push(0);
    }
    let statements = bodies(&forged).len() as u32;
    let seen = log.players[0].presented.len();
    upload(&mut log, 0, 1, &forged);
    log.add_upload(0, 1, UploadBody::Flushed);
    assert_eq!((judge(&log, &NativeOnly), log.history()), before);
    assert_eq!(log.superseded_uploads, statements);
    assert!(!log.players[0].flushed);
    // What the participant saw was seen.
    let shown = reloaded.played.pages[0].journal.presented.len();
    assert_eq!(log.players[0].presented.len(), seen + shown);

    // The fence is one player's, and says nothing of the page that rejoined.
    log.add_upload(1, 1, UploadBody::Flushed);
    log.add_upload(0, 2, UploadBody::Flushed);
    assert!(log.players[0].flushed && log.players[1].flushed);
    assert_eq!(log.superseded_uploads, statements);
}

#[test]
fn the_same_uploads_before_the_rejoin_count() {
    let reloaded = Reloaded::new();
    let mut log = EpisodeLog::new(reloaded.played.plan.clone(), 1_000);
    upload(&mut log, 1, 1, &reloaded.played.pages[1]);
    upload(&mut log, 0, 1, &reloaded.first);
    let known = log.history();
    // Its partner has a copy of everything.
    assert_eq!(known[0].len(), reloaded.played.rows.len());
    log.add_rejoin(2_000, 0, 2);
    assert_eq!(log.history(), known);
}

#[test]
fn a_history_is_what_is_known_in_any_form_without_a_gap() {
    let played = play(plan(2, 7));
    let inputs = |player: usize| {
        played
            .rows
            .iter()
            .map(move |row| row.inputs[player].clone())
    };
    let mut log = EpisodeLog::new(played.plan.clone(), 0);
    assert_eq!(log.history(), vec![Vec::<Vec<u8>>::new(); 2]);

    // Player 0's own word up to 10, a copy up to 20, a row up to 25, and nothing of 26.
    let mut own = played.pages[0].journal.clone();
    own.authored.retain(|it| it.frame < 10 || it.frame > 26);
    own.received.clear();
    let mut copy = played.pages[1].journal.clone();
    copy.received.retain(|it| it.frame < 20);
    copy.authored.truncate(15);
    log.add_upload(0, 1, UploadBody::Journal(own));
    log.add_upload(1, 1, UploadBody::Journal(copy));
    assert_eq!(log.history()[0], inputs(0).take(20).collect::<Vec<_>>());
    let rows = Rows {
        first: 18,
        rows: played.rows[18..26].to_vec(),
    };
    log.add_upload(1, 1, UploadBody::Rows(rows));
    let history = log.history();
    assert_eq!(history[0], inputs(0).take(26).collect::<Vec<_>>());
    assert_eq!(history[1], inputs(1).take(15).collect::<Vec<_>>());
    let by = |frame| log.input(frame, 0).unwrap().attested_by();
    assert_eq!(
        [by(9), by(19), by(25), by(27)],
        [None, Some(1), Some(1), None]
    );
    assert_eq!(log.input(25, 0).unwrap().source(), None);
    assert_eq!(log.input(27, 0).unwrap().source(), Some(InputSource::Human));
}

/// What no page can have played would keep a page from going on.
#[test]
fn a_history_holds_nothing_that_an_episode_cannot_have() {
    let played = play(plan(2, 7));
    let mut log = EpisodeLog::new(played.plan.clone(), 0);
    let copy = &played.pages[1].journal.received[0];
    let forged = |frame: u32, input: Vec<u8>| {
        let mut copy = copy.clone();
        (copy.frame, copy.input) = (frame, input);
        copy
    };
    let most = played.plan.most_inputs();
    let received = (0..most + 500)
        .map(|frame| forged(frame, vec![1]))
        .collect();
    let batch = JournalBatch {
        received,
        ..JournalBatch::default()
    };
    log.add_upload(1, 1, UploadBody::Journal(batch));
    assert_eq!(log.history()[0].len() as u32, most);

    let mut log = EpisodeLog::new(played.plan.clone(), 0);
    let batch = JournalBatch {
        received: vec![
            forged(0, vec![1]),
            forged(1, Vec::new()),
            forged(2, vec![0; 65]),
        ],
        ..JournalBatch::default()
    };
    log.add_upload(1, 1, UploadBody::Journal(batch));
    assert_eq!(log.history()[0], [[1]]);
    assert_eq!(log.strays, 2);
    igym_play::Episode::rejoin(&played.plan, 0, 2, igym_play::Micros(0), log.history())
        .expect("a page can go on from it");
}

/// The largest frame up to which the union of the journal has every player's input, whatever was
/// lost, and never below what a survivor has confirmed.
#[test]
fn a_cut_is_where_the_union_of_all_that_is_known_ends() {
    let played = play(plan(2, 7));
    let mut state = 1_u64;
    let mut below = |bound: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) as usize % bound
    };
    let mut short = 0;
    for _ in 0..60 {
        let frames = played.rows.len();
        let mut log = EpisodeLog::new(played.plan.clone(), 0);
        let mut known = [0, 0];
        let mut confirmed = 0;
        for player in [0, 1] {
            let mut page = played.pages[player].clone();
            let [authored, received] = [below(frames), below(frames)];
            // A page confirms what it has, and may upload less than that.
            let rows = authored.min(received) - below(authored.min(received) + 1).min(3);
            page.journal.authored.truncate(authored);
            page.journal.received.truncate(received);
            page.rows.retain(|frame, _| (*frame as usize) < rows);
            page.seal = None;
            upload(&mut log, player as u8, 1, &page);
            known[player] = known[player].max(authored);
            known[1 - player] = known[1 - player].max(received);
            confirmed = confirmed.max(rows);
        }
        let union = known[0].min(known[1]);
        let examination = examine(&log, &NativeOnly).unwrap();
        assert_eq!(examination.canonical, played.rows[..union]);
        assert!(union >= confirmed);
        assert_eq!(examination.judgement.verdict, Verdict::Partial);
        assert_eq!(examination.differences, []);
        short += usize::from(union < frames / 2);
    }
    assert!((5..55).contains(&short), "{short} of 60 are short");
}

#[test]
fn a_journal_with_a_rejoin_is_exported_with_it() {
    let reloaded = Reloaded::new();
    let uploaded = |player: u8, incarnation, page: &Page| -> Vec<Record> {
        let upload = |(seq, body)| Record::Uploaded {
            participant: participant(player.into()),
            player,
            upload: Upload {
                incarnation,
                seq,
                session: SESSION,
                episode: 0,
                body,
            },
        };
        (1..).zip(bodies(page)).map(upload).collect()
    };
    let mut records = vec![Record::EpisodeOpened {
        plan: reloaded.played.plan.clone(),
    }];
    records.extend(uploaded(0, 1, &reloaded.first));
    records.push(Record::EpisodeRejoined {
        session: SESSION,
        episode: 0,
        player: 0,
        incarnation: 2,
    });
    // The record of one page load counts once.
    records.push(records[records.len() - 1].clone());
    let mut late = uploaded(0, 1, &reloaded.played.pages[0]);
    records.push(late.pop().expect("a seal"));
    records.extend(uploaded(0, 2, &reloaded.second));
    records.extend(uploaded(1, 1, &reloaded.played.pages[1]));
    records.push(Record::EpisodeClosed {
        session: SESSION,
        episode: 0,
        reason: CloseReason::Sealed,
        judgement: judge(&reloaded.log(), &NativeOnly),
    });
    let journal = Journal::from_entries(entries(records));
    let directory = TempDir::new().unwrap();
    let summary = export_to(directory.path(), &journal, Format::Csv);
    assert_eq!(summary.verdicts[&Verdict::Verified], 1);

    let rejoins = Csv::read(&directory.path().join("rejoins.csv"));
    assert_eq!(rejoins.rows.len(), 1);
    assert_eq!(rejoins.column("player"), ["0"]);
    assert_eq!(rejoins.column("page"), ["2"]);
    assert_eq!(rejoins.column("participant"), [participant(0).to_string()]);
    let episodes = Csv::read(&directory.path().join("episodes.csv"));
    for (column, expected) in [
        ("superseded_uploads", "1"),
        ("late_uploads", "0"),
        ("player.0.page", "2"),
        ("player.0.rejoins", "1"),
        ("player.1.page", "1"),
        ("player.1.rejoins", "0"),
    ] {
        assert_eq!(episodes.column(column), [expected], "{column}");
    }
    let pages = Csv::read(&directory.path().join("presented.csv"));
    let pages = pages.column("page");
    assert!(pages.contains(&"1") && pages.contains(&"2"));
}
