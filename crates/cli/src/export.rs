//! `igym export`.

use std::io::{self, Write as _};
use std::path::Path;

use anyhow::Result;
use igym_dataset::{Environments as _, ExportSummary, Exporter, Format};

use crate::arguments::{ExportOptions, FileFormat};
use crate::check::count;
use crate::data::Data;
use crate::exit::Exit;
use crate::folder::NewFolder;
use crate::python;
use crate::{progress, table};

pub(crate) fn run(options: &ExportOptions) -> Result<Exit> {
    let data = Data::open(&options.data)?;
    let environments = python::again(&options.again, &options.data);
    let overview = data.overview()?;
    let out = match &options.out {
        // `.` has no siblings of its own name, its full path has.
        Some(out) => std::path::absolute(out)?,
        None => std::path::absolute(options.data.join("export"))?,
    };
    let format = match options.format {
        FileFormat::Csv => Format::Csv,
        FileFormat::Parquet => Format::Parquet,
        FileFormat::Both => Format::Both,
    };
    let mut folder = NewFolder::begin(&out)?;
    let mut exporter = Exporter::new(&overview, format, &environments, &mut folder)?;
    let bar = progress::episodes(overview.episodes().count(), "Exporting");
    for episode in overview.episodes() {
        exporter.episode(&data.episode(episode.plan.session, episode.plan.episode)?)?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    let summary = exporter.finish()?;
    folder.finish()?;
    say(&summary, &out, environments.runtime_name())
}

fn say(summary: &ExportSummary, folder: &Path, runtime: Option<String>) -> Result<Exit> {
    let mut out = io::stdout().lock();
    match summary.episodes {
        0 => writeln!(
            out,
            "No episodes yet: the tables of episodes and frames are empty."
        )?,
        episodes => writeln!(
            out,
            "{} with {} frames: {}.",
            count(episodes, "episode"),
            summary.frames,
            table::verdicts(&summary.verdicts, summary.problems.len()),
        )?,
    }
    if let Some(warning) = table::awaiting(summary.awaiting_verdict) {
        eprintln!("warning: {warning}");
    }
    if let Some(runtime) = runtime {
        writeln!(out, "Episodes in Python were played again in {runtime}.")?;
    }
    writeln!(
        out,
        "Written to {}; README.md there explains every column.",
        folder.display()
    )?;
    for (session, episode, problem) in &summary.problems {
        eprintln!("warning: no frames of episode {episode} of session {session}: {problem}");
    }
    match summary.problems.is_empty() {
        true => Ok(Exit::Good),
        false => Ok(Exit::Found),
    }
}
