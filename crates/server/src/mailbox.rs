//! What waits to be sent to one connection.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use axum::body::Bytes;
use igym_protocol::{ServerMessage, View};
use tokio::sync::Notify;

/// Messages that wait at most; later ones are dropped. Only what a page asks for again, or what
/// is worthless late, is put there.
const MESSAGES: usize = 256;

/// Written by the study's task, by the journal and by the connections of partners, read by the
/// connection's task. It is bounded and never blocks a writer: of acknowledgements, views,
/// histories and each partner's packets only the newest is kept.
#[derive(Default)]
pub(crate) struct Mailbox {
    waiting: Mutex<Waiting>,
    changed: Notify,
}

#[derive(Default)]
struct Waiting {
    closing: Option<Closing>,
    /// By incarnation: the highest `seq` up to which all are on disk.
    acknowledged: BTreeMap<u32, u32>,
    view: Option<(u32, View)>,
    messages: VecDeque<ServerMessage>,
    /// Encoded deliveries.
    history: Option<Bytes>,
    /// By the player index of the sender.
    relayed: BTreeMap<u8, Bytes>,
    /// Whose packet was sent last.
    last_sender: u8,
}

/// What the connection does next.
#[derive(Debug, PartialEq)]
pub(crate) enum Item {
    Send(ServerMessage),
    /// A binary frame.
    Deliver(Bytes),
    Close(Closing),
}

/// The end of a connection.
#[derive(Debug, PartialEq)]
pub(crate) struct Closing {
    pub(crate) last: Option<ServerMessage>,
    pub(crate) code: u16,
    pub(crate) reason: &'static str,
}

impl Mailbox {
    /// Waits for the next thing to do. Safe to cancel.
    pub(crate) async fn next(&self) -> Item {
        loop {
            let changed = self.changed.notified();
            if let Some(item) = self.take() {
                return item;
            }
            changed.await;
        }
    }

    pub(crate) fn post(&self, message: ServerMessage) {
        let mut waiting = self.lock();
        if waiting.messages.len() < MESSAGES {
            waiting.messages.push_back(message);
        }
        drop(waiting);
        self.changed.notify_one();
    }

    pub(crate) fn post_view(&self, revision: u32, view: View) {
        self.lock().view = Some((revision, view));
        self.changed.notify_one();
    }

    pub(crate) fn post_acknowledged(&self, incarnation: u32, seq: u32) {
        self.lock().acknowledged.insert(incarnation, seq);
        self.changed.notify_one();
    }

    pub(crate) fn post_history(&self, delivery: Bytes) {
        self.lock().history = Some(delivery);
        self.changed.notify_one();
    }

    /// The newest packet of a partner. Whether one that waited is not sent for it.
    pub(crate) fn post_relayed(&self, from: u8, delivery: Bytes) -> bool {
        let replaced = self.lock().relayed.insert(from, delivery).is_some();
        self.changed.notify_one();
        replaced
    }

    /// Ends the connection; what waits is dropped. The first closing stands.
    pub(crate) fn close(&self, closing: Closing) {
        self.lock().closing.get_or_insert(closing);
        self.changed.notify_one();
    }

    /// The end first, then what the participant waits for most. A message may be about the newest
    /// view, never about one that is still to come, so views go before messages. Packets come
    /// last, and from all partners in turn: a flood of them holds nothing up.
    fn take(&self) -> Option<Item> {
        let mut waiting = self.lock();
        if let Some(closing) = waiting.closing.take() {
            return Some(Item::Close(closing));
        }
        let message = if let Some((incarnation, seq)) = waiting.acknowledged.pop_first() {
            ServerMessage::Ack { incarnation, seq }
        } else if let Some((revision, view)) = waiting.view.take() {
            ServerMessage::View { revision, view }
        } else if let Some(message) = waiting.messages.pop_front() {
            message
        } else {
            return waiting.delivery().map(Item::Deliver);
        };
        Some(Item::Send(message))
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn delivery(&mut self) -> Option<Bytes> {
        if let Some(history) = self.history.take() {
            return Some(history);
        }
        let mut senders = self.relayed.keys().copied();
        let after_last = senders.find(|sender| *sender > self.last_sender);
        let sender = after_last.or_else(|| self.relayed.keys().next().copied())?;
        self.last_sender = sender;
        self.relayed.remove(&sender)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pong(sent_ms: f64) -> ServerMessage {
        ServerMessage::Pong {
            sent_ms,
            server_ms: 0.0,
        }
    }

    fn view(title: &str) -> View {
        View::Start {
            scene: 0,
            title: title.into(),
            body: String::new(),
            button: String::new(),
        }
    }

    #[test]
    fn only_the_newest_view_and_acknowledgement_are_sent() {
        let mailbox = Mailbox::default();
        mailbox.post(pong(1.0));
        mailbox.post_view(1, view("old"));
        mailbox.post_acknowledged(2, 3);
        mailbox.post_view(2, view("new"));
        mailbox.post_acknowledged(2, 4);
        let sent: Vec<_> = std::iter::from_fn(|| mailbox.take()).collect();
        let newest = ServerMessage::View {
            revision: 2,
            view: view("new"),
        };
        let ack = ServerMessage::Ack {
            incarnation: 2,
            seq: 4,
        };
        let expected = [ack, newest, pong(1.0)];
        assert_eq!(sent, expected.map(Item::Send));
    }

    #[test]
    fn of_each_partner_the_newest_packet_is_sent_in_turn() {
        let mailbox = Mailbox::default();
        let packet = |from: u8, number: u8| Bytes::from(vec![from, number]);
        for number in 0..=255 {
            for from in [0, 3] {
                let replaced = mailbox.post_relayed(from, packet(from, number));
                assert_eq!(replaced, number > 0);
            }
        }
        mailbox.post(pong(1.0));
        mailbox.post_history(packet(9, 9));
        assert_eq!(mailbox.take(), Some(Item::Send(pong(1.0))));
        assert_eq!(mailbox.take(), Some(Item::Deliver(packet(9, 9))));
        // Whoever sends most does not come first.
        for expected in [3, 0, 3] {
            assert_eq!(mailbox.take(), Some(Item::Deliver(packet(expected, 255))));
            mailbox.post_relayed(expected, packet(expected, 255));
        }
    }

    #[test]
    fn a_flood_is_dropped_and_the_first_closing_stands() {
        let mailbox = Mailbox::default();
        for number in 0..10_000 {
            mailbox.post(pong(f64::from(number)));
        }
        assert_eq!(std::iter::from_fn(|| mailbox.take()).count(), MESSAGES);
        for code in [4000, 4001] {
            mailbox.close(Closing {
                last: None,
                code,
                reason: "over",
            });
        }
        assert!(matches!(
            mailbox.take(),
            Some(Item::Close(Closing { code: 4000, .. }))
        ));
    }
}
