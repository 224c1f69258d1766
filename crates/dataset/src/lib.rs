//! From the journal to canonical episodes, verdicts and files.
//!
//! - [`Journal`] orders what the server wrote down: participants, sessions, and per episode an
//!   [`EpisodeLog`] with every statement anybody made about it.
//! - [`judge`] and [`examine`] play an episode again from the journal's inputs and compare
//!   different readings with each other: what each browser computed and the re-simulation. No
//!   reading is ever compared with itself.
//!
//! This crate reads no clock and opens no file: entries come in, and bytes go out through writers
//! that the caller gives.

mod column;
mod document;
mod episode;
mod episodes;
mod export;
mod flat;
mod frames;
mod hex;
mod inputs;
mod journal;
mod judge;
mod links;
mod observed;
mod parquet_file;
mod people;
mod resimulate;
mod table;

pub use episode::{Closing, EpisodeLog, OwnConflict, Paged, PlayerLog};
pub use export::{ExportError, ExportSummary, Exporter, Format, export};
pub use inputs::{Contradiction, KnownInput, Origin, Statement};
pub use journal::{
    Journal, LinkLog, PageLoad, ParticipantEnd, ParticipantLog, SceneVisit, SessionLog,
    StudyOpening,
};
pub use judge::{Coverage, Difference, Examination, Field, Reading, examine, judge};
pub use resimulate::{Resimulation, ResimulationError};
pub use table::Sink;
