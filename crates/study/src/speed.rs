//! How fast pages run an environment, and what follows from it.

use std::time::Duration;

use igym_protocol::{Limits, Measurement, Outcome, ParticipantId, Record, Refusal};

use crate::moves::is_past;
use crate::participant::{Measured, Place};
use crate::refusal::not_now;
use crate::{Millis, Study};

/// Frames of the rollback that pages measure.
const MEASURED_FRAMES: u64 = 10;

/// However slow a machine is, it plays on for so long without hearing from a partner: below it,
/// play over an ordinary distance would stand still again and again.
const LEAST_WINDOW: Duration = Duration::from_millis(150);

/// How far the pages of a session simulate ahead of their last confirmed frame: so many frames as
/// the slowest of them can play again within the time of one, and no more than the study wants.
/// A longer rollback would be late with the next frame, and so with its own inputs.
pub(crate) fn window(
    wanted: Duration,
    frames_per_second: u16,
    slowest: Option<Measurement>,
) -> Duration {
    let frame = 1_000_000 / u64::from(frames_per_second.max(1));
    let rollback = slowest.map_or(0, |slowest| u64::from(slowest.rollback_us));
    match (frame * MEASURED_FRAMES).checked_div(rollback) {
        Some(frames) => {
            let in_time = Duration::from_micros(frames * frame);
            wanted.min(in_time.max(LEAST_WINDOW))
        }
        None => wanted,
    }
}

/// The slower one of two machines.
pub(crate) fn slower(one: Option<Measurement>, other: Option<Measurement>) -> Option<Measurement> {
    [one, other]
        .into_iter()
        .flatten()
        .max_by_key(|measurement| measurement.rollback_us)
}

impl Study {
    /// A page says how fast it runs the environment of the game that it is about to play: before it
    /// joins the lobby, or in it, where it was loaded again since.
    pub(crate) fn measured(
        &mut self,
        now: Millis,
        who: ParticipantId,
        scene: u32,
        measurement: Measurement,
    ) -> Result<(), Refusal> {
        let limit = self.slowest_rollback(scene)?;
        let waits = match self.place(who) {
            Some(Place::Instructions { scene: here }) if *here == scene => false,
            Some(Place::Lobby { scene: here }) if *here == scene => true,
            Some(Place::Session { scene: here, .. }) if *here == scene => return Ok(()),
            place if is_past(place, scene) => return Ok(()),
            _ => return not_now(format!("scene {scene} is not the present one")),
        };
        let Some(one) = self.participants.get_mut(&who) else {
            return Ok(());
        };
        let incarnation = one.incarnation;
        if one.has_measured(scene) {
            return Ok(());
        }
        one.measured = Some(Measured {
            scene,
            incarnation,
            measurement,
        });
        self.effects.record(Record::Measured {
            participant: who,
            scene,
            incarnation,
            measurement,
        });
        let too_slow = Duration::from_micros(measurement.rollback_us.into()) > limit;
        match (too_slow, waits) {
            (true, true) => {
                self.leave_lobby(who, scene);
                self.finish(who, Outcome::TooSlow);
            }
            (true, false) => self.finish(who, Outcome::TooSlow),
            (false, true) => {
                self.lobby_changed(scene);
                self.match_waiting(now, scene);
            }
            (false, false) => self.effects.view(who),
        }
        Ok(())
    }

    /// A page cannot run the environment of the game that it is about to play.
    pub(crate) fn unable(
        &mut self,
        who: ParticipantId,
        scene: u32,
        message: &str,
    ) -> Result<(), Refusal> {
        self.slowest_rollback(scene)?;
        let waits = match self.place(who) {
            Some(Place::Instructions { scene: here }) if *here == scene => false,
            Some(Place::Lobby { scene: here }) if *here == scene => true,
            place if is_past(place, scene) => return Ok(()),
            Some(Place::Session { .. }) => {
                return not_now("in a session, say that the environment failed");
            }
            _ => return not_now(format!("scene {scene} is not the present one")),
        };
        self.effects.record(Record::EnvironmentUnable {
            participant: who,
            scene,
            message: message.chars().take(Limits::TEXT_CHARS).collect(),
        });
        if waits {
            self.leave_lobby(who, scene);
        }
        self.finish(who, Outcome::EnvironmentFailed);
        Ok(())
    }

    /// Whether nothing is in the way of joining the lobby of this scene.
    pub(crate) fn has_measured(&self, who: ParticipantId, scene: u32) -> bool {
        let game = self.config.game(scene);
        let wanted = game.is_some_and(|game| game.slowest_rollback.is_some());
        let one = self.participants.get(&who);
        !wanted || one.is_some_and(|one| one.has_measured(scene))
    }

    /// The slowest machine among those of a group that is about to play this scene.
    pub(crate) fn slowest(&self, scene: u32, group: &[ParticipantId]) -> Option<Measurement> {
        let people = group.iter().filter_map(|who| self.participants.get(who));
        let measured = people.filter_map(|one| one.measured.as_ref());
        measured
            .filter(|measured| measured.scene == scene)
            .fold(None, |slowest, measured| {
                slower(slowest, Some(measured.measurement))
            })
    }

    fn slowest_rollback(&self, scene: u32) -> Result<Duration, Refusal> {
        let game = self.config.game(scene);
        match game.and_then(|game| game.slowest_rollback) {
            Some(limit) => Ok(limit),
            None => not_now(format!("scene {scene} has nothing to measure")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window_ms(wanted: u64, frames_per_second: u16, rollback_us: u32) -> u128 {
        let slowest = Some(Measurement {
            rollback_us,
            ..Measurement::default()
        });
        let wanted = Duration::from_millis(wanted);
        window(wanted, frames_per_second, slowest).as_millis()
    }

    #[test]
    fn the_window_is_what_the_slowest_can_play_again_within_a_frame() {
        // A frame lasts 33.3 ms, in which 33 frames of 1 ms can be played again: 1.1 s.
        assert_eq!(window_ms(500, 30, 10_000), 500, "fast enough");
        assert_eq!(window_ms(2_000, 30, 10_000), 1_099);
        assert_eq!(window_ms(500, 30, 30_000), 366);
        assert_eq!(window_ms(500, 30, 50_000), 199);
        // At twice the rate there is half the time, and frames are half as long.
        assert_eq!(window_ms(500, 60, 15_000), 183);
        assert_eq!(window_ms(500, 30, 100_000), 150, "the least");
        assert_eq!(window_ms(500, 30, u32::MAX), 150);
        assert_eq!(window_ms(100, 30, u32::MAX), 100, "as the study wants");
        assert_eq!(window_ms(500, 30, 0), 500, "too fast for its clock");
        let wanted = Duration::from_millis(500);
        assert_eq!(window(wanted, 30, None), wanted, "nothing was measured");
    }

    #[test]
    fn the_slower_machine_counts() {
        let of = |rollback_us| {
            Some(Measurement {
                rollback_us,
                ..Measurement::default()
            })
        };
        assert_eq!(slower(of(1), of(2)), of(2));
        assert_eq!(slower(of(2), of(1)), of(2));
        assert_eq!(slower(None, of(1)), of(1));
        assert_eq!(slower(None, None), None);
    }
}
