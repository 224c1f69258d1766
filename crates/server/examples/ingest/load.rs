//! The participants.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use igym_protocol::{Digests, ServerMessage};
use igym_study::Scene;
use tokio::{
    sync::{Barrier, Semaphore},
    task::JoinSet,
    time::{Instant, interval_at, sleep_until},
};

use crate::{Failure, Options, cpu_seconds, page::Page, study};

/// Participants who come at the same time.
const AT_ONCE: usize = 100;

/// Longer than the server takes to ping everybody.
const PINGED: Duration = Duration::from_secs(15);

/// How often a page uploads its journal.
const BATCH: Duration = Duration::from_millis(250);

/// Canonical rows of one upload.
const ROWS: u32 = 64;

pub(crate) async fn run(
    address: SocketAddr,
    build: String,
    options: Options,
) -> Result<(), Failure> {
    println!("mark empty");
    let idle = idle(address, options.idle).await?;
    let mut waiting = JoinSet::new();
    for mut page in idle {
        // Pings are answered while a message is waited for.
        waiting.spawn(async move { page.next().await.map(drop) });
    }
    if options.idle > 0 {
        // Each has been pinged when its cost is taken.
        tokio::time::sleep(PINGED).await;
        println!("{} participants are idle", waiting.len());
        println!("mark idle");
    }
    if options.pairs > 0 {
        pairs(address, build, &options).await?;
    }
    match waiting.try_join_next() {
        Some(ended) => Err(format!("an idle participant was sent away: {ended:?}").into()),
        None => Ok(()),
    }
}

async fn idle(address: SocketAddr, number: u32) -> Result<Vec<Page>, Failure> {
    let seats = Arc::new(Semaphore::new(AT_ONCE));
    let mut coming = JoinSet::new();
    for _ in 0..number {
        let seats = seats.clone();
        coming.spawn(async move {
            let _seat = seats.acquire().await?;
            let mut page = Page::arrive(address).await?;
            page.start().await?;
            Ok::<_, Failure>(page)
        });
    }
    coming.join_all().await.into_iter().collect()
}

async fn pairs(address: SocketAddr, build: String, options: &Options) -> Result<(), Failure> {
    let study = study(options.hz);
    let environment = study.scenes.iter().find_map(|scene| match scene {
        Scene::Gym(game) => Some(game.environment_digest.clone()),
        Scene::Start(_) => None,
    });
    let digests = Digests {
        build,
        environment: environment.ok_or("the study has a game")?,
        study: study.digest(),
    };
    let number = options.pairs as usize * 2;
    let ready = Arc::new(Barrier::new(number + 1));
    let seats = Arc::new(Semaphore::new(AT_ONCE));
    let latencies = Arc::new(Mutex::new(Vec::new()));
    let mut playing = JoinSet::new();
    for index in 0..options.pairs * 2 {
        let (seats, ready, digests) = (seats.clone(), ready.clone(), digests.clone());
        let (latencies, options) = (latencies.clone(), options.clone());
        playing.spawn(async move {
            let mut page = {
                let _seat = seats.acquire().await?;
                Page::arrive(address).await?
            };
            page.enter_game(digests).await?;
            ready.wait().await;
            let phase = BATCH * (index % 100) / 100;
            let measured = play(&mut page, &options, phase).await?;
            latencies.lock().expect("nobody panics").extend(measured);
            Ok::<_, Failure>(())
        });
    }
    ready.wait().await;
    let begun = Instant::now();
    let cpu = cpu_seconds();
    println!("{} pairs play", options.pairs);
    println!("mark begin");
    let duration = Duration::from_secs(options.seconds.into());
    sleep_until(begun + duration).await;
    println!("mark end");
    let cpu = (cpu_seconds() - cpu) / duration.as_secs_f64();
    for ended in playing.join_all().await {
        ended?;
    }
    let mut latencies = std::mem::take(&mut *latencies.lock().expect("nobody panics"));
    latencies.sort_unstable();
    let quantile = |part: usize| {
        let at = (latencies.len() * part / 1000).min(latencies.len() - 1);
        latencies[at].as_secs_f64() * 1e3
    };
    println!(
        "acknowledgements: {} uploads, p50 {:.1} ms, p99 {:.1} ms, p99.9 {:.1} ms, longest {:.1} ms",
        latencies.len(),
        quantile(500),
        quantile(990),
        quantile(999),
        quantile(1000)
    );
    println!("load: {cpu:.2} of a core");
    Ok(())
}

/// Uploads as a page in play does, and measures each upload until it is acknowledged.
async fn play(
    page: &mut Page,
    options: &Options,
    phase: Duration,
) -> Result<Vec<Duration>, Failure> {
    let begun = Instant::now();
    let end = begun + Duration::from_secs(options.seconds.into());
    let mut beat = interval_at(begun + phase, BATCH);
    let (mut frame, mut rows, mut seq) = (0, 0, 0_u32);
    let mut unacknowledged = std::collections::VecDeque::new();
    let mut latencies = Vec::new();
    loop {
        tokio::select! {
            now = beat.tick() => {
                if now >= end {
                    if unacknowledged.is_empty() {
                        return Ok(latencies);
                    }
                    continue;
                }
                let elapsed = begun.elapsed().as_millis() * u128::from(options.hz) / 1000;
                let head = u32::try_from(elapsed)?;
                seq += 1;
                page.upload_journal(seq, frame..head).await?;
                unacknowledged.push_back((seq, Instant::now()));
                frame = head;
                if head >= rows + ROWS {
                    seq += 1;
                    page.upload_rows(seq, rows..rows + ROWS).await?;
                    unacknowledged.push_back((seq, Instant::now()));
                    rows += ROWS;
                }
            }
            message = page.next() => match message? {
                ServerMessage::Ack { seq, .. } => {
                    while let Some((_, sent)) = unacknowledged.pop_front_if(|(sent, _)| *sent <= seq) {
                        latencies.push(sent.elapsed());
                    }
                }
                ServerMessage::Refused { refusal } => return Err(format!("{refusal:?}").into()),
                _ => {}
            }
        }
    }
}
