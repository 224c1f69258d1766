//! Bots that come, crash, come back, and are followed by others.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use anyhow::{Context as _, Result};
use igym_bot::{Acknowledged, BotError, Browser, Ending};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// What became of one bot.
pub(crate) struct Past {
    pub(crate) ending: Ending,
    pub(crate) acknowledged: Option<Acknowledged>,
    pub(crate) crashes: u64,
    pub(crate) reconnected: u64,
}

#[derive(Default)]
struct Tally {
    arrived: AtomicU64,
    ended: AtomicU64,
    crashes: AtomicU64,
    closing: AtomicBool,
}

/// Places for two; who come to their end are followed by two others until the last kill. Two at a
/// time, so that nobody is left over in the lobby.
pub(crate) struct People {
    tally: Arc<Tally>,
    places: JoinSet<Result<Vec<Past>, BotError>>,
}

impl People {
    pub(crate) fn begin(link: &str, pairs: u32, crash_s: f64, seed: u64) -> Self {
        let tally = Arc::new(Tally::default());
        let mut places = JoinSet::new();
        for place in 0..u64::from(pairs) {
            let (link, tally) = (link.to_owned(), tally.clone());
            let random = StdRng::seed_from_u64(seed.wrapping_mul(1_000_003).wrapping_add(place));
            places.spawn(hold(link, crash_s, random, tally));
        }
        Self { tally, places }
    }

    pub(crate) fn standing(&self) -> String {
        self.tally.text()
    }

    /// Nobody comes any more and no page crashes; waits until all have come to their end.
    pub(crate) async fn finish(mut self, patience: Duration) -> Result<Vec<Past>> {
        self.tally.closing.store(true, Relaxed);
        let standing = self.tally.clone();
        let all = async {
            let mut pasts = Vec::new();
            while let Some(place) = self.places.join_next().await {
                pasts.extend(place.context("a bot broke down")??);
            }
            Ok(pasts)
        };
        timeout(patience, all)
            .await
            .with_context(|| format!("somebody is stranded: {}", standing.text()))?
    }
}

impl Tally {
    fn text(&self) -> String {
        let [arrived, ended, crashes] =
            [&self.arrived, &self.ended, &self.crashes].map(|number| number.load(Relaxed));
        format!("{arrived} bots came, {ended} came to their end, {crashes} page crashes")
    }
}

/// One place, until nobody comes any more.
async fn hold(
    link: String,
    crash_s: f64,
    mut random: StdRng,
    tally: Arc<Tally>,
) -> Result<Vec<Past>, BotError> {
    let mut pasts = Vec::new();
    while !tally.closing.load(Relaxed) {
        let mut one = || StdRng::seed_from_u64(random.random());
        let (first, second) = (one(), one());
        let (first, second) = tokio::join!(
            live(&link, crash_s, first, &tally),
            live(&link, crash_s, second, &tally)
        );
        pasts.extend([first?, second?]);
    }
    Ok(pasts)
}

/// From arrival to the last page, over crashes.
async fn live(
    link: &str,
    crash_s: f64,
    mut random: StdRng,
    tally: &Tally,
) -> Result<Past, BotError> {
    let mut browser = loop {
        match Browser::arrive(link, random.random()).await {
            Ok(browser) => break browser,
            // The server is dead at the moment. Whoever arrived without hearing of it is nobody.
            Err(BotError::Arrival(_) | BotError::Answer(_)) => {
                sleep(Duration::from_millis(50)).await;
            }
            Err(error) => return Err(error),
        }
    };
    tally.arrived.fetch_add(1, Relaxed);
    let mut crashes = 0;
    let ending = loop {
        let life = match crash_s > 0.0 && !tally.closing.load(Relaxed) {
            true => Duration::from_secs_f64(random.random_range(0.1..2.0) * crash_s),
            false => Duration::MAX,
        };
        match timeout(life, browser.visit()).await {
            Ok(ending) => break ending?,
            Err(_) => {
                crashes += 1;
                tally.crashes.fetch_add(1, Relaxed);
            }
        }
    };
    tally.ended.fetch_add(1, Relaxed);
    Ok(Past {
        ending,
        crashes,
        acknowledged: browser.kept().acknowledged(),
        reconnected: browser.reconnected(),
    })
}
