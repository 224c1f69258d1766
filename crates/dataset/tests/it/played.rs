//! Real peers over a network that delays: what they upload is judged.

use igym_dataset::{EpisodeLog, NativeOnly, examine};
use igym_play::{Episode, Micros};
use igym_protocol::{EpisodePlan, KeyBinding, Path, Verdict};

use crate::support::plan;

const MILLISECOND: u64 = 1_000;

struct World {
    now: u64,
    peers: Vec<Episode>,
    /// Numbers of the players' pages.
    pages: [u32; 2],
    plan: EpisodePlan,
    /// Packets under way: when they arrive, from whom, to whom.
    flying: Vec<(u64, u8, u8, Vec<u8>)>,
    log: EpisodeLog,
}

impl World {
    fn new() -> Self {
        let mut plan = EpisodePlan {
            max_steps: 200,
            ..plan(2, 11)
        };
        for (key, action) in [("a", 1), ("w", 3), ("d", 5)] {
            plan.controls.bindings.push(KeyBinding {
                keys: vec![key.to_owned()],
                action,
                label: key.to_owned(),
            });
        }
        let peers = (0..2)
            .map(|player| Episode::new(&plan, player, 1, Micros(0)).unwrap())
            .collect();
        Self {
            now: 0,
            peers,
            pages: [1, 1],
            flying: Vec::new(),
            log: EpisodeLog::new(plan.clone(), 0),
            plan,
        }
    }

    /// The player's page is loaded again: what it had not uploaded is lost, and what is under way
    /// to it.
    fn reload(&mut self, player: u8) {
        let page = &mut self.pages[usize::from(player)];
        *page += 1;
        self.log.add_rejoin(self.now, player, *page);
        let history = self.log.history();
        let now = Micros(self.now);
        self.peers[usize::from(player)] =
            Episode::rejoin(&self.plan, player, *page, now, history).unwrap();
        self.flying.retain(|(_, _, to, _)| *to != player);
    }

    /// A millisecond in the life of the peers in `present`.
    fn step(&mut self, one_way_ms: u64, present: &[u8]) {
        self.now += MILLISECOND;
        let now = Micros(self.now);
        let (arrived, flying) = self.flying.drain(..).partition(|(at, ..)| *at <= self.now);
        self.flying = flying;
        for (_, from, to, bytes) in arrived {
            if present.contains(&to) {
                let peer = &mut self.peers[usize::from(to)];
                // Around a reload there are packets of and to the page that is gone.
                let refused = peer.handle_packet(from, Path::DataChannel, &bytes, now);
                assert!(refused.is_ok() || self.pages != [1, 1], "{refused:?}");
            }
        }
        for &player in present {
            let peer = &mut self.peers[usize::from(player)];
            // Each player taps another key at another pace.
            let beat = self.now / MILLISECOND / (90 + 40 * u64::from(player));
            let key = ["a", "w", "d"][(beat % 3) as usize];
            peer.key(key, beat.is_multiple_of(2), now);
            while peer.tick(now) {}
            while let Some(packet) = peer.poll_packet() {
                let at = self.now + one_way_ms * MILLISECOND;
                self.flying.push((at, player, packet.to, packet.bytes));
            }
        }
        self.upload(present);
    }

    fn upload(&mut self, present: &[u8]) {
        for &player in present {
            let peer = &mut self.peers[usize::from(player)];
            while let Some(body) = peer.poll_upload(Micros(self.now)) {
                self.log
                    .add_upload(player, self.pages[usize::from(player)], body);
            }
        }
    }

    /// Frames that are facts at this player's page.
    fn confirmed(&self, player: u8) -> u32 {
        self.peers[usize::from(player)].status().confirmed
    }

    /// Frames whose inputs this player's own page has uploaded.
    fn uploaded(&self, player: u8) -> u32 {
        let own = |frame: &u32| {
            let known = self.log.input(*frame, player);
            known.is_some_and(|known| known.attested_by().is_none())
        };
        (0..u32::MAX).take_while(own).count() as u32
    }

    fn rollbacks(&self, player: u8) -> u32 {
        self.peers[usize::from(player)].status().rollbacks
    }
}

#[test]
fn what_real_peers_upload_is_verified() {
    for one_way_ms in [0, 100, 200] {
        let mut world = World::new();
        while !world.log.players.iter().all(|player| player.sealed()) {
            world.step(one_way_ms, &[0, 1]);
            assert!(world.now < 60_000 * MILLISECOND, "they never sealed");
        }
        let examination = examine(&world.log, &NativeOnly).unwrap();
        assert_eq!(examination.judgement.verdict, Verdict::Verified);
        assert_eq!(examination.differences, []);
        let frames = examination.canonical.len();
        assert!(frames > 30, "{frames} frames");
        if one_way_ms > 0 {
            assert!(
                world.rollbacks(0) > 3,
                "keys changed, so guesses were wrong"
            );
        }
        let inputs = examination.canonical.iter().map(|row| &row.inputs);
        let different: std::collections::BTreeSet<_> = inputs.collect();
        assert!(different.len() > 3, "the players played");
        let attested = (0..frames as u32).filter(|frame| {
            [0, 1].into_iter().any(|player| {
                world
                    .log
                    .input(*frame, player)
                    .unwrap()
                    .attested_by()
                    .is_some()
            })
        });
        assert_eq!(attested.count(), 0);
    }
}

/// Player 1's page is closed in the middle of a frame's upload interval.
#[test]
fn a_vanished_player_leaves_no_gap_below_the_survivors_last_confirmed_frame() {
    for one_way_ms in [0, 40, 120] {
        let mut world = World::new();
        while world.now < 1_111 * MILLISECOND || world.uploaded(1) >= world.confirmed(0) {
            world.step(one_way_ms, &[0, 1]);
            assert!(world.now < 60_000 * MILLISECOND, "uploads come in batches");
        }
        for _ in 0..800 {
            world.step(one_way_ms, &[0]);
        }
        let confirmed = world.confirmed(0);
        world.peers[0].flush(Micros(world.now));
        world.upload(&[0]);
        assert!(world.log.players[0].flushed);

        let examination = examine(&world.log, &NativeOnly).unwrap();
        assert_eq!(examination.judgement.verdict, Verdict::Partial);
        assert_eq!(examination.differences, []);
        let frames = examination.canonical.len() as u32;
        assert!(confirmed > 20, "{confirmed} frames");
        assert!(frames >= confirmed, "{frames} frames of {confirmed}");
        assert_eq!(examination.coverage[0].rows, confirmed);
        let attested = (0..frames)
            .filter(|frame| world.log.input(*frame, 1).unwrap().attested_by() == Some(0));
        assert!(
            attested.count() > 0,
            "copies stand in for what player 1 did not upload"
        );
    }
}

/// The very first frames are everybody's default inputs; they too are in the journal.
#[test]
fn a_player_who_vanishes_at_once_has_not_lost_the_lead() {
    let mut world = World::new();
    while world.now < 100 * MILLISECOND {
        world.step(10, &[0, 1]);
    }
    for _ in 0..800 {
        world.step(10, &[0]);
    }
    world.peers[0].flush(Micros(world.now));
    world.upload(&[0]);
    assert!(
        world.log.players[1].presented.is_empty(),
        "player 1 uploaded nothing"
    );
    let confirmed = world.peers[0].status().confirmed;
    let examination = examine(&world.log, &NativeOnly).unwrap();
    assert!(confirmed > 0);
    assert!(examination.canonical.len() as u32 >= confirmed);
}

/// Pages die in the middle of an upload interval; others go on with what the journal has.
#[test]
fn what_pages_upload_that_were_loaded_again_is_verified() {
    let mut older = 0;
    for (one_way_ms, reloads) in [
        (0, vec![(2_700, 1)]),
        (60, vec![(1_733, 0), (3_111, 0)]),
        (120, vec![(1_705, 1), (1_706, 0), (4_002, 1)]),
    ] {
        let mut world = World::new();
        let mut due = reloads.clone().into_iter().peekable();
        while !world.log.players.iter().all(|player| player.sealed()) {
            world.step(one_way_ms, &[0, 1]);
            while let Some((_, player)) = due.next_if(|(at, _)| *at * MILLISECOND <= world.now) {
                let shown = world.peers[usize::from(player)].status().frame;
                assert!(
                    (20..199).contains(&shown),
                    "reloaded in play: frame {shown}"
                );
                world.reload(player);
            }
            assert!(world.now < 60_000 * MILLISECOND, "they never sealed");
        }
        assert_eq!(world.log.rejoins.len(), reloads.len());
        assert_eq!(world.log.strays, 0);
        let examination = examine(&world.log, &NativeOnly).unwrap();
        assert_eq!(
            (examination.judgement.verdict, &examination.differences[..]),
            (Verdict::Verified, &[][..])
        );
        for (player, log) in (0..).zip(&world.log.players) {
            let pages = world.pages[player];
            let (page, account) = log.account().unwrap();
            assert_eq!(page, pages);
            assert_eq!(account.rows.len(), examination.canonical.len());
            older += log.accounts.range(..page).count();
            assert!(log.presented.iter().any(|shown| shown.incarnation == 1));
        }
    }
    assert!(older > 0, "pages that are gone had computed something");
}
