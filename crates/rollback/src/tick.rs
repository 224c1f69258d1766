//! The work of a tick: confirm, plan, send; then take the results and confirm again.

use crate::packet::View;
use crate::rejoin::CATCH_UP_FRAMES;
use crate::timeline::{Record, Wrong};
use crate::types::InputList;
use crate::{
    Batch, CompleteError, ConfirmedFrame, Engine, Event, Frame, MAX_INPUT_DELAY, Micros,
    PlayerIndex, PlayerSet, Request, Wait, chain,
};
use alloc::vec::Vec;

/// Frames below the first unconfirmed one whose remote inputs are still compared with what a peer
/// sends again.
const RESENT_FRAMES: u32 = 64;

/// The batch that the host is running: the steps up to `end`.
#[derive(Debug)]
pub(crate) struct OpenBatch {
    pub(crate) id: u64,
    now: Micros,
    end: Frame,
    /// The first frame that was simulated with a wrong guess; the head without a rollback.
    wrong: Frame,
    /// The frames from the head on are shown for the first time, not caught up on.
    shown: bool,
}

impl Engine {
    /// Plans the next batch, if there is nothing to wait for.
    pub(crate) fn tick(&mut self, now: Micros) -> Option<Wait> {
        if let Some(open) = &self.open {
            return Some(Wait::BatchOpen { id: open.id });
        }
        self.author_for_nobody();
        self.confirm();
        self.forget();
        let blocked = self.blocked(now);
        self.note_stall(blocked);
        let wrong = self.timeline.wrong();
        let waits = blocked.filter(|_| wrong.is_none());
        match waits {
            Some(Wait::Ending { .. }) => self.pace.owe(1),
            Some(_) => {}
            None => self.plan(now, wrong, blocked.is_none()),
        }
        let head = match &self.open {
            Some(open) => open.end,
            None => self.timeline.head(),
        };
        self.set_pace(now, head, head > self.timeline.head());
        self.judge_delays();
        self.make_packets(now, head);
        waits
    }

    /// Why the head cannot be simulated. A speculative end does not block it if a rollback comes
    /// first: the host leaves the head out if the end is there again.
    fn blocked(&self, now: Micros) -> Option<Wait> {
        if self.sealed.is_some() {
            return Some(Wait::Sealed);
        }
        if !self.pace.started(now) {
            let at = self.pace.start_at();
            return Some(Wait::NotStarted { at });
        }
        if self.config.spectates {
            return self.spectator_blocked();
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
        let missing_here =
            |p: &PlayerIndex| self.inputs.of(*p).end() <= head && self.authorable(*p);
        if let Some(player) = self.config.local.iter().find(missing_here) {
            return Some(match self.closing() {
                true => Wait::Closing,
                false => Wait::LocalInput {
                    player,
                    frame: head,
                },
            });
        }
        (head >= missing + self.config.window).then_some(Wait::Window {
            player,
            frame: missing,
        })
    }

    fn note_stall(&mut self, blocked: Option<Wait>) {
        let counters = &mut self.counters;
        match blocked {
            Some(Wait::LocalInput { .. }) => counters.ticks_without_input += 1,
            Some(Wait::Ending { .. }) => counters.ticks_at_an_end += 1,
            Some(Wait::Rejoining { .. }) => counters.ticks_rejoining += 1,
            Some(
                Wait::Window { .. }
                | Wait::NotStarted { .. }
                | Wait::Unconfirmed { .. }
                | Wait::Closing
                | Wait::Sealed
                | Wait::BatchOpen { .. },
            )
            | None => {}
        }
        let player = match blocked {
            Some(Wait::Window { player, .. }) => Some(player),
            Some(_) | None => None,
        };
        if let Some(player) = player {
            let begins = self.stalled.is_none();
            if let Some(stats) = self.stats_of(player) {
                stats.stalled_ticks += 1;
                stats.stalls += u64::from(begins);
            }
        }
        self.counters.stalled_ticks += u64::from(player.is_some());
        match (self.stalled, player) {
            (None, Some(player)) => {
                self.counters.stalls += 1;
                self.events.push(Event::Stalled { player });
            }
            (Some(_), None) => self.events.push(Event::Resumed),
            (None, None) | (Some(_), Some(_)) => {}
        }
        self.stalled = player;
    }

    fn plan(&mut self, now: Micros, wrong: Option<Wrong>, with_head: bool) {
        let head = self.timeline.head();
        let end = match self.catch_up_end() {
            Some(end) => end.min(head + CATCH_UP_FRAMES),
            None if with_head => head + 1,
            None => head,
        };
        let (missing, _) = self.inputs.first_missing();
        let from = match wrong {
            _ if self.reload.is_some() => self.reload.take(),
            Some(wrong) => self.snapshots.before(wrong.frame),
            None if with_head => self.snapshots.outdated(head, missing),
            None => None,
        };
        let first = from.unwrap_or(head);
        self.batches += 1;
        self.spare.begin(self.batches, first, self.config.players);
        if let Some(frame) = from {
            self.spare.ask(Request::Load { frame });
            self.snapshots.drop_after(frame);
            self.counters.loads += 1;
        }
        if let Some(Wrong { frame, player }) = wrong {
            let depth = head - frame;
            self.events.push(Event::Rollback {
                to: frame,
                depth,
                player,
            });
            self.counters.rollbacks += 1;
            self.counters.deepest_rollback = self.counters.deepest_rollback.max(depth);
            self.counters.rollback_depths.count(depth);
            if let Some(stats) = self.stats_of(player) {
                stats.rollbacks.count(depth);
            }
        }
        let wrong = wrong.map_or(head, |wrong| wrong.frame);
        self.snapshots.went_back(head - wrong);
        let batch = &mut self.spare;
        batch.fill(end, &self.inputs);
        for frame in (first.0..end.0).map(Frame) {
            if self.snapshots.wants(frame, first, missing) {
                batch.ask(Request::Save { frame });
                self.counters.saves += 1;
            }
            batch.ask_step(frame);
        }
        batch.set_keep_from(self.snapshots.keep_from(missing, end));
        self.open = Some(OpenBatch {
            id: self.batches,
            now,
            end,
            wrong,
            shown: !self.rejoining(),
        });
    }

    fn make_packets(&mut self, now: Micros, head: Frame) {
        let view = View {
            head,
            confirmed: self.timeline.base(),
            ended: self.sealed.is_some() || self.closing(),
            known: self.known(),
            start: self.pace.own_start_in(now),
            delays: &self.delays,
            closed: self.closed_ends(),
            lacks: self.lacks().collect(),
            moves: &self.moves,
            inputs: &self.inputs,
            history: &self.history,
        };
        self.packets.begin(self.links.len());
        for (link, bytes) in self.links.iter_mut().zip(self.packets.buffers()) {
            if link.left {
                bytes.clear();
                continue;
            }
            link.packet(now, &view, self.scratch.0.get_or_insert_default(), bytes);
        }
    }

    pub(crate) fn take_results(&mut self, batch: &mut Batch) -> Result<(), CompleteError> {
        let open = match self.open.take() {
            Some(open) if open.id == batch.id() => open,
            other => {
                self.open = other;
                return Err(CompleteError::NotOpen { id: batch.id() });
            }
        };
        if let Err(error) = batch.check() {
            self.open = Some(open);
            return Err(error);
        }
        let head = self.timeline.head();
        let ended = self.timeline.terminal().is_some();
        for answered in batch.answered() {
            let frame = answered.frame;
            let again = open.wrong <= frame && frame < head;
            let depth = if again { head - open.wrong } else { 0 };
            let first = self.timeline.simulated(&answered, open.now, depth);
            self.counters.resimulated_frames += u64::from(!first);
            if first && open.shown {
                let presented = Event::Presented {
                    frame,
                    inputs: &[],
                    predicted: answered.predicted,
                    at: open.now,
                };
                self.events.push_lending(presented, answered.inputs, &[]);
            }
        }
        core::mem::swap(&mut self.spare, batch);
        self.timeline.corrected();
        if self.timeline.terminal().is_some() {
            self.pace.owe(head - self.timeline.head());
        } else if ended {
            self.pace.repay();
        }
        self.confirm();
        self.turn_delays();
        Ok(())
    }

    /// Emits what became canonical, and seals at a canonical end.
    fn confirm(&mut self) {
        let (missing, _) = self.inputs.first_missing();
        while self.sealed.is_none()
            && let Some(record) = self.timeline.next(missing)
        {
            debug_assert!(self.was_simulated_right(record));
            let inputs = record.inputs.as_slice();
            let hash = chain(
                self.hash,
                record.frame,
                inputs,
                &record.outcome,
                record.digest,
            );
            self.hash = hash;
            self.history.push(hash, record.digest);
            let confirmed = Event::Confirmed(ConfirmedFrame {
                frame: record.frame,
                inputs: &[],
                outcome: &[],
                digest: record.digest,
                hash,
                predicted_wrong: record.shown_wrong(),
                first_simulated_at: record.first_simulated_at,
                rollback_depth: record.rollback_depth,
            });
            self.events.push_lending(confirmed, inputs, &record.outcome);
            let end = record.terminal.then_some(record.frame);
            self.timeline.confirm();
            if let Some(last_frame) = end {
                self.sealed = end;
                self.timeline.close();
                self.events.push(Event::Sealed { last_frame, hash });
            }
        }
        for link in &mut self.links {
            link.comparison.confirmed(&self.history);
        }
        self.settle();
    }

    fn was_simulated_right(&self, record: &Record) -> bool {
        let (mut inputs, mut guessed) = (InputList::default(), Vec::new());
        let frames = record.frame..record.frame + 1;
        self.inputs.fill(frames, &mut inputs, &mut guessed);
        guessed == [PlayerSet::default()] && inputs.as_slice() == record.inputs.as_slice()
    }

    /// Lets go of what no peer, no later page load of one, and no rollback can need.
    pub(crate) fn forget(&mut self) {
        let base = self.timeline.base();
        let oldest = self.snapshots.oldest().filter(|_| !self.config.spectates);
        let base = oldest.map_or(base, |oldest| oldest.min(base));
        let base_or_durable = match self.config.spectates {
            true => base,
            false => base.min(self.durable),
        };
        let links = self.links.iter().filter(|link| link.counts());
        let needed = links.map(|link| link.needed_from());
        let local_from = needed
            .min()
            .map_or(base_or_durable, |frame| frame.min(base_or_durable));
        // Nor another peer that lacks the last inputs of one who left: it is at most so far behind.
        let behind = RESENT_FRAMES.max(self.config.window + 2 * MAX_INPUT_DELAY);
        let remote_from = local_from.min(Frame(base - Frame(behind)));
        for player in (0..self.config.players as u8).map(PlayerIndex) {
            let local = self.config.local.contains(player);
            let from = if local { local_from } else { remote_from };
            self.inputs.forget_before(player, from);
        }
    }
}
