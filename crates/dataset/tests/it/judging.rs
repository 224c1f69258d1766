//! Verdicts, and where readings first differ.

use igym_dataset::{EpisodeLog, Field, NativeOnly, Reading, examine, judge, not_judged};
use igym_protocol::{
    CloseReason, FirstDifference, InputSource, JournalBatch, Judgement, Rows, UploadBody, Verdict,
};

use crate::support::{Played, plan, play};

fn two() -> Played {
    let played = play(plan(2, 7));
    assert!(
        played.rows.len() > 40,
        "an episode long enough to change something in"
    );
    assert!(played.rows.iter().any(|row| row.digest.is_some()));
    played
}

fn difference(frame: u32, field: &str, between: [&str; 2]) -> Option<FirstDifference> {
    Some(FirstDifference {
        frame,
        field: field.to_owned(),
        between: between.map(str::to_owned),
    })
}

#[test]
fn equal_readings_are_verified() {
    for players in 2..=4 {
        let played = play(plan(players, 7));
        let examination = examine(&played.log(), &NativeOnly).unwrap();
        assert_eq!(
            examination.judgement,
            Judgement {
                verdict: Verdict::Verified,
                last_frame: Some(played.last_frame()),
                first_difference: None,
            }
        );
        assert_eq!(examination.canonical, played.rows);
    }
}

#[test]
fn a_flipped_digest_is_a_desync_at_that_frame_of_that_player() {
    for (players, player) in [(2, 0), (2, 1), (3, 1)] {
        let mut played = play(plan(players, 7));
        let row = played.pages[player].rows.get_mut(&19).unwrap();
        row.digest
            .as_mut()
            .expect("frame 19 ends an interval of 10")[3] ^= 1;
        let name = format!("player {player}");
        let judgement = judge(&played.log(), &NativeOnly);
        assert_eq!(judgement.verdict, Verdict::Desync);
        assert_eq!(
            judgement.first_difference,
            difference(19, "digest", [&name, "re-simulation"])
        );
        assert_eq!(judgement.last_frame, Some(played.last_frame()));
    }
}

#[test]
fn every_pair_of_readings_is_compared() {
    let mut played = two();
    let row = played.pages[0].rows.get_mut(&23).unwrap();
    row.outcome.push(0);
    let row = played.pages[1].rows.get_mut(&31).unwrap();
    row.hash[0] ^= 1;
    let examination = examine(&played.log(), &NativeOnly).unwrap();
    let found: Vec<_> = examination
        .differences
        .iter()
        .map(|it| (it.frame, it.field, it.between))
        .collect();
    let zero = Reading::Player(0);
    let one = Reading::Player(1);
    assert_eq!(
        found,
        [
            (23, Field::Outcome, [zero, Reading::Resimulation]),
            (23, Field::Outcome, [zero, one]),
            (31, Field::Hash, [one, Reading::Resimulation]),
        ]
    );
}

/// Two browsers that agree with each other can still both be wrong.
#[test]
fn browsers_that_agree_are_still_compared_with_the_resimulation() {
    let mut played = two();
    for page in &mut played.pages {
        page.rows.get_mut(&12).unwrap().outcome.push(0);
    }
    assert_eq!(
        judge(&played.log(), &NativeOnly).first_difference,
        difference(12, "outcome", ["player 0", "re-simulation"])
    );
}

#[test]
fn a_forged_journal_input_is_disputed() {
    let mut played = two();
    let forged = &mut played.pages[1].journal.authored[17];
    forged.input[0] = (forged.input[0] + 1) % 6;
    let forged = forged.input.clone();
    let log = played.log();
    let judgement = judge(&log, &NativeOnly);
    assert_eq!(judgement.verdict, Verdict::Disputed);
    assert_eq!(
        judgement.first_difference,
        difference(17, "inputs", ["player 1", "player 0"])
    );
    // The author's word counts, and both are kept.
    assert_eq!(log.input(17, 1).unwrap().bytes(), forged);
    let contradictions: Vec<_> = log.contradictions().collect();
    assert_eq!(contradictions.len(), 1);
    assert_eq!(contradictions[0].against.input, played.rows[17].inputs[1]);
}

#[test]
fn a_forged_copy_is_disputed_and_changes_nothing() {
    let mut played = two();
    played.pages[0].journal.received[30].input = vec![9];
    let examination = examine(&played.log(), &NativeOnly).unwrap();
    assert_eq!(examination.judgement.verdict, Verdict::Disputed);
    assert_eq!(examination.canonical, played.rows);
}

#[test]
fn an_author_who_says_two_things_is_disputed_and_the_first_counts() {
    let played = two();
    let mut log = played.log();
    let mut again = played.pages[0].journal.authored[8].clone();
    again.input = vec![again.input[0] ^ 1];
    let batch = JournalBatch {
        authored: vec![again],
        ..JournalBatch::default()
    };
    log.add_upload(0, 2, UploadBody::Journal(batch));
    let examination = examine(&log, &NativeOnly).unwrap();
    assert_eq!(
        examination.judgement.first_difference,
        difference(8, "inputs", ["player 0", "player 0 (page 2)"])
    );
    assert_eq!(examination.canonical, played.rows);
}

#[test]
fn rows_with_other_inputs_than_the_journal_are_disputed() {
    let mut played = two();
    played.pages[0].rows.get_mut(&26).unwrap().inputs[1] = vec![9];
    let judgement = judge(&played.log(), &NativeOnly);
    assert_eq!(judgement.verdict, Verdict::Disputed);
    assert_eq!(
        judgement.first_difference,
        difference(26, "inputs", ["player 0", "re-simulation"])
    );
}

#[test]
fn a_missing_seal_is_partial() {
    let mut played = two();
    played.pages[1].seal = None;
    assert_eq!(
        judge(&played.log(), &NativeOnly),
        Judgement {
            verdict: Verdict::Partial,
            last_frame: Some(played.last_frame()),
            first_difference: None,
        }
    );
}

/// Player 1 closed the tab: its inputs are known up to frame 29 by itself, up to 33 by its peer.
#[test]
fn a_cut_episode_reaches_as_far_as_the_union_of_what_is_known() {
    let mut played = two();
    for page in &mut played.pages {
        page.seal = None;
    }
    played.pages[1].journal.authored.truncate(30);
    played.pages[1].journal.received.truncate(28);
    played.pages[1].rows.retain(|frame, _| *frame < 25);
    played.pages[0].journal.received.truncate(34);
    played.pages[0].journal.authored.truncate(40);
    played.pages[0].rows.retain(|frame, _| *frame < 34);
    let log = played.log();
    let examination = examine(&log, &NativeOnly).unwrap();
    assert_eq!(
        examination.judgement,
        Judgement {
            verdict: Verdict::Partial,
            last_frame: Some(33),
            first_difference: None,
        }
    );
    assert_eq!(examination.canonical, played.rows[..34]);
    let rows: Vec<u32> = examination.coverage.iter().map(|it| it.rows).collect();
    assert_eq!(rows, [34, 25]);
    for (frame, attested) in [(29, None), (30, Some(0)), (33, Some(0))] {
        assert_eq!(log.input(frame, 1).unwrap().attested_by(), attested);
    }
    assert_eq!(log.input(29, 1).unwrap().source(), Some(InputSource::Human));
    assert_eq!(log.input(30, 1).unwrap().source(), None);
    assert!(log.input(34, 1).is_none());
}

#[test]
fn a_cut_episode_can_still_be_a_desync() {
    let mut played = two();
    played.pages[1].seal = None;
    played.pages[1].rows.retain(|frame, _| *frame < 25);
    played.pages[1].rows.get_mut(&24).unwrap().hash[9] ^= 4;
    let judgement = judge(&played.log(), &NativeOnly);
    assert_eq!(judgement.verdict, Verdict::Desync);
    assert_eq!(
        judgement.first_difference,
        difference(24, "hash", ["player 1", "re-simulation"])
    );
}

#[test]
fn sealed_pages_must_have_all_their_rows() {
    let mut played = two();
    played.pages[0].rows.remove(&21);
    let judgement = judge(&played.log(), &NativeOnly);
    assert_eq!(judgement.verdict, Verdict::Partial);
    assert_eq!(
        judgement.first_difference,
        difference(21, "missing", ["player 0", "re-simulation"])
    );
}

#[test]
fn a_page_without_any_row_is_not_verified() {
    let mut played = two();
    played.pages[1].rows.clear();
    let judgement = judge(&played.log(), &NativeOnly);
    assert_eq!(judgement.verdict, Verdict::Partial);
    assert_eq!(
        judgement.first_difference,
        difference(0, "missing", ["player 1", "re-simulation"])
    );
}

#[test]
fn an_input_that_nobody_uploaded_is_missing_from_the_resimulation() {
    let mut played = two();
    played.pages[1].journal.authored.remove(33);
    played.pages[0].journal.received.remove(33);
    for page in &mut played.pages {
        page.rows.retain(|frame, _| *frame < 33);
    }
    let judgement = judge(&played.log(), &NativeOnly);
    assert_eq!(judgement.verdict, Verdict::Partial);
    assert_eq!(judgement.last_frame, Some(32));
    assert_eq!(
        judgement.first_difference,
        difference(33, "missing", ["player 0", "re-simulation"])
    );
}

#[test]
fn seals_must_be_those_of_the_resimulation() {
    let mut early = two();
    early.pages[0].seal.as_mut().unwrap().last_frame = 30;
    early.pages[0].rows.retain(|frame, _| *frame <= 30);
    let judgement = judge(&early.log(), &NativeOnly);
    assert_eq!(judgement.verdict, Verdict::Desync);
    assert_eq!(
        judgement.first_difference,
        difference(30, "seal", ["player 0", "re-simulation"])
    );

    let mut other = two();
    other.pages[1].seal.as_mut().unwrap().hash[0] ^= 1;
    assert_eq!(
        judge(&other.log(), &NativeOnly).first_difference,
        difference(other.last_frame(), "seal", ["player 1", "re-simulation"])
    );

    let mut endless = two();
    endless.pages[1].seal.as_mut().unwrap().last_frame = u32::MAX;
    assert_eq!(judge(&endless.log(), &NativeOnly).verdict, Verdict::Desync);
}

#[test]
fn a_page_that_uploads_two_rows_for_a_frame_is_a_desync() {
    let played = two();
    let mut log = played.log();
    let mut row = played.rows[14].clone();
    row.outcome.push(0);
    let rows = Rows {
        first: 14,
        rows: vec![row],
    };
    log.add_upload(1, 1, UploadBody::Rows(rows));
    let judgement = judge(&log, &NativeOnly);
    assert_eq!(judgement.verdict, Verdict::Desync);
    assert_eq!(
        judgement.first_difference,
        difference(14, "outcome", ["player 1", "player 1 (page 1)"])
    );
}

#[test]
fn what_comes_after_the_closing_changes_nothing() {
    let played = two();
    let verified = judge(&played.log(), &NativeOnly);
    let mut log = played.log();
    log.closing = Some(igym_dataset::Closing {
        at_ms: 9_000,
        reason: CloseReason::Sealed,
        judgement: verified.clone(),
    });
    let mut forged = played.pages[0].journal.clone();
    forged.authored[10].input = vec![9];
    forged.keys.clear();
    log.add_upload(0, 1, UploadBody::Journal(forged));
    assert_eq!(judge(&log, &NativeOnly), verified);
    assert_eq!(log.late_uploads, 1);
}

#[test]
fn statements_that_nobody_may_make_have_no_effect() {
    let played = two();
    let mut log = played.log();
    let mut batch = JournalBatch {
        authored: played.pages[1].journal.authored[..1].to_vec(),
        received: played.pages[0].journal.received[..1].to_vec(),
        ..JournalBatch::default()
    };
    batch.authored[0].input = vec![9];
    batch.received[0].player = 200;
    log.add_upload(0, 1, UploadBody::Journal(batch));
    log.add_upload(77, 1, UploadBody::Flushed);
    assert_eq!(judge(&log, &NativeOnly).verdict, Verdict::Verified);
    assert_eq!(log.strays, 3);
}

#[test]
fn of_ever_other_statements_about_one_input_few_are_kept_and_all_are_counted() {
    let played = two();
    let mut log = played.log();
    let first = &played.pages[0].journal.received[30];
    for other in 0..=u8::MAX {
        let mut copy = first.clone();
        copy.input = vec![100, other];
        let batch = JournalBatch {
            received: vec![copy],
            ..JournalBatch::default()
        };
        log.add_upload(0, 1, UploadBody::Journal(batch));
    }
    let kept = log.contradictions().count();
    assert_eq!((kept, log.strays), (7, 256 - 7));
    let examination = examine(&log, &NativeOnly).unwrap();
    assert_eq!(examination.judgement.verdict, Verdict::Disputed);
    assert_eq!(examination.canonical, played.rows, "they change nothing");
}

#[test]
fn an_episode_of_which_nothing_is_known_is_partial() {
    let log = EpisodeLog::new(plan(2, 7), 0);
    assert_eq!(
        judge(&log, &NativeOnly),
        Judgement {
            verdict: Verdict::Partial,
            last_frame: None,
            first_difference: None,
        }
    );
}

#[test]
fn an_episode_of_another_version_is_never_taken_for_good() {
    let mut played = two();
    played.plan.environment.version = "0.0.0-other".into();
    let error = examine(&played.log(), &NativeOnly).unwrap_err().to_string();
    assert!(error.contains("0.0.0-other"), "{error}");
    assert_eq!(judge(&played.log(), &NativeOnly), not_judged());
}
