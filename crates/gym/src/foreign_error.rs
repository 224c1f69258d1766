//! What can go wrong behind the bytes border, as whoever studies it needs to know it.

use std::fmt;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::foreign_batch::{ERROR, PROTOCOL};

/// Why a foreign environment cannot go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, thiserror::Error)]
#[ts(export)]
pub struct ForeignError {
    pub kind: ForeignErrorKind,
    /// What went wrong, for whoever wrote the study.
    pub message: String,
    /// The study's innermost file that was running, where there is one.
    pub file: Option<String>,
    /// The line in `file`, from 1.
    pub line: Option<u32>,
    /// The frame at which the environment stood.
    pub frame: Option<u32>,
    /// A traceback, for whoever wrote the study alone: it may name paths and hold values.
    pub details: String,
}

/// Who has to look at a [`ForeignError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum ForeignErrorKind {
    /// Study and environment do not fit.
    Setup,
    /// The environment raised.
    Environment,
    /// The environment's state cannot be kept or compared.
    State,
    /// The environment returned what cannot be recorded.
    Value,
    /// Host and runtime do not understand each other.
    Protocol,
    /// The runtime is gone, or did not answer.
    Runtime,
}

impl ForeignError {
    /// An error of the host's own, without a place in a file.
    pub fn new(kind: ForeignErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            file: None,
            line: None,
            frame: None,
            details: String::new(),
        }
    }

    pub(crate) fn protocol(message: impl Into<String>) -> Self {
        Self::new(ForeignErrorKind::Protocol, message)
    }

    /// The bytes of an answer that holds nothing but this error: for a [`Runtime`](crate::Runtime)
    /// whose interpreter is gone.
    pub fn answer(&self) -> Vec<u8> {
        let json = serde_json::to_vec(self).expect("texts and numbers are JSON");
        let length = u32::try_from(json.len()).unwrap_or(u32::MAX);
        let mut answer = vec![PROTOCOL, ERROR];
        answer.extend(length.to_le_bytes());
        answer.extend(json);
        answer
    }

    /// Reads the JSON of an error entry. One that cannot be read is an error too.
    pub(crate) fn read(json: &[u8]) -> Self {
        match serde_json::from_slice::<Entry>(json) {
            Ok(entry) => Self {
                kind: ForeignErrorKind::named(&entry.kind),
                message: entry.message,
                file: entry.file,
                line: entry.line,
                frame: entry.frame,
                details: entry.details,
            },
            Err(error) => {
                Self::protocol(format!("the runtime failed and did not say why: {error}"))
            }
        }
    }
}

impl ForeignErrorKind {
    fn named(name: &str) -> Self {
        match name {
            "setup" => Self::Setup,
            "environment" => Self::Environment,
            "state" => Self::State,
            "value" => Self::Value,
            "runtime" => Self::Runtime,
            _ => Self::Protocol,
        }
    }
}

/// `file:line: message`, as far as they are known.
impl fmt::Display for ForeignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.file, self.line) {
            (Some(file), Some(line)) => write!(f, "{file}:{line}: {}", self.message),
            (Some(file), None) => write!(f, "{file}: {}", self.message),
            (None, _) => f.write_str(&self.message),
        }
    }
}

/// As it comes; kinds that a later runtime may have are read too.
#[derive(Deserialize)]
struct Entry {
    kind: String,
    message: String,
    #[serde(default)]
    file: Option<String>,
    #[serde(default)]
    line: Option<u32>,
    #[serde(default)]
    frame: Option<u32>,
    #[serde(default)]
    details: String,
}
