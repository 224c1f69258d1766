//! What the world writes down, as a server does, and how it goes on from it.

use igym_protocol::{
    Entry, EpisodePart, ParticipantId, Record, SessionId, Upload, UploadBody, View,
};
use igym_study::Study;

use crate::world::World;

impl World {
    pub(crate) fn page_loaded(&mut self, participant: ParticipantId, incarnation: u32) {
        self.builds.insert(participant, self.build.clone());
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
        page: u32,
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
                    incarnation: page,
                    seq: 0,
                    session,
                    episode,
                    body,
                },
            });
        }
    }

    pub(crate) fn study_opened(&mut self) {
        self.write(Record::StudyOpened {
            study: String::new(),
            title: String::new(),
            digest: self.study.config().digest(),
            source: String::new(),
            version: String::new(),
            build: self.build.clone(),
            seed: String::new(),
        });
    }

    /// The server is killed, and another version of the program starts.
    pub(crate) fn upgrade(&mut self, downtime: u64) {
        self.build = format!("build {}", self.restarts);
        for group in self.ledger.sessions.values_mut() {
            group.validated.clear();
        }
        self.restart(downtime);
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
            self.build.clone(),
            [100 + self.restarts; 32],
            &self.entries,
        );
        let before = std::mem::replace(&mut self.study, restored.expect("it goes on"));
        for who in self.ledger.people.keys() {
            let mut was = before.view(self.now, *who).unwrap();
            let mut is = self.view(*who);
            *self.restarted.entry(kind(&is)).or_default() += 1;
            // Only who is there is not known.
            match &mut was {
                View::Lobby { waiting, .. } => *waiting = 0,
                View::Playing { members, .. } => {
                    members.iter_mut().for_each(|it| it.connected = false);
                }
                _ => {}
            }
            if let View::Playing { members, .. } = &is {
                assert!(members.iter().all(|it| !it.connected));
            }
            // Who has another version has to load the page again.
            if self.builds[who] != self.build {
                for view in [&mut was, &mut is] {
                    if let View::Validating { validated, .. } = view {
                        *validated = false;
                    }
                }
            }
            assert_eq!(
                nobody_there(is),
                nobody_there(was),
                "as if nothing had happened"
            );
            for session in self.ledger.sessions.keys() {
                let member = before.member(*who, *session);
                assert_eq!(self.study.member(*who, *session), member);
            }
        }
        self.study_opened();
        let records = self.entries.len();
        self.drain();
        assert_eq!(self.entries.len(), records, "nothing is recorded twice");
        self.study.handle_time(self.now);
        self.drain();
    }
}

/// The view without how long those who are away may be.
fn nobody_there(mut view: View) -> View {
    if let View::Playing { members, .. } = &mut view {
        members
            .iter_mut()
            .for_each(|it| it.returns_within_ms = None);
    }
    view
}

fn kind(view: &View) -> &'static str {
    match view {
        View::Start { .. } => "AtStart",
        View::Instructions { .. } => "AtInstructions",
        View::Lobby { .. } => "InLobby",
        View::Connecting { .. } => "InConnecting",
        View::Validating { .. } => "InValidating",
        View::Playing {
            flush: false,
            part: EpisodePart::Rejoin,
            ..
        } => "InRejoin",
        View::Playing { flush: false, .. } => "InPlaying",
        View::Playing { flush: true, .. } => "InFlushing",
        View::End { .. } => "AtEnd",
    }
}
