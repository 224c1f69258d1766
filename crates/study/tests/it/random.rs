//! Studies in which anything happens in any order: people come and go, pages answer or do not,
//! links break, pages lie, and time passes. The world checks after every step that records are
//! consistent, that pages were told what is true, and that refusals changed nothing; here the
//! study is then left to run, and everybody who still answers must reach the last page.

use std::collections::BTreeMap;

use igym_protocol::{
    ClientMessage, CloseReason, Digests, LinkState, Outcome, ParticipantId, Record, RefusalCode,
    SessionId, SessionState, SignalPayload, Verdict, View,
};
use igym_study::{Scene, SeatRule, StudyConfig};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseResult, TestRng, TestRunner};
use uuid::Uuid;

use crate::ledger::Person;
use crate::world::{World, config, failed, open, participant};

const PEOPLE: u64 = 7;

#[derive(Clone, Debug)]
struct Setup {
    players: usize,
    episodes: u32,
    games: usize,
    seats: u8,
    countdown: bool,
    /// Who is there from the beginning.
    present: u64,
}

#[derive(Clone, Debug)]
enum Op {
    Connect(u64),
    Disconnect(u64),
    Reload(u64),
    /// The server is killed and starts again after so long; of those who were there, those come
    /// back at once whose bit is set.
    Restart(u32, u8),
    /// Gone for longer than the study waits.
    Vanish(u64),
    /// The page does what its view asks for, so many times.
    Answer(u64, u8),
    /// Everybody's page answers once.
    AllAnswer,
    /// Everybody's page answers until it plays or waits, but no episode ends.
    AllPlay,
    Leave(u64),
    LinkFails(u64),
    Lies(u64),
    Judge(u8),
    Wait(u32),
    Noise(u64, Noise),
}

/// Messages that may or may not make sense.
#[derive(Clone, Debug)]
enum Noise {
    Advance(u32),
    Join(u32),
    Signal(usize, u8, u32),
    Link(usize, u8, u32, bool),
    Validate(usize),
    Seal(usize, u32),
    Flushed(usize, u32),
    Judged(usize, u32),
    Ping,
}

fn setup() -> impl Strategy<Value = Setup> {
    let players = prop_oneof![1 => Just(1usize), 2 => Just(2), 3 => Just(3), 4 => Just(4)];
    let game = (players, 1..=3u32, 0..3u8, any::<bool>());
    let present = prop_oneof![1 => 0..PEOPLE, 2 => Just(PEOPLE)];
    (game, 1..=2usize, present).prop_map(|(game, games, present)| {
        let (players, episodes, seats, countdown) = game;
        Setup {
            players,
            episodes,
            games,
            seats,
            countdown,
            present,
        }
    })
}

fn noise() -> impl Strategy<Value = Noise> {
    let session = || 0..60usize;
    prop_oneof![
        (0..5u32).prop_map(Noise::Advance),
        (0..5u32).prop_map(Noise::Join),
        (session(), 0..5u8, 0..4u32).prop_map(|(s, to, attempt)| Noise::Signal(s, to, attempt)),
        (session(), 0..5u8, 0..4u32, any::<bool>())
            .prop_map(|(s, to, attempt, open)| Noise::Link(s, to, attempt, open)),
        session().prop_map(Noise::Validate),
        (session(), 0..4u32).prop_map(|(s, episode)| Noise::Seal(s, episode)),
        (session(), 0..4u32).prop_map(|(s, episode)| Noise::Flushed(s, episode)),
        (session(), 0..4u32).prop_map(|(s, episode)| Noise::Judged(s, episode)),
        Just(Noise::Ping),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let who = || 0..PEOPLE;
    prop_oneof![
        5 => who().prop_map(Op::Connect),
        2 => who().prop_map(Op::Disconnect),
        2 => who().prop_map(Op::Reload),
        1 => (prop_oneof![Just(0), 1..20_000u32, Just(400_000)], any::<u8>())
            .prop_map(|(downtime, back)| Op::Restart(downtime, back)),
        1 => who().prop_map(Op::Vanish),
        8 => (who(), 1..6u8).prop_map(|(who, times)| Op::Answer(who, times)),
        10 => Just(Op::AllAnswer),
        2 => Just(Op::AllPlay),
        1 => who().prop_map(Op::Leave),
        1 => who().prop_map(Op::LinkFails),
        1 => who().prop_map(Op::Lies),
        3 => (0..4u8).prop_map(Op::Judge),
        4 => prop_oneof![1..500u32, 500..15_000u32, Just(10_000u32), 15_000..400_000u32]
            .prop_map(Op::Wait),
        4 => (who(), noise()).prop_map(|(who, noise)| Op::Noise(who, noise)),
    ]
}

fn study(setup: &Setup) -> StudyConfig {
    let mut config = config(setup.players, setup.episodes);
    if let Scene::Gym(game) = &mut config.scenes[1] {
        game.seats = [SeatRule::Fixed, SeatRule::Random, SeatRule::Rotating][setup.seats as usize];
        if !setup.countdown {
            game.countdown = std::time::Duration::ZERO;
        }
    }
    for number in 1..setup.games {
        let mut next = config.scenes[1].clone();
        if let Scene::Gym(game) = &mut next {
            game.id = format!("gym_{}", number + 1);
        }
        config.scenes.push(next);
    }
    config
}

/// A session by number, in the order of their ids, and sometimes one that is not there.
fn session(world: &World, number: usize) -> SessionId {
    let unknown = SessionId(Uuid::from_u128(1));
    let known = world.ledger.sessions.keys().copied();
    let all: Vec<_> = known.chain([unknown]).collect();
    all[number % all.len()]
}

fn act(world: &mut World, op: &Op) {
    match op {
        Op::Connect(who) => {
            let who = participant(*who);
            if !world.ledger.people.contains_key(&who) {
                world.arrive(who);
            }
            world.connect(who);
        }
        Op::Disconnect(who) => {
            let who = participant(*who);
            if world.is_connected(who) {
                world.disconnect(who);
            }
        }
        Op::Reload(who) => {
            let who = participant(*who);
            if world.ledger.people.contains_key(&who) {
                world.reload(who);
            }
        }
        Op::Restart(downtime, back) => {
            let people = (0..PEOPLE).filter(|who| world.is_connected(participant(*who)));
            let there: Vec<u64> = people.collect();
            world.restart(u64::from(*downtime));
            for who in there.into_iter().filter(|who| back & (1 << who) != 0) {
                world.connect(participant(who));
            }
        }
        Op::Vanish(who) => {
            let who = participant(*who);
            if world.is_connected(who) {
                world.disconnect(who);
                world.wait(10_000);
            }
        }
        Op::Answer(who, times) => {
            let who = participant(*who);
            for _ in 0..*times {
                if world.is_connected(who) {
                    world.answer(who);
                }
            }
        }
        Op::AllAnswer => {
            for who in (0..PEOPLE).map(participant) {
                if world.is_connected(who) {
                    world.answer(who);
                }
            }
        }
        Op::AllPlay => {
            let playing = |view: &View| matches!(view, View::Playing { .. });
            for who in (0..PEOPLE).cycle().map(participant).take(100) {
                if world.is_connected(who) && !playing(&world.view(who)) {
                    world.answer(who);
                }
            }
        }
        Op::Leave(who) => {
            let _ = world.send(participant(*who), &ClientMessage::Leave);
        }
        Op::LinkFails(who) => {
            let who = participant(*who);
            let session = world.study.session_of(who);
            let attempt = match world.study.view(world.now, who) {
                Some(View::Connecting { connection, .. }) => connection.attempt,
                _ => 1,
            };
            if let Some(session) = session {
                let player = world.study.member(who, session).unwrap();
                let message = ClientMessage::Link {
                    session,
                    to: u8::from(player == 0),
                    attempt,
                    state: failed(),
                };
                let _ = world.send(who, &message);
            }
        }
        Op::Lies(who) => {
            let who = participant(*who);
            if let Some(session) = world.study.session_of(who) {
                let digests = Digests::default();
                let _ = world.send(who, &ClientMessage::Validate { session, digests });
            }
        }
        Op::Judge(verdict) => {
            let verdicts = [
                Verdict::Verified,
                Verdict::Partial,
                Verdict::Desync,
                Verdict::Disputed,
            ];
            world.judge(verdicts[usize::from(*verdict)]);
        }
        Op::Wait(milliseconds) => world.wait(u64::from(*milliseconds)),
        Op::Noise(who, noise) => make_noise(world, participant(*who), noise),
    }
}

fn make_noise(world: &mut World, who: ParticipantId, noise: &Noise) {
    let session_before = world.study.session_of(who);
    let (about, result) = match *noise {
        Noise::Advance(scene) => (None, world.send(who, &ClientMessage::Advance { scene })),
        Noise::Join(scene) => (None, world.send(who, &ClientMessage::Join { scene })),
        Noise::Ping => (None, world.send(who, &ClientMessage::Ping { sent_ms: 0.0 })),
        Noise::Signal(number, to, attempt) => {
            let session = session(world, number);
            let payload = SignalPayload::Answer { sdp: String::new() };
            let message = ClientMessage::Signal {
                session,
                to,
                attempt,
                payload,
            };
            (Some(session), world.send(who, &message))
        }
        Noise::Link(number, to, attempt, is_open) => {
            let session = session(world, number);
            let state: LinkState = if is_open { open() } else { failed() };
            let message = ClientMessage::Link {
                session,
                to,
                attempt,
                state,
            };
            (Some(session), world.send(who, &message))
        }
        Noise::Validate(number) => {
            let session = session(world, number);
            let digests = Digests::default();
            let message = ClientMessage::Validate { session, digests };
            (Some(session), world.send(who, &message))
        }
        Noise::Seal(number, episode) => {
            let session = session(world, number);
            (Some(session), world.seal(who, session, episode))
        }
        Noise::Flushed(number, episode) => {
            let session = session(world, number);
            (Some(session), world.flushed(who, session, episode))
        }
        Noise::Judged(number, episode) => {
            let session = session(world, number);
            if !world.to_judge.contains(&(session, episode)) {
                let before = world.everything();
                let judgement = crate::world::judgement(Verdict::Disputed);
                world
                    .study
                    .handle_judged(world.now, session, episode, judgement);
                assert_eq!(world.study.poll_effect(), None, "nobody asked");
                assert_eq!(world.everything(), before);
            }
            return;
        }
    };
    if let Some(session) = about {
        let group = world.ledger.sessions.get(&session);
        let member = group.is_some_and(|group| group.members.contains(&who));
        let arrived = world.ledger.people.contains_key(&who);
        let uploaded = matches!(noise, Noise::Seal(..) | Noise::Flushed(..));
        if !uploaded && session_before != Some(session) {
            assert!(result.is_err(), "who is not in a session has no say in it");
        }
        if !member {
            let code = result.expect_err("a stranger is refused").code;
            let late = code == RefusalCode::WrongState && !world.is_connected(who);
            let unknown = code == RefusalCode::UnknownToken && !arrived;
            assert!(code == RefusalCode::NotAMember || unknown || late);
        }
    }
}

/// Lets the study run until nothing more will happen.
fn run_down(world: &mut World) {
    for _ in 0..2_000 {
        world.settle();
        match world.study.poll_deadline() {
            Some(at) => world.wait(at.0 - world.now.0),
            None => return,
        }
    }
    panic!("the study goes on for ever");
}

fn check_end(world: &World) {
    for (who, person) in &world.ledger.people {
        assert_eq!(
            (person.lobby, person.session),
            (None, None),
            "nobody is stuck"
        );
        if world.is_connected(*who) {
            assert!(
                person.outcome.is_some(),
                "{who} answers and did not reach the end"
            );
            assert!(matches!(world.shown[who], View::End { .. }));
        }
        if let Some(outcome) = person.outcome {
            assert_eq!(person.code.is_some(), outcome != Outcome::Left);
            check_outcome(world, person, outcome);
        }
    }
    for group in world.ledger.sessions.values() {
        assert_eq!(group.states.last(), Some(&SessionState::Ended));
        assert_eq!(group.plans.len(), group.closed.len());
    }
    assert!(world.to_judge.is_empty());
}

/// Whether the outcome fits what became of the last session.
fn check_outcome(world: &World, person: &Person, outcome: Outcome) {
    let Some(session) = person.last_session else {
        assert!(matches!(outcome, Outcome::LobbyTimeout | Outcome::Left));
        return;
    };
    let group = &world.ledger.sessions[&session];
    let others: Vec<Outcome> = group
        .members
        .iter()
        .map(|who| &world.ledger.people[who])
        .filter(|other| other.last_session == Some(session))
        .filter_map(|other| other.outcome)
        .collect();
    let played = group.plans.first().is_some_and(|plan| {
        let sealed = |(reason, _): &&(CloseReason, _)| *reason == CloseReason::Sealed;
        group.closed.iter().filter(sealed).count() == plan.episodes as usize
    });
    match outcome {
        Outcome::Completed => assert!(played),
        Outcome::PartnerLeft => assert!(others.contains(&Outcome::Left) && !played),
        Outcome::ConnectionFailed => assert!(!others.contains(&Outcome::PartnerLeft) && !played),
        Outcome::ValidationFailed => assert!(!played),
        // Of a later lobby, or on purpose.
        Outcome::LobbyTimeout => assert!(played),
        Outcome::Left => {}
    }
}

/// What came up, so that a test that proves nothing is noticed.
fn count(world: &World, seen: &mut BTreeMap<String, u32>) {
    let mut see = |what: String| *seen.entry(what).or_default() += 1;
    for record in &world.ledger.records {
        match record {
            Record::ParticipantEnded { outcome, .. } => see(format!("{outcome:?}")),
            Record::EpisodeClosed { reason, .. } => see(format!("{reason:?}")),
            Record::LobbyLeft { .. } => see("LobbyLeft".to_owned()),
            Record::EpisodeOpened { plan } if plan.episode > 0 => see("Next".to_owned()),
            _ => {}
        }
    }
    for group in world.ledger.sessions.values() {
        see(format!("Players{}", group.members.len()));
        let matched = group.states.iter();
        let matched = matched.filter(|state| **state == SessionState::Matched);
        if matched.count() > 1 {
            see("Retry".to_owned());
        }
        let mut states = group.states.iter();
        states.find(|state| **state == SessionState::Playing);
        if states.any(|state| *state == SessionState::Matched) {
            see("Relink".to_owned());
        }
        if group
            .closed
            .iter()
            .any(|(reason, _)| *reason == CloseReason::Cut)
        {
            see(format!("Cut{}", group.members.len()));
        }
    }
    for (place, times) in &world.restarted {
        *seen.entry(format!("Restarted{place}")).or_default() += times;
    }
    for (code, times) in &world.refusals {
        *seen.entry(format!("{code:?}")).or_default() += times;
    }
}

#[test]
fn whatever_happens_nobody_is_stranded() {
    let config = Config {
        cases: 300,
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let seen = std::cell::RefCell::new(BTreeMap::new());
    let run = |(setup, ops): (Setup, Vec<Op>)| -> TestCaseResult {
        let (mut world, _) = World::with_people(study(&setup), setup.present);
        for op in &ops {
            act(&mut world, op);
        }
        run_down(&mut world);
        check_end(&world);
        count(&world, &mut seen.borrow_mut());
        Ok(())
    };
    let ops = prop::collection::vec(op(), 1..160);
    if let Err(error) = runner.run(&(setup(), ops), run) {
        panic!("{error}");
    }
    let seen = seen.into_inner();
    for what in [
        "Completed",
        "LobbyTimeout",
        "ConnectionFailed",
        "ValidationFailed",
        "PartnerLeft",
        "Left",
        "Sealed",
        "Cut",
        "Next",
        "Retry",
        "Relink",
        "RestartedAtStart",
        "RestartedAtInstructions",
        "RestartedInLobby",
        "RestartedInConnecting",
        "RestartedInValidating",
        "RestartedInPlaying",
        "RestartedInFlushing",
        "RestartedAtEnd",
        "LobbyLeft",
        "Players1",
        "Players2",
        "Players3",
        "Players4",
        "Cut1",
        "Cut2",
        "Cut3",
        "Cut4",
        "WrongState",
        "NotAMember",
        "UnknownToken",
    ] {
        let times = seen.get(what).copied().unwrap_or(0);
        assert!(times >= 5, "{what} came up {times} times: {seen:?}");
    }
}
