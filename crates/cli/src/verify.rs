//! `igym verify`.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write as _};

use anyhow::{Result, bail};
use igym_dataset::{EpisodeLog, Examination, Journal, ResimulationError, examine, not_judged};
use igym_protocol::{SessionId, Verdict};

use crate::arguments::VerifyOptions;
use crate::check::count;
use crate::data::Data;
use crate::exit::Exit;
use crate::python;
use crate::{progress, table};

pub(crate) fn run(options: &VerifyOptions) -> Result<Exit> {
    let data = Data::open(&options.data)?;
    let environments = python::again(&options.again, &options.data);
    let overview = data.overview()?;
    let chosen = chosen(options, &overview)?;
    if chosen.is_empty() {
        writeln!(io::stdout(), "No episodes yet: there is nothing to verify.")?;
        return Ok(Exit::Good);
    }
    let bar = progress::episodes(chosen.len(), "Verifying");
    let mut report = Report::default();
    for (session, episode) in chosen {
        let log = data.episode(session, episode)?;
        report.add(&log, examine(&log, &environments));
        bar.inc(1);
    }
    bar.finish_and_clear();
    report.print(options.quiet)?;
    Ok(report.exit())
}

/// The episodes to verify, in journal order.
fn chosen(options: &VerifyOptions, overview: &Journal) -> Result<Vec<(SessionId, u32)>> {
    let wanted: BTreeSet<SessionId> = options.sessions.iter().copied().map(SessionId).collect();
    for session in &wanted {
        if overview.session(*session).is_none() {
            bail!(
                "there is no session {session} in {}\n  hint: `igym verify` without --session \
                 lists all",
                options.data.display()
            );
        }
    }
    Ok(overview
        .episodes()
        .map(|log| (log.plan.session, log.plan.episode))
        .filter(|(session, _)| wanted.is_empty() || wanted.contains(session))
        .collect())
}

#[derive(Default)]
struct Report {
    rows: Vec<[String; 6]>,
    /// By row, whether it is one of the unremarkable ones.
    verified: Vec<bool>,
    verdicts: BTreeMap<Verdict, u32>,
    problems: Vec<String>,
    /// Episodes that are not what the server found.
    changed: u32,
    /// Episodes that are over and that no server has judged yet.
    awaiting: u32,
    /// What played those again that are not in this program.
    runtimes: BTreeSet<String>,
}

impl Report {
    fn add(&mut self, log: &EpisodeLog, examined: Result<Examination, ResimulationError>) {
        let recorded = log.closing.as_ref().map(|it| it.judgement.verdict);
        self.awaiting += u32::from(log.awaits_verdict());
        let none = if log.awaits_verdict() {
            "none yet"
        } else {
            "open"
        };
        let server = recorded.map_or(none, table::name);
        let (session, episode) = (log.plan.session, log.plan.episode);
        let examination = match examined {
            Ok(examination) => examination,
            Err(error) => {
                self.problems
                    .push(format!("episode {episode} of session {session}: {error}"));
                self.verified.push(false);
                return self.rows.push([
                    session.to_string(),
                    episode.to_string(),
                    "-".to_owned(),
                    server.to_owned(),
                    "-".to_owned(),
                    "cannot be played again".to_owned(),
                ]);
            }
        };
        let judgement = &examination.judgement;
        self.runtimes.extend(examination.runtime.clone());
        *self.verdicts.entry(judgement.verdict).or_default() += 1;
        let unjudged = log.closing.as_ref().map(|it| &it.judgement) == Some(&not_judged());
        if !unjudged && recorded.is_some_and(|it| is_another(it, judgement.verdict)) {
            self.changed += 1;
        }
        self.verified
            .push(judgement.verdict == Verdict::Verified && recorded == Some(Verdict::Verified));
        self.rows.push([
            session.to_string(),
            episode.to_string(),
            table::name(judgement.verdict).to_owned(),
            server.to_owned(),
            examination.canonical.len().to_string(),
            remark(&examination),
        ]);
    }

    fn print(&self, quiet: bool) -> Result<()> {
        let mut out = io::stdout().lock();
        let header = [
            "session", "episode", "verdict", "server", "frames", "remarks",
        ];
        let listed: Vec<[String; 6]> = self
            .rows
            .iter()
            .zip(&self.verified)
            .filter(|(_, verified)| !(quiet && **verified))
            .map(|(row, _)| row.clone())
            .collect();
        if !listed.is_empty() {
            writeln!(out, "{}", table::aligned(header, &listed))?;
        }
        let episodes = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
        writeln!(
            out,
            "{}: {}.",
            count(episodes, "episode"),
            table::verdicts(&self.verdicts, self.problems.len())
        )?;
        for runtime in &self.runtimes {
            writeln!(out, "Episodes in Python were played again in {runtime}.")?;
        }
        if let Some(warning) = table::awaiting(self.awaiting) {
            eprintln!("warning: {warning}");
        }
        for problem in &self.problems {
            eprintln!("error: {problem}");
        }
        if self.changed > 0 {
            eprintln!(
                "error: {} not what the server found when it closed them: the journal or the \
                 program has changed since",
                match self.changed {
                    1 => "1 episode is".to_owned(),
                    number => format!("{number} episodes are"),
                }
            );
        }
        Ok(())
    }

    fn exit(&self) -> Exit {
        let bad = [Verdict::Desync, Verdict::Disputed]
            .iter()
            .any(|verdict| self.verdicts.contains_key(verdict));
        if bad || self.changed > 0 {
            Exit::Found
        } else if !self.problems.is_empty() {
            Exit::Failed
        } else {
            Exit::Good
        }
    }
}

/// Whether this is not what the server found. A partial that turns out verified is no surprise:
/// the server says partial also where it could not judge.
fn is_another(recorded: Verdict, now: Verdict) -> bool {
    recorded != now && !(recorded == Verdict::Partial && now == Verdict::Verified)
}

/// "frame 19, digest: player 1 / re-simulation", or whose seal is missing.
fn remark(examination: &Examination) -> String {
    if let Some(difference) = &examination.judgement.first_difference {
        return format!(
            "frame {}, {}: {}",
            difference.frame,
            difference.field,
            difference.between.join(" / ")
        );
    }
    let unsealed: Vec<String> = (0_u32..)
        .zip(&examination.coverage)
        .filter(|(_, coverage)| !coverage.sealed)
        .map(|(player, _)| format!("player {player}"))
        .collect();
    match unsealed.is_empty() {
        true => String::new(),
        false => format!("no seal of {}", unsealed.join(", ")),
    }
}
