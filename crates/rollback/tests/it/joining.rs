//! A player who joins late: until then its place has the default input.

use igym_rollback::{Author, Input, LinkId, PlayerIndex};

use crate::host::{FRAME, Host, duo, endless};
use crate::rejoining::{agree, play};

const THEM: PlayerIndex = PlayerIndex(1);

/// One plays alone for so many ticks, and waits for the other from then on.
fn alone(ticks: u32) -> (Host, Host) {
    let mut a = Host::new(duo(0), &[0], endless());
    a.engine.leave(LinkId(1)).unwrap();
    let begin = a.engine.held_until(THEM).unwrap();
    a.engine.move_player(THEM, begin, Author::Nobody).unwrap();
    for _ in 0..ticks {
        assert_eq!(a.tick(3).0, None);
    }
    let from = a.engine.held_until(THEM).unwrap();
    a.engine.admit(LinkId(1)).unwrap();
    let joins = Author::Link(LinkId(1));
    a.engine.move_player(THEM, from, joins).unwrap();
    // What a journal holds: of the one who plays what was confirmed, of the place the default.
    let confirmed = a.confirmed();
    let known = confirmed.iter().map(|frame| frame.inputs[0]).collect();
    let nobody = vec![Input::default(); from.0 as usize];
    let builder = duo(1).history([known, nobody]);
    let mut b = Host::new(builder, &[1], endless());
    // Another page has another clock.
    b.now = a.now + FRAME * 777;
    (a, b)
}

#[test]
fn a_player_who_joins_late_has_the_whole_episode_and_plays() {
    for ticks in [5, 40, 400] {
        let (mut a, mut b) = alone(ticks);
        let joined = a.engine.held_until(THEM).unwrap().0 as usize;
        play(&mut a, &mut b, 150, [3, 4]);
        let both = agree(&a, &b);
        assert!(both > ticks as usize + 100, "{both}");
        for (frame, fact) in a.confirmed().iter().enumerate().take(both) {
            let input = fact.inputs[1].as_slice()[0];
            let nobody = frame < joined;
            assert!(!nobody || input == 0, "{frame}: {input}");
            assert!(frame < joined + 12 || input == 4, "{frame}: {input}");
        }
        // Who plays waits only for as long as more than a window takes to catch up on.
        let waited = a.engine.counters().stalled_ticks;
        assert!(waited <= u64::from(ticks) / 200, "{waited}");
        assert!(!b.engine.rejoining());
    }
}
