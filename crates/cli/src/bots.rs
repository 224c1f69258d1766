//! `igym bots`.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::time::Duration;

use anyhow::{Context as _, Result};
use igym_bot::Browser;
use igym_protocol::Outcome;
use indicatif::ProgressBar;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::arguments::BotsOptions;
use crate::exit::Exit;
use crate::progress;

pub(crate) fn run(options: &BotsOptions) -> Result<Exit> {
    let bar = progress::bots(options.count, "at the last page");
    let counts = Runtime::new()
        .context("cannot start the asynchronous runtime")?
        .block_on(play(options, &bar))?;
    bar.finish_and_clear();
    let mut out = io::stdout().lock();
    for (outcome, count) in &counts {
        writeln!(out, "{count:>6}  {}", name(*outcome))?;
    }
    let completed = counts.get(&Outcome::Completed).copied().unwrap_or(0);
    match completed == options.count {
        true => Ok(Exit::Good),
        false => Ok(Exit::Failed),
    }
}

async fn play(options: &BotsOptions, bar: &ProgressBar) -> Result<BTreeMap<Outcome, u32>> {
    let pause = Duration::from_secs_f64(options.every_s);
    let mut bots = JoinSet::new();
    for number in 0..options.count {
        if number > 0 {
            sleep(pause).await;
        }
        let mut browser = Browser::arrive(&options.link, options.seed + u64::from(number)).await?;
        bots.spawn(async move { browser.visit().await });
    }
    let mut counts = BTreeMap::new();
    while let Some(ending) = bots.join_next().await {
        let ending = ending.context("a bot broke down")??;
        *counts.entry(ending.outcome).or_default() += 1;
        bar.inc(1);
    }
    Ok(counts)
}

fn name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Completed => "completed the study",
        Outcome::LobbyTimeout => "found no partner in time",
        Outcome::ConnectionFailed => "could not be connected to their partner",
        Outcome::ValidationFailed => "ran something else than their partner",
        Outcome::PartnerLeft => "lost their partner",
        Outcome::EnvironmentFailed => "ended by an error in the environment",
        Outcome::TooSlow => "ran the environment too slowly",
        Outcome::Left => "left or were away for too long",
    }
}
