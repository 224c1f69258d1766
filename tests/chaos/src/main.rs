//! Bots play through the real program, which is killed with SIGKILL at random instants and started
//! again on the same data; pages crash and are loaded again too. In the end nobody may be stranded,
//! every acknowledged upload must be in the journal, and every episode must be `verified`.
//!
//! The instants come from a seed that is printed, so that a failing run can be tried again.

mod findings;
mod people;
mod server;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::time::sleep;

use crate::findings::Findings;
use crate::people::People;
use crate::server::Server;

/// Kills the server while bots play, and checks that nothing acknowledged was lost.
#[derive(Parser)]
struct Options {
    /// How often the server is killed
    #[arg(long, default_value_t = 20)]
    kills: u32,
    /// Pairs that play at the same time
    #[arg(long, default_value_t = 4)]
    pairs: u32,
    /// The longest life of a server, in seconds
    #[arg(long, default_value_t = 3.0)]
    life_s: f64,
    /// How often a bot's page crashes, on average, in seconds; 0 for never
    #[arg(long, default_value_t = 20.0)]
    crash_s: f64,
    /// What the instants are drawn from; drawn itself unless given
    #[arg(long)]
    seed: Option<u64>,
    /// The igym program
    #[arg(long)]
    program: PathBuf,
    /// The built pages
    #[arg(long)]
    web: PathBuf,
}

/// So long may people take to come to their last page when nobody is killed any more.
const PATIENCE: Duration = Duration::from_secs(180);

fn main() -> ExitCode {
    let options = Options::parse();
    let seed = options
        .seed
        .unwrap_or_else(|| rand::rng().random_range(0..1_000_000));
    println!("seed {seed}");
    let runtime = tokio::runtime::Runtime::new().context("no asynchronous runtime");
    match runtime.and_then(|runtime| runtime.block_on(run(&options, seed))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}\nthe same instants again: --seed {seed}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: &Options, seed: u64) -> Result<()> {
    let mut random = StdRng::seed_from_u64(seed);
    let began = Instant::now();
    let mut server = Server::start(&options.program, &options.web).await?;
    let people = People::begin(&server.link(), options.pairs, options.crash_s, seed);
    for kill in 1..=options.kills {
        sleep(Duration::from_secs_f64(
            random.random_range(0.05..options.life_s),
        ))
        .await;
        server.kill()?;
        sleep(Duration::from_secs_f64(random.random_range(0.0..0.5))).await;
        server
            .restart()
            .await
            .with_context(|| format!("after kill {kill}"))?;
        println!("kill {kill} of {}: {}", options.kills, people.standing());
    }
    let pasts = people.finish(PATIENCE).await?;
    server.stop()?;
    let findings = Findings::of(server.data(), &pasts)?;
    println!("{findings}");
    println!("{} s", began.elapsed().as_secs());
    server.checks(&["verify"])?;
    server.checks(&["doctor"])?;
    findings.judge()?;
    ensure!(
        options.kills == 0 || findings.reconnected > 0,
        "no page met a server that was killed: the run proves nothing"
    );
    Ok(())
}
