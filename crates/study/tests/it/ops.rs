//! What can happen to a study: people come and go, pages answer or do not, links break, pages lie,
//! servers die, and time passes.

use igym_protocol::{ClientMessage, Digests, ParticipantId, Verdict, View};
use igym_study::{RelayRule, Scene, SeatRule, StudyConfig};
use proptest::prelude::*;

use crate::noise::{Noise, make_noise, noise};
use crate::treatments::treated;
use crate::world::{World, config_with, failed, measured, participant};

pub(crate) const PEOPLE: u64 = 7;

#[derive(Clone, Debug)]
pub(crate) struct Setup {
    players: usize,
    episodes: u32,
    games: usize,
    seats: u8,
    countdown: bool,
    relay: u8,
    /// Whether machines are measured, and environments raise errors.
    measured: bool,
    /// How many treatments there are.
    treatments: usize,
    /// Who is there from the beginning.
    pub(crate) present: u64,
    pub(crate) judge_is_slow: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum Op {
    Connect(u64),
    Disconnect(u64),
    /// The page is loaded again, or another tab takes over.
    Reload(u64),
    /// The same, and what the browser kept is lost.
    Crash(u64),
    /// The page plays so many frames, and delivers their inputs or keeps them.
    Play(u64, u8, bool),
    /// In play: the page plays so many frames, of which it delivers the first half, and is loaded
    /// again; the new one delivers before it rejoins, or after, as no honest page does.
    ComeBack(u64, u8, bool),
    /// A page that was replaced plays on for a while.
    PlayBefore(u64, u8),
    /// The page plays to the end and keeps its seal.
    Finish(u64),
    /// The page delivers what its browser kept.
    Deliver(u64),
    /// No connections to others get through, or they do again.
    Block(u64, bool),
    /// The server is killed and starts again after so long; of those who were there, those come
    /// back at once whose bit is set.
    Restart(u32, u8),
    /// The same, with another version of the program.
    Upgrade(u32, u8),
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
    /// The machine takes so long for a rollback from now on, in milliseconds.
    Slow(u64, u8),
    /// The environment raises an error on the page.
    Raise(u64),
    /// The same when all others have sealed; then the page comes to its end all the same.
    RaiseAtEnd(u64),
    /// Python does not load on the page.
    Unable(u64),
    Judge(u8),
    Wait(u32),
    Noise(u64, Noise),
}

pub(crate) fn setup() -> impl Strategy<Value = Setup> {
    let players = prop_oneof![1 => Just(1usize), 2 => Just(2), 3 => Just(3), 4 => Just(4)];
    let game = (
        players,
        1..=3u32,
        0..3u8,
        any::<bool>(),
        0..6u8,
        any::<bool>(),
    );
    let present = prop_oneof![1 => 0..PEOPLE, 2 => Just(PEOPLE)];
    let setup = (game, 1..=2usize, 0..=3usize, present, any::<bool>());
    setup.prop_map(|(game, games, treatments, present, judge_is_slow)| {
        let (players, episodes, seats, countdown, relay, measured) = game;
        Setup {
            players,
            episodes,
            games,
            seats,
            countdown,
            relay,
            measured,
            treatments,
            present,
            judge_is_slow,
        }
    })
}

pub(crate) fn op() -> impl Strategy<Value = Op> {
    let who = || 0..PEOPLE;
    prop_oneof![
        5 => who().prop_map(Op::Connect),
        2 => who().prop_map(Op::Disconnect),
        2 => who().prop_map(Op::Reload),
        1 => who().prop_map(Op::Crash),
        4 => (who(), 1..40u8, any::<bool>()).prop_map(|(who, n, now)| Op::Play(who, n, now)),
        4 => (who(), 1..40u8, any::<bool>()).prop_map(|(who, n, late)| Op::ComeBack(who, n, late)),
        1 => (who(), 1..20u8).prop_map(|(who, n)| Op::PlayBefore(who, n)),
        1 => who().prop_map(Op::Finish),
        2 => who().prop_map(Op::Deliver),
        1 => (who(), any::<bool>()).prop_map(|(who, blocked)| Op::Block(who, blocked)),
        1 => (prop_oneof![Just(0), 1..20_000u32, Just(400_000)], any::<u8>())
            .prop_map(|(downtime, back)| Op::Restart(downtime, back)),
        1 => (0..20_000u32, any::<u8>()).prop_map(|(downtime, back)| Op::Upgrade(downtime, back)),
        1 => who().prop_map(Op::Vanish),
        8 => (who(), 1..6u8).prop_map(|(who, times)| Op::Answer(who, times)),
        10 => Just(Op::AllAnswer),
        6 => Just(Op::AllPlay),
        1 => who().prop_map(Op::Leave),
        1 => who().prop_map(Op::LinkFails),
        1 => who().prop_map(Op::Lies),
        2 => (who(), 1..130u8).prop_map(|(who, ms)| Op::Slow(who, ms)),
        4 => who().prop_map(Op::Raise),
        2 => who().prop_map(Op::RaiseAtEnd),
        1 => who().prop_map(Op::Unable),
        3 => (0..4u8).prop_map(Op::Judge),
        4 => prop_oneof![1..500u32, 500..15_000u32, Just(10_000u32), 15_000..400_000u32]
            .prop_map(Op::Wait),
        4 => (who(), noise()).prop_map(|(who, noise)| Op::Noise(who, noise)),
    ]
}

pub(crate) fn study(setup: &Setup) -> StudyConfig {
    let relay = match setup.relay {
        0 | 1 => RelayRule::Never,
        2 => RelayRule::Only,
        _ => RelayRule::Fallback,
    };
    let mut config = config_with(setup.players, setup.episodes, relay);
    if let Scene::Gym(game) = &mut config.scenes[1] {
        game.seats = [SeatRule::Fixed, SeatRule::Random, SeatRule::Rotating][setup.seats as usize];
        if !setup.countdown {
            game.countdown = std::time::Duration::ZERO;
        }
    }
    if setup.measured {
        config = measured(config);
    }
    config = treated(config, &["a", "b", "c"][..setup.treatments]);
    for number in 1..setup.games {
        let mut next = config.scenes[1].clone();
        if let Scene::Gym(game) = &mut next {
            game.id = format!("gym_{}", number + 1);
        }
        config.scenes.push(next);
    }
    config
}

pub(crate) fn act(world: &mut World, op: &Op) {
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
        Op::Crash(who) => {
            let who = participant(*who);
            if world.ledger.people.contains_key(&who) {
                world.authors.lose(who);
                world.reload(who);
            }
        }
        Op::Play(who, frames, now) => {
            let who = participant(*who);
            if world.is_connected(who) {
                world.play(who, u32::from(*frames));
                if *now {
                    world.deliver(who);
                }
            }
        }
        Op::ComeBack(who, frames, late) => {
            let who = participant(*who);
            if world.is_connected(who) {
                come_back(world, who, u32::from(*frames), *late);
            }
        }
        Op::PlayBefore(who, frames) => {
            let who = participant(*who);
            if world.is_connected(who) {
                world.play_before(who, u32::from(*frames));
            }
        }
        Op::Finish(who) => {
            let who = participant(*who);
            if world.is_connected(who) {
                world.finish_unheard(who);
            }
        }
        Op::Deliver(who) => {
            let who = participant(*who);
            if world.is_connected(who) {
                world.deliver(who);
            }
        }
        Op::Block(who, blocked) => {
            let who = participant(*who);
            match blocked {
                true => world.blocked.insert(who),
                false => world.blocked.remove(&who),
            };
        }
        Op::Restart(downtime, back) => restart(world, *back, |world| {
            world.restart(u64::from(*downtime));
        }),
        Op::Upgrade(downtime, back) => restart(world, *back, |world| {
            world.upgrade(u64::from(*downtime));
        }),
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
                Some(View::Connecting { connection, .. } | View::Playing { connection, .. }) => {
                    connection.attempt
                }
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
        Op::Slow(who, milliseconds) => {
            let took = u32::from(*milliseconds) * 1_000;
            world.rollbacks.insert(participant(*who), took);
        }
        Op::Raise(who) => {
            let _ = world.raise(participant(*who), 7);
        }
        Op::RaiseAtEnd(who) => {
            let who = participant(*who);
            if let Some(View::Playing { session, plan, .. }) = world.study.view(world.now, who) {
                let (session, episode) = (session.session, plan.episode);
                for seat in plan.seats.iter().filter(|seat| seat.participant != who) {
                    world.play(seat.participant, 1);
                    world.finish_unheard(seat.participant);
                    world.deliver(seat.participant);
                }
                let _ = world.raise(who, 7);
                let _ = world.seal(who, session, episode);
            }
        }
        Op::Unable(who) => {
            let who = participant(*who);
            if let Some(View::Instructions { scene, .. } | View::Lobby { scene, .. }) =
                world.study.view(world.now, who)
            {
                let message = "no memory".to_owned();
                let _ = world.send(who, &ClientMessage::Unable { scene, message });
            }
        }
        Op::Judge(verdict) => {
            let verdicts = [
                Verdict::Verified,
                Verdict::Partial,
                Verdict::Desync,
                Verdict::Disputed,
            ];
            if !world.judge_is_slow {
                world.judge(verdicts[usize::from(*verdict)]);
            }
        }
        Op::Wait(milliseconds) => world.wait(u64::from(*milliseconds)),
        Op::Noise(who, noise) => make_noise(world, participant(*who), noise),
    }
}

fn come_back(world: &mut World, who: ParticipantId, frames: u32, late: bool) {
    let View::Playing { session, plan, .. } = world.view(who) else {
        return;
    };
    world.play(who, frames);
    world.deliver(who);
    world.play(who, frames);
    world.reload(who);
    world.play_before(who, frames);
    if !late {
        world.deliver(who);
    }
    let (session, episode) = (session.session, plan.episode);
    let _ = world.send(who, &ClientMessage::Rejoin { session, episode });
    world.play_before(who, frames);
    world.play(who, frames);
    world.deliver(who);
}

/// Those come back at once whose bit is set.
fn restart(world: &mut World, back: u8, restart: impl Fn(&mut World)) {
    let people = (0..PEOPLE).filter(|who| world.is_connected(participant(*who)));
    let there: Vec<u64> = people.collect();
    restart(world);
    for who in there.into_iter().filter(|who| back & (1 << who) != 0) {
        world.connect(participant(who));
    }
}
