//! An environment behind bytes is played as one in this program is.

use std::sync::{Arc, Mutex};

use igym_gym::{DrawDelta, ImageSize};
use igym_play::{Episode, Micros, PlayError};
use igym_protocol::{ClientEvent, EpisodePlan, UploadBody};

use crate::parity::{assert_agreement, assert_not_trivial, rollbacks};
use crate::served::{self, Log, Served};
use crate::world::{START, Weather, World};

type Logs = Arc<Mutex<Vec<Arc<Mutex<Log>>>>>;

/// Two peers, and what their runtimes were asked, by page.
fn world(plan: &EpisodePlan, weather: Weather, seed: u64) -> (World, Logs) {
    let logs = Logs::default();
    let noted = Arc::clone(&logs);
    let make = move |plan: &EpisodePlan, me, incarnation, at, history| {
        let (runtime, log) = Served::new(plan).boxed();
        noted.lock().unwrap().push(log);
        Episode::foreign(plan, runtime, me, incarnation, at, history).unwrap()
    };
    (World::of(plan, weather, seed, Box::new(make)), logs)
}

/// A single player who plays both sides.
fn alone(runtime: Served) -> Episode {
    let plan = lone_plan();
    Episode::foreign(&plan, runtime.boxed().0, 0, 1, Micros(0), None).unwrap()
}

fn lone_plan() -> EpisodePlan {
    let mut plan = served::plan(3);
    let other = plan.seats.remove(1);
    plan.seats[0].agents.extend(other.agents);
    plan
}

fn tick_until(episode: &mut Episode, now: &mut u64, frame: u32) {
    while episode.status().frame < frame && episode.failure().is_none() {
        *now += 1_000;
        episode.tick(Micros(*now));
    }
}

#[test]
fn what_is_played_behind_bytes_is_what_is_played_without() {
    let mut rolled_back = 0;
    for (seed, weather) in (0..).zip([Weather::CALM, Weather::FAR, Weather::LOSSY, Weather::STORM])
    {
        let plan = served::plan(seed);
        let (mut world, _) = world(&plan, weather, seed.into());
        world.run_to_the_end();
        let (_, rows) = assert_agreement(&world, served::native(&plan));
        assert_not_trivial(&world, &rows);
        rolled_back += rollbacks(&world);
    }
    assert!(rolled_back > 50, "{rolled_back} rollbacks");
}

#[test]
fn a_rollback_is_one_call_and_a_picture_at_most_another() {
    for draws in [true, false] {
        let plan = served::plan(1);
        let (mut world, logs) = world(&plan, Weather::FAR, 1);
        world.draws = draws;
        world.run_to_the_end();
        assert!(rollbacks(&world) > 20);
        for log in logs.lock().unwrap().iter() {
            let log = log.lock().unwrap();
            assert!(
                log.steps > log.batches + 50,
                "some calls do several steps: {log:?}"
            );
            assert!(
                log.loads > 10 && log.saves < log.steps,
                "not every state is saved: {log:?}"
            );
            assert!(log.held < 40, "snapshots are let go of: {log:?}");
            if draws {
                // The first picture, and those before the first frame, have no tick to come with.
                assert!(
                    log.runs - log.batches < 3,
                    "pictures come with the ticks: {log:?}"
                );
                assert!(log.pictures > 250);
            } else {
                assert_eq!((log.runs, log.pictures), (log.batches, 0));
            }
        }
    }
}

#[test]
fn a_host_that_is_late_draws_the_last_frame_alone() {
    let (runtime, log) = Served::new(&lone_plan()).boxed();
    let mut episode = Episode::foreign(&lone_plan(), runtime, 0, 1, Micros(0), None).unwrap();
    let pictures = || log.lock().unwrap().pictures;
    assert!(!episode.draw().is_empty());
    assert_eq!(pictures(), 1);
    tick_until(&mut episode, &mut 0, 1);
    episode.draw();
    assert_eq!(pictures(), 2);
    let late = Micros(400_000);
    let mut frames = 0;
    while episode.tick(late) {
        frames += 1;
    }
    assert!(frames >= 5, "{frames} frames");
    assert_eq!(
        pictures(),
        3,
        "after the first of them it was not known that others follow"
    );
    let delta = episode.draw();
    assert_eq!(delta.hud, Some(episode.status().frame.to_string()));
    assert_eq!(pictures(), 4);
    assert!(episode.draw().is_empty());
    assert!(!episode.redraw().set.is_empty());
    assert_eq!(pictures(), 4, "the picture is there");
}

#[test]
fn text_images_and_what_must_be_loaded_come_when_they_change() {
    let mut episode = alone(Served::new(&lone_plan()));
    let mut now = 0;
    let mut see = |frame: u32| {
        tick_until(&mut episode, &mut now, frame);
        (
            episode.draw(),
            episode.take_pixels(),
            episode.assets().len(),
        )
    };
    let size = |width, height| Some(ImageSize { width, height });
    let (delta, pixels, assets) = see(4);
    assert_eq!(
        (delta.hud.as_deref(), delta.pixels),
        (Some("4"), size(2, 1))
    );
    assert_eq!(
        pixels,
        [4, 0, 0, 0, 0, 0],
        "as the first agent of the seat sees it"
    );
    assert_eq!((delta.assets, assets), (None, 0));
    let (delta, pixels, assets) = see(5);
    assert_eq!((pixels[0], assets), (5, 1));
    assert_eq!(delta.assets.unwrap()[0].name(), "cup");
    let (delta, pixels, _) = see(10);
    assert_eq!(
        (delta.pixels, pixels.len(), delta.assets),
        (size(0, 0), 0, None)
    );
    let (delta, ..) = see(11);
    assert_eq!(
        (delta.hud.as_deref(), delta.pixels),
        (Some("11"), size(2, 1))
    );
    let again = episode.redraw();
    assert_eq!(
        (again.hud.as_deref(), again.pixels),
        (Some("11"), size(2, 1))
    );
    assert!(DrawDelta::default().is_empty() && !again.is_empty());
}

#[test]
fn an_environment_that_raises_ends_play_and_loses_nothing() {
    let plan = served::plan(4);
    let make = |plan: &EpisodePlan, me, incarnation, at, history| {
        let runtime = Served::new(plan).raising_at(150).boxed().0;
        Episode::foreign(plan, runtime, me, incarnation, at, history).unwrap()
    };
    let mut world = World::of(&plan, Weather::FAR, 4, Box::new(make));
    world.run_until(|world| {
        world
            .peers
            .iter()
            .all(|peer| peer.episode.failure().is_some())
    });
    let until = world.now + 5_000_000;
    world.run_until(|world| world.now >= until);
    let now = world.now;
    for peer in &mut world.peers {
        let time = peer.time(now);
        assert_eq!(peer.episode.failure().unwrap().line, Some(12));
        assert!(!peer.episode.tick(time) && peer.episode.draw().is_empty());
        // What would be frame 150 is shown to nobody and stands nowhere.
        let frame = peer.episode.status().frame;
        assert_eq!(frame, 151);
        assert!(!peer.episode.status().sealed && peer.seal().is_none());
        assert!(peer.episode.poll_packet().is_none());
        peer.episode.flush(time);
        peer.take_uploads(now);
        let errors: Vec<&str> = (peer.batches().flat_map(|batch| &batch.events))
            .filter_map(|event| match event {
                ClientEvent::Error { message, .. } => Some(message.as_str()),
                _ => None,
            })
            .collect();
        assert_eq!(errors.len(), 1, "{errors:?}");
        let place = "/igym/study/env.py:12: step failed (env.py, line 12): ZeroDivisionError\n";
        assert!(errors[0].starts_with(place) && errors[0].contains("Traceback"));
        assert!(peer.bodies().any(|body| *body == UploadBody::Flushed));
        let authored = peer.batches().flat_map(|batch| &batch.authored).count() as u32;
        assert!(authored > frame, "{authored} inputs, frame {frame}");
        assert_eq!(peer.rows().len(), 150, "every frame before it is there");
    }
    // What both say up to there can be played again.
    let history = world.history();
    assert!(history.iter().all(|inputs| inputs.len() > 140));
}

#[test]
fn what_is_too_large_to_be_recorded_ends_play_before_it_is_uploaded() {
    let mut episode = alone(Served::new(&lone_plan()).bloating_at(20));
    tick_until(&mut episode, &mut 0, 40);
    let failure = episode.failure().expect("it fails").clone();
    assert_eq!(failure.frame, Some(20));
    assert!(failure.message.contains("omit_infos"), "{failure}");
    assert_eq!(episode.status().frame, 21);
}

#[test]
fn what_fails_in_a_guess_alone_has_not_failed() {
    let mut plan = served::plan(5);
    let action = |plan: &EpisodePlan, key: &str| {
        let mut bindings = plan.controls.bindings.iter();
        bindings.find(|it| it.keys == [key]).unwrap().action as u8
    };
    let left = action(&plan, "ArrowLeft");
    plan.max_steps = 200;
    let logs = Logs::default();
    let noted = Arc::clone(&logs);
    let make = move |plan: &EpisodePlan, me, incarnation, at, history| {
        let (runtime, log) = Served::new(plan).raising_on(60, left).boxed();
        noted.lock().unwrap().push(log);
        Episode::foreign(plan, runtime, me, incarnation, at, history).unwrap()
    };
    let weather = Weather {
        delay: 200_000,
        ..Weather::CALM
    };
    let mut world = World::of(&plan, weather, 5, Box::new(make));
    world.restless = false;
    world.draws = true;
    // The second player goes left up to shortly before the frame from which on that raises. The
    // first learns of it later, and guesses on.
    let press = |world: &mut World, frame, key, down| {
        world.run_until(|world| world.peers[1].episode.status().frame >= frame);
        let now = world.now;
        let time = world.peers[1].time(now);
        world.peers[1].episode.key(key, down, time);
    };
    press(&mut world, 5, "ArrowLeft", true);
    press(&mut world, 55, "ArrowLeft", false);
    press(&mut world, 56, "ArrowRight", true);
    world.run_to_the_end();
    let (_, rows) = assert_agreement(&world, served::native(&plan));
    assert_eq!(rows.len(), 200);
    assert_eq!(rows[50].inputs[1], [left]);
    assert!(
        world
            .peers
            .iter()
            .all(|peer| peer.episode.failure().is_none())
    );
    let logs = logs.lock().unwrap();
    let resets: Vec<u32> = logs.iter().map(|log| log.lock().unwrap().resets).collect();
    assert_eq!(
        resets,
        [2, 1],
        "the first player's failed, and was played again"
    );
}

#[test]
fn plans_that_do_not_fit_the_description_are_refused() {
    let refusal = |change: fn(&mut EpisodePlan)| {
        let mut plan = served::plan(0);
        let runtime = Served::new(&plan).boxed().0;
        change(&mut plan);
        match Episode::foreign(&plan, runtime, 0, 1, Micros(START), None) {
            Ok(_) => panic!("it is refused"),
            Err(error) => error,
        }
    };
    let error = refusal(|plan| plan.environment.config = "{}".to_owned());
    assert!(matches!(error, PlayError::Description(_)), "{error}");
    let error = refusal(|plan| plan.seats[1].agents = vec!["referee".to_owned()]);
    assert!(matches!(error, PlayError::Rules(_)), "{error}");
    let error = refusal(|plan| plan.controls.bindings[0].action = 6);
    assert!(
        matches!(error, PlayError::Binding { action: 6, .. }),
        "{error}"
    );
}

#[cfg(feature = "fault-injection")]
#[test]
fn one_wrong_bit_behind_bytes_is_a_desync_at_that_frame() {
    for interval in [1, 30] {
        let mut plan = served::plan(6);
        plan.digest_interval = interval;
        let (mut world, _) = world(&plan, Weather::FAR, 6);
        world.peers[1].episode.inject_fault(120);
        world.run_to_the_end();
        let [ours, theirs] = [0, 1].map(|peer| world.peers[peer].rows());
        assert_eq!(ours[..120], theirs[..120]);
        assert_ne!(ours[120].outcome, theirs[120].outcome);
        let digests = |rows: &[igym_protocol::CanonicalRow]| {
            rows[120..]
                .iter()
                .filter_map(|row| row.digest)
                .collect::<Vec<_>>()
        };
        let pairs = digests(&ours).into_iter().zip(digests(&theirs));
        assert!(pairs.clone().count() > 3 && pairs.clone().all(|(one, other)| one != other));
        for peer in &world.peers {
            assert_eq!(peer.episode.status().desync_at, Some(120));
        }
    }
}
