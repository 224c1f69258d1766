//! What engines said, and what they should have.

use igym_rollback::{
    ChainHash, Digest, Event, Frame, Input, LinkId, Micros, PlayerIndex, PlayerSet, chain,
};

use crate::case::Case;
use crate::game::{Game, Rules};

/// What one peer's engine said in one episode.
#[derive(Debug, Default)]
pub(crate) struct Log {
    pub(crate) confirmed: Vec<Fact>,
    /// Of each confirmed frame, whose input had been guessed wrong.
    pub(crate) predicted_wrong: Vec<PlayerSet>,
    pub(crate) presented: Vec<Vec<Input>>,
    /// The first frame that was presented, where the engine rejoined.
    pub(crate) begin: Option<Frame>,
    /// The inputs that came from each player.
    pub(crate) received: Vec<Vec<Input>>,
    pub(crate) sealed: Option<(Frame, ChainHash)>,
    pub(crate) closed: Option<(Option<Frame>, ChainHash)>,
    /// First differing frame, and the peer.
    pub(crate) desyncs: Vec<(Frame, LinkId)>,
}

/// A fact of an episode, as the run without a network computes it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fact {
    pub(crate) frame: Frame,
    pub(crate) inputs: Vec<Input>,
    pub(crate) outcome: Vec<u8>,
    pub(crate) digest: Option<Digest>,
    pub(crate) hash: ChainHash,
}

impl Log {
    pub(crate) fn take(&mut self, event: Event<'_>, now: Micros) {
        match event {
            Event::Presented {
                frame, inputs, at, ..
            } => {
                let begin = *self.begin.get_or_insert(frame);
                let next = begin + self.presented.len() as u32;
                assert_eq!(frame, next, "each frame once");
                assert!(at <= now);
                self.presented.push(inputs.to_vec());
            }
            Event::Received {
                player,
                first,
                inputs,
                at,
                ..
            } => {
                assert_eq!(at, now);
                let received = &mut self.received[usize::from(player.0)];
                assert_eq!(first.0 as usize, received.len(), "without gaps");
                received.extend(inputs);
            }
            Event::Confirmed(frame) => {
                assert_eq!(frame.frame.0 as usize, self.confirmed.len(), "each once");
                assert!(self.sealed.is_none());
                for (player, input) in frame.inputs.iter().enumerate() {
                    let wrong = frame.predicted_wrong.contains(PlayerIndex(player as u8));
                    let begin = self.begin.unwrap_or(Frame(u32::MAX));
                    match self.confirmed.len().checked_sub(begin.0 as usize) {
                        Some(shown) => assert_eq!(wrong, self.presented[shown][player] != *input),
                        None => assert!(!wrong),
                    }
                }
                self.predicted_wrong.push(frame.predicted_wrong);
                self.confirmed.push(Fact {
                    frame: frame.frame,
                    inputs: frame.inputs.to_vec(),
                    outcome: frame.outcome.to_vec(),
                    digest: frame.digest,
                    hash: frame.hash,
                });
            }
            Event::Resynced { .. } => panic!("nobody asked for it"),
            Event::Closed { last_frame, hash } => {
                assert!(self.closed.is_none());
                assert_eq!(
                    last_frame.map_or(0, |last| last.0 + 1) as usize,
                    self.confirmed.len()
                );
                self.closed = Some((last_frame, hash));
            }
            Event::Sealed { last_frame, hash } => {
                assert!(self.sealed.is_none());
                assert_eq!(last_frame.0 as usize + 1, self.confirmed.len());
                self.sealed = Some((last_frame, hash));
            }
            Event::Desync { frame, link, .. } => self.desyncs.push((frame, link)),
            Event::Rollback { depth, .. } => assert!(depth > 0),
            Event::DelayAnnounced { .. } => {}
            Event::Filled { .. } => panic!("no delay is changed here"),
            Event::Stalled { .. } | Event::Resumed => {}
        }
    }

    pub(crate) fn facts(&self) -> &[Fact] {
        &self.confirmed
    }
}

/// The run without a network.
pub(crate) fn reference(case: &Case, epoch: u32) -> Vec<Fact> {
    simulate(case, epoch, None, u32::MAX)
}

/// The run without a network of the inputs that were agreed in the end.
pub(crate) fn replay(case: &Case, epoch: u32, agreed: &[Vec<Input>]) -> Vec<Fact> {
    let inputs = |frame: Frame| agreed[frame.0 as usize].clone();
    run(case, epoch, None, agreed.len() as u32, inputs)
}

/// At most `frames` frames; one of them may go wrong.
pub(crate) fn simulate(case: &Case, epoch: u32, flipped: Option<Frame>, frames: u32) -> Vec<Fact> {
    let inputs = |frame| {
        let players = 0..case.players() as u8;
        players.map(|p| case.authored(epoch, p, frame)).collect()
    };
    run(case, epoch, flipped, frames, inputs)
}

fn run(
    case: &Case,
    epoch: u32,
    flipped: Option<Frame>,
    frames: u32,
    authored: impl Fn(Frame) -> Vec<Input>,
) -> Vec<Fact> {
    let mut game = Game::new(Rules {
        flipped,
        ..case.rules(epoch)
    });
    let mut facts: Vec<Fact> = Vec::new();
    let mut hash = case.genesis(epoch);
    for frame in (0..frames).map(Frame) {
        let inputs = authored(frame);
        let result = game.step(&inputs);
        hash = chain(hash, frame, &inputs, &result.outcome, result.digest);
        facts.push(Fact {
            frame,
            inputs,
            outcome: result.outcome,
            digest: result.digest,
            hash,
        });
        if result.terminal {
            break;
        }
    }
    facts
}
