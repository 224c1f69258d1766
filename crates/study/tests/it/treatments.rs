//! Which groups have which treatment, and that it is what they play.

use std::collections::{BTreeMap, BTreeSet};

use igym_protocol::{Record, SessionId, View};
use igym_study::{GymScene, Scene, Study, StudyConfig, Treatment};

use crate::world::{BUILD, World, config, participant};

/// Gives these treatments to the game, with environments that can be told apart.
pub(crate) fn treated(mut config: StudyConfig, ids: &[&str]) -> StudyConfig {
    for scene in &mut config.scenes {
        if let Scene::Gym(game) = scene {
            game.treatments = ids.iter().map(|id| treatment(game, id)).collect();
        }
    }
    config
}

fn treatment(game: &GymScene, id: &str) -> Treatment {
    let mut environment = game.environment.clone();
    environment.config = format!("{{\"treatment\":\"{id}\"}}");
    Treatment {
        id: id.to_owned(),
        environment_digest: igym_envs::environment_digest(&environment.id, &environment.config),
        environment,
    }
}

/// So many pairs come, one after the other, and go as far as `wanted` sees them.
fn pairs(world: &mut World, numbers: std::ops::Range<u64>, wanted: fn(&View) -> bool) {
    for number in numbers {
        let pair = [2 * number, 2 * number + 1].map(participant);
        for who in pair {
            world.arrive(who);
            world.connect(who);
        }
        world.until(&pair, wanted);
    }
}

fn plays(view: &View) -> bool {
    matches!(view, View::Playing { .. })
}

/// The treatments of all sessions, in the order of the records.
fn given(world: &World) -> Vec<String> {
    let records = world.ledger.records.iter();
    let opened = records.filter_map(|record| match record {
        Record::SessionOpened { treatment, .. } => Some(treatment.clone().unwrap()),
        _ => None,
    });
    opened.collect()
}

/// Each of `ids` comes up once in every so many sessions.
fn check_balance(given: &[String], ids: &[&str]) {
    let ids: BTreeSet<&str> = ids.iter().copied().collect();
    for block in given.chunks(ids.len()) {
        let different: BTreeSet<&str> = block.iter().map(String::as_str).collect();
        assert_eq!(different.len(), block.len(), "{given:?}");
        assert!(different.is_subset(&ids));
    }
}

#[test]
fn every_treatment_has_as_many_groups_and_their_order_is_drawn() {
    let ids = ["a", "b", "c"];
    let mut world = World::new(treated(config(2, 1), &ids));
    pairs(&mut world, 0..31, plays);
    let given = given(&world);
    assert_eq!(given.len(), 31);
    check_balance(&given, &ids);
    let orders: BTreeSet<&[String]> = given.chunks_exact(3).collect();
    assert!(orders.len() > 3, "{given:?}");

    // Drawn from the seed that the journal has, and from nothing else.
    let again = |seed| {
        let mut world = World::new(treated(config(2, 1), &ids));
        let config = world.study.config().clone();
        world.study = Study::new(config, BUILD.to_owned(), seed);
        pairs(&mut world, 0..31, plays);
        self::given(&world)
    };
    assert_eq!(again([3; 32]), given);
    assert_ne!(again([4; 32]), given);
}

#[test]
fn groups_play_what_their_treatment_says_and_pages_must_run_that() {
    let mut world = World::new(treated(config(2, 2), &["a", "b"]));
    pairs(&mut world, 0..6, |view| {
        matches!(view, View::Validating { .. })
    });
    // Pages that report the digest of the scene's own environment do not play.
    let own = world.study.config().game(1).unwrap().environment.clone();
    let liar = participant(0);
    let View::Validating {
        session,
        study_digest,
        ..
    } = world.view(liar)
    else {
        panic!("validates");
    };
    let digests = world.digests(liar, &own, &study_digest);
    let session = session.session;
    let lie = igym_protocol::ClientMessage::Validate { session, digests };
    world.send(liar, &lie).unwrap();
    world.settle();
    let groups = &world.ledger.sessions;
    assert!(groups[&session].plans.is_empty());
    let mut played = BTreeMap::new();
    for group in groups.values().filter(|group| !group.plans.is_empty()) {
        let treatment = group.treatment.clone().unwrap();
        let expected = format!("{{\"treatment\":\"{treatment}\"}}");
        for plan in &group.plans {
            assert_eq!(plan.environment.config, expected);
            let digest = igym_envs::environment_digest(&plan.environment.id, &expected);
            assert_eq!(plan.digests.environment, digest);
        }
        *played.entry(treatment).or_insert(0) += group.plans.len();
    }
    assert_eq!(played.values().sum::<usize>(), 10, "{played:?}");
    assert_eq!(played.len(), 2);
}

#[test]
fn a_server_that_starts_again_knows_who_had_what_and_goes_on_evenly() {
    let ids = ["a", "b", "c", "d"];
    let mut world = World::new(treated(config(2, 3), &ids));
    let mut before: BTreeMap<SessionId, Option<String>> = BTreeMap::new();
    for number in 0..20 {
        pairs(&mut world, number..number + 1, plays);
        // Some go on, and others have ended when the server dies: they count all the same.
        if number % 3 == 0 {
            world.settle();
        }
        world.restart(1_000);
        for who in 0..2 * (number + 1) {
            world.connect(participant(who));
        }
        for (session, group) in &world.ledger.sessions {
            let known = before.entry(*session).or_insert(group.treatment.clone());
            assert_eq!(*known, group.treatment);
        }
    }
    let given = given(&world);
    assert_eq!(given.len(), 20);
    check_balance(&given, &ids);
    world.settle();
    let groups = world.ledger.sessions.values();
    for group in groups.clone() {
        let expected = format!("{{\"treatment\":\"{}\"}}", group.treatment.clone().unwrap());
        let configs = group.plans.iter().map(|plan| &plan.environment.config);
        assert_eq!(configs.collect::<Vec<_>>(), [&expected; 3], "all episodes");
    }
    assert_eq!(groups.len(), 20);
}

#[test]
fn each_scene_is_balanced_by_itself_and_one_without_treatments_is_as_it_was() {
    let mut config = treated(config(2, 1), &["a", "b"]);
    let Scene::Gym(first) = config.scenes[1].clone() else {
        panic!("a game");
    };
    let mut second = first.clone();
    second.id = "second".to_owned();
    let mut third = GymScene {
        id: "third".to_owned(),
        ..first
    };
    third.treatments.clear();
    config
        .scenes
        .extend([Scene::Gym(second), Scene::Gym(third)]);
    let mut world = World::new(config);
    pairs(&mut world, 0..8, plays);
    world.settle();
    let mut counts: BTreeMap<(u32, Option<String>), u32> = BTreeMap::new();
    for group in world.ledger.sessions.values() {
        let of = (group.scene, group.treatment.clone());
        *counts.entry(of).or_default() += 1;
    }
    let with = |scene, id: &str| counts[&(scene, Some(id.to_owned()))];
    let all = [(1, "a"), (1, "b"), (2, "a"), (2, "b")];
    assert_eq!(all.map(|(scene, id)| with(scene, id)), [4; 4], "{counts:?}");
    assert_eq!(counts[&(3, None)], 8);
    for record in &world.ledger.records {
        if let Record::SessionOpened { scene: 3, .. } = record {
            let written = serde_json::to_string(record).unwrap();
            assert!(!written.contains("treatment"), "{written}");
        }
    }
}
