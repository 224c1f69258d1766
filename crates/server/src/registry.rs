//! Who is who: tokens, page loads and connections.

use std::{collections::BTreeMap, sync::Arc};

use igym_protocol::{
    Limits, ParticipantId, Record, Refusal, RefusalCode, Resume, ServerMessage, View,
};
use tokio::{sync::mpsc, time::Instant};
use uuid::Uuid;

use crate::{
    Rate, Tuning,
    actor::Event,
    bucket::Bucket,
    lanes::Lanes,
    mailbox::{Closing, Mailbox},
    relays::Relays,
    state::refusal,
    token::{SecretHash, new_secret},
};

/// Numbers connections over the life of the server, in the order in which they are admitted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ConnectionId(pub(crate) u64);

/// Everybody who ever arrived, also in earlier runs of the server.
pub(crate) struct Registry {
    page_loads: Rate,
    rejoins: Rate,
    relays: Arc<Relays>,
    tokens: BTreeMap<SecretHash, ParticipantId>,
    people: BTreeMap<ParticipantId, Person>,
    connections: u64,
    events: mpsc::UnboundedSender<Event>,
}

struct Person {
    incarnation: u32,
    resume_key: Option<SecretHash>,
    lanes: Arc<Lanes>,
    connection: Option<(ConnectionId, Arc<Mailbox>)>,
    revision: u32,
    page_loads: Bucket,
    rejoins: Bucket,
}

/// A `Hello` that was checked for its form.
pub(crate) struct Greeting {
    pub(crate) token: SecretHash,
    pub(crate) resume: Option<Resume>,
    pub(crate) user_agent: String,
    pub(crate) mailbox: Arc<Mailbox>,
}

/// Why a connection is not admitted.
pub(crate) enum NotAdmitted {
    Refused(Refusal),
    /// A later page of the participant has taken over from the one that connects again.
    TakenOver,
}

/// A connection whose participant is known.
pub(crate) struct Admitted {
    pub(crate) presence: Presence,
    pub(crate) incarnation: u32,
    pub(crate) resume_key: String,
    pub(crate) lanes: Arc<Lanes>,
}

/// While it lives, the connection is there; the study's task hears when it is dropped, however
/// the connection's task ended.
pub(crate) struct Presence {
    pub(crate) participant: ParticipantId,
    pub(crate) connection: ConnectionId,
    events: mpsc::UnboundedSender<Event>,
}

impl Drop for Presence {
    fn drop(&mut self) {
        let _ = self.events.send(Event::Disconnected {
            participant: self.participant,
            connection: self.connection,
        });
    }
}

impl Registry {
    pub(crate) fn new(
        tuning: &Tuning,
        relays: Arc<Relays>,
        events: mpsc::UnboundedSender<Event>,
    ) -> Self {
        Self {
            page_loads: tuning.page_loads,
            rejoins: tuning.rejoins,
            relays,
            tokens: BTreeMap::new(),
            people: BTreeMap::new(),
            connections: 0,
            events,
        }
    }

    /// Takes up what an earlier run of the server wrote down.
    pub(crate) fn learn(&mut self, record: &Record, now: Instant) {
        match record {
            Record::ParticipantArrived {
                participant,
                token_hash,
                ..
            } => {
                if let Some(hash) = SecretHash::from_hex(token_hash) {
                    self.add(hash, *participant, now);
                }
            }
            Record::PageLoaded {
                participant,
                incarnation,
                resume_key_hash,
                ..
            } => {
                if let Some(person) = self.people.get_mut(participant) {
                    person.incarnation = *incarnation;
                    person.resume_key = SecretHash::from_hex(resume_key_hash);
                    person.lanes = Arc::new(Lanes::resumed(*incarnation));
                }
            }
            _ => {}
        }
    }

    pub(crate) fn mailbox(&self, participant: ParticipantId) -> Option<&Arc<Mailbox>> {
        let (_, mailbox) = self.people.get(&participant)?.connection.as_ref()?;
        Some(mailbox)
    }

    /// Whether the participant may ask for a history again: reading one is work.
    pub(crate) fn may_rejoin(&mut self, participant: ParticipantId, now: Instant) -> bool {
        let person = self.people.get_mut(&participant);
        person.is_some_and(|person| person.rejoins.take(now))
    }

    /// Whether messages of this connection are still those of the participant.
    pub(crate) fn is_current(&self, participant: ParticipantId, connection: ConnectionId) -> bool {
        self.people
            .get(&participant)
            .and_then(|person| person.connection.as_ref())
            .is_some_and(|(current, _)| *current == connection)
    }

    pub(crate) fn arrive(&mut self, token: SecretHash, now: Instant) -> ParticipantId {
        let participant = ParticipantId(Uuid::now_v7());
        self.add(token, participant, now);
        participant
    }

    fn add(&mut self, token: SecretHash, participant: ParticipantId, now: Instant) {
        self.tokens.insert(token, participant);
        let person = Person {
            incarnation: 0,
            resume_key: None,
            lanes: Arc::default(),
            connection: None,
            revision: 0,
            page_loads: Bucket::new(self.page_loads, now),
            rejoins: Bucket::new(self.rejoins, now),
        };
        self.people.insert(participant, person);
    }

    /// Makes the connection that of its participant. A connection that resumes replaces the one
    /// before it; any other is a new page load, and takes over: its record comes with it. A page
    /// from which another has taken over does not come back, else the two would take over from
    /// each other.
    pub(crate) fn admit(
        &mut self,
        greeting: Greeting,
        now: Instant,
    ) -> Result<(Admitted, Option<Record>), NotAdmitted> {
        let refused = |code, message| Err(NotAdmitted::Refused(refusal(code, message)));
        let participant = self.tokens.get(&greeting.token).copied();
        let person = participant.and_then(|it| Some((it, self.people.get_mut(&it)?)));
        let Some((participant, person)) = person else {
            let message = "no participant has this token: open the study's own link";
            return refused(RefusalCode::UnknownToken, message);
        };
        let page = greeting.resume.as_ref().map(|resume| resume.incarnation);
        if page.is_some_and(|page| page < person.incarnation) {
            return Err(NotAdmitted::TakenOver);
        }
        let resumed = greeting.resume.filter(|resume| {
            resume.incarnation == person.incarnation
                && person.resume_key == Some(SecretHash::of(&resume.key))
        });
        let (resume_key, page_loaded) = match resumed {
            Some(resume) => (resume.key, None),
            None => {
                if !person.page_loads.take(now) {
                    let message = "this page was opened too often: wait a little";
                    return refused(RefusalCode::TooFast, message);
                }
                let Ok(key) = new_secret() else {
                    let message = "the server has no random numbers";
                    return refused(RefusalCode::Storage, message);
                };
                let hash = SecretHash::of(&key);
                person.incarnation += 1;
                person.resume_key = Some(hash);
                person.lanes.take_over(person.incarnation);
                let record = Record::PageLoaded {
                    participant,
                    incarnation: person.incarnation,
                    resume_key_hash: hash.to_hex(),
                    user_agent: shortened(&greeting.user_agent, Limits::USER_AGENT_CHARS),
                };
                (key, Some(record))
            }
        };
        self.connections += 1;
        let connection = ConnectionId(self.connections);
        let before = person
            .connection
            .replace((connection, greeting.mailbox.clone()));
        if let Some((_, before)) = before {
            before.close(match page_loaded {
                Some(_) => taken_over(),
                None => Closing {
                    last: None,
                    code: close::REPLACED,
                    reason: "the page connected again",
                },
            });
        }
        self.relays.connect(participant, Some(greeting.mailbox));
        let admitted = Admitted {
            presence: Presence {
                participant,
                connection,
                events: self.events.clone(),
            },
            incarnation: person.incarnation,
            resume_key,
            lanes: person.lanes.clone(),
        };
        Ok((admitted, page_loaded))
    }

    /// Whether that was the participant's connection.
    pub(crate) fn disconnect(
        &mut self,
        participant: ParticipantId,
        connection: ConnectionId,
    ) -> bool {
        let current = self.is_current(participant, connection);
        if current && let Some(person) = self.people.get_mut(&participant) {
            person.connection = None;
            self.relays.connect(participant, None);
        }
        current
    }

    /// Sends a view, if the participant is there to see it.
    pub(crate) fn show(&mut self, participant: ParticipantId, view: View) {
        if let Some(person) = self.people.get_mut(&participant)
            && let Some((_, mailbox)) = &person.connection
        {
            person.revision += 1;
            mailbox.post_view(person.revision, view);
        }
    }
}

/// Codes of WebSocket closings.
pub(crate) mod close {
    pub(crate) const GOING_AWAY: u16 = 1001;
    pub(crate) const INVALID: u16 = 1007;
    pub(crate) const POLICY: u16 = 1008;
    pub(crate) const TOO_LARGE: u16 = 1009;
    pub(crate) const RESTART: u16 = 1012;
    pub(crate) const TRY_AGAIN: u16 = 1013;
    pub(crate) const TAKEN_OVER: u16 = 4000;
    pub(crate) const REPLACED: u16 = 4001;
}

/// What a page hears last when the participant has a newer one.
pub(crate) fn taken_over() -> Closing {
    Closing {
        last: Some(ServerMessage::TakenOver),
        code: close::TAKEN_OVER,
        reason: "the participant opened another page",
    }
}

fn shortened(text: &str, characters: usize) -> String {
    text.chars().take(characters).collect()
}
