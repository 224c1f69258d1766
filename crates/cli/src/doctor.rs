//! `igym doctor`.

mod builds;
mod findings;
mod study;

use std::io::{self, Write as _};

use anyhow::{Context as _, Result};
use igym_storage::StorageError;
use igym_storage_sqlite::{Inspector, LockState, lock_state};

use crate::arguments::DoctorOptions;
use crate::doctor::findings::Findings;
use crate::exit::Exit;
use crate::table;

const RESTORE: &str = "stop the server, copy the whole folder, and restore the journal from a \
     backup, or salvage what can be read: sqlite3 journal.sqlite .recover";

pub(crate) fn run(options: &DoctorOptions) -> Result<Exit> {
    if options.subject.is_file() {
        return study::run(options);
    }
    let folder = &options.subject;
    let cannot = || format!("cannot examine {}", folder.display());
    let mut report = Report::default();
    let lock = lock_state(folder).with_context(cannot)?;
    let in_use = lock != LockState::Free;
    match lock {
        LockState::Free => report.good("lock", "no server uses the folder"),
        LockState::Held(holder) => report.good("lock", format!("in use by {holder}")),
    }
    match Inspector::open(folder) {
        Ok(inspector) => examine(&inspector, options, in_use, &mut report),
        Err(StorageError::Io { reason }) => report.bad("file", reason, RESTORE),
        Err(error) => return Err(error).with_context(cannot),
    }
    report.print()?;
    Ok(report.exit())
}

fn examine(inspector: &Inspector, options: &DoctorOptions, in_use: bool, report: &mut Report) {
    match inspector.version() {
        Ok(version) => report.good("format", format!("version {version}")),
        Err(error) => report.bad("format", error.to_string(), RESTORE),
    }
    match inspector.integrity() {
        Ok(lines) if lines.is_empty() => report.good("file", "whole, says SQLite"),
        Ok(lines) => report.bad("file", lines.join("; "), RESTORE),
        Err(error) => report.bad("file", error.to_string(), RESTORE),
    }
    log(inspector, in_use, report);
    let mut findings = Findings::default();
    if let Err(error) = inspector.records(|entry| findings.add(entry)) {
        report.bad("records", error.to_string(), RESTORE);
    }
    findings.report(report);
    builds::report(&options.subject, findings.builds(), report);
}

fn log(inspector: &Inspector, in_use: bool, report: &mut Report) {
    if in_use {
        return report.note(
            "write-ahead log",
            "not looked at while a server writes to it",
        );
    }
    match inspector.log() {
        Ok(log) if log.lost_transactions > 1 => report.bad(
            "write-ahead log",
            format!(
                "damaged: {} transactions behind the damage are lost",
                log.lost_transactions
            ),
            "acknowledged records are missing: restore the folder from a backup; participants \
             who come back deliver again what their browsers still hold",
        ),
        Ok(log) if log.torn_frames > 0 => report.note(
            "write-ahead log",
            "its last write is torn, as after a loss of power; it was never acknowledged",
        ),
        Ok(log) => report.good(
            "write-ahead log",
            format!("whole, {} transactions", log.transactions),
        ),
        Err(error) => report.bad("write-ahead log", error.to_string(), RESTORE),
    }
}

/// What was found, in the order in which it was looked for.
#[derive(Default)]
pub(crate) struct Report {
    rows: Vec<[String; 3]>,
    advice: Vec<String>,
}

impl Report {
    pub(crate) fn good(&mut self, what: &str, detail: impl Into<String>) {
        self.row(what, "ok", detail.into());
    }

    /// Worth knowing, and no damage.
    pub(crate) fn note(&mut self, what: &str, detail: impl Into<String>) {
        self.row(what, "note", detail.into());
    }

    pub(crate) fn bad(&mut self, what: &str, detail: impl Into<String>, advice: &str) {
        self.row(what, "BAD", detail.into());
        let advice = format!("{what}: {advice}");
        if !self.advice.contains(&advice) {
            self.advice.push(advice);
        }
    }

    fn row(&mut self, what: &str, state: &str, detail: String) {
        self.rows.push([what.to_owned(), state.to_owned(), detail]);
    }

    fn print(&self) -> io::Result<()> {
        let mut out = io::stdout().lock();
        let header = ["check", "", "found"];
        writeln!(out, "{}", table::aligned(header, &self.rows))?;
        if self.advice.is_empty() {
            return writeln!(out, "The data are sound.");
        }
        writeln!(out, "What to do:")?;
        for advice in &self.advice {
            writeln!(out, "  {advice}")?;
        }
        Ok(())
    }

    fn exit(&self) -> Exit {
        match self.advice.is_empty() {
            true => Exit::Good,
            false => Exit::Found,
        }
    }
}
