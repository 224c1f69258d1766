//! Running the program.

use std::path::Path;
use std::process::{Command, Output};

/// What a run left behind.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// The program, free of the settings of whoever runs the tests.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_igym"));
    command.args(arguments).env("RUST_BACKTRACE", "1");
    for name in [
        "DATA",
        "LOG",
        "LOG_FORMAT",
        "HOST",
        "PORT",
        "ADDRESS",
        "WEB",
        "SEED",
        "CACHE",
        "WHEELS",
    ] {
        command.env_remove(format!("IGYM_{name}"));
    }
    command
}

pub(crate) fn igym(arguments: &[&str]) -> Run {
    Run::of(command(arguments).output().unwrap())
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

impl Run {
    pub(crate) fn of(output: Output) -> Self {
        let run = Self {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        };
        for trace in ["stack backtrace", "panicked"] {
            assert!(!run.err.contains(trace), "{}", run.err);
        }
        run
    }

    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "\n{}\n{}", self.out, self.err);
        self
    }
}
