//! Messages that may or may not make sense, from anybody at any time.

use igym_protocol::{
    ClientMessage, Digests, LinkState, Measurement, ParticipantId, RefusalCode, SessionId,
    SignalPayload, Verdict,
};
use proptest::prelude::*;
use uuid::Uuid;

use crate::world::{World, failed, open};

/// Messages that may or may not make sense.
#[derive(Clone, Debug)]
pub(crate) enum Noise {
    Advance(u32),
    Join(u32),
    Signal(usize, u8, u32),
    Link(usize, u8, u32, bool),
    Validate(usize),
    Seal(usize, u32),
    Flushed(usize, u32),
    Rejoin(usize, u32),
    Judged(usize, u32),
    Measured(u32, u32),
    Unable(u32),
    Failed(usize, u32, u32),
    Ping,
}

pub(crate) fn noise() -> impl Strategy<Value = Noise> {
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
        (session(), 0..4u32).prop_map(|(s, episode)| Noise::Rejoin(s, episode)),
        (session(), 0..4u32).prop_map(|(s, episode)| Noise::Judged(s, episode)),
        (0..5u32, any::<u32>()).prop_map(|(scene, us)| Noise::Measured(scene, us)),
        (0..5u32).prop_map(Noise::Unable),
        (session(), 0..4u32, 0..9_000u32)
            .prop_map(|(s, episode, at)| Noise::Failed(s, episode, at)),
        Just(Noise::Ping),
    ]
}

/// A session by number, in the order of their ids, and sometimes one that is not there.
fn session(world: &World, number: usize) -> SessionId {
    let unknown = SessionId(Uuid::from_u128(1));
    let known = world.ledger.sessions.keys().copied();
    let all: Vec<_> = known.chain([unknown]).collect();
    all[number % all.len()]
}

pub(crate) fn make_noise(world: &mut World, who: ParticipantId, noise: &Noise) {
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
        Noise::Rejoin(number, episode) => {
            let session = session(world, number);
            let message = ClientMessage::Rejoin { session, episode };
            (Some(session), world.send(who, &message))
        }
        Noise::Measured(scene, rollback_us) => {
            let measurement = Measurement {
                rollback_us,
                ..Measurement::default()
            };
            let message = ClientMessage::Measured { scene, measurement };
            (None, world.send(who, &message))
        }
        Noise::Unable(scene) => {
            let message = "x".repeat(2_000);
            (
                None,
                world.send(who, &ClientMessage::Unable { scene, message }),
            )
        }
        Noise::Failed(number, episode, frame) => {
            let session = session(world, number);
            let message = ClientMessage::Failed {
                session,
                episode,
                frame,
                message: "x".repeat(2_000),
            };
            (Some(session), world.send(who, &message))
        }
        Noise::Judged(number, episode) => {
            let session = session(world, number);
            if !world.to_judge.contains(&(session, episode)) {
                let before = world.everything();
                let judgement = crate::world::judgement(Verdict::Disputed);
                world.study.handle_judged(session, episode, judgement);
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
