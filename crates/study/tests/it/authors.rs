//! Which page authored which frame of an episode, as far as browsers kept it and the journal
//! counts it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use igym_protocol::{ParticipantId, SessionId};

/// An episode of a participant.
type Of = (ParticipantId, SessionId, u32);

#[derive(Default)]
pub(crate) struct Authors {
    /// What each participant's browser keeps until it is delivered, in the order in which pages
    /// made it.
    kept: BTreeMap<ParticipantId, VecDeque<Kept>>,
    /// The frame that a page authors next.
    heads: BTreeMap<(Of, u32), u32>,
    /// The page that authored each frame, as the journal counts it.
    counted: BTreeMap<Of, Vec<u32>>,
    /// What pages said last of an episode: seals (false) and flushes (true).
    said: BTreeSet<(Of, u32, bool)>,
    /// Pages that took up an episode in which frames were played.
    pub(crate) resumed: u32,
    /// How often something came of a page after a later one had rejoined.
    pub(crate) overruled: u32,
}

/// An upload that the server has not acknowledged.
pub(crate) struct Kept {
    pub(crate) page: u32,
    pub(crate) session: SessionId,
    pub(crate) episode: u32,
    pub(crate) what: What,
}

pub(crate) enum What {
    /// From the first up to the second.
    Frames(u32, u32),
    Seal,
}

impl Authors {
    /// A page that plays from the first frame on.
    pub(crate) fn start(
        &mut self,
        who: ParticipantId,
        session: SessionId,
        episode: u32,
        page: u32,
    ) {
        let of = (who, session, episode);
        self.heads.entry((of, page)).or_insert(0);
    }

    /// A page gets what the journal counts.
    pub(crate) fn rejoin(
        &mut self,
        who: ParticipantId,
        session: SessionId,
        episode: u32,
        page: u32,
    ) {
        let of = (who, session, episode);
        let frames = self.counted.get(&of).map_or(0, Vec::len);
        if self.heads.contains_key(&(of, page)) {
            return;
        }
        self.resumed += u32::from(frames > 0);
        self.heads.insert((of, page), frames as u32);
    }

    pub(crate) fn plays(
        &self,
        who: ParticipantId,
        session: SessionId,
        episode: u32,
        page: u32,
    ) -> bool {
        self.heads.contains_key(&((who, session, episode), page))
    }

    /// A page authors so many frames, and keeps them.
    pub(crate) fn author(
        &mut self,
        who: ParticipantId,
        session: SessionId,
        episode: u32,
        page: u32,
        frames: u32,
    ) {
        let of = (who, session, episode);
        if let Some(head) = self.heads.get_mut(&(of, page)) {
            let what = What::Frames(*head, *head + frames);
            *head += frames;
            self.keep(who, session, episode, page, what);
        }
    }

    pub(crate) fn keep(
        &mut self,
        who: ParticipantId,
        session: SessionId,
        episode: u32,
        page: u32,
        what: What,
    ) {
        let kept = Kept {
            page,
            session,
            episode,
            what,
        };
        self.kept.entry(who).or_default().push_back(kept);
    }

    pub(crate) fn has_kept(&self, who: ParticipantId) -> bool {
        self.kept.get(&who).is_some_and(|kept| !kept.is_empty())
    }

    pub(crate) fn take_kept(&mut self, who: ParticipantId) -> Vec<Kept> {
        self.kept.remove(&who).unwrap_or_default().into()
    }

    /// The browser lost everything that it kept, and its pages with it.
    pub(crate) fn lose(&mut self, who: ParticipantId) {
        self.kept.remove(&who);
        self.heads.retain(|((of, ..), _), _| *of != who);
    }

    /// These frames are in the journal, and count if no later page of the participant has
    /// rejoined before, which then may author them too.
    pub(crate) fn count(
        &mut self,
        who: ParticipantId,
        session: SessionId,
        episode: u32,
        page: u32,
        frames: std::ops::Range<u32>,
    ) {
        let counted = self.counted.entry((who, session, episode)).or_default();
        for frame in frames {
            if let Some(before) = counted.get(frame as usize) {
                panic!("pages {before} and {page} of {who} authored frame {frame}");
            }
            assert_eq!(counted.len(), frame as usize, "without a gap");
            counted.push(page);
        }
    }

    /// Whether the page has not said this yet.
    pub(crate) fn says(
        &mut self,
        who: ParticipantId,
        session: SessionId,
        episode: u32,
        page: u32,
        flushed: bool,
    ) -> bool {
        self.said.insert(((who, session, episode), page, flushed))
    }
}
