//! Who said what about an input, and which statement counts.

use std::collections::{BTreeMap, BTreeSet};

use igym_protocol::{InputSource, Path};

/// How often it is kept that players say something else about an input than they said first: enough
/// to see that it is disputed.
const SAID_AGAIN: usize = 7;

/// One page's word about one input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The player whose page said it.
    pub by: u8,
    pub incarnation: u32,
    pub input: Vec<u8>,
    pub origin: Origin,
}

/// How a page came to know an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It is the player's own.
    Authored {
        source: InputSource,
        at_us: u64,
        delay: u8,
    },
    /// It came from a peer: the player's own, or, for one of this page's player that an earlier
    /// page had authored, one that gave it back.
    Copied { path: Path, at_us: u64 },
    /// It stands in a canonical row, and nobody said anything else about it.
    InRow,
}

impl Statement {
    fn authored(&self) -> bool {
        matches!(self.origin, Origin::Authored { .. })
    }
}

/// What counts for one input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownInput<'a> {
    /// The player whose page said it.
    pub by: u8,
    pub incarnation: u32,
    pub origin: Origin,
    bytes: &'a [u8],
}

impl<'a> KnownInput<'a> {
    pub(crate) fn new(by: u8, incarnation: u32, origin: Origin, bytes: &'a [u8]) -> Self {
        Self {
            by,
            incarnation,
            origin,
            bytes,
        }
    }

    fn of(statement: &'a Statement) -> Self {
        let Statement {
            by,
            incarnation,
            input,
            origin,
        } = statement;
        Self::new(*by, *incarnation, *origin, input)
    }

    pub fn bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// The player on whose word alone the input rests, where its author's own upload is missing.
    /// That can be the author too: a later page of theirs, to which the input was given back.
    pub fn attested_by(self) -> Option<u8> {
        match self.origin {
            Origin::Authored { .. } => None,
            Origin::Copied { .. } | Origin::InRow => Some(self.by),
        }
    }

    /// Where the input came from, if its author said so.
    pub fn source(self) -> Option<InputSource> {
        match self.origin {
            Origin::Authored { source, .. } => Some(source),
            Origin::Copied { .. } | Origin::InRow => None,
        }
    }

    /// The realised input delay in frames, if the author said so.
    pub fn delay(self) -> Option<u8> {
        match self.origin {
            Origin::Authored { delay, .. } => Some(delay),
            Origin::Copied { .. } | Origin::InRow => None,
        }
    }
}

/// Two statements about one input that cannot both be true. Both are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contradiction {
    pub frame: u32,
    pub player: u8,
    /// The one that counts.
    pub held: Statement,
    pub against: Statement,
}

/// All statements about an episode's inputs.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Statements {
    /// By frame and player, in journal order; a page's repetition of itself is kept once.
    by_input: BTreeMap<(u32, u8), Vec<Statement>>,
}

impl Statements {
    /// Takes up a statement. Whether it is kept, or was said before: each player's first word is, as
    /// author and as witness, and of what players say otherwise later the first
    /// [`SAID_AGAIN`]. Whoever is left out is in dispute with themselves by then.
    pub(crate) fn add(&mut self, frame: u32, player: u8, statement: Statement) -> bool {
        let statements = self.by_input.entry((frame, player)).or_default();
        let speaker = |it: &Statement| (it.by, it.authored());
        let speaks = speaker(&statement);
        let said = |known: &Statement| speaker(known) == speaks && known.input == statement.input;
        if statements.iter().any(said) {
            return true;
        }
        let speakers: BTreeSet<_> = statements.iter().map(speaker).collect();
        let again = statements.len() - speakers.len();
        let kept = !speakers.contains(&speaks) || again < SAID_AGAIN;
        if kept {
            statements.push(statement);
        }
        kept
    }

    /// The author's first word is final; without one, the first copy counts.
    pub(crate) fn known(&self, frame: u32, player: u8) -> Option<KnownInput<'_>> {
        let statements = self.by_input.get(&(frame, player))?;
        held(statements).map(KnownInput::of)
    }

    pub(crate) fn contradictions(&self) -> impl Iterator<Item = Contradiction> {
        self.by_input
            .iter()
            .flat_map(|(&(frame, player), statements)| {
                let held = held(statements);
                statements.iter().filter_map(move |against| {
                    let held = held.filter(|held| held.input != against.input)?;
                    Some(Contradiction {
                        frame,
                        player,
                        held: held.clone(),
                        against: against.clone(),
                    })
                })
            })
    }

    /// Inputs of others that `by` received, with their paths.
    pub(crate) fn received_by(&self, by: u8) -> impl Iterator<Item = (u32, u8, Path)> {
        self.by_input
            .iter()
            .flat_map(move |(&(frame, player), statements)| {
                let first = statements.iter().find_map(|statement| {
                    match (statement.by == by && player != by, statement.origin) {
                        (true, Origin::Copied { path, .. }) => Some(path),
                        _ => None,
                    }
                });
                first.map(|path| (frame, player, path))
            })
    }
}

fn held(statements: &[Statement]) -> Option<&Statement> {
    statements
        .iter()
        .find(|statement| statement.authored())
        .or_else(|| statements.first())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn authored(by: u8, input: u8) -> Statement {
        let origin = Origin::Authored {
            source: InputSource::Human,
            at_us: 0,
            delay: 2,
        };
        statement(by, input, origin)
    }

    fn copied(by: u8, input: u8) -> Statement {
        let origin = Origin::Copied {
            path: Path::DataChannel,
            at_us: 0,
        };
        statement(by, input, origin)
    }

    fn statement(by: u8, input: u8, origin: Origin) -> Statement {
        Statement {
            by,
            incarnation: 1,
            input: vec![input],
            origin,
        }
    }

    #[test]
    fn the_author_counts_even_when_a_copy_came_first() {
        let mut statements = Statements::default();
        statements.add(3, 0, copied(1, 7));
        assert_eq!(statements.known(3, 0).unwrap().attested_by(), Some(1));
        statements.add(3, 0, authored(0, 7));
        let known = statements.known(3, 0).unwrap();
        assert_eq!((known.attested_by(), known.delay()), (None, Some(2)));
        assert_eq!(statements.contradictions().count(), 0);
    }

    #[test]
    fn who_says_ever_other_things_keeps_nobody_out() {
        let mut statements = Statements::default();
        for input in 0..200 {
            assert_eq!(statements.add(3, 0, copied(1, input)), input < 8);
        }
        assert!(statements.add(3, 0, copied(1, 0)), "a repetition");
        assert!(statements.add(3, 0, authored(0, 250)));
        assert!(statements.add(3, 0, copied(2, 250)));
        assert!(!statements.add(3, 0, authored(0, 251)));
        assert_eq!(statements.known(3, 0).unwrap().bytes(), [250]);
        assert_eq!(statements.received_by(2).count(), 1);
        assert_eq!(statements.contradictions().count(), 8);
    }

    #[test]
    fn the_first_write_is_final_and_the_second_is_kept() {
        let mut statements = Statements::default();
        statements.add(3, 0, authored(0, 7));
        statements.add(3, 0, authored(0, 7));
        statements.add(3, 0, authored(0, 8));
        assert_eq!(statements.known(3, 0).unwrap().bytes(), [7]);
        let contradictions: Vec<_> = statements.contradictions().collect();
        assert_eq!(contradictions.len(), 1);
        assert_eq!(contradictions[0].against.input, [8]);
    }
}
