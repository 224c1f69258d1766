//! The order of one page load's uploads, and which of them are on disk.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use igym_storage::StorageError;

use crate::mailbox::Mailbox;

/// Outlives its connections, and its page: a page that reconnects goes on in the same lane, and so
/// does a later page of the participant that delivers what this one left in the browser.
pub(crate) struct Lane {
    incarnation: u32,
    /// Held while an upload is handed to the journal, so that a page's old and new connection
    /// cannot do it in another order than that of `seq`.
    order: Mutex<()>,
    state: Mutex<State>,
}

struct State {
    /// The highest `seq` that was handed to the journal.
    offered: u32,
    /// The highest `seq` up to which all are on disk.
    durable: u32,
    /// The page load that delivers: this lane's own, or a later one. Those before it may not.
    page: u32,
    /// Where acknowledgements go.
    mailbox: Option<Arc<Mailbox>>,
}

/// What became of an upload that was offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offer {
    /// The next one: it was handed to the journal.
    Next,
    /// It is on disk or on its way there, and is acknowledged when it is.
    Known,
    /// It would leave a gap; this one is expected.
    Gap { expected: u32 },
    /// A later page load delivers.
    Retired,
}

impl Lane {
    /// The lane of the page load `incarnation`, for `page` to deliver in. Its uploads up to
    /// `durable` are stored.
    pub(crate) fn new(incarnation: u32, page: u32, durable: u32) -> Self {
        let state = State {
            offered: durable,
            durable,
            page,
            mailbox: None,
        };
        Self {
            incarnation,
            order: Mutex::default(),
            state: Mutex::new(state),
        }
    }

    /// The highest `seq` up to which all are on disk.
    pub(crate) fn durable(&self) -> u32 {
        self.lock().durable
    }

    /// Sends acknowledgements to `mailbox` from now on.
    pub(crate) fn attach(&self, mailbox: Arc<Mailbox>) {
        self.lock().mailbox = Some(mailbox);
    }

    /// From now on only the page load `page` delivers here. When this returns, nothing of those
    /// before it is handed over any more.
    pub(crate) fn take_over(&self, page: u32) {
        let _order = self.order.lock().unwrap_or_else(PoisonError::into_inner);
        let mut state = self.lock();
        state.page = page;
        state.mailbox = None;
    }

    /// Calls `hand_over` if it is this upload's turn, and the page load `page` may deliver it; the
    /// journal then answers with `finish`, from wherever it likes.
    pub(crate) fn offer(&self, page: u32, seq: u32, hand_over: impl FnOnce()) -> Offer {
        let _order = self.order.lock().unwrap_or_else(PoisonError::into_inner);
        let offer = self.take(page, seq);
        if offer == Offer::Next {
            hand_over();
        }
        offer
    }

    fn take(&self, page: u32, seq: u32) -> Offer {
        let mut state = self.lock();
        let expected = state.offered.saturating_add(1);
        if state.page != page {
            Offer::Retired
        } else if seq == 0 || seq > expected {
            Offer::Gap { expected }
        } else if seq == expected {
            state.offered = seq;
            Offer::Next
        } else {
            if seq <= state.durable
                && let Some(mailbox) = &state.mailbox
            {
                mailbox.post_acknowledged(self.incarnation, state.durable);
            }
            Offer::Known
        }
    }

    /// The journal's answer, in the order of the offers. Whether the upload now counts as stored;
    /// if so, `stored` is called before the page hears of it.
    ///
    /// After a failure everything from the failed upload on has to come again, also what was
    /// stored behind it: else an acknowledgement of a later one would cover the gap.
    pub(crate) fn finish(
        &self,
        seq: u32,
        result: &Result<Vec<u64>, StorageError>,
        stored: impl FnOnce(),
    ) -> Finish {
        let mut state = self.lock();
        match result {
            Ok(_) if seq == state.durable.saturating_add(1) => {
                state.durable = seq;
                // A late answer to an upload of an earlier connection may have set it back.
                state.offered = state.offered.max(seq);
                stored();
                if let Some(mailbox) = &state.mailbox {
                    mailbox.post_acknowledged(self.incarnation, seq);
                }
                Finish::Stored
            }
            Ok(_) => Finish::Ignored,
            Err(_) => {
                state.offered = state.durable;
                match state.mailbox.take() {
                    Some(mailbox) => Finish::Failed { mailbox },
                    None => Finish::Ignored,
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What an answer of the journal means.
pub(crate) enum Finish {
    /// It is on disk, and so is all before it.
    Stored,
    /// The first failure of a connection: it has to be closed, so that the page comes back and
    /// sends again what is not acknowledged.
    Failed { mailbox: Arc<Mailbox> },
    /// It follows a failure, or nobody is there to be told.
    Ignored,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mailbox::Item;
    use igym_protocol::ServerMessage;

    async fn acknowledged(mailbox: &Mailbox) -> u32 {
        match mailbox.next().await {
            Item::Send(ServerMessage::Ack { seq, .. }) => seq,
            other => panic!("not an acknowledgement: {other:?}"),
        }
    }

    fn stored(lane: &Lane, seq: u32) -> bool {
        matches!(lane.finish(seq, &Ok(vec![1]), || {}), Finish::Stored)
    }

    #[tokio::test]
    async fn acknowledgements_are_cumulative_and_repeated_for_duplicates() {
        let (lane, mailbox) = (Lane::new(1, 1, 0), Arc::new(Mailbox::default()));
        lane.attach(mailbox.clone());
        assert_eq!(lane.offer(1, 0, || {}), Offer::Gap { expected: 1 });
        assert_eq!(lane.offer(1, 2, || {}), Offer::Gap { expected: 1 });
        assert_eq!(lane.offer(1, 1, || {}), Offer::Next);
        assert_eq!(lane.offer(1, 1, || {}), Offer::Known);
        assert_eq!(lane.offer(1, 2, || {}), Offer::Next);
        assert!(stored(&lane, 1) && stored(&lane, 2));
        assert_eq!(acknowledged(&mailbox).await, 2);
        assert_eq!(lane.offer(1, 1, || {}), Offer::Known);
        assert_eq!(acknowledged(&mailbox).await, 2);
        lane.take_over(2);
        assert_eq!(lane.offer(1, 3, || {}), Offer::Retired);
        assert_eq!(lane.offer(2, 3, || {}), Offer::Next);
    }

    #[tokio::test]
    async fn nothing_behind_a_failure_is_acknowledged() {
        let (lane, mailbox) = (Lane::new(1, 1, 0), Arc::new(Mailbox::default()));
        lane.attach(mailbox);
        for seq in 1..=3 {
            assert_eq!(lane.offer(1, seq, || {}), Offer::Next);
        }
        assert!(stored(&lane, 1));
        let failed = lane.finish(2, &Err(StorageError::Full), || {});
        assert!(matches!(failed, Finish::Failed { .. }));
        assert!(!stored(&lane, 3), "2 is missing");
        // The page comes back.
        let mailbox = Arc::new(Mailbox::default());
        lane.attach(mailbox.clone());
        assert_eq!(lane.durable(), 1);
        assert_eq!(lane.offer(1, 3, || {}), Offer::Gap { expected: 2 });
        assert_eq!(lane.offer(1, 2, || {}), Offer::Next);
        assert_eq!(lane.offer(1, 3, || {}), Offer::Next);
        assert!(stored(&lane, 2) && stored(&lane, 3));
        assert_eq!(acknowledged(&mailbox).await, 3);
    }

    #[tokio::test]
    async fn a_late_failure_does_not_close_the_lane() {
        let lane = Lane::new(1, 1, 0);
        lane.attach(Arc::new(Mailbox::default()));
        for seq in 1..=3 {
            assert_eq!(lane.offer(1, seq, || {}), Offer::Next);
        }
        assert!(stored(&lane, 1));
        let failed = |seq| lane.finish(seq, &Err(StorageError::Full), || {});
        assert!(matches!(failed(2), Finish::Failed { .. }));
        // The page comes back and offers 2 again, and only now the journal gives up on the old 3.
        let mailbox = Arc::new(Mailbox::default());
        lane.attach(mailbox.clone());
        assert_eq!(lane.offer(1, 2, || {}), Offer::Next);
        failed(3);
        assert!(stored(&lane, 2));
        assert_eq!(lane.offer(1, 3, || {}), Offer::Next);
        assert!(stored(&lane, 3));
    }

    #[test]
    fn only_the_next_upload_is_handed_over() {
        let lane = Lane::new(1, 1, 0);
        let mut handed = Vec::new();
        for seq in [2, 1, 1, 3, 2] {
            lane.offer(1, seq, || handed.push(seq));
        }
        assert_eq!(handed, [1, 2]);
    }
}
