//! What the world writes down, as a server does, and how it goes on from it.

use igym_protocol::{Entry, ParticipantId, Record, SessionId, Upload, UploadBody, View};
use igym_study::Study;

use crate::world::{BUILD, World};

impl World {
    pub(crate) fn page_loaded(&mut self, participant: ParticipantId, incarnation: u32) {
        self.write(Record::PageLoaded {
            participant,
            incarnation,
            resume_key_hash: String::new(),
            user_agent: String::new(),
        });
    }

    pub(crate) fn write(&mut self, record: Record) {
        self.entries.push(Entry {
            id: self.entries.len() as u64 + 1,
            at_ms: self.now.0,
            record,
        });
    }

    /// A server takes uploads of members of a session, of any episode that was opened.
    pub(crate) fn upload(
        &mut self,
        who: ParticipantId,
        session: SessionId,
        episode: u32,
        body: UploadBody,
    ) {
        let Some(group) = self.ledger.sessions.get(&session) else {
            return;
        };
        let player = group.members.iter().position(|member| *member == who);
        if let Some(player) = player
            && group.plans.len() > episode as usize
        {
            self.write(Record::Uploaded {
                participant: who,
                player: u8::try_from(player).unwrap(),
                upload: Upload {
                    incarnation: self.incarnations[&who],
                    seq: 0,
                    session,
                    episode,
                    body,
                },
            });
        }
    }

    /// The server is killed, and starts again after so long. Everybody has to connect again.
    pub(crate) fn restart(&mut self, downtime: u64) {
        self.now.0 += downtime;
        self.restarts += 1;
        self.connected.clear();
        self.shown.clear();
        self.signals.clear();
        self.to_judge.clear();
        let restored = Study::restore(
            self.now,
            self.study.config().clone(),
            BUILD.to_owned(),
            [100 + self.restarts; 32],
            &self.entries,
        );
        let before = std::mem::replace(&mut self.study, restored.expect("it goes on"));
        for who in self.ledger.people.keys() {
            let mut was = before.view(self.now, *who).unwrap();
            let is = self.view(*who);
            *self.restarted.entry(kind(&is)).or_default() += 1;
            // Who is there is not known, and neither is whether pages were asked to flush.
            match (&mut was, &is) {
                (View::Lobby { waiting, .. }, _) => *waiting = 0,
                (View::Playing { flush, .. }, View::Playing { flush: now, .. }) => *flush &= now,
                _ => {}
            }
            assert_eq!(is, was, "as if nothing had happened");
            for session in self.ledger.sessions.keys() {
                let member = before.member(*who, *session);
                assert_eq!(self.study.member(*who, *session), member);
            }
        }
        let records = self.entries.len();
        self.drain();
        assert_eq!(self.entries.len(), records, "nothing is recorded twice");
        self.study.handle_time(self.now);
        self.drain();
    }
}

fn kind(view: &View) -> &'static str {
    match view {
        View::Start { .. } => "AtStart",
        View::Instructions { .. } => "AtInstructions",
        View::Lobby { .. } => "InLobby",
        View::Connecting { .. } => "InConnecting",
        View::Validating { .. } => "InValidating",
        View::Playing { flush: false, .. } => "InPlaying",
        View::Playing { flush: true, .. } => "InFlushing",
        View::End { .. } => "AtEnd",
    }
}
