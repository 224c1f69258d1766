//! The links between the members' pages: attempts to make them, and what became of these.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::Millis;

/// How long links must have held for a new failure to be the first one.
const HELD: Duration = Duration::from_secs(30);

/// How often a page may say something new of a link in one attempt.
const NEWS: u32 = 8;

/// From whom to whom, as the first of the two reports it.
pub(crate) type Link = (u8, u8);

#[derive(Default)]
pub(crate) struct Links {
    /// The number of the present attempt, 0 before the first.
    attempt: u32,
    open: BTreeSet<Link>,
    failed: BTreeSet<Link>,
    /// How often there was news of a link of the present attempt.
    news: BTreeMap<Link, u32>,
    /// Since when all are open.
    held_since: Option<Millis>,
    /// Attempts of late that came to nothing.
    failures: u32,
    /// When links that are not open are made anew, in play.
    again_at: Option<Millis>,
    /// Without a relay: links that are not open in play, and how long that is borne.
    down: BTreeMap<Link, Millis>,
}

impl Links {
    /// As they were reported for the present attempt.
    pub(crate) fn restored(attempt: u32, open: BTreeSet<Link>) -> Self {
        Self {
            attempt,
            open,
            ..Self::default()
        }
    }

    /// The number of the present attempt, from 1.
    pub(crate) fn attempt(&self) -> u32 {
        self.attempt.max(1)
    }

    /// Begins a new attempt: no link is open. Its number.
    pub(crate) fn begin(&mut self) -> u32 {
        self.attempt += 1;
        self.open.clear();
        self.failed.clear();
        self.news.clear();
        self.held_since = None;
        self.again_at = None;
        self.attempt
    }

    /// Whether a page has changed its word on a link of the present attempt too often to do so
    /// again: each time is written down.
    pub(crate) fn is_too_much(&self, link: Link, open: bool) -> bool {
        let said = if open { &self.open } else { &self.failed };
        !said.contains(&link) && self.news.get(&link).is_some_and(|news| *news >= NEWS)
    }

    /// What a page says of a link of the present attempt. Whether that is news.
    pub(crate) fn report(&mut self, link: Link, open: bool) -> bool {
        let (to, from) = match open {
            true => (&mut self.open, &mut self.failed),
            false => (&mut self.failed, &mut self.open),
        };
        from.remove(&link);
        let is_news = to.insert(link);
        *self.news.entry(link).or_default() += u32::from(is_news);
        is_news
    }

    /// Members that `player` reported an open link to.
    pub(crate) fn linked(&self, player: u8) -> Vec<u8> {
        let own = self.open.iter().filter(|(from, _)| *from == player);
        own.map(|(_, to)| *to).collect()
    }

    /// Whether each of so many pages has an open link to each other one.
    pub(crate) fn all_open(&self, players: usize) -> bool {
        self.open.len() == players * players.saturating_sub(1)
    }

    /// The links between these players that are not open.
    pub(crate) fn missing(&self, players: &[u8]) -> Vec<Link> {
        let pairs = players
            .iter()
            .flat_map(|from| players.iter().map(|to| (*from, *to)));
        let missing = pairs.filter(|(from, to)| from != to && !self.open.contains(&(*from, *to)));
        missing.collect()
    }

    /// In play: all are open.
    pub(crate) fn hold(&mut self, now: Millis) {
        self.held_since.get_or_insert(now);
        self.again_at = None;
    }

    /// In play: some are not open, and are made anew before long, if that is not to be done
    /// already.
    pub(crate) fn break_up(&mut self, now: Millis) {
        let held = self.held_since.take();
        if held.is_some_and(|since| now.since(since) >= HELD) {
            self.failures = 0;
        }
        self.again_within(now + self.patience());
    }

    /// In play: an attempt began, and may take so long.
    pub(crate) fn give_time(&mut self, now: Millis, timeout: Duration) {
        self.again_within(now + timeout + self.patience());
    }

    pub(crate) fn count_failure(&mut self) {
        self.failures = self.failures.saturating_add(1);
    }

    pub(crate) fn forget_failures(&mut self) {
        self.failures = 0;
    }

    pub(crate) fn is_due(&self, now: Millis) -> bool {
        self.again_at.is_some_and(|at| at <= now)
    }

    /// Nothing is to be made anew for now.
    pub(crate) fn let_be(&mut self) {
        self.again_at = None;
    }

    /// Without a relay: it is borne until then that this link is not open, or until an earlier
    /// moment if it was not open before.
    pub(crate) fn bear(&mut self, link: Link, until: Millis) {
        self.down.entry(link).or_insert(until);
    }

    pub(crate) fn bear_no_more(&mut self, link: Link) {
        self.down.remove(&link);
    }

    pub(crate) fn forget_down(&mut self) {
        self.down.clear();
    }

    /// Whether a link has been down for too long.
    pub(crate) fn is_lost(&self, now: Millis) -> bool {
        self.down.values().any(|until| *until <= now)
    }

    /// When something is to be done in play.
    pub(crate) fn deadline(&self) -> Option<Millis> {
        self.down.values().copied().chain(self.again_at).min()
    }

    /// 2 s, then twice as long each time, and no more than 30 s.
    fn patience(&self) -> Duration {
        let seconds = 2_u64 << self.failures.min(4);
        Duration::from_secs(seconds.min(30))
    }

    fn again_within(&mut self, at: Millis) {
        self.again_at = Some(self.again_at.map_or(at, |before| before.min(at)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_come_less_and_less_often_until_links_have_held() {
        let mut links = Links::default();
        let mut now = Millis(0);
        let mut waited = Vec::new();
        for _ in 0..6 {
            links.begin();
            links.break_up(now);
            let at = links.deadline().unwrap();
            waited.push(at.since(now).as_secs());
            now = at;
            assert!(links.is_due(now));
            links.count_failure();
        }
        assert_eq!(waited, [2, 4, 8, 16, 30, 30]);
        for (held, expected) in [(29, 30), (30, 2)] {
            links.begin();
            links.hold(now);
            assert_eq!(links.deadline(), None);
            now = now + Duration::from_secs(held);
            links.break_up(now);
            assert_eq!(links.deadline(), Some(now + Duration::from_secs(expected)));
        }
    }

    #[test]
    fn an_attempt_that_hangs_has_its_time_and_one_that_fails_less() {
        let mut links = Links::default();
        links.begin();
        links.give_time(Millis(0), Duration::from_secs(5));
        assert_eq!(links.deadline(), Some(Millis(7_000)));
        links.break_up(Millis(1_000));
        links.break_up(Millis(2_000));
        assert_eq!(links.deadline(), Some(Millis(3_000)));
    }

    #[test]
    fn reports_of_an_attempt_are_news_once() {
        let mut links = Links::default();
        links.begin();
        assert!(links.report((0, 1), true) && !links.report((0, 1), true));
        assert!(links.report((1, 0), true) && links.all_open(2));
        assert_eq!(links.linked(0), [1]);
        assert!(links.report((0, 1), false) && !links.report((0, 1), false));
        assert_eq!(links.missing(&[0, 1]), [(0, 1)]);
        assert!(links.missing(&[1]).is_empty());
        links.begin();
        assert!(links.report((0, 1), false) && links.linked(1).is_empty());
    }
}
