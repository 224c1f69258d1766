//! Packets that pass through the server: the newest only, between members of a session that is
//! not over, and nothing of them stays.

use igym_protocol::{ClientMessage, Delivery, Limits, RefusalCode, SessionId, View};
use igym_server::Rate;
use tokio_tungstenite::tungstenite::Message;

use crate::{
    metrics::scrape,
    support::{Client, TestServer},
};

fn relayed(session: SessionId, from: u8, packet: &[u8]) -> Delivery {
    Delivery::Relayed {
        session,
        from,
        plea: packet.len().is_multiple_of(2),
        packet: packet.to_vec(),
    }
}

#[tokio::test]
async fn a_packet_reaches_the_partner_and_nothing_is_written() {
    let server = TestServer::start().await;
    let ([mut one, mut two], [session, _], _) = Client::pair_in_play(&server).await;
    let session = session.session;
    let before = server.journal();
    one.relay(session, 1, vec![1, 2, 3]).await;
    assert_eq!(two.delivery().await, relayed(session, 0, &[1, 2, 3]));
    two.relay(session, 0, vec![9; Limits::PACKET_BYTES]).await;
    let longest = relayed(session, 1, &[9; Limits::PACKET_BYTES]);
    assert_eq!(one.delivery().await, longest);
    assert_eq!(server.journal(), before);
    let counted = scrape(&server).await;
    assert_eq!(counted["igym_relay_packets_total{result=\"passed\"}"], 2.0);
    assert_eq!(counted["igym_relay_bytes_total"], 1_203.0);
}

#[tokio::test]
async fn a_study_that_forbids_it_has_no_packet_pass() {
    let server = TestServer::start_with(2, |options| {
        for scene in &mut options.study.scenes {
            if let igym_study::Scene::Gym(game) = scene {
                game.relay = igym_study::RelayRule::Never;
            }
        }
    })
    .await;
    let ([mut one, mut two], [session, _], _) = Client::pair_in_play(&server).await;
    for number in 0..100 {
        one.relay(session.session, 1, vec![number]).await;
    }
    // Told now and then, however many: an honest page does not know better.
    let refusal = one.refusal().await;
    assert_eq!(refusal.code, RefusalCode::WrongState);
    assert!(refusal.message.contains("relay"), "{}", refusal.message);
    one.barrier().await;
    two.barrier().await;
    assert!(two.delivered().is_empty());
    let counted = scrape(&server).await;
    let of = |result| counted[&format!("igym_relay_packets_total{{result=\"{result}\"}}")];
    assert_eq!((of("forbidden"), of("passed")), (100.0, 0.0));
}

/// Where there is no direct way yet, or never will be.
#[tokio::test]
async fn members_who_connect_may_relay_already() {
    let server = TestServer::start().await;
    let mut pair = [Client::arrive(&server).await, Client::arrive(&server).await];
    let mut places = Vec::new();
    for client in &mut pair {
        client.enter_lobby().await;
    }
    for client in &mut pair {
        places.push(client.connecting().await.0);
    }
    let to = places[1].player;
    pair[0].relay(places[0].session, to, vec![5]).await;
    let expected = relayed(places[0].session, places[0].player, &[5]);
    assert_eq!(pair[1].delivery().await, expected);
}

/// A receiver that does not read: of everything that comes, the server keeps one packet.
#[tokio::test]
async fn of_a_flood_only_the_newest_packet_waits() {
    let server = TestServer::start_with(2, |options| {
        options.tuning.relays = Rate::new(1_000_000, 1e6);
    })
    .await;
    let ([mut one, mut two], [session, _], _) = Client::pair_in_play(&server).await;
    let session = session.session;
    let name = "igym_relay_packets_total{result=\"passed\"}";
    let mut sent = 0_u32;
    // Until neither the network's buffers nor the server take more: what comes then is replaced.
    let mut replaced = 0.0;
    while replaced < 2_000.0 {
        for _ in 0..1_000 {
            let mut packet = vec![0; Limits::PACKET_BYTES];
            packet[..4].copy_from_slice(&sent.to_le_bytes());
            one.relay(session, 1, packet).await;
            sent += 1;
        }
        one.barrier().await;
        let counted = scrape(&server).await;
        assert_eq!(counted[name], f64::from(sent), "none is refused");
        replaced = counted["igym_relay_replaced_total"];
        assert!(sent < 200_000, "nothing is ever replaced");
    }
    let mut numbers = Vec::new();
    while numbers.last() != Some(&(sent - 1)) {
        let Delivery::Relayed { packet, .. } = two.delivery().await else {
            panic!("not a packet");
        };
        numbers.push(u32::from_le_bytes(packet[..4].try_into().unwrap()));
    }
    assert!(numbers.is_sorted(), "never an older one after a newer");
    let lost = f64::from(sent) - f64::from(u32::try_from(numbers.len()).unwrap());
    assert!(lost >= replaced, "{lost} of {sent} did not come");
}

#[tokio::test]
async fn forged_packets_are_refused() {
    let server = TestServer::start().await;
    let ([mut one, mut two], [session, _], _) = Client::pair_in_play(&server).await;
    let ([mut other, _partner], [foreign, _], _) = Client::pair_in_play(&server).await;
    let mut stranger = Client::arrive(&server).await;
    let (session, foreign) = (session.session, foreign.session);
    let unknown = SessionId(uuid::Uuid::from_u128(0xbad));
    for (to_session, to, size, code) in [
        (foreign, 1, 5, RefusalCode::NotAMember),
        (foreign, 200, 5, RefusalCode::NotAMember),
        (unknown, 1, 5, RefusalCode::NotAMember),
        (session, 0, 5, RefusalCode::Malformed),
        (session, 2, 5, RefusalCode::Malformed),
        (session, 255, 5, RefusalCode::Malformed),
        (session, 1, 0, RefusalCode::Malformed),
        (session, 1, Limits::PACKET_BYTES + 1, RefusalCode::Malformed),
        (session, 1, Limits::PACKET_BYTES * 2, RefusalCode::TooLarge),
    ] {
        one.relay(to_session, to, vec![7; size]).await;
        let refusal = one.refusal().await;
        assert_eq!((refusal.code, refusal.upload), (code, None), "{to}, {size}");
    }
    stranger.relay(session, 1, vec![7]).await;
    assert_eq!(stranger.refused().await, RefusalCode::NotAMember);
    for broken in [&b"IR"[..], b"IR\x01", b"IR\x01\x00", b"IR\x02\x00abc"] {
        one.send_raw(Message::binary(broken.to_vec())).await;
        one.refused().await;
    }
    for client in [&mut two, &mut other] {
        client.barrier().await;
        assert_eq!(client.delivered(), [], "nothing came through");
    }
}

#[tokio::test]
async fn too_many_packets_are_refused_and_cost_the_connection() {
    let server = TestServer::start_with(2, |options| {
        options.tuning.relays = Rate::new(100, 0.001);
        options.tuning.refusals = Rate::new(20, 0.001);
    })
    .await;
    let ([mut one, _two], [session, _], _) = Client::pair_in_play(&server).await;
    for _ in 0..100 {
        one.relay(session.session, 1, vec![1]).await;
    }
    one.barrier().await;
    assert_eq!(server.refused(RefusalCode::TooFast), 0);
    for _ in 0..21 {
        one.relay(session.session, 1, vec![1]).await;
    }
    let (_, code) = one.hear_out().await;
    assert_eq!(code, Some(1008));
    assert_eq!(server.refused(RefusalCode::TooFast), 21);
}

#[tokio::test]
async fn packets_after_the_end_of_the_session_are_told_once_and_dropped() {
    let server = TestServer::start().await;
    let ([mut one, mut two], [session, _], _) = Client::pair_in_play(&server).await;
    let session = session.session;
    one.send(ClientMessage::Leave).await;
    one.view(|view| matches!(view, View::End { .. }).then_some(()))
        .await;
    // Somebody who has left neither sends nor receives.
    for number in 0..100 {
        one.relay(session, 1, vec![number]).await;
    }
    two.relay(session, 0, vec![1]).await;
    one.barrier().await;
    two.barrier().await;
    assert_eq!(two.delivered(), []);
    assert_eq!(one.delivered(), []);
    let counted = scrape(&server).await;
    assert_eq!(counted["igym_relay_packets_total{result=\"late\"}"], 100.0);
    let undeliverable = "igym_relay_packets_total{result=\"undeliverable\"}";
    assert_eq!(counted[undeliverable], 1.0);
    let told = server.refused(RefusalCode::WrongState);
    assert!(
        (1..10).contains(&told),
        "an honest page is not sent away: {told}"
    );
}

/// The old page of somebody who opened another one, and a partner who is away.
#[tokio::test]
async fn packets_go_to_the_page_that_is_there() {
    let server = TestServer::start().await;
    let ([mut one, two], [session, _], _) = Client::pair_in_play(&server).await;
    let session = session.session;
    let mut again = Client::resume(&server, &two.token, &two.resume).await;
    one.relay(session, 1, vec![1]).await;
    assert_eq!(again.delivery().await, relayed(session, 0, &[1]));
    let (token, resume) = (again.token.clone(), again.resume.clone());
    again.leave().await;
    while scrape(&server).await["igym_connections"] > 1.0 {}
    one.relay(session, 1, vec![2]).await;
    one.barrier().await;
    let counted = scrape(&server).await;
    let undeliverable = "igym_relay_packets_total{result=\"undeliverable\"}";
    let mut back = Client::resume(&server, &token, &resume).await;
    one.relay(session, 1, vec![3]).await;
    assert_eq!(back.delivery().await, relayed(session, 0, &[3]));
    assert_eq!(
        counted[undeliverable], 1.0,
        "what came meanwhile is not kept"
    );
}
