//! The rollback engine's property tests over many more cases than a test run has time for.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::process::{elapsed, note, output, step};
use crate::rust::{PROFILE, cargo};

#[derive(Args)]
pub(crate) struct Options {
    /// How many random cases
    #[arg(long, default_value_t = 1_000_000)]
    cases: u64,
    /// The seed of the first portion; each portion of 5,000 cases has the next one
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Cases per seed: what is played again to see a failure.
const PORTION: u64 = 5_000;

/// What is left to do, and what was found.
struct Progress {
    next: u64,
    done: u64,
    failure: Option<String>,
}

/// Plays until all cases are done or one fails, whose seed it prints.
pub(crate) fn run(options: &Options) -> Result<()> {
    let program = step("the engine's tests", test_program)?;
    let portions = options.cases.div_ceil(PORTION);
    let progress = Mutex::new(Progress {
        next: 0,
        done: 0,
        failure: None,
    });
    let began = Instant::now();
    let work = || {
        while let Some(portion) = take(&progress, portions) {
            let seed = options.seed + portion;
            let cases = PORTION.min(options.cases - portion * PORTION);
            let failure = play(&program, seed, cases);
            let mut progress = progress.lock().expect("no thread panics");
            progress.done += cases;
            match failure {
                Ok(None) => note(&format!(
                    "{} of {} cases, seed {seed}, {}",
                    progress.done,
                    options.cases,
                    elapsed(began.elapsed())
                )),
                Ok(Some(text)) => _ = progress.failure.get_or_insert(text),
                Err(error) => _ = progress.failure.get_or_insert(format!("{error:#}")),
            }
        }
    };
    thread::scope(|scope| {
        let workers = thread::available_parallelism().map_or(1, usize::from);
        for _ in 0..workers {
            scope.spawn(work);
        }
    });
    match progress.into_inner().expect("no thread panics").failure {
        Some(failure) => bail!("{failure}"),
        None => Ok(()),
    }
}

fn take(progress: &Mutex<Progress>, portions: u64) -> Option<u64> {
    let mut progress = progress.lock().expect("no thread panics");
    let portion = progress.next;
    progress.next += 1;
    (portion < portions && progress.failure.is_none()).then_some(portion)
}

/// Every property test with this seed; what it printed if one failed.
fn play(program: &PathBuf, seed: u64, cases: u64) -> Result<Option<String>> {
    let output = Command::new(program)
        .args(["parity::", "rejoin::", "bytes::", "leaving::"])
        .args(["--test-threads", "1"])
        .env("IGYM_ROLLBACK_SEED", seed.to_string())
        .env("IGYM_ROLLBACK_CASES", cases.to_string())
        .env("RUST_BACKTRACE", "0")
        .stdin(Stdio::null())
        .output()
        .context("cannot start the tests")?;
    Ok((!output.status.success()).then(|| {
        format!(
            "{}\nseed {seed} fails; again: cargo xtask soak --seed {seed} --cases {cases}",
            String::from_utf8_lossy(&output.stdout)
        )
    }))
}

/// Builds the tests, and returns the program that they are.
fn test_program() -> Result<PathBuf> {
    let built = output(
        cargo()
            .args(["test", "--package", "igym-rollback", "--test", "it"])
            .args(["--all-features", "--profile", PROFILE])
            .args(["--no-run", "--message-format", "json"]),
    )?;
    let text = String::from_utf8_lossy(&built.stdout);
    let executable = text.lines().rev().find_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        Some(PathBuf::from(message["executable"].as_str()?))
    });
    executable.with_context(|| String::from_utf8_lossy(&built.stderr).into_owned())
}
