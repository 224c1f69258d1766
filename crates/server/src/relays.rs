//! Packets between the members of a session, from connection to connection: the study's task and
//! the journal never see them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use axum::body::Bytes;
use igym_protocol::{
    Delivery, ParticipantId, Record, Refusal, RefusalCode, Relay, SessionId, SessionState,
    encode_delivery,
};
use igym_study::{RelayRule, StudyConfig};

use crate::{
    mailbox::Mailbox,
    roster::{Roster, not_a_member, position},
    state::refusal,
};

/// Who can be reached, by what is on disk and by who is connected. Of packets it keeps none: each
/// goes into the mailbox of its receiver, which holds the newest of each sender.
#[derive(Default)]
pub(crate) struct Relays {
    reach: RwLock<Reach>,
    /// Scenes whose packets must not pass through the server.
    direct_only: BTreeSet<u32>,
    pub(crate) counts: RelayCounts,
}

#[derive(Default)]
struct Reach {
    /// From MATCHED to the end: members in player order.
    sessions: BTreeMap<SessionId, Vec<ParticipantId>>,
    /// Of those, the ones in a scene of direct links alone.
    direct_only: BTreeSet<SessionId>,
    /// Members who have not left for good.
    present: BTreeMap<ParticipantId, SessionId>,
    /// Of participants whose page is connected.
    mailboxes: BTreeMap<ParticipantId, Arc<Mailbox>>,
}

/// What became of the packets that pages sent.
#[derive(Default)]
pub(crate) struct RelayCounts {
    /// Put into the receiver's mailbox, and bytes of these.
    pub(crate) passed: AtomicU64,
    pub(crate) bytes: AtomicU64,
    /// Of those, not sent because a newer one of the same sender came first.
    pub(crate) replaced: AtomicU64,
    /// The receiver is not connected, or has left for good.
    pub(crate) undeliverable: AtomicU64,
    /// The sender's session is over, or another page of theirs has taken over.
    pub(crate) late: AtomicU64,
    /// The study says `relay = "never"`.
    pub(crate) forbidden: AtomicU64,
}

/// Why a packet was not passed on.
#[derive(Debug)]
pub(crate) enum NotPassed {
    /// Nobody does that by mistake.
    Forged(Refusal),
    /// An honest page does that until it learns that its session is over, or while a link is broken
    /// that nothing may stand in for.
    InVain(Refusal),
}

impl Relays {
    /// Where the study says so, packets go over direct links or not at all.
    pub(crate) fn of(study: &StudyConfig) -> Self {
        let never = |scene: &u32| {
            study
                .game(*scene)
                .is_some_and(|it| it.relay == RelayRule::Never)
        };
        let scenes = 0..u32::try_from(study.scenes.len()).unwrap_or(u32::MAX);
        Self {
            direct_only: scenes.filter(never).collect(),
            ..Self::default()
        }
    }

    /// Takes up what is on disk.
    pub(crate) fn learn(&self, record: &Record) {
        let reach = || self.reach.write().unwrap_or_else(PoisonError::into_inner);
        match record {
            Record::SessionOpened {
                session,
                scene,
                members,
                ..
            } => {
                let mut reach = reach();
                if self.direct_only.contains(scene) {
                    reach.direct_only.insert(*session);
                }
                for member in members {
                    reach.present.insert(*member, *session);
                }
                reach.sessions.insert(*session, members.clone());
            }
            Record::SessionEntered {
                session,
                state: SessionState::Ended,
            } => {
                let mut reach = reach();
                reach.direct_only.remove(session);
                for member in reach.sessions.remove(session).unwrap_or_default() {
                    if reach.present.get(&member) == Some(session) {
                        reach.present.remove(&member);
                    }
                }
            }
            Record::ParticipantEnded { participant, .. } => {
                reach().present.remove(participant);
            }
            _ => {}
        }
    }

    /// The participant's packets come and go by this connection now, or by none.
    pub(crate) fn connect(&self, participant: ParticipantId, mailbox: Option<Arc<Mailbox>>) {
        let mut reach = self.reach.write().unwrap_or_else(PoisonError::into_inner);
        match mailbox {
            Some(mailbox) => reach.mailboxes.insert(participant, mailbox),
            None => reach.mailboxes.remove(&participant),
        };
    }

    /// Passes a packet on that came by the connection of `mailbox`.
    pub(crate) fn pass(
        &self,
        from: ParticipantId,
        mailbox: &Arc<Mailbox>,
        relay: Relay,
        roster: &Roster,
    ) -> Result<(), NotPassed> {
        let reach = self.reach.read().unwrap_or_else(PoisonError::into_inner);
        let session = relay.session;
        let members = reach.sessions.get(&session);
        let place = members.and_then(|members| Some((members, position(members, from)?)));
        let Some((members, me)) = place else {
            return Err(if roster.is_member(from, session) {
                self.late("this session is over")
            } else {
                NotPassed::Forged(not_a_member())
            });
        };
        let receiver = members.get(usize::from(relay.to));
        let Some(receiver) = receiver.filter(|receiver| **receiver != from) else {
            let message = format!("player {} is not a partner of player {me}", relay.to);
            return Err(NotPassed::Forged(refusal(RefusalCode::Malformed, message)));
        };
        let here = |who: &ParticipantId| reach.present.get(who) == Some(&session);
        let current = reach.mailboxes.get(&from);
        if !here(&from) || !current.is_some_and(|current| Arc::ptr_eq(current, mailbox)) {
            return Err(self.late("this page has left the session"));
        }
        if reach.direct_only.contains(&session) {
            self.counts.forbidden.fetch_add(1, Relaxed);
            let message = "in this study no packet passes through the server: relay = \"never\"";
            return Err(NotPassed::InVain(refusal(RefusalCode::WrongState, message)));
        }
        let there = reach.mailboxes.get(receiver).filter(|_| here(receiver));
        let Some(there) = there else {
            self.counts.undeliverable.fetch_add(1, Relaxed);
            return Ok(());
        };
        self.counts.passed.fetch_add(1, Relaxed);
        let bytes = relay.packet.len() as u64;
        self.counts.bytes.fetch_add(bytes, Relaxed);
        let delivery = Delivery::Relayed {
            session,
            from: me,
            plea: relay.plea,
            packet: relay.packet,
        };
        if there.post_relayed(me, Bytes::from(encode_delivery(&delivery))) {
            self.counts.replaced.fetch_add(1, Relaxed);
        }
        Ok(())
    }

    fn late(&self, why: &str) -> NotPassed {
        self.counts.late.fetch_add(1, Relaxed);
        NotPassed::InVain(refusal(RefusalCode::WrongState, why))
    }
}

#[cfg(test)]
mod tests {
    use igym_protocol::Outcome;
    use uuid::Uuid;

    use super::*;

    /// Nothing is kept of a session that is over, or of somebody who is gone.
    #[test]
    fn who_is_gone_is_forgotten() {
        let [one, two] = [1, 2].map(|id| ParticipantId(Uuid::from_u128(id)));
        let session = SessionId(Uuid::from_u128(9));
        let relays = Relays::default();
        relays.learn(&Record::SessionOpened {
            session,
            scene: 1,
            members: vec![one, two],
            treatment: None,
        });
        relays.connect(one, Some(Arc::default()));
        assert_eq!(relays.reach.read().unwrap().present.len(), 2);
        relays.learn(&Record::ParticipantEnded {
            participant: one,
            outcome: Outcome::Left,
            code: None,
        });
        relays.connect(one, None);
        relays.learn(&Record::SessionEntered {
            session,
            state: SessionState::Ended,
        });
        let reach = relays.reach.read().unwrap();
        let left = (
            reach.sessions.len(),
            reach.present.len(),
            reach.mailboxes.len(),
        );
        assert_eq!(left, (0, 0, 0));
    }
}
