//! From the engine's events to records.

use igym_protocol::{
    AuthoredInput, CanonicalRow, ClientEvent, InputSource, KeyEvent, Limits, Path, PresentedFrame,
    ReceivedInput, Seal,
};
use igym_rollback::{Event, Frame, Input, Micros};

use super::recorder::Recorder;
use super::{Episode, SAMPLE_EVERY, measure};

impl Episode {
    /// `at` in microseconds since the earliest time this episode was told.
    pub(super) fn us(&mut self, at: Micros) -> u64 {
        if let Some(origin) = self.origin {
            return at.since(origin).as_micros() as u64;
        }
        self.origin = Some(at);
        self.next_sample_at = at + SAMPLE_EVERY;
        self.record_lead(at);
        0
    }

    /// Records the inputs that the engine authored before any could be sampled. An engine that
    /// rejoins does so once it knows which of them nobody holds.
    fn record_lead(&mut self, now: Micros) {
        if self.lead_from.is_none() || self.engine.wanted_input().is_none() {
            return;
        }
        let from = self.lead_from.take().unwrap_or_default();
        for frame in from.0..self.engine.lead() {
            let input = self.default_input;
            self.record_authored(Frame(frame), &input, InputSource::Lead, frame, now);
        }
    }

    /// Records what the engine has to tell. `path` is that of the packet just handled.
    pub(super) fn drain(&mut self, now: Micros, path: Path) {
        let at_us = self.us(now);
        let facts = Facts {
            at_us,
            origin: self.origin.unwrap_or(now),
            path,
            head: self.engine.head().0,
        };
        while let Some(event) = self.engine.poll_event() {
            if let Event::Confirmed(confirmed) = &event
                && !self.host.confirm(confirmed.frame.0)
            {
                break;
            }
            if let Event::Desync { frame, .. } = &event {
                self.desync_at = Some(self.desync_at.map_or(frame.0, |known| known.min(frame.0)));
            }
            if let Event::Filled { first, inputs, .. } = &event {
                self.next_input = *first + inputs.len() as u32;
            }
            if let Event::Sealed { last_frame, hash } = &event {
                self.seal = Some(Seal {
                    last_frame: last_frame.0,
                    hash: hash.0,
                });
            }
            if let Event::Received {
                player,
                first,
                inputs,
                ..
            } = &event
                && *player == self.me
            {
                // What an older page authored, and the partner gives back.
                let next = *first + inputs.len() as u32;
                self.next_input = self.next_input.max(next);
                self.lead_from = self.lead_from.map(|from| from.max(next));
            }
            facts.record(event, &mut self.recorder);
        }
        self.record_lead(now);
    }

    pub(super) fn record_authored(
        &mut self,
        frame: Frame,
        input: &Input,
        source: InputSource,
        delay: u32,
        now: Micros,
    ) {
        let at_us = self.us(now);
        self.recorder.authored(AuthoredInput {
            frame: frame.0,
            player: self.me.0,
            input: input.as_slice().to_vec(),
            source,
            at_us,
            delay: delay.try_into().unwrap_or(u8::MAX),
        });
    }

    pub(super) fn record_key(&mut self, key: String, down: bool, frame: Frame, at: Micros) {
        let at_us = self.us(at);
        self.recorder.key(KeyEvent {
            at_us,
            key,
            down,
            frame: frame.0,
        });
    }

    /// Something went wrong on the host that belongs into the data.
    pub fn record_error(&mut self, message: &str, now: Micros) {
        let at_us = self.us(now);
        let message = message.chars().take(Limits::TEXT_CHARS).collect();
        self.recorder
            .event(at_us, ClientEvent::Error { at_us, message });
    }

    /// The environment's failure belongs into the data, whoever noticed it.
    pub(super) fn record_failure(&mut self, now: Micros) {
        if let Some(failure) = self.host.failure()
            && !std::mem::replace(&mut self.failure_recorded, true)
        {
            let message = format!("{failure}\n{}", failure.details);
            self.record_error(&message, now);
        }
    }

    pub(super) fn sample_links(&mut self, now: Micros) {
        if now < self.next_sample_at {
            return;
        }
        self.next_sample_at = now + SAMPLE_EVERY;
        let at_us = self.us(now);
        for (player, stats) in measure::links(&self.engine) {
            self.recorder
                .network(measure::network_sample(at_us, player, &stats));
        }
    }
}

/// What all events have in common that are taken at once.
struct Facts {
    at_us: u64,
    origin: Micros,
    path: Path,
    head: u32,
}

impl Facts {
    fn record(&self, event: Event<'_>, recorder: &mut Recorder) {
        let at_us = self.at_us;
        match event {
            Event::Presented {
                frame,
                inputs,
                predicted,
                at,
            } => {
                let at_us = at.since(self.origin).as_micros() as u64;
                recorder.presented(PresentedFrame {
                    frame: frame.0,
                    at_us,
                    inputs: bytes_of(inputs),
                    predicted: predicted.0,
                });
            }
            Event::Received {
                player,
                first,
                inputs,
                at,
                link: _,
            } => {
                let at_us = at.since(self.origin).as_micros() as u64;
                for (offset, input) in (0..).zip(inputs) {
                    recorder.received(ReceivedInput {
                        frame: (first + offset).0,
                        player: player.0,
                        input: input.as_slice().to_vec(),
                        path: self.path,
                        at_us,
                    });
                }
            }
            Event::Confirmed(confirmed) => recorder.row(CanonicalRow {
                inputs: bytes_of(confirmed.inputs),
                outcome: confirmed.outcome.to_vec(),
                digest: confirmed.digest.map(|digest| digest.0),
                hash: confirmed.hash.0,
            }),
            Event::Rollback { to, depth, player } => recorder.event(
                at_us,
                ClientEvent::Rollback {
                    at_us,
                    frame: to.0,
                    depth: depth.try_into().unwrap_or(u16::MAX),
                    player: player.0,
                },
            ),
            Event::Stalled { player } => {
                let frame = self.head;
                recorder.event(
                    at_us,
                    ClientEvent::Stall {
                        at_us,
                        frame,
                        player: player.0,
                    },
                );
            }
            Event::Resumed => {
                let frame = self.head;
                recorder.event(at_us, ClientEvent::Resume { at_us, frame });
            }
            // Every authored input says with which delay.
            Event::DelayAnnounced { .. } => {}
            // Nobody sampled these, as in the lead.
            Event::Filled {
                player,
                first,
                inputs,
            } => {
                for (frame, input) in (first.0..).zip(inputs) {
                    recorder.authored(AuthoredInput {
                        frame,
                        player: player.0,
                        input: input.as_slice().to_vec(),
                        source: InputSource::Lead,
                        at_us,
                        delay: frame
                            .saturating_sub(self.head)
                            .try_into()
                            .unwrap_or(u8::MAX),
                    });
                }
            }
            Event::Desync { frame, link, .. } => {
                recorder.event(
                    at_us,
                    ClientEvent::Desync {
                        at_us,
                        frame: frame.0,
                        // Every partner is alone at the other end of the link of its number.
                        player: link.0,
                    },
                );
            }
            // The seal is uploaded last of all; an episode is not closed before its end.
            Event::Sealed { .. } | Event::Resynced { .. } | Event::Closed { .. } => {}
        }
    }
}

fn bytes_of(inputs: &[Input]) -> Vec<Vec<u8>> {
    inputs
        .iter()
        .map(|input| input.as_slice().to_vec())
        .collect()
}
