//! Every peer's canonical record equals a run without a network, byte for byte, on any network.

use std::cell::RefCell;

use proptest::test_runner::{
    Config, FailurePersistence, FileFailurePersistence, RngAlgorithm, TestRng, TestRunner,
};

use crate::case::{Case, cases};
use crate::log::reference;
use crate::seats::Seen;
use crate::world::{Totals, World};

/// Cases of one run, unless `IGYM_ROLLBACK_CASES` says otherwise.
const CASES: u32 = 2_000;

/// Virtual time in which all episodes of a case must be over.
const SECONDS: u64 = 240;

/// One case in `share` of those. Runs the same cases every time; `IGYM_ROLLBACK_SEED` makes others. A failing case is printed,
/// made smaller, and kept in `regressions.txt` beside this file.
pub(crate) fn runner(share: u32) -> TestRunner {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let cases = number("IGYM_ROLLBACK_CASES").unwrap_or(CASES);
    let seed = number("IGYM_ROLLBACK_SEED").unwrap_or(0);
    // With a seed of one's own, the seed is what to keep.
    let kept = (seed == 0).then(|| {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/regressions.txt");
        FileFailurePersistence::Direct(path)
    });
    let config = Config {
        cases: cases.div_ceil(share),
        failure_persistence: kept.map(|kept| Box::new(kept) as Box<dyn FailurePersistence>),
        source_file: Some(file!()),
        ..Config::default()
    };
    let mut bytes = [7; 32];
    bytes[..4].copy_from_slice(&seed.to_le_bytes());
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}

#[test]
fn canonical_records_equal_a_run_without_a_network() {
    let sum = RefCell::new(Totals::default());
    let mut runner = runner(1);
    let outcome = runner.run(&cases(), |case| {
        let totals = play(case);
        sum.borrow_mut().add(&totals);
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
    let sum = sum.into_inner();
    println!("{sum:#?}");
    // Guards against passing for nothing, per case.
    let cases = u64::from(runner.config().cases);
    assert!(sum.frames > 100 * cases, "{sum:?}");
    assert!(sum.inputs_not_default > sum.frames, "{sum:?}");
    assert!(sum.rollbacks > 10 * cases, "{sum:?}");
    assert!(sum.resimulated > sum.rollbacks, "{sum:?}");
    assert!(sum.right > 10 * cases && sum.wrong > 10 * cases, "{sum:?}");
    assert!(sum.shown_wrong > 10 * cases, "{sum:?}");
    assert!(sum.stalls > cases && sum.ends_undone > cases, "{sum:?}");
    assert!(sum.other_epoch > 10 * cases, "{sum:?}");
    assert!(
        sum.lost > 10 * cases && sum.reordered > 10 * cases,
        "{sum:?}"
    );
    assert!(sum.duplicated > 10 * cases, "{sum:?}");
    assert!(sum.longest_packet > 1_100, "{sum:?}");
    sum.hardships.happened(cases);
}

fn play(case: Case) -> Totals {
    let mut world = World::new(case.clone());
    assert!(world.run(SECONDS), "no progress after {SECONDS} s");
    for epoch in 0..case.episodes {
        let facts = reference(&case, epoch);
        let last = facts.last().expect("a game has a frame");
        for (peer, logs) in world.finished.iter().enumerate() {
            let log = &logs[epoch as usize];
            assert_eq!(log.facts(), facts, "peer {peer}, epoch {epoch}");
            assert_eq!(log.sealed, Some((last.frame, last.hash)));
            assert_eq!(log.desyncs, []);
            for (player, received) in log.received.iter().enumerate() {
                for (frame, input) in (0..).map(igym_rollback::Frame).zip(received) {
                    assert_eq!(*input, case.authored(epoch, player as u8, frame));
                }
            }
        }
    }
    world.totals
}

/// Spectators come and go; nobody who plays notices, and they see what is confirmed.
#[test]
fn spectators_see_what_is_confirmed_and_nobody_notices() {
    let seen = RefCell::new(Seen::default());
    let mut runner = runner(8);
    let outcome = runner.run(&cases(), |case| {
        let mut alone = World::new(case.clone());
        let mut world = World::new(case);
        world.seat(3);
        assert!(alone.run(SECONDS) && world.run(SECONDS), "no progress");
        for (logs, before) in world.finished.iter().zip(&alone.finished) {
            for (log, before) in logs.iter().zip(before) {
                assert_eq!(log.presented, before.presented);
                assert_eq!(log.facts(), before.facts());
            }
        }
        seen.borrow_mut().check(&mut world, reference);
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
    seen.into_inner().happened(runner.config().cases as usize);
}

impl Totals {
    pub(crate) fn add(&mut self, other: &Totals) {
        self.frames += other.frames;
        self.rollbacks += other.rollbacks;
        self.resimulated += other.resimulated;
        self.right += other.right;
        self.wrong += other.wrong;
        self.stalls += other.stalls;
        self.ends_undone += other.ends_undone;
        self.other_epoch += other.other_epoch;
        self.lost += other.lost;
        self.reordered += other.reordered;
        self.duplicated += other.duplicated;
        self.hardships.add(&other.hardships);
        self.longest_packet = self.longest_packet.max(other.longest_packet);
        self.inputs_not_default += other.inputs_not_default;
        self.shown_wrong += other.shown_wrong;
        self.reloads += other.reloads;
        self.given_back += other.given_back;
        self.authored_anew += other.authored_anew;
        self.most_away = self.most_away.max(other.most_away);
        self.other_page_load += other.other_page_load;
    }
}

/// The state depends on the inputs: other inputs, other records.
#[test]
fn other_inputs_give_other_records() {
    let case = Case::plain(1);
    let facts = reference(&case, 0);
    let mut changed = case.clone();
    changed.delays[1] += 3;
    let other = reference(&changed, 0);
    assert_eq!(facts[0], other[0]);
    assert_ne!(facts.last(), other.last());
}
