//! What waits to be sent to one connection.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use igym_protocol::{ServerMessage, View};
use tokio::sync::Notify;

/// Messages that wait at most; later ones are dropped. Only what a page asks for again, or what
/// is worthless late, is put there.
const MESSAGES: usize = 256;

/// Written by the study's task and by the journal, read by the connection's task. It is bounded
/// and never blocks a writer: of acknowledgements and views only the newest is kept.
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
}

/// What the connection does next.
#[derive(Debug, PartialEq)]
pub(crate) enum Item {
    Send(ServerMessage),
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

    /// Ends the connection; what waits is dropped. The first closing stands.
    pub(crate) fn close(&self, closing: Closing) {
        self.lock().closing.get_or_insert(closing);
        self.changed.notify_one();
    }

    /// The end first, then what the participant waits for most. A message may be about the newest
    /// view, never about one that is still to come, so views go before messages.
    fn take(&self) -> Option<Item> {
        let mut waiting = self.lock();
        if let Some(closing) = waiting.closing.take() {
            return Some(Item::Close(closing));
        }
        let message = if let Some((incarnation, seq)) = waiting.acknowledged.pop_first() {
            ServerMessage::Ack { incarnation, seq }
        } else if let Some((revision, view)) = waiting.view.take() {
            ServerMessage::View { revision, view }
        } else {
            waiting.messages.pop_front()?
        };
        Some(Item::Send(message))
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
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
