//! A page that is loaded again, in each state that it can be in.

use igym_play::Outbox;
use igym_protocol::{ClientMessage, EpisodePart, SessionState, View};

use crate::{
    episode::{deliver, play},
    support::{Client, TestServer},
};

/// The participant loads their page again; whether the old connection is gone first makes no
/// difference, so it is not waited for.
async fn reload(server: &TestServer, page: Client) -> Client {
    let incarnation = page.resume.incarnation;
    let page = Client::open(server, page.token.clone()).await;
    assert_eq!(page.resume.incarnation, incarnation + 1);
    page
}

async fn see(page: &mut Client, wanted: impl Fn(&View) -> bool) -> View {
    page.view(|view| wanted(&view).then_some(view)).await
}

/// The first view that the page is shown.
async fn first(page: &mut Client) -> View {
    page.view(Some).await
}

async fn pair_in_lobby(server: &TestServer) -> [Client; 2] {
    let mut pair = [Client::arrive(server).await, Client::arrive(server).await];
    for page in &mut pair {
        page.enter_lobby().await;
    }
    pair
}

/// From MATCHED to the first episode, with links of the latest attempt.
async fn connect_and_validate(server: &TestServer, pair: &mut [Client; 2], attempt: u32) {
    for page in &mut *pair {
        let (session, _) = page
            .view(|view| match view {
                View::Connecting {
                    session,
                    connection,
                    ..
                } if connection.attempt == attempt => Some((session, attempt)),
                _ => None,
            })
            .await;
        page.report_link(&session, attempt).await;
    }
    for page in pair {
        page.validate(server).await;
    }
}

#[tokio::test]
async fn pages_before_and_after_the_game_are_shown_again() {
    let server = TestServer::start().await;
    let page = Client::arrive(&server).await;
    let mut page = reload(&server, page).await;
    let start = first(&mut page).await;
    assert!(matches!(start, View::Start { scene: 0, .. }));
    page.send(ClientMessage::Advance { scene: 0 }).await;
    see(&mut page, |view| matches!(view, View::Instructions { .. })).await;
    let mut page = reload(&server, page).await;
    let instructions = first(&mut page).await;
    assert!(matches!(instructions, View::Instructions { scene: 1, .. }));
    page.send(ClientMessage::Join { scene: 1 }).await;
    see(&mut page, |view| matches!(view, View::Lobby { .. })).await;
    let mut page = reload(&server, page).await;
    let lobby = first(&mut page).await;
    assert!(matches!(lobby, View::Lobby { waiting: 1, .. }));
    page.send(ClientMessage::Leave).await;
    let end = see(&mut page, |view| matches!(view, View::End { .. })).await;
    let mut page = reload(&server, page).await;
    assert_eq!(first(&mut page).await, end);
}

#[tokio::test]
async fn pages_that_connect_or_validate_connect_once_more() {
    let server = TestServer::start().await;
    let [mut one, mut two] = pair_in_lobby(&server).await;
    let (session, attempt) = one.connecting().await;
    one.report_link(&session, attempt).await;
    two.connecting().await;
    let mut pair = [reload(&server, one).await, two];
    for page in &mut pair {
        let (session, attempt) = page
            .view(|view| match view {
                View::Connecting {
                    session,
                    connection,
                    ..
                } if connection.attempt == 2 => {
                    assert!(
                        connection.linked.is_empty(),
                        "links of the page before are gone"
                    );
                    Some((session, 2))
                }
                _ => None,
            })
            .await;
        page.report_link(&session, attempt).await;
    }
    pair[0].validate(&server).await;
    let [one, two] = pair;
    let mut pair = [reload(&server, one).await, two];
    connect_and_validate(&server, &mut pair, 3).await;
    for page in &mut pair {
        page.plan(0).await;
    }
}

#[tokio::test]
async fn who_loads_the_page_again_in_play_comes_back_and_the_partner_sees_it() {
    let server = TestServer::start().await;
    let ([one, mut two], ..) = Client::pair_in_play(&server).await;
    let mut one = reload(&server, one).await;
    let back = first(&mut one).await;
    let View::Playing {
        part: EpisodePart::Rejoin,
        flush: false,
        connection,
        ..
    } = back
    else {
        panic!("goes on with the episode: {back:?}");
    };
    assert_eq!(connection.attempt, 2, "it has no links");
    let comes_back = |view: &View| match view {
        View::Playing {
            members,
            connection,
            ..
        } => members[0].rejoining && members[0].connected && connection.attempt == 2,
        _ => false,
    };
    see(&mut two, comes_back).await;
}

#[tokio::test]
async fn who_loads_the_page_again_between_two_episodes_plays_the_next() {
    let server = TestServer::start().await;
    let (mut pair, _, plan) = Client::pair_in_play(&server).await;
    let mut outboxes = [Outbox::new(1), Outbox::new(1)];
    play(&plan, &mut outboxes, |_, _| {});
    deliver(&mut pair[0], &mut outboxes[0]).await;
    let [one, two] = pair;
    let mut pair = [reload(&server, one).await, two];
    let waits = first(&mut pair[0]).await;
    let rejoins = |view: &View| match view {
        View::Playing { part, flush, .. } => *part == EpisodePart::Rejoin && !flush,
        _ => false,
    };
    assert!(
        rejoins(&waits),
        "the other may lack what the page before made: {waits:?}"
    );
    deliver(&mut pair[1], &mut outboxes[1]).await;
    for page in &mut pair {
        page.validate(&server).await;
    }
    for page in &mut pair {
        let (_, plan) = page.plan(1).await;
        assert_eq!(plan.seed, 12);
    }
    let states = server.states();
    let expected = [
        SessionState::Matched,
        SessionState::Validating,
        SessionState::Playing,
        SessionState::Validating,
        SessionState::Playing,
    ];
    assert_eq!(states, expected);
}
