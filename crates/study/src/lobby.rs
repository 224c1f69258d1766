//! Waiting for partners.

use std::time::Duration;

use igym_protocol::ParticipantId;

use crate::Millis;

/// Those who wait at one game, in the order in which they came.
#[derive(Default)]
pub(crate) struct Lobby {
    waiting: Vec<Waiting>,
}

struct Waiting {
    participant: ParticipantId,
    closes_at: Millis,
    /// Set while the page is not connected: nobody is matched with an empty chair.
    away_until: Option<Millis>,
}

/// Which of those who wait play together.
#[derive(Clone, Copy)]
pub(crate) enum Matchmaking {
    /// Whoever came first.
    FirstCome,
}

/// What waiting came to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    /// Nobody came in time.
    TimedOut,
    /// The page was gone too long to keep the place.
    Away,
}

impl Matchmaking {
    /// The members of the next group, in player order, out of those who are there, in the order
    /// in which they came.
    fn group(self, there: &[ParticipantId], size: usize) -> Option<Vec<ParticipantId>> {
        match self {
            Matchmaking::FirstCome => there.get(..size).map(<[_]>::to_vec),
        }
    }
}

impl Lobby {
    /// Those whose pages are connected, in the order in which they came.
    pub(crate) fn there(&self) -> Vec<ParticipantId> {
        let there = self.waiting.iter().filter(|one| one.away_until.is_none());
        there.map(|one| one.participant).collect()
    }

    pub(crate) fn closes_at(&self, participant: ParticipantId) -> Option<Millis> {
        self.find(participant).map(|one| one.closes_at)
    }

    /// When the participant has to be looked at.
    pub(crate) fn deadline(&self, participant: ParticipantId) -> Option<Millis> {
        let one = self.find(participant)?;
        let away = one.away_until.unwrap_or(one.closes_at);
        Some(away.min(one.closes_at))
    }

    pub(crate) fn due(&self, participant: ParticipantId, now: Millis) -> Option<Due> {
        let one = self.find(participant)?;
        if one.closes_at <= now {
            return Some(Due::TimedOut);
        }
        one.away_until
            .filter(|until| *until <= now)
            .map(|_| Due::Away)
    }

    pub(crate) fn join(&mut self, now: Millis, participant: ParticipantId, timeout: Duration) {
        self.waiting.push(Waiting {
            participant,
            closes_at: now + timeout,
            away_until: None,
        });
    }

    pub(crate) fn leave(&mut self, participant: ParticipantId) {
        self.waiting.retain(|one| one.participant != participant);
    }

    /// Whether the participant is there from now on, or away until some moment.
    pub(crate) fn set_away(&mut self, participant: ParticipantId, until: Option<Millis>) {
        let mut all = self.waiting.iter_mut();
        if let Some(one) = all.find(|one| one.participant == participant) {
            one.away_until = until;
        }
    }

    /// Takes the next group out of the lobby, if there is one among those who are ready.
    pub(crate) fn take_group(
        &mut self,
        matchmaking: Matchmaking,
        ready: &[ParticipantId],
        size: usize,
    ) -> Option<Vec<ParticipantId>> {
        let group = matchmaking.group(ready, size)?;
        self.waiting.retain(|one| !group.contains(&one.participant));
        Some(group)
    }

    fn find(&self, participant: ParticipantId) -> Option<&Waiting> {
        self.waiting
            .iter()
            .find(|one| one.participant == participant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_came_first_is_matched_first() {
        let people: Vec<_> = (1..=5)
            .map(|number| ParticipantId(uuid::Uuid::from_u128(number)))
            .collect();
        let mut lobby = Lobby::default();
        for who in &people {
            lobby.join(Millis(0), *who, Duration::from_secs(1));
        }
        let take = |lobby: &mut Lobby, size| {
            let there = lobby.there();
            lobby.take_group(Matchmaking::FirstCome, &there, size)
        };
        lobby.set_away(people[1], Some(Millis(9)));
        let group = take(&mut lobby, 3);
        assert_eq!(group, Some(vec![people[0], people[2], people[3]]));
        assert_eq!(take(&mut lobby, 2), None);
        lobby.set_away(people[1], None);
        let group = take(&mut lobby, 2);
        assert_eq!(group, Some(vec![people[1], people[4]]), "the place is kept");
    }
}
