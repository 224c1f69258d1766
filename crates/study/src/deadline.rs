//! Time limits that stand still while somebody is away.

use std::time::Duration;

use crate::Millis;

/// A moment that moves away while it stands still, altogether by no more than it can spare: who
/// comes and goes for ever holds nobody for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Deadline {
    at: Millis,
    spare: Duration,
    still_since: Option<Millis>,
}

impl Deadline {
    pub(crate) fn new(at: Millis, spare: Duration) -> Self {
        Self {
            at,
            spare,
            still_since: None,
        }
    }

    pub(crate) fn stand_still(&mut self, now: Millis) {
        self.still_since.get_or_insert(now);
    }

    pub(crate) fn run(&mut self, now: Millis) {
        if let Some(since) = self.still_since.take() {
            let stood = now.since(since).min(self.spare);
            self.at = self.at + stood;
            self.spare -= stood;
        }
    }

    /// When it is reached if nothing changes.
    pub(crate) fn moment(&self) -> Millis {
        match self.still_since {
            None => self.at,
            Some(_) => self.at + self.spare,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stands_still_for_no_longer_than_it_can_spare() {
        let mut deadline = Deadline::new(Millis(100), Duration::from_millis(30));
        deadline.stand_still(Millis(10));
        deadline.stand_still(Millis(15));
        assert_eq!(deadline.moment(), Millis(130));
        deadline.run(Millis(30));
        deadline.run(Millis(60));
        assert_eq!(deadline.moment(), Millis(120));
        deadline.stand_still(Millis(70));
        assert_eq!(deadline.moment(), Millis(130));
        deadline.run(Millis(99));
        assert_eq!(deadline.moment(), Millis(130));
        deadline.stand_still(Millis(99));
        assert_eq!(deadline.moment(), Millis(130), "nothing is left to spare");
    }
}
