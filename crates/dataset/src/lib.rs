//! From the journal to canonical episodes, verdicts and files.
//!
//! - [`Journal`] orders what the server wrote down: participants, sessions, and per episode an
//!   [`EpisodeLog`] with every statement anybody made about it.
//! - [`judge`] and [`examine`] play an episode again from the journal's inputs and compare
//!   different readings with each other: what each browser computed and the re-simulation. No
//!   reading is ever compared with itself. Environments that are not in this program, in Python for
//!   example, are opened by an [`Environments`] of the caller's.
//!
//! - [`export`] (or [`Exporter`], an episode at a time) writes canonical frames, what participants
//!   saw, keys, network and verdicts as CSV and Parquet, with the documentation of each column.
//!
//! **Invariant:** no guess is ever exported as a fact, and equal journals give equal bytes.
//!
//! This crate reads no clock and opens no file: entries come in, and bytes go out through writers
//! that the caller gives.
//!
//! ```
//! use igym_dataset::{Format, Journal, NativeOnly, export};
//! use std::io::Write;
//!
//! let journal = Journal::from_entries([]);
//! let mut files = Vec::new();
//! let mut sink = |path: &str| {
//!     files.push(path.to_owned());
//!     Ok(Box::new(std::io::sink()) as Box<dyn Write + Send>)
//! };
//! let summary = export(&journal, Format::Csv, &NativeOnly, &mut sink)?;
//! assert_eq!(summary.episodes, 0);
//! assert!(files.contains(&"episodes.csv".to_owned()));
//! # Ok::<(), igym_dataset::ExportError>(())
//! ```

mod account;
mod cancel;
mod column;
mod document;
mod environments;
mod episode;
mod episodes;
mod export;
mod flat;
mod foreign_rows;
mod frame_rows;
mod frames;
mod hex;
mod history;
mod inferred;
mod inputs;
mod journal;
mod judge;
mod links;
mod observed;
mod parquet_file;
mod people;
mod replay;
mod resimulate;
mod table;

pub use account::{Account, OwnConflict};
pub use cancel::Cancel;
pub use environments::{Environments, NativeOnly};
pub use episode::{Closing, EpisodeLog, Paged, PlayerLog, Rejoin};
pub use export::{ExportError, ExportSummary, Exporter, Format, export};
pub use inputs::{Contradiction, KnownInput, Origin, Statement};
pub use journal::{
    Journal, LinkLog, PageLoad, ParticipantEnd, ParticipantLog, SceneVisit, SessionLog,
    StudyOpening,
};
pub use judge::{
    Coverage, Difference, Examination, Field, Reading, examine, judge, judge_until, not_judged,
};
pub use resimulate::{Resimulation, ResimulationError};
pub use table::Sink;
