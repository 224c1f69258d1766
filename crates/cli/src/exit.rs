//! How the program ends, and how it says what went wrong.

use std::io::{self, ErrorKind};
use std::process::ExitCode;

use anyhow::Error;

/// What the exit code says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Good,
    /// The command did its work and found something wrong.
    Found,
    /// The command could not do its work.
    Failed,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Good => Self::SUCCESS,
            Exit::Found => Self::from(1),
            Exit::Failed => Self::from(2),
        }
    }
}

/// Says what went wrong and why, without a trace of the stack.
pub(crate) fn report(error: &Error) -> Exit {
    let io = error.downcast_ref::<io::Error>();
    if io.is_some_and(|error| error.kind() == ErrorKind::BrokenPipe) {
        // Whoever read our output has seen enough.
        return Exit::Good;
    }
    eprintln!("error: {error}");
    let mut said = error.to_string();
    for cause in error.chain().skip(1) {
        let text = cause.to_string();
        // Some errors already repeat what caused them.
        if !said.contains(&text) {
            eprintln!("  because: {text}");
        }
        said = text;
    }
    Exit::Failed
}
