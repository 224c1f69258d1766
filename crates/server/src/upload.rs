//! Whether an upload may be what it says: checked against the episode's plan and the uploader's
//! place in it, before it goes to the journal.

use std::ops::Range;

use igym_protocol::{
    ClientEvent, JournalBatch, Limits, Refusal, RefusalCode, Rows, Upload, UploadBody,
};

use crate::{roster::Place, state::refusal};

/// How far past the last frame a page may still speak of frames: it has sampled inputs ahead, and
/// an honest page must never be refused.
const SLACK: u32 = 1024;

/// Checks what `igym_protocol::decode_upload` cannot know. It does not judge the content: rows
/// that no environment would give are kept, as evidence.
pub(crate) fn check(upload: &Upload, place: &Place) -> Result<(), Refusal> {
    let checker = Checker::new(upload, place);
    match &upload.body {
        UploadBody::Journal(batch) => checker.journal(batch),
        UploadBody::Rows(rows) => checker.rows(rows),
        UploadBody::Seal(seal) => checker.canonical("the seal", seal.last_frame),
        UploadBody::Flushed => Ok(()),
        UploadBody::Report(report) => report
            .links
            .iter()
            .try_for_each(|link| checker.partner("a link report", link.player)),
    }
}

struct Checker {
    me: u8,
    /// The participant's page was loaded again: partners can have given back what an earlier one
    /// authored.
    again: bool,
    players: u8,
    /// Frames that can be canonical.
    canonical: Range<u32>,
    /// Frames that a page may speak of.
    spoken_of: Range<u32>,
}

impl Checker {
    fn new(upload: &Upload, place: &Place) -> Self {
        let plan = &place.plan;
        Self {
            me: place.player,
            again: upload.incarnation > 1,
            players: u8::try_from(plan.seats.len()).unwrap_or(u8::MAX),
            canonical: 0..plan.max_steps,
            spoken_of: 0..plan.max_steps.saturating_add(SLACK),
        }
    }

    fn journal(&self, batch: &JournalBatch) -> Result<(), Refusal> {
        for input in &batch.authored {
            if input.player != self.me {
                return Err(malformed(format!(
                    "player {} cannot author an input of player {}",
                    self.me, input.player
                )));
            }
            self.frame("an authored input", input.frame)?;
        }
        for input in &batch.received {
            if !(self.again && input.player == self.me) {
                self.partner("a received input", input.player)?;
            }
            self.frame("a received input", input.frame)?;
        }
        for shown in &batch.presented {
            self.frame("a presented frame", shown.frame)?;
            self.every_player("a presented frame", shown.inputs.len())?;
            let known = (1_u32 << self.players.min(16)) - 1;
            if u32::from(shown.predicted) & !known != 0 {
                return Err(malformed("a presented frame predicts players of no seat"));
            }
        }
        for key in &batch.keys {
            self.frame("a key event", key.frame)?;
        }
        for sample in &batch.network {
            self.partner("a network sample", sample.player)?;
        }
        batch
            .events
            .iter()
            .try_for_each(|event| self.client_event(event))
    }

    fn client_event(&self, event: &ClientEvent) -> Result<(), Refusal> {
        match event {
            ClientEvent::Rollback { frame, player, .. }
            | ClientEvent::Stall { frame, player, .. }
            | ClientEvent::Desync { frame, player, .. } => {
                self.partner("an event", *player)?;
                self.frame("an event", *frame)
            }
            ClientEvent::Route { player, .. } => self.partner("an event", *player),
            ClientEvent::Resume { frame, .. } => self.frame("an event", *frame),
            ClientEvent::Visibility { .. } => Ok(()),
            ClientEvent::Error { message, .. } => {
                if message.chars().count() > Limits::TEXT_CHARS {
                    return Err(malformed("the text of an error is too long"));
                }
                Ok(())
            }
        }
    }

    fn rows(&self, rows: &Rows) -> Result<(), Refusal> {
        let count = u32::try_from(rows.rows.len()).unwrap_or(u32::MAX);
        let Some(last) = count.checked_sub(1) else {
            return Err(malformed("an upload of rows holds none"));
        };
        self.canonical("the last row", rows.first.saturating_add(last))?;
        rows.rows
            .iter()
            .try_for_each(|row| self.every_player("a row", row.inputs.len()))
    }

    fn canonical(&self, what: &str, frame: u32) -> Result<(), Refusal> {
        within(&self.canonical, what, frame)
    }

    fn frame(&self, what: &str, frame: u32) -> Result<(), Refusal> {
        within(&self.spoken_of, what, frame)
    }

    fn partner(&self, what: &str, player: u8) -> Result<(), Refusal> {
        if player < self.players && player != self.me {
            return Ok(());
        }
        Err(malformed(format!(
            "{what} is of player {player}, who is not a partner of player {}",
            self.me
        )))
    }

    fn every_player(&self, what: &str, inputs: usize) -> Result<(), Refusal> {
        if inputs == usize::from(self.players) {
            return Ok(());
        }
        Err(malformed(format!(
            "{what} has {inputs} inputs for {} players",
            self.players
        )))
    }
}

fn within(frames: &Range<u32>, what: &str, frame: u32) -> Result<(), Refusal> {
    if frames.contains(&frame) {
        return Ok(());
    }
    Err(malformed(format!(
        "{what} is of frame {frame}, after the last frame of the episode"
    )))
}

fn malformed(message: impl Into<String>) -> Refusal {
    refusal(RefusalCode::Malformed, message)
}
