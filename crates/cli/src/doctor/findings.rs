//! What the records of a journal say together.

use std::collections::{BTreeMap, BTreeSet};

use igym_protocol::{Entry, EpisodePlan, Limits, ParticipantId, Record, SessionId};
use igym_storage::StorageError;

use crate::doctor::{RESTORE, Report};

/// Examples that are named of each kind of damage.
const NAMED: usize = 3;

#[derive(Default)]
pub(crate) struct Findings {
    records: u64,
    damaged: Vec<String>,
    sessions: BTreeMap<SessionId, Vec<ParticipantId>>,
    /// Whether it is over, by session and index.
    episodes: BTreeMap<(SessionId, u32), bool>,
    judged: BTreeSet<(SessionId, u32)>,
    inconsistent: Vec<String>,
    uploads: BTreeMap<(ParticipantId, u32), Sequence>,
    builds: BTreeSet<String>,
}

/// No number comes twice: SQLite holds it so.
#[derive(Default)]
struct Sequence {
    count: u32,
    highest: u32,
}

impl Findings {
    pub(crate) fn builds(&self) -> &BTreeSet<String> {
        &self.builds
    }

    pub(crate) fn add(&mut self, entry: Result<Entry, StorageError>) {
        self.records += 1;
        let (id, record) = match entry {
            Ok(entry) => (entry.id, entry.record),
            Err(error) => return self.damaged.push(error.to_string()),
        };
        let wrong = match record {
            Record::StudyOpened { build, .. } => {
                self.builds.insert(build);
                None
            }
            Record::SessionOpened {
                session, members, ..
            } => {
                self.sessions.insert(session, members);
                None
            }
            Record::EpisodeOpened { plan } => {
                let wrong = self.plan(&plan);
                self.episodes.insert((plan.session, plan.episode), false);
                wrong
            }
            // Nothing waits for the verdict: the next episode may be opened before it.
            Record::EpisodeJudging { session, episode } => self.over(session, episode),
            Record::EpisodeClosed {
                session, episode, ..
            } => match self.judged.insert((session, episode)) {
                true => self.over(session, episode),
                false => Some("an episode is closed twice"),
            },
            Record::Uploaded {
                participant,
                player,
                upload,
            } => {
                let page = (participant, upload.incarnation);
                let sequence = self.uploads.entry(page).or_default();
                sequence.count += 1;
                sequence.highest = sequence.highest.max(upload.seq);
                let members = self.sessions.get(&upload.session);
                let member = members.and_then(|members| members.get(usize::from(player)));
                let opened = self
                    .episodes
                    .contains_key(&(upload.session, upload.episode));
                match (member == Some(&participant), opened) {
                    (true, true) => None,
                    (false, _) => Some("an upload is of somebody who is not a member"),
                    (true, false) => Some("an upload is about an episode that was not opened"),
                }
            }
            _ => None,
        };
        if let Some(wrong) = wrong {
            self.inconsistent.push(format!("entry {id}: {wrong}"));
        }
    }

    fn over(&mut self, session: SessionId, episode: u32) -> Option<&'static str> {
        match self.episodes.insert((session, episode), true) {
            Some(_) => None,
            None => Some("an episode is over that was not opened"),
        }
    }

    fn plan(&mut self, plan: &EpisodePlan) -> Option<&'static str> {
        let build = &plan.digests.build;
        if !build.is_empty() {
            self.builds.insert(build.clone());
        }
        let Some(members) = self.sessions.get(&plan.session) else {
            return Some("an episode is of a session that was not opened");
        };
        let seated: BTreeSet<_> = plan.seats.iter().map(|seat| seat.participant).collect();
        let follows = match plan.episode.checked_sub(1) {
            None => true,
            Some(before) => self.episodes.get(&(plan.session, before)) == Some(&true),
        };
        if seated != members.iter().copied().collect() || plan.seats.len() != members.len() {
            Some("a plan's seats are not those of the session's members")
        } else if plan.seats.is_empty() || plan.seats.len() > Limits::PLAYERS {
            Some("a plan has no players, or too many")
        } else if plan.max_steps == 0 || plan.frames_per_second == 0 {
            Some("a plan has no frames")
        } else if plan.episode >= plan.episodes {
            Some("an episode is beyond the last of its session")
        } else if self.episodes.contains_key(&(plan.session, plan.episode)) {
            Some("an episode is opened twice")
        } else if !follows {
            Some("an episode is opened before the one before it is over")
        } else {
            None
        }
    }

    pub(crate) fn report(&self, report: &mut Report) {
        match self.damaged.is_empty() {
            true => report.good("records", format!("{}, all can be read", self.records)),
            false => report.bad("records", some(&self.damaged), RESTORE),
        }
        let gaps: Vec<String> = self
            .uploads
            .iter()
            .filter(|(_, sequence)| sequence.count != sequence.highest)
            .map(|((participant, incarnation), sequence)| {
                let missing = sequence.highest.saturating_sub(sequence.count);
                format!("{missing} missing of page load {incarnation} of {participant}")
            })
            .collect();
        let uploads: u32 = self.uploads.values().map(|sequence| sequence.count).sum();
        match gaps.is_empty() {
            true => report.good(
                "uploads",
                format!("{uploads} of {} page loads, no gaps", self.uploads.len()),
            ),
            false => report.bad(
                "uploads",
                some(&gaps),
                "the episodes concerned may be partial: `igym verify` says which; restore the \
                 folder from a backup if there is one",
            ),
        }
        let over = self.episodes.values().filter(|over| **over).count();
        let awaiting = over.saturating_sub(self.judged.len());
        let owed = match awaiting {
            0 => String::new(),
            some => format!(", {some} over and not judged yet: the server does that when it runs"),
        };
        let open = self.episodes.len() - over;
        match self.inconsistent.is_empty() {
            true => report.good(
                "episodes",
                format!("{} closed, {open} not closed{owed}", over - awaiting),
            ),
            false => report.bad(
                "episodes",
                some(&self.inconsistent),
                "keep the folder as it is and report this; `igym verify` says which episodes can \
                 still be trusted",
            ),
        }
    }
}

/// The first few, and how many more there are.
fn some(lines: &[String]) -> String {
    let named = lines.iter().take(NAMED).cloned().collect::<Vec<_>>();
    match lines.len().checked_sub(NAMED) {
        Some(more @ 1..) => format!("{}; and {more} more", named.join("; ")),
        _ => named.join("; "),
    }
}
