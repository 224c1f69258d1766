//! The work of a tick: confirm, plan, send; then take the results and confirm again.

use crate::link::View;
use crate::rejoin::CATCH_UP_FRAMES;
use crate::timeline::Wrong;
use crate::wire::Header;
use crate::{
    Advance, Batch, CompleteError, ConfirmedFrame, Engine, Event, Frame, Micros, Packet,
    PlayerIndex, Request, StepResult, Wait, chain,
};

/// Frames below the first unconfirmed one whose remote inputs are still compared with what a peer
/// sends again.
const RESENT_FRAMES: u32 = 64;

/// The batch that the host is running: the steps from `first` to `end`.
#[derive(Debug)]
pub(crate) struct OpenBatch {
    pub(crate) id: u64,
    now: Micros,
    first: Frame,
    end: Frame,
    /// Frames gone back; 0 without a rollback.
    depth: u32,
    /// The frames from the head on are shown for the first time, not caught up on.
    shown: bool,
}

impl Engine {
    pub(crate) fn tick(&mut self, now: Micros) -> Advance {
        if let Some(open) = &self.open {
            return Advance::Wait(Wait::BatchOpen { id: open.id });
        }
        if self.rejoining() && self.pace.started(now) {
            self.pace.hold(now);
        } else {
            let leads = self.links.iter().filter_map(|link| link.clock.lead_us());
            self.pace.tick(now, leads.max());
        }
        self.confirm();
        let blocked = self.blocked(now);
        self.note_stall(blocked);
        let wrong = self.timeline.wrong();
        let advance = match (wrong, blocked) {
            (None, Some(wait)) => {
                if let Wait::Ending { .. } = wait {
                    self.pace.owe(1);
                }
                Advance::Wait(wait)
            }
            (Some(_), _) | (None, None) => Advance::Run(self.plan(now, wrong, blocked.is_none())),
        };
        self.make_packets(now);
        advance
    }

    /// Why the head cannot be simulated. A speculative end does not block it if a rollback comes
    /// first: the host leaves the head out if the end is there again.
    fn blocked(&self, now: Micros) -> Option<Wait> {
        if self.sealed.is_some() {
            return Some(Wait::Sealed);
        }
        if !self.pace.started(now) {
            let at = self.config.start_at;
            return Some(Wait::NotStarted { at });
        }
        let head = self.timeline.head();
        if let Some(end) = self.catch_up_end() {
            // Nothing is simulated with a guess until it is known what must not be authored.
            return match self.owing_link() {
                Some(link) if head >= end => Some(Wait::Rejoining { link }),
                Some(_) | None => None,
            };
        }
        let (missing, player) = self.inputs.first_missing();
        if let (Some(frame), None) = (self.timeline.terminal(), self.timeline.wrong()) {
            return Some(Wait::Ending { frame, player });
        }
        let mut local = self.config.local.iter();
        if let Some(player) = local.find(|p| self.inputs.of(*p).end() <= head) {
            return Some(Wait::LocalInput {
                player,
                frame: head,
            });
        }
        (head >= missing + self.config.window).then_some(Wait::Window {
            player,
            frame: missing,
        })
    }

    fn note_stall(&mut self, blocked: Option<Wait>) {
        let player = match blocked {
            Some(Wait::Window { player, .. }) => Some(player),
            Some(
                Wait::NotStarted { .. }
                | Wait::LocalInput { .. }
                | Wait::Ending { .. }
                | Wait::Rejoining { .. }
                | Wait::Sealed
                | Wait::BatchOpen { .. },
            )
            | None => None,
        };
        self.counters.stalled_ticks += u64::from(player.is_some());
        match (self.stalled, player) {
            (None, Some(player)) => {
                self.counters.stalls += 1;
                self.events.push_back(Event::Stalled { player });
            }
            (Some(_), None) => self.events.push_back(Event::Resumed),
            (None, None) | (Some(_), Some(_)) => {}
        }
        self.stalled = player;
    }

    fn plan(&mut self, now: Micros, wrong: Option<Wrong>, with_head: bool) -> Batch {
        let head = self.timeline.head();
        let end = match self.catch_up_end() {
            Some(end) => end.min(head + CATCH_UP_FRAMES),
            None if with_head => head + 1,
            None => head,
        };
        let first = wrong.map_or(head, |wrong| wrong.frame);
        let (missing, _) = self.inputs.first_missing();
        let mut requests = Vec::new();
        if let Some(Wrong { frame, player }) = wrong {
            requests.push(Request::Load { frame });
            self.events.push_back(Event::Rollback {
                to: frame,
                depth: head - frame,
                player,
            });
            self.counters.rollbacks += 1;
            self.counters.deepest_rollback = self.counters.deepest_rollback.max(head - frame);
        }
        for frame in (first.0..end.0).map(Frame) {
            // Only a frame with a guess can be gone back to.
            let loaded = wrong.is_some_and(|wrong| wrong.frame == frame);
            if !loaded && (frame >= missing || frame == Frame(0)) {
                requests.push(Request::Save { frame });
            }
            let (inputs, predicted) = self.inputs.at(frame);
            requests.push(Request::Step {
                frame,
                inputs,
                predicted,
            });
        }
        self.batches += 1;
        self.open = Some(OpenBatch {
            id: self.batches,
            now,
            first,
            end,
            depth: head - first,
            shown: !self.rejoining(),
        });
        Batch {
            id: self.batches,
            requests,
            keep_from: missing.min(end),
        }
    }

    fn make_packets(&mut self, now: Micros) {
        let head = match &self.open {
            Some(open) => open.end,
            None => self.timeline.head(),
        };
        let view = View {
            header: Header {
                epoch: self.config.epoch,
                incarnation: self.config.incarnation,
            },
            head,
            sealed: self.sealed.is_some(),
            known: self.known(),
            inputs: &self.inputs,
            history: &self.history,
        };
        self.packets.clear();
        for link in &mut self.links {
            self.packets.push_back(Packet {
                link: link.id,
                bytes: link.packet(now, &view),
            });
        }
    }

    pub(crate) fn take_results(
        &mut self,
        id: u64,
        results: Vec<StepResult>,
    ) -> Result<(), CompleteError> {
        let open = match self.open.take() {
            Some(open) if open.id == id => open,
            other => {
                self.open = other;
                return Err(CompleteError::NotOpen { id });
            }
        };
        if let Err(error) = check_results(&open, &results) {
            self.open = Some(open);
            return Err(error);
        }
        let head = self.timeline.head();
        let ended = self.timeline.terminal().is_some();
        for result in results {
            let (inputs, predicted) = self.inputs.at(result.frame);
            let frame = result.frame;
            let shown = inputs.clone();
            let depth = if frame < head { open.depth } else { 0 };
            let first = self.timeline.simulated(inputs, result, open.now, depth);
            self.counters.resimulated_frames += u64::from(!first);
            if first && open.shown {
                self.events.push_back(Event::Presented {
                    frame,
                    inputs: shown,
                    predicted,
                    at: open.now,
                });
            }
        }
        self.timeline.corrected();
        if self.timeline.terminal().is_some() {
            self.pace.owe(head - self.timeline.head());
        } else if ended {
            self.pace.repay();
        }
        self.confirm();
        Ok(())
    }

    /// Emits what became canonical, and seals at a canonical end.
    fn confirm(&mut self) {
        let (missing, _) = self.inputs.first_missing();
        while self.sealed.is_none()
            && let Some(record) = self.timeline.confirm(missing)
        {
            let predicted_wrong = record.shown_wrong();
            let result = record.result;
            debug_assert_eq!(self.inputs.at(result.frame).0, record.inputs);
            let hash = chain(
                self.hash,
                result.frame,
                &record.inputs,
                &result.outcome,
                result.digest,
            );
            self.hash = hash;
            self.history.push(hash);
            self.events.push_back(Event::Confirmed(ConfirmedFrame {
                frame: result.frame,
                inputs: record.inputs,
                outcome: result.outcome,
                digest: result.digest,
                hash,
                predicted_wrong,
                first_simulated_at: record.first_simulated_at,
                rollback_depth: record.rollback_depth,
            }));
            if result.terminal {
                self.sealed = Some(result.frame);
                self.timeline.close();
                self.events.push_back(Event::Sealed {
                    last_frame: result.frame,
                    hash,
                });
            }
        }
        for index in 0..self.links.len() {
            let difference = self.links[index].comparison.confirmed(&self.history);
            self.tell_desync(index, difference);
        }
        self.forget();
        self.settle();
    }

    /// Lets go of what no peer, no later page load of one, and no rollback can need.
    pub(crate) fn forget(&mut self) {
        let base = self.timeline.base();
        let base_or_durable = base.min(self.durable);
        let needed = self.links.iter().map(|link| link.needed_from());
        let local_from = needed
            .min()
            .map_or(base_or_durable, |frame| frame.min(base_or_durable));
        let remote_from = local_from.min(Frame(base - Frame(RESENT_FRAMES)));
        for player in (0..self.config.players as u8).map(PlayerIndex) {
            let local = self.config.local.contains(player);
            let from = if local { local_from } else { remote_from };
            self.inputs.of_mut(player).forget_before(from);
        }
    }
}

fn check_results(open: &OpenBatch, results: &[StepResult]) -> Result<(), CompleteError> {
    for (position, (result, expected)) in results.iter().zip(open.first.0..).enumerate() {
        let expected = Frame(expected);
        if result.frame != expected {
            return Err(CompleteError::WrongFrame {
                position,
                expected,
                found: result.frame,
            });
        }
    }
    let steps = (open.end - open.first) as usize;
    let ended = results.iter().position(|result| result.terminal);
    let most = ended.map_or(steps, |position| position + 1);
    if results.len() > most.min(steps) {
        return Err(CompleteError::TooMany);
    }
    if results.len() < most.min(steps) {
        let frame = open.first + results.len() as u32;
        return Err(CompleteError::Missing { frame });
    }
    Ok(())
}
