//! Comparing the readings of an episode.

use std::fmt;

use igym_gym::ForeignError;
use igym_protocol::{CanonicalRow, FirstDifference, Judgement, Seal, Verdict};

use crate::environments::FOREIGN;
use crate::hex::hex;
use crate::{
    Account, Cancel, Contradiction, Environments, EpisodeLog, OwnConflict, PlayerLog, Resimulation,
    ResimulationError, Statement,
};

/// Somebody's account of an episode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reading {
    /// A player's statements, and the rows and seal of the page whose account is theirs
    /// ([`PlayerLog::account`]).
    Player(u8),
    /// What another page of the same player computed, or the same page said later.
    PlayerAgain { player: u8, incarnation: u32 },
    /// This program's own run, from the journal's inputs.
    Resimulation,
}

impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Player(player) => write!(f, "player {player}"),
            Self::PlayerAgain {
                player,
                incarnation,
            } => write!(f, "player {player} (page {incarnation})"),
            Self::Resimulation => f.write_str("re-simulation"),
        }
    }
}

/// What two readings can differ in, the earliest cause first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    Inputs,
    /// Rewards, ends and infos.
    Outcome,
    /// The digest of the state.
    Digest,
    /// The chain hash.
    Hash,
    /// The last frame or the last hash.
    Seal,
    /// One of the two has no such frame.
    Missing,
}

impl Field {
    pub fn name(self) -> &'static str {
        match self {
            Self::Inputs => "inputs",
            Self::Outcome => "outcome",
            Self::Digest => "digest",
            Self::Hash => "hash",
            Self::Seal => "seal",
            Self::Missing => "missing",
        }
    }

    /// The verdict on an episode in which two readings differ in this.
    fn verdict(self) -> Verdict {
        match self {
            Self::Inputs => Verdict::Disputed,
            Self::Outcome | Self::Digest | Self::Hash | Self::Seal => Verdict::Desync,
            Self::Missing => Verdict::Partial,
        }
    }
}

/// The first frame at which two readings differ, and what each says, in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    pub frame: u32,
    pub field: Field,
    pub between: [Reading; 2],
    pub values: [Option<String>; 2],
}

/// What one browser uploaded of an episode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coverage {
    pub rows: u32,
    pub sealed: bool,
}

/// Everything that comparing the readings of an episode found.
#[derive(Clone, Debug, PartialEq)]
pub struct Examination {
    pub judgement: Judgement,
    /// The re-simulation, from frame 0 to the last canonical frame.
    pub canonical: Vec<CanonicalRow>,
    /// Why the environment could not play the frame after it. As far as the episode goes it was
    /// played again.
    pub failure: Option<ForeignError>,
    /// What ran the environment, if it is not in this program.
    pub runtime: Option<String>,
    /// By player.
    pub coverage: Vec<Coverage>,
    /// Each contradiction about an input, and the first difference of each pair of readings; by
    /// frame.
    pub differences: Vec<Difference>,
}

/// Judges an episode as [`examine`] does. One that cannot be played again is [`not_judged`]: that says
/// nothing about the browsers.
pub fn judge(log: &EpisodeLog, environments: &dyn Environments) -> Judgement {
    judge_until(log, environments, &Cancel::default()).unwrap_or_else(|_| not_judged())
}

/// Judges an episode as [`examine`] does, until it is cancelled.
pub fn judge_until(
    log: &EpisodeLog,
    environments: &dyn Environments,
    cancel: &Cancel,
) -> Result<Judgement, ResimulationError> {
    examine_until(log, environments, cancel).map(|examination| examination.judgement)
}

/// Of an episode that nobody could judge. What it says is missing tells it from one that somebody did
/// not seal.
pub fn not_judged() -> Judgement {
    Judgement {
        verdict: Verdict::Partial,
        last_frame: None,
        first_difference: Some(FirstDifference {
            frame: 0,
            field: Field::Missing.name().to_owned(),
            between: ["journal".to_owned(), Reading::Resimulation.to_string()],
        }),
    }
}

/// Plays the episode again from the journal's inputs and compares every browser's account with
/// the re-simulation and with each other browser's.
pub fn examine(
    log: &EpisodeLog,
    environments: &dyn Environments,
) -> Result<Examination, ResimulationError> {
    examine_until(log, environments, &Cancel::default())
}

fn examine_until(
    log: &EpisodeLog,
    environments: &dyn Environments,
    cancel: &Cancel,
) -> Result<Examination, ResimulationError> {
    let mut resimulation = Resimulation::until(log, environments, cancel)?;
    while resimulation.step()?.is_some() {}
    Ok(compared(log, &mut resimulation, environments))
}

/// What comparing every browser's account with this re-simulation comes to, which was played to its end.
/// Its rows are taken.
pub(crate) fn compared(
    log: &EpisodeLog,
    resimulation: &mut Resimulation<'_>,
    environments: &dyn Environments,
) -> Examination {
    let terminal = resimulation.terminal();
    let failure = resimulation.failure().cloned();
    let canonical = resimulation.take_rows();

    let differences = differences(log, &canonical, terminal, failure.as_ref());
    let sealed = log.players.iter().all(PlayerLog::sealed);
    let verdict = differences
        .iter()
        .map(|difference| difference.field.verdict())
        .max()
        .unwrap_or(match sealed && terminal {
            true => Verdict::Verified,
            false => Verdict::Partial,
        });
    let first_difference = differences
        .iter()
        .find(|difference| difference.field.verdict() == verdict)
        .map(|difference| FirstDifference {
            frame: difference.frame,
            field: difference.field.name().to_owned(),
            between: difference.between.map(|reading| reading.to_string()),
        });
    let coverage = log.players.iter().map(|player| Coverage {
        rows: player
            .account()
            .map_or(0, |(_, account)| frame_number(account.rows.len())),
        sealed: player.sealed(),
    });
    Examination {
        judgement: Judgement {
            verdict,
            last_frame: frame_number(canonical.len()).checked_sub(1),
            first_difference,
        },
        coverage: coverage.collect(),
        canonical,
        failure,
        runtime: (log.plan.environment.id == FOREIGN)
            .then(|| environments.runtime_name())
            .flatten(),
        differences,
    }
}

/// All differences by frame and field. Where several are at one place, statements about inputs
/// come first, then the re-simulation's word, which tells which player is the odd one.
fn differences(
    log: &EpisodeLog,
    canonical: &[CanonicalRow],
    terminal: bool,
    failure: Option<&ForeignError>,
) -> Vec<Difference> {
    let frames = frame_number(canonical.len());
    let mut found = contradictions(log, frames);
    let accounts = accounts(log);
    for it in &accounts {
        found.extend(own_conflicts(it, frames));
    }
    for it in &accounts {
        let between = [it.reading, Reading::Resimulation];
        found.extend((0..).zip(canonical).find_map(|(frame, theirs)| {
            differing(frame, between, it.account.rows.get(&frame)?, theirs)
        }));
        // A page that another one followed could not finish.
        if let Reading::Player(_) = it.reading {
            found.extend(missing(between, it.account, frames, terminal));
        }
        found.extend(seal(between, it.account, canonical, terminal));
        found.extend(failure.and_then(|failure| unfailed(between, it.account, frames, failure)));
    }
    for (index, it) in accounts.iter().enumerate() {
        for other in &accounts[index + 1..] {
            let between = [it.reading, other.reading];
            found.extend(it.account.rows.iter().find_map(|(&frame, ours)| {
                differing(frame, between, ours, other.account.rows.get(&frame)?)
            }));
        }
    }
    found.sort_by_key(|difference| (difference.frame, difference.field));
    found
}

/// What one page computed, and as what it is compared.
struct Reader<'a> {
    player: u8,
    incarnation: u32,
    reading: Reading,
    account: &'a Account,
}

/// The accounts of all pages, each player's own before those of their other pages.
fn accounts(log: &EpisodeLog) -> Vec<Reader<'_>> {
    let mut readers = Vec::new();
    for (player, uploaded) in (0..=u8::MAX).zip(&log.players) {
        let own = uploaded.account().map(|(incarnation, _)| incarnation);
        let reader = |(incarnation, account): (&u32, _)| Reader {
            player,
            incarnation: *incarnation,
            reading: if own == Some(*incarnation) {
                Reading::Player(player)
            } else {
                Reading::PlayerAgain {
                    player,
                    incarnation: *incarnation,
                }
            },
            account,
        };
        let mut of_player: Vec<_> = uploaded.accounts.iter().map(reader).collect();
        of_player.sort_by_key(|it| it.reading != Reading::Player(player));
        readers.extend(of_player);
    }
    readers
}

fn contradictions(log: &EpisodeLog, frames: u32) -> Vec<Difference> {
    log.contradictions()
        .take_while(|contradiction| contradiction.frame < frames)
        .map(
            |Contradiction {
                 frame,
                 held,
                 against,
                 ..
             }| Difference {
                frame,
                field: Field::Inputs,
                between: [Reading::Player(held.by), again(held.by, &against)],
                values: [Some(hex(&held.input)), Some(hex(&against.input))],
            },
        )
        .collect()
}

fn again(first: u8, statement: &Statement) -> Reading {
    match statement.by == first {
        true => Reading::PlayerAgain {
            player: first,
            incarnation: statement.incarnation,
        },
        false => Reading::Player(statement.by),
    }
}

fn own_conflicts<'a>(reader: &'a Reader<'a>, frames: u32) -> impl Iterator<Item = Difference> + 'a {
    let again = Reading::PlayerAgain {
        player: reader.player,
        incarnation: reader.incarnation,
    };
    let between = [reader.reading, again];
    let account = reader.account;
    account.own_conflicts.iter().filter_map(move |conflict| {
        let difference = match conflict {
            OwnConflict::Row { frame, row } => {
                differing(*frame, between, account.rows.get(frame)?, row)
            }
            OwnConflict::Seal(seal) => {
                let first = account.seal.as_ref()?;
                Some(Difference {
                    frame: first.last_frame.min(seal.last_frame),
                    field: Field::Seal,
                    between,
                    values: [Some(seal_text(first)), Some(seal_text(seal))],
                })
            }
        };
        difference.filter(|difference| difference.frame < frames)
    })
}

/// The first frame that the player's rows or the re-simulation should have and do not. Rows are
/// due up to the seal; without a seal, up to the last one that came.
fn missing(
    between: [Reading; 2],
    account: &Account,
    frames: u32,
    terminal: bool,
) -> Option<Difference> {
    let due = match &account.seal {
        Some(seal) => seal.last_frame,
        None => *account.rows.keys().next_back()?,
    };
    let at = |frame, values| Difference {
        frame,
        field: Field::Missing,
        between,
        values,
    };
    let gap = (0..)
        .zip(account.rows.keys())
        .find_map(|(expected, &frame)| (expected != frame).then_some(expected))
        .unwrap_or(frame_number(account.rows.len()));
    if gap <= due && gap < frames {
        return Some(at(gap, [None, Some("a row".to_owned())]));
    }
    let inputs_lost = account.seal.is_some() && !terminal && due >= frames;
    inputs_lost.then(|| at(frames, [Some("a seal".to_owned()), None]))
}

/// The page has a row of the frame in which the environment failed when it was played again.
fn unfailed(
    between: [Reading; 2],
    account: &Account,
    frames: u32,
    failure: &ForeignError,
) -> Option<Difference> {
    let row = account.rows.get(&frames)?;
    Some(Difference {
        frame: frames,
        field: Field::Outcome,
        between,
        values: [Some(hex(&row.outcome)), Some(failure.to_string())],
    })
}

fn seal(
    between: [Reading; 2],
    account: &Account,
    canonical: &[CanonicalRow],
    terminal: bool,
) -> Option<Difference> {
    let seal = account.seal.as_ref()?;
    let last = frame_number(canonical.len()).checked_sub(1)?;
    if !terminal && seal.last_frame > last {
        // The re-simulation ran out of inputs: it is the one that is missing.
        return None;
    }
    let ours = Seal {
        last_frame: last,
        hash: canonical.last()?.hash,
    };
    let equal = terminal && *seal == ours;
    (!equal).then(|| Difference {
        frame: seal.last_frame.min(last),
        field: Field::Seal,
        between,
        values: [Some(seal_text(seal)), terminal.then(|| seal_text(&ours))],
    })
}

/// The first field in which two accounts of one frame differ.
fn differing(
    frame: u32,
    between: [Reading; 2],
    ours: &CanonicalRow,
    theirs: &CanonicalRow,
) -> Option<Difference> {
    let (field, values) = if ours.inputs != theirs.inputs {
        let text = |row: &CanonicalRow| {
            let inputs: Vec<String> = row.inputs.iter().map(|input| hex(input)).collect();
            Some(inputs.join(" "))
        };
        (Field::Inputs, [text(ours), text(theirs)])
    } else if ours.outcome != theirs.outcome {
        let text = |row: &CanonicalRow| Some(hex(&row.outcome));
        (Field::Outcome, [text(ours), text(theirs)])
    } else if ours.digest != theirs.digest {
        let text = |row: &CanonicalRow| row.digest.map(|digest| hex(&digest));
        (Field::Digest, [text(ours), text(theirs)])
    } else if ours.hash != theirs.hash {
        let text = |row: &CanonicalRow| Some(hex(&row.hash));
        (Field::Hash, [text(ours), text(theirs)])
    } else {
        return None;
    };
    Some(Difference {
        frame,
        field,
        between,
        values,
    })
}

fn seal_text(seal: &Seal) -> String {
    format!("frame {}, hash {}", seal.last_frame, hex(&seal.hash))
}

fn frame_number(length: usize) -> u32 {
    u32::try_from(length).expect("frames are counted in 32 bits")
}
