//! Errors, by who can act on them. What each is, and what to do, its message says.

#![allow(missing_docs, reason = "the messages are the documentation")]

use crate::wire::Configuration;
use crate::{Epoch, Frame, Incarnation, LinkId, PlayerIndex};

/// The engine cannot be built so; the message names the setting and the fix.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    #[error("players: {found} is not possible; give 1 to 16")]
    Players { found: usize },
    #[error("local: no player is local; name at least one with .local([PlayerIndex(n)])")]
    NoLocal,
    #[error("local: player {player} does not exist; with {players} players the last is {}", players - 1)]
    LocalOutOfRange { player: PlayerIndex, players: usize },
    #[error("link {link}: player {player} is local or does not exist; name remote players only")]
    LinkPlayer { link: LinkId, player: PlayerIndex },
    #[error("link {link}: given twice; name all its players in one .link(…)")]
    LinkTwice { link: LinkId },
    #[error("link {link}: it has no player; name those at its other end")]
    LinkEmpty { link: LinkId },
    #[error("link: player {player} must be at the other end of exactly one link")]
    LinkCover { player: PlayerIndex },
    #[error("spectator: it has no local players; leave out .local(…)")]
    Spectator,
    #[error("checkpoint: it needs the inputs from its frame on; give them with .history(…)")]
    Checkpoint,
    #[error("frame_duration: must be between 1 ms and 10 s")]
    FrameDuration,
    #[error("input_delay: {found} frames; the most is {most}")]
    InputDelay { found: u32, most: u32 },
    #[error("delay_policy: give bounds with least <= most, and most <= 32 frames")]
    DelayPolicy,
    #[error("input_delay_of: player {player} is not local")]
    DelayPlayer { player: PlayerIndex },
    #[error(
        "history: {found} lists of inputs; give one per player, {players}, empty where none is known"
    )]
    History { found: usize, players: usize },
    #[error("window: {found} frames; the most is {most}; shorten .window(…)")]
    Window { found: u128, most: u32 },
}

/// A local input was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InputError {
    #[error("an input has 1 to 64 bytes, not {found}")]
    Length { found: usize },
    #[error("player {player} is not local")]
    NotLocal { player: PlayerIndex },
    #[error("player {player} has given the inputs before frame {next}; ask wanted_input first")]
    NotWanted { player: PlayerIndex, next: Frame },
    #[error(
        "the input of player {player} in frame {frame} is no guess, or was used; predict before the step's answer"
    )]
    NotPredicted { player: PlayerIndex, frame: Frame },
    #[error("input_delay: {found} frames; the most is {most}")]
    Delay { found: u32, most: u32 },
    #[error("the episode is sealed")]
    Sealed,
    #[error("the engine was closed; it authors no more")]
    Closed,
    /// What an older page load of this peer authored is not known yet.
    #[error("the engine rejoins; ask wanted_input first")]
    Rejoining,
    #[error("batch {id} must be completed first")]
    BatchOpen { id: u64 },
}

/// A player or a link cannot be moved so; nothing changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MoveError {
    #[error("there is no player {player}")]
    NoPlayer { player: PlayerIndex },
    #[error(
        "link {link} cannot lead to a spectator: there is one of that number, or this is one itself"
    )]
    LinkTaken { link: LinkId },
    #[error("there is no link {link}, or it was left")]
    NoLink { link: LinkId },
    #[error("the inputs of player {player} before frame {held} are here; move it at that or later")]
    TooLate { player: PlayerIndex, held: Frame },
    #[error("player {player} is at the other end of link {link}; leave that first")]
    Present { player: PlayerIndex, link: LinkId },
    #[error("player {player} is local; only players that left can move")]
    Local { player: PlayerIndex },
    #[error("batch {id} must be completed first")]
    BatchOpen { id: u64 },
}

/// Nothing is computed anew.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResyncError {
    #[error(
        "frame {from} is after the first that is not confirmed, {confirmed}; begin at that or earlier"
    )]
    NotConfirmed { from: Frame, confirmed: Frame },
    #[error("inputs before frame {held} were let go; begin at that or later")]
    Forgotten { from: Frame, held: Frame },
    #[error("the hash is not that of the frame before frame {from} in this history")]
    OtherHash { from: Frame },
    #[error("batch {id} must be completed first")]
    BatchOpen { id: u64 },
}

/// A packet was refused and changed nothing but a counter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PacketError {
    #[error("there is no link {link}")]
    UnknownLink { link: LinkId },
    /// The peer had vanished, and what it held is being settled without it.
    #[error("link {link} was left")]
    LinkLeft { link: LinkId },
    #[error("packet version {found}; this engine speaks {expected}")]
    OtherVersion { found: u8, expected: u8 },
    #[error("malformed packet: {0}")]
    Malformed(&'static str),
    #[error("packet of epoch {}; this is {}", found.0, expected.0)]
    OtherEpoch { found: Epoch, expected: Epoch },
    #[error("packet of incarnation {}; {} has been seen", found.0, newest.0)]
    OlderIncarnation {
        found: Incarnation,
        newest: Incarnation,
    },
    /// The peers are not set up alike: play together would go wrong, so nothing of it is taken.
    #[error(
        "packet of another configuration: compare players, frame_duration, window, default_input and genesis of both peers"
    )]
    OtherConfiguration {
        found: Configuration,
        expected: Configuration,
    },
    /// A short packet of another epoch, page load or configuration, or far out of date: the next full
    /// ones tell.
    #[error("a short packet that leaves out what is not known here")]
    UnknownTag,
    /// To another page load of this peer: an older one that is no more, or a newer one that has taken
    /// over.
    #[error("packet to incarnation {}; this is {}", found.0, expected.0)]
    OtherAddressee {
        found: Incarnation,
        expected: Incarnation,
    },
    /// Well-formed, but no honest peer says it.
    #[error("impossible packet: {0}")]
    Impossible(&'static str),
    #[error("batch {id} must be completed first")]
    BatchOpen { id: u64 },
}

/// The results do not answer the open batch; it stays open.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CompleteError {
    #[error("batch {id} is not open")]
    NotOpen { id: u64 },
    #[error("the step of frame {frame} has no answer, and no earlier one was terminal")]
    Missing { frame: Frame },
    #[error("there are answers after the last step, or after a terminal one")]
    TooMany,
}
