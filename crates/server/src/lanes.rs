//! The lanes of one participant: their page delivers its own uploads, and those that earlier pages
//! left in the browser.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{lane::Lane, mailbox::Mailbox, registry::ConnectionId};

/// Lanes that are remembered while nothing of them is on its way; the journal knows them all.
const KEPT: usize = 8;

/// Outlives the participant's connections and pages.
#[derive(Default)]
pub(crate) struct Lanes {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The newest page load: it alone delivers.
    page: u32,
    /// Where acknowledgements go.
    mailbox: Option<Arc<Mailbox>>,
    /// The newest connection that wanted them.
    connection: ConnectionId,
    /// By incarnation.
    lanes: BTreeMap<u32, Arc<Lane>>,
}

/// What there is of a lane that somebody asked for.
pub(crate) enum Found {
    Here(Arc<Lane>),
    /// Nobody has asked since the server started, or not for long: see the journal, then
    /// [`Lanes::add`].
    OnDisk,
    /// Another page load has taken over from the one that asked.
    Retired,
}

impl Lanes {
    /// The lanes of a participant whose newest page load an earlier run of the server met.
    pub(crate) fn resumed(page: u32) -> Self {
        let lanes = Self::default();
        lanes.lock().page = page;
        lanes
    }

    /// A new page load: from now on only it may deliver.
    pub(crate) fn take_over(&self, page: u32) {
        let mut state = self.lock();
        state.page = page;
        state.mailbox = None;
        for lane in state.lanes.values() {
            lane.take_over(page);
        }
        state.lanes.insert(page, Arc::new(Lane::new(page, page, 0)));
        state.forget();
    }

    /// Sends acknowledgements to `mailbox` from now on, if `page` is still the newest, and none of
    /// its later connections was faster.
    pub(crate) fn attach(&self, page: u32, connection: ConnectionId, mailbox: Arc<Mailbox>) {
        let mut state = self.lock();
        if state.page != page || connection < state.connection {
            return;
        }
        state.connection = connection;
        for lane in state.lanes.values() {
            lane.attach(mailbox.clone());
        }
        state.mailbox = Some(mailbox);
    }

    /// The lane of `incarnation`, for `page` to deliver in.
    pub(crate) fn find(&self, page: u32, incarnation: u32) -> Found {
        let state = self.lock();
        if state.page != page {
            return Found::Retired;
        }
        match state.lanes.get(&incarnation) {
            Some(lane) => Found::Here(lane.clone()),
            None => Found::OnDisk,
        }
    }

    /// Takes up a lane whose uploads up to `durable` are on disk, if nobody was faster. None: as
    /// [`Found::Retired`].
    pub(crate) fn add(&self, page: u32, incarnation: u32, durable: u32) -> Option<Arc<Lane>> {
        let mut state = self.lock();
        if state.page != page {
            return None;
        }
        let mailbox = state.mailbox.clone();
        let lane = state.lanes.entry(incarnation).or_insert_with(|| {
            let lane = Lane::new(incarnation, page, durable);
            if let Some(mailbox) = mailbox {
                lane.attach(mailbox);
            }
            Arc::new(lane)
        });
        let lane = lane.clone();
        state.forget();
        Some(lane)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Drops the oldest lanes that nobody holds: no upload of theirs is on its way, so the journal
    /// says all that they did.
    fn forget(&mut self) {
        let (page, mut excess) = (self.page, self.lanes.len().saturating_sub(KEPT));
        self.lanes.retain(|incarnation, lane| {
            let drop = excess > 0 && *incarnation != page && Arc::strong_count(lane) == 1;
            excess -= usize::from(drop);
            !drop
        });
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use igym_protocol::ServerMessage;

    use super::*;
    use crate::{lane::Offer, mailbox::Item};

    fn here(lanes: &Lanes, page: u32, incarnation: u32) -> Arc<Lane> {
        match lanes.find(page, incarnation) {
            Found::Here(lane) => lane,
            Found::OnDisk => lanes.add(page, incarnation, 0).unwrap(),
            Found::Retired => panic!("page {page} is retired"),
        }
    }

    #[tokio::test]
    async fn a_new_page_goes_on_in_the_lanes_of_those_before() {
        let lanes = Lanes::default();
        lanes.take_over(1);
        let first = here(&lanes, 1, 1);
        assert_eq!(first.offer(1, 1, || {}), Offer::Next);
        lanes.take_over(2);
        assert!(matches!(lanes.find(1, 1), Found::Retired));
        assert_eq!(first.offer(1, 2, || {}), Offer::Retired, "by the old page");
        let mailbox = Arc::new(Mailbox::default());
        lanes.attach(1, ConnectionId(1), Arc::new(Mailbox::default()));
        lanes.attach(2, ConnectionId(2), mailbox.clone());
        lanes.attach(1, ConnectionId(3), Arc::new(Mailbox::default()));
        let again = here(&lanes, 2, 1);
        assert_eq!(again.offer(2, 1, || {}), Offer::Known, "on its way");
        assert_eq!(again.offer(2, 2, || {}), Offer::Next);
        for seq in [1, 2] {
            again.finish(seq, &Ok(vec![1]), || {});
        }
        let ack = ServerMessage::Ack {
            incarnation: 1,
            seq: 2,
        };
        assert_eq!(mailbox.next().await, Item::Send(ack));
    }

    /// Two connections of a page that are admitted at once begin in any order.
    #[tokio::test]
    async fn acknowledgements_go_to_the_newest_connection_of_a_page() {
        let lanes = Lanes::default();
        lanes.take_over(1);
        let [replaced, newest] = [(); 2].map(|()| Arc::new(Mailbox::default()));
        lanes.attach(1, ConnectionId(2), newest.clone());
        lanes.attach(1, ConnectionId(1), replaced);
        let lane = here(&lanes, 1, 1);
        assert_eq!(lane.offer(1, 1, || {}), Offer::Next);
        lane.finish(1, &Ok(vec![1]), || {});
        let ack = ServerMessage::Ack {
            incarnation: 1,
            seq: 1,
        };
        let heard = newest.next().now_or_never();
        assert_eq!(heard, Some(Item::Send(ack)));
        // When the page comes back it hears them again.
        let latest = Arc::new(Mailbox::default());
        lanes.attach(1, ConnectionId(3), latest.clone());
        assert_eq!(lane.offer(1, 1, || {}), Offer::Known);
        assert!(latest.next().now_or_never().is_some());
    }

    #[test]
    fn few_lanes_are_remembered_but_all_whose_uploads_are_on_their_way() {
        let lanes = Lanes::default();
        lanes.take_over(100);
        let held = here(&lanes, 100, 1);
        for incarnation in 2..100 {
            here(&lanes, 100, incarnation);
        }
        let remembered: Vec<u32> = lanes.lock().lanes.keys().copied().collect();
        assert_eq!(remembered.len(), KEPT);
        assert!(remembered.contains(&1) && remembered.contains(&100));
        drop(held);
        lanes.take_over(101);
        assert!(matches!(lanes.find(101, 1), Found::OnDisk));
    }
}
