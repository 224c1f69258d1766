//! Pages that are loaded again in the middle of the episode.

use std::collections::BTreeSet;

use igym_play::{Episode, Micros, PlayError};
use igym_protocol::UploadBody;

use crate::plan;
use crate::world::{Weather, World};

#[test]
fn pages_that_are_loaded_again_go_on_in_the_same_episode() {
    let both: &[usize] = &[0, 1];
    let cases: [&[(u32, &[usize])]; 3] = [
        &[(60, &[1])],
        &[(90, both)],
        &[(40, &[0]), (80, &[1]), (120, both)],
    ];
    for (seed, reloads) in (0..).zip(cases) {
        for weather in [Weather::CALM, Weather::FAR, Weather::LOSSY] {
            let plan = plan::slime_volleyball(seed);
            let mut world = World::new(&plan, weather, seed.into());
            for (frame, peers) in reloads {
                let status = |world: &World, peer: usize| world.peers[peer].episode.status();
                world.run_until(|world| both.iter().all(|it| status(world, *it).frame > *frame));
                peers.iter().for_each(|peer| world.reload(*peer));
                world.run_until(|world| both.iter().all(|it| !status(world, *it).rejoining));
            }
            world.run_to_the_end();
            let rows = world.peers[0].rows();
            assert_eq!(world.peers[1].rows(), rows);
            assert_eq!(world.peers[0].seal(), world.peers[1].seal());
            for (player, peer) in world.peers.iter().enumerate() {
                let mut authored = BTreeSet::new();
                for input in peer.batches().flat_map(|batch| &batch.authored) {
                    let frame = input.frame;
                    assert!(authored.insert(frame), "frame {frame} is authored once");
                    if let Some(row) = rows.get(frame as usize) {
                        assert_eq!(input.input, row.inputs[player]);
                    }
                }
                assert!(authored.len() > rows.len() / 2);
            }
        }
    }
}

#[test]
fn what_the_journal_gave_is_not_uploaded_again() {
    let mut world = World::new(&plan::slime_volleyball(9), Weather::CALM, 9);
    world.run_until(|world| world.peers[0].episode.status().confirmed > 120);
    let known = world.history();
    world.reload(1);
    world.run_to_the_end();
    let (mut new, mut back) = (0, 0);
    let peer = &world.peers[1];
    for (_, upload) in peer.uploads.iter().filter(|(_, it)| it.incarnation == 2) {
        if let UploadBody::Journal(batch) = &upload.body {
            for input in &batch.authored {
                assert!(input.frame as usize >= known[1].len());
            }
            for input in &batch.received {
                let player = usize::from(input.player);
                assert!(input.frame as usize >= known[player].len());
                *(if player == 1 { &mut back } else { &mut new }) += 1;
            }
        }
    }
    assert!(new > 50 && back > 0, "{new} new, {back} given back");
    assert_eq!(peer.rows(), world.peers[0].rows());
}

#[test]
fn histories_that_cannot_be_are_refused_with_their_fault() {
    let plan = plan::slime_volleyball(1);
    let most = plan.most_inputs() as usize;
    let rejoin = |history| Episode::rejoin(&plan, 0, 2, Micros(0), history).err();
    let inputs = |count: usize| vec![vec![0]; count];
    assert!(rejoin(vec![inputs(most), Vec::new()]).is_none());
    let players = rejoin(vec![Vec::new()]);
    assert!(matches!(
        players,
        Some(PlayError::HistoryPlayers {
            found: 1,
            players: 2
        })
    ));
    let length = rejoin(vec![Vec::new(), inputs(most + 1)]);
    assert!(matches!(
        length,
        Some(PlayError::HistoryLength { player: 1, .. })
    ));
    for bad in [Vec::new(), vec![0; 65]] {
        let mut odd = inputs(9);
        odd[7] = bad;
        let input = rejoin(vec![odd, Vec::new()]);
        assert!(matches!(
            input,
            Some(PlayError::HistoryInput {
                player: 0,
                frame: 7,
                ..
            })
        ));
    }
}
