//! Writing a study's data as tables.

use std::collections::BTreeMap;

use igym_gym::ForeignErrorKind;
use igym_protocol::{SessionId, Verdict};

use crate::column::Column;
use crate::document::Document;
use crate::episodes::{self, EpisodeRow};
use crate::foreign_rows;
use crate::frame_rows::{self, FrameRow, Replayed};
use crate::frames;
use crate::judge::compared;
use crate::links::{self, LinkRow};
use crate::observed::{self, DifferenceRow, RejoinRow};
use crate::people::{self, ConnectionRow, SceneRow};
use crate::table::{Sink, Table, TableWriter, Written};
use crate::{
    Environments, EpisodeLog, Examination, Journal, Resimulation, ResimulationError, StudyOpening,
    examine,
};

/// Which files each table becomes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    Csv,
    Parquet,
    #[default]
    Both,
}

/// Why an export stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    #[error("{file} could not be written: {reason}")]
    Write { file: String, reason: String },
}

impl ExportError {
    pub(crate) fn new(file: &str, reason: impl ToString) -> Self {
        Self::Write {
            file: file.to_owned(),
            reason: reason.to_string(),
        }
    }
}

/// What an export wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExportSummary {
    pub episodes: u32,
    pub frames: u64,
    pub verdicts: BTreeMap<Verdict, u32>,
    /// Episodes that are over and that no server has judged yet.
    pub awaiting_verdict: u32,
    /// Episodes without frames, and why.
    pub problems: Vec<(SessionId, u32, String)>,
}

/// Writes everything in a journal. `environments` are needed for those that are not in this program.
pub fn export(
    journal: &Journal,
    format: Format,
    environments: &dyn Environments,
    sink: &mut dyn Sink,
) -> Result<ExportSummary, ExportError> {
    let mut exporter = Exporter::new(journal, format, environments, sink)?;
    for episode in journal.episodes() {
        exporter.episode(episode)?;
    }
    exporter.finish()
}

/// Writes a study's data episode by episode, so that only one episode's uploads need be in memory.
///
/// The files depend on the journal and on the order of the calls alone: the same journal gives
/// the same bytes.
pub struct Exporter<'s> {
    format: Format,
    environments: &'s dyn Environments,
    sink: &'s mut dyn Sink,
    openings: Vec<StudyOpening>,
    episodes: TableWriter<EpisodeRow>,
    differences: TableWriter<DifferenceRow>,
    rejoins: TableWriter<RejoinRow>,
    links: TableWriter<LinkRow>,
    presented: TableWriter<observed::Observed<observed::Shown>>,
    keys: TableWriter<observed::Observed<igym_protocol::KeyEvent>>,
    network: TableWriter<observed::Observed<igym_protocol::NetworkSample>>,
    events: TableWriter<observed::Observed<igym_protocol::ClientEvent>>,
    /// The columns of all files of frames, in the order in which they first occur.
    frame_columns: Vec<Column>,
    frame_rows: u64,
    document: Document,
    summary: ExportSummary,
}

impl<'s> Exporter<'s> {
    /// Begins an export. `overview` is the study's whole journal; it may be without uploads.
    pub fn new(
        overview: &Journal,
        format: Format,
        environments: &'s dyn Environments,
        sink: &'s mut dyn Sink,
    ) -> Result<Self, ExportError> {
        let mut document = Document::new(overview.openings.last(), format);
        write_people(overview, format, sink, &mut document)?;
        let players = overview
            .episodes()
            .map(|episode| episode.plan.seats.len())
            .max()
            .unwrap_or(0);
        Ok(Self {
            format,
            environments,
            openings: overview.openings.clone(),
            episodes: episodes::table(players).open("episodes", format, sink)?,
            differences: observed::differences().open("differences", format, sink)?,
            rejoins: observed::rejoins().open("rejoins", format, sink)?,
            links: links::table().open("links", format, sink)?,
            presented: observed::presented().open("presented", format, sink)?,
            keys: observed::keys().open("keys", format, sink)?,
            network: observed::network().open("network", format, sink)?,
            events: observed::events().open("events", format, sink)?,
            sink,
            frame_columns: Vec::new(),
            frame_rows: 0,
            document,
            summary: ExportSummary::default(),
        })
    }

    /// Plays an episode again, compares its readings, and writes all that is known about it.
    pub fn episode(&mut self, log: &EpisodeLog) -> Result<(), ExportError> {
        let plan = &log.plan;
        // The last server that began before the episode is the one that ran it.
        let opening = self
            .openings
            .iter()
            .rev()
            .find(|opening| opening.at_ms <= log.opened_at_ms);
        let mut row = EpisodeRow::new(log, opening);
        self.summary.episodes += 1;
        self.summary.awaiting_verdict += u32::from(log.awaits_verdict());
        match examined(log, self.environments) {
            Ok((examination, replayed)) => {
                let file = format!("frames/{}-{}", plan.session, plan.episode);
                self.write_frames(&file, frames::table(plan, &replayed), &replayed.rows)?;
                let verdict = examination.judgement.verdict;
                *self.summary.verdicts.entry(verdict).or_default() += 1;
                self.summary.frames += examination.canonical.len() as u64;
                row.add_examination(log, &examination, file);
                for difference in examination.differences {
                    self.differences.write(&DifferenceRow {
                        session: plan.session,
                        episode: plan.episode,
                        difference,
                    })?;
                }
            }
            Err(error) => {
                let problem = error.to_string();
                row.add_problem(problem.clone());
                self.summary
                    .problems
                    .push((plan.session, plan.episode, problem));
            }
        }
        self.episodes.write(&row)?;
        self.rejoins.write_all(&RejoinRow::all(log))?;
        self.links.write_all(&LinkRow::all(log))?;
        self.presented.write_all(&observed::shown(log))?;
        self.keys.write_all(&observed::key_events(log))?;
        self.network.write_all(&observed::network_samples(log))?;
        self.events.write_all(&observed::client_events(log))
    }

    /// Completes the files and writes their documentation.
    pub fn finish(self) -> Result<ExportSummary, ExportError> {
        let Self { mut document, .. } = self;
        let frames = Written {
            columns: self.frame_columns,
            rows: self.frame_rows,
        };
        for (name, written) in [
            ("episodes", self.episodes.finish()?),
            ("frames", frames),
            ("differences", self.differences.finish()?),
            ("rejoins", self.rejoins.finish()?),
            ("links", self.links.finish()?),
            ("presented", self.presented.finish()?),
            ("keys", self.keys.finish()?),
            ("network", self.network.finish()?),
            ("events", self.events.finish()?),
        ] {
            document.add(name, written);
        }
        document.write(self.sink)?;
        Ok(self.summary)
    }

    fn write_frames(
        &mut self,
        file: &str,
        table: Table<FrameRow>,
        rows: &[FrameRow],
    ) -> Result<(), ExportError> {
        for column in &table.columns {
            let known = self.frame_columns.iter_mut();
            match known.into_iter().find(|known| known.name == column.name) {
                None => self.frame_columns.push(column.clone()),
                Some(known) if known.kind != column.kind => {
                    let also = format!(" In some files the type is {}.", column.kind.name());
                    if !known.about.contains(&also) {
                        known.about.push_str(&also);
                    }
                }
                Some(_) => {}
            }
        }
        let mut writer = table.open(file, self.format, self.sink)?;
        writer.write_all(rows)?;
        self.frame_rows += writer.finish()?.rows;
        Ok(())
    }
}

/// An examined episode with its frames, or why there are none.
fn examined(
    log: &EpisodeLog,
    environments: &dyn Environments,
) -> Result<(Examination, Replayed), ResimulationError> {
    let mut played = Resimulation::watching(log, environments)?;
    while played.step()?.is_some() {}
    // What cannot be written down fails only where somebody looks; the verdict must not depend on that.
    let looking = played.failure().map(|failure| failure.kind) == Some(ForeignErrorKind::Value);
    let examination = match looking {
        true => examine(log, environments)?,
        false => compared(log, &mut played, environments),
    };
    let canonical = &examination.canonical;
    let replayed = match played.into_watched().filter(|_| !looking) {
        Some((replay, watched)) => foreign_rows::rows(replay, watched, log, canonical)?,
        None => frame_rows::replay(log, canonical, environments)?,
    };
    Ok((examination, replayed))
}

/// The tables that need no uploads.
fn write_people(
    overview: &Journal,
    format: Format,
    sink: &mut dyn Sink,
    document: &mut Document,
) -> Result<(), ExportError> {
    fn write<R>(
        name: &'static str,
        table: Table<R>,
        rows: &[R],
        format: Format,
        sink: &mut dyn Sink,
        document: &mut Document,
    ) -> Result<(), ExportError> {
        let mut writer = table.open(name, format, sink)?;
        writer.write_all(rows)?;
        document.add(name, writer.finish()?);
        Ok(())
    }
    let mut study_files = BTreeMap::new();
    for run in &overview.openings {
        study_files.insert(people::study_file(run), &run.source);
    }
    for (file, source) in study_files {
        let mut writer = crate::table::create(sink, &file)?;
        let written = writer
            .write_all(source.as_bytes())
            .and_then(|()| writer.flush());
        written.map_err(|error| ExportError::new(&file, error))?;
    }
    let scenes: Vec<SceneRow> = overview
        .participants()
        .iter()
        .flat_map(|it| {
            let visits = it.scenes.iter().cloned();
            visits.map(|visit| SceneRow(it.participant, visit))
        })
        .collect();
    let connections: Vec<ConnectionRow> = overview
        .sessions()
        .iter()
        .flat_map(|it| {
            let links = it.links.iter().cloned();
            links.map(|link| ConnectionRow(it.session, link))
        })
        .collect();
    write(
        "runs",
        people::runs(),
        &overview.openings,
        format,
        sink,
        document,
    )?;
    write(
        "participants",
        people::participants(),
        overview.participants(),
        format,
        sink,
        document,
    )?;
    write(
        "identities",
        people::identities(),
        overview.participants(),
        format,
        sink,
        document,
    )?;
    write("scenes", people::scenes(), &scenes, format, sink, document)?;
    write(
        "sessions",
        people::sessions(),
        overview.sessions(),
        format,
        sink,
        document,
    )?;
    write(
        "connections",
        people::connections(),
        &connections,
        format,
        sink,
        document,
    )
}
