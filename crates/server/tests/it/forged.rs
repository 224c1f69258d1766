//! Hundreds of kinds of forged traffic while two people play: each is refused or its connection
//! closed, all are counted, and the game does not notice.

use std::collections::{BTreeMap, BTreeSet};

use igym_play::Outbox;
use igym_protocol::{
    ClientMessage, EpisodePlan, Outcome, Record, RefusalCode, ServerMessage, SessionId, Token,
    Verdict, View,
};
use igym_server::Rate;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_tungstenite::tungstenite::Message;

use crate::{
    episode::play,
    forged_table::{
        Kind, Knowledge, Standing, broken_frames, broken_requests, mutated_relays, mutated_texts,
        mutated_uploads,
    },
    metrics::scrape,
    support::{Client, RawClient, TestServer, hello, new_token, patiently},
    uploads::journal_upload,
};

/// Refusals that a connection of this test may earn: more than there are kinds for one forger.
const PATIENCE: u32 = 400;

/// Kinds that are no offence: 8 of those who have finished and leave or join scenes again, 3
/// uploads that come again, and signals that nobody reads.
const SILENT: u32 = 12;

/// What the bytes of the journal and of this process may grow by.
const JOURNAL_BYTES: f64 = 64.0 * 1024.0;
const RESIDENT_KIB: u64 = 192 * 1024;

#[tokio::test]
async fn forged_traffic_changes_nothing() {
    let server = TestServer::start_with(2, |options| {
        options.tuning.messages = Rate::new(4_000, 0.001);
        options.tuning.refusals = Rate::new(PATIENCE, 0.001);
        options.tuning.uploads = Rate::new(4_000, 1_000.0);
        options.tuning.upload_bytes = Rate::new(64 << 20, 1e9);
    })
    .await;
    let mut game = Game::begin(&server).await;
    let mut forgers = Forgers::place(&server, game.plan.session).await;
    let mut tally = Tally::default();
    let resident = resident_kib();
    let before = scrape(&server).await;

    for (standing, (client, knowledge)) in &mut forgers.placed {
        let uploads = knowledge.uploads().into_iter();
        let binary = uploads.chain(knowledge.relays());
        for kind in knowledge.messages().into_iter().chain(binary) {
            forge(&server, client, kind, &mut tally).await;
        }
        assert!(tally.kinds > 10, "{standing:?}");
        game.go_on().await;
    }
    let (client, _) = forgers.placed.get_mut(&Standing::Start).unwrap();
    for kind in mutated_texts() {
        forge(&server, client, kind, &mut tally).await;
    }
    game.go_on().await;
    let (client, knowledge) = forgers.placed.get_mut(&Standing::Playing).unwrap();
    let (own, me) = knowledge.own.unwrap();
    for kind in mutated_relays(own, 1 - me) {
        forge(&server, client, kind, &mut tally).await;
    }
    client.upload(&journal_upload(own, 1, 0)).await;
    client.acknowledged(1).await;
    for kind in mutated_uploads(own, 2) {
        forge(&server, client, kind, &mut tally).await;
    }
    // Sent again with other content: the first stays.
    for frame in [1, 2, 3] {
        let kind = Kind {
            name: format!("a replay with frame {frame}"),
            message: Message::binary(igym_protocol::encode_upload(&journal_upload(own, 1, frame))),
        };
        forge(&server, client, kind, &mut tally).await;
    }
    game.go_on().await;
    strangers(&server, &mut tally).await;
    game.go_on().await;

    // Everything so far left nothing behind but the uploads of those who play.
    let after = scrape(&server).await;
    let grown = |name: &str| after[name] - before[name];
    let refused: f64 = after
        .keys()
        .filter(|name| name.starts_with("igym_refusals_total"))
        .map(|name| grown(name))
        .sum();
    assert_eq!(refused, f64::from(tally.refused), "each is counted once");
    let forged_bytes = grown("igym_journal_bytes_total") - f64::from(game.delivered_bytes);
    assert!(forged_bytes < JOURNAL_BYTES, "{forged_bytes}");

    floods(&server, &mut tally, own, &mut forgers).await;
    let grown = resident_kib().saturating_sub(resident);
    assert!(grown < RESIDENT_KIB, "{grown} KiB");

    // Of forged traffic, much was there.
    assert!(tally.kinds >= 500, "{} kinds", tally.kinds);
    assert_eq!(
        tally.kinds as usize,
        tally.names.len(),
        "no kind comes twice"
    );
    // All but repetitions of what is done already, and signals to one's own partner.
    assert_eq!(tally.answered + tally.closed + SILENT, tally.kinds);
    let codes: BTreeSet<RefusalCode> = tally.codes.keys().copied().collect();
    let all = [
        RefusalCode::Malformed,
        RefusalCode::Version,
        RefusalCode::UnknownToken,
        RefusalCode::WrongState,
        RefusalCode::NotAMember,
        RefusalCode::TooLarge,
        RefusalCode::TooFast,
        RefusalCode::OutOfOrder,
    ];
    assert_eq!(codes, BTreeSet::from(all), "each but that of a full disk");
    game.finish(&server).await;
}

/// Two people and what their pages have still to deliver.
struct Game {
    pair: [Client; 2],
    plan: EpisodePlan,
    outboxes: [Outbox; 2],
    delivered_bytes: u32,
    rollbacks: u64,
}

impl Game {
    async fn begin(server: &TestServer) -> Self {
        let (pair, _, plan) = Client::pair_in_play(server).await;
        let mut outboxes = [Outbox::new(1), Outbox::new(1)];
        let rollbacks = play(&plan, &mut outboxes, |_, _| {}).rollbacks;
        Self {
            pair,
            plan,
            outboxes,
            delivered_bytes: 0,
            rollbacks,
        }
    }

    /// Each page delivers one batch, and hears nothing but that it is on disk.
    async fn go_on(&mut self) {
        for (client, outbox) in self.pair.iter_mut().zip(&mut self.outboxes) {
            let left = outbox.unacknowledged();
            assert!(left > 4, "the game is over too early");
            let bytes = outbox.poll().unwrap();
            self.delivered_bytes += u32::try_from(bytes.len()).unwrap();
            client.send_raw(Message::binary(bytes)).await;
            match client.next().await {
                ServerMessage::Ack { seq, .. } => outbox.handle_ack(1, seq),
                other => panic!("a victim heard {other:?}"),
            }
        }
    }

    /// The rest of the first episode, then the second.
    async fn finish(mut self, server: &TestServer) {
        assert!(self.rollbacks > 5, "nothing was at stake");
        for episode in 0..2 {
            if episode == 1 {
                self.plan = self.pair[0].plan(1).await.1;
                assert_eq!(self.plan, self.pair[1].plan(1).await.1);
                play(&self.plan, &mut self.outboxes, |_, _| {});
            }
            for (client, outbox) in self.pair.iter_mut().zip(&mut self.outboxes) {
                crate::episode::deliver(client, outbox).await;
            }
        }
        for client in &mut self.pair {
            let outcome = client
                .view(|view| match view {
                    View::End { outcome, .. } => Some(outcome),
                    _ => None,
                })
                .await;
            assert_eq!(outcome, Outcome::Completed);
        }
        let session = self.plan.session;
        let closings = crate::episode::closings_among(server, |it| it == session, 2).await;
        let verdicts: Vec<_> = closings.iter().map(|(.., it)| it.verdict).collect();
        assert_eq!(verdicts, [Verdict::Verified; 2]);
    }
}

/// One forger at each place of the study.
struct Forgers {
    placed: BTreeMap<Standing, (Client, Knowledge)>,
    /// They stay, so that nobody's session ends.
    _partners: Vec<Client>,
}

impl Forgers {
    async fn place(server: &TestServer, foreign: SessionId) -> Self {
        let mut placed = BTreeMap::new();
        let mut partners = Vec::new();
        let mut put = |standing, client, own| {
            let knowledge = Knowledge {
                standing,
                own,
                foreign,
            };
            placed.insert(standing, (client, knowledge));
        };
        put(Standing::Start, Client::arrive(server).await, None);
        let mut reader = Client::arrive(server).await;
        reader.send(ClientMessage::Advance { scene: 0 }).await;
        reader
            .view(|view| matches!(view, View::Instructions { .. }).then_some(()))
            .await;
        put(Standing::Instructions, reader, None);

        for standing in [Standing::Connecting, Standing::Validating] {
            let mut pair = [Client::arrive(server).await, Client::arrive(server).await];
            let mut own = None;
            for client in &mut pair {
                client.enter_lobby().await;
            }
            for client in &mut pair {
                let (session, attempt) = client.connecting().await;
                if standing == Standing::Validating {
                    client.report_link(&session, attempt).await;
                }
                own.get_or_insert((session.session, session.player));
            }
            let [mut forger, partner] = pair;
            if standing == Standing::Validating {
                forger
                    .view(|view| matches!(view, View::Validating { .. }).then_some(()))
                    .await;
            }
            put(standing, forger, own);
            partners.push(partner);
        }

        let (pair, [session, _], _) = Client::pair_in_play(server).await;
        let [forger, partner] = pair;
        put(
            Standing::Playing,
            forger,
            Some((session.session, session.player)),
        );
        partners.push(partner);

        let ([mut leaver, partner], [session, _], _) = Client::pair_in_play(server).await;
        leaver.send(ClientMessage::Leave).await;
        leaver
            .view(|view| matches!(view, View::End { .. }).then_some(()))
            .await;
        put(
            Standing::Ended,
            leaver,
            Some((session.session, session.player)),
        );
        partners.push(partner);

        let mut waiting = Client::arrive(server).await;
        waiting.enter_lobby().await;
        waiting
            .view(|view| matches!(view, View::Lobby { .. }).then_some(()))
            .await;
        put(Standing::Lobby, waiting, None);
        Self {
            placed,
            _partners: partners,
        }
    }
}

/// What became of the forgeries.
#[derive(Debug, Default)]
struct Tally {
    names: BTreeSet<String>,
    kinds: u32,
    /// Refusals, also those of the strangers who only mark the time.
    refused: u32,
    /// Kinds that were refused, and those whose connection was closed.
    answered: u32,
    closed: u32,
    codes: BTreeMap<RefusalCode, u32>,
}

impl Tally {
    fn kind(&mut self, name: String) {
        self.kinds += 1;
        self.names.insert(name);
    }

    fn refused(&mut self, code: RefusalCode) {
        self.refused += 1;
        *self.codes.entry(code).or_default() += 1;
    }
}

/// Sends it, and waits until the server has done with it: nothing of it is in the journal.
async fn forge(server: &TestServer, client: &mut Client, kind: Kind, tally: &mut Tally) {
    let before = server.store.last_id().unwrap();
    let mut refusals = Vec::new();
    client.send_raw(kind.message).await;
    pass(client, &mut refusals).await;
    // What went on to the study's task is handled before this stranger is turned away.
    tally.refused(turn_away(server).await);
    pass(client, &mut refusals).await;
    assert!(refusals.len() <= 1, "{}: {refusals:?}", kind.name);
    tally.answered += u32::from(!refusals.is_empty());
    for code in refusals {
        tally.refused(code);
    }
    assert_eq!(server.store.last_id().unwrap(), before, "{}", kind.name);
    tally.kind(kind.name);
}

/// As [`Client::barrier`], but nothing else than refusals and acknowledgements may come.
async fn pass(client: &mut Client, refusals: &mut Vec<RefusalCode>) {
    client.send(ClientMessage::Ping { sent_ms: 1.0 }).await;
    loop {
        match client.next().await {
            ServerMessage::Pong { .. } => return,
            ServerMessage::Refused { refusal } => refusals.push(refusal.code),
            ServerMessage::Ack { .. } => {}
            // Of the partner who left, or of somebody in the lobby.
            ServerMessage::View { .. } => {}
            other => panic!("a forger heard {other:?}"),
        }
    }
}

async fn turn_away(server: &TestServer) -> RefusalCode {
    let mut stranger = RawClient::connect(server).await;
    stranger.send(hello(&Token("0".repeat(64)), None)).await;
    stranger.turned_away().await.0.unwrap()
}

/// Those who never say who they are, and those who speak no WebSocket and no HTTP.
async fn strangers(server: &TestServer, tally: &mut Tally) {
    let before = server.store.last_id().unwrap();
    for (what, bytes) in broken_requests() {
        let mut connection = TcpStream::connect(server.address).await.unwrap();
        connection.write_all(&bytes).await.unwrap();
        let _ = connection.shutdown().await;
        let mut heard = Vec::new();
        let _ = patiently(what, connection.read_to_end(&mut heard)).await;
        let status = heard.get(9..10).map(|digit| digit[0]);
        assert!(
            matches!(status, None | Some(b'4')),
            "{what}: {}",
            String::from_utf8_lossy(&heard)
        );
        tally.kind(format!("a request with {what}"));
        tally.closed += 1;
    }
    for (what, bytes) in broken_frames() {
        let mut connection = upgraded(server).await;
        connection.write_all(&bytes).await.unwrap();
        let mut heard = Vec::new();
        let _ = patiently(what, connection.read_to_end(&mut heard)).await;
        let text = String::from_utf8_lossy(&heard);
        assert!(!text.contains("welcome"), "{what}");
        if text.contains("too_large") {
            tally.refused(RefusalCode::TooLarge);
        } else if text.contains("malformed") {
            tally.refused(RefusalCode::Malformed);
        }
        tally.kind(format!("as a stranger, {what}"));
        tally.closed += 1;
    }
    assert_eq!(server.store.last_id().unwrap(), before);
}

async fn upgraded(server: &TestServer) -> TcpStream {
    let mut connection = TcpStream::connect(server.address).await.unwrap();
    let request = format!(
        "GET /ws HTTP/1.1\r\nhost: {}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
        server.address
    );
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut heard = Vec::new();
    while !heard.ends_with(b"\r\n\r\n") {
        heard.push(patiently("an upgrade", connection.read_u8()).await.unwrap());
    }
    assert!(heard.starts_with(b"HTTP/1.1 101"));
    connection
}

/// As much as goes, of one kind after the other.
async fn floods(server: &TestServer, tally: &mut Tally, own: SessionId, forgers: &mut Forgers) {
    let bytes = scrape(server).await["igym_journal_bytes_total"];
    let ping = igym_protocol::Envelope::new(ClientMessage::Ping { sent_ms: 1.0 }).encode();
    let foreign = igym_protocol::encode_upload(&journal_upload(SessionId(own.0), 1, 0));
    let packet = |session, to| {
        igym_protocol::encode_relay(&igym_protocol::Relay {
            session,
            to,
            plea: false,
            packet: vec![7; 1_200],
        })
    };
    let rejoin = ClientMessage::Rejoin {
        session: own,
        episode: 0,
    };
    let rejoin = igym_protocol::Envelope::new(rejoin).encode();
    for (what, message) in [
        ("nonsense", Message::text("nonsense")),
        ("pings", Message::text(ping)),
        ("noise", Message::binary(vec![0xff; 1_000])),
        ("large noise", Message::binary(vec![0xff; 200_000])),
        ("uploads to others", Message::binary(foreign)),
        ("empty texts", Message::text("")),
        ("packets to others", Message::binary(packet(own, 1))),
        ("requests for histories", Message::text(rejoin)),
    ] {
        let client = Client::open(server, new_token(server).await).await;
        let (sent, heard) = flood(client, message).await;
        assert!(sent > PATIENCE, "{what}: {sent}");
        assert_eq!(heard.1, Some(1008), "{what}: it was closed");
        for message in heard.0 {
            if let ServerMessage::Refused { refusal } = message {
                tally.refused(refusal.code);
            }
        }
        tally.kind(format!("a flood of {what}"));
        tally.closed += 1;
    }
    // Signals that are in order, to a partner who does not listen: they are dropped, not kept.
    let (client, knowledge) = forgers.placed.get_mut(&Standing::Connecting).unwrap();
    let (session, me) = knowledge.own.unwrap();
    for _ in 0..1_000 {
        client
            .send(ClientMessage::Signal {
                session,
                to: 1 - me,
                attempt: 1,
                payload: igym_protocol::SignalPayload::Offer {
                    sdp: "x".repeat(30_000),
                },
            })
            .await;
    }
    let mut refusals = Vec::new();
    pass(client, &mut refusals).await;
    tally.kind("a flood of signals".to_owned());
    // Packets that are in order but for their number, to another who does not listen.
    let (client, knowledge) = forgers.placed.remove(&Standing::Validating).unwrap();
    let (session, me) = knowledge.own.unwrap();
    let (_, heard) = flood(client, Message::binary(packet(session, 1 - me))).await;
    assert_eq!(heard.1, Some(1008), "packets without end");
    for message in heard.0 {
        if let ServerMessage::Refused { refusal } = message {
            tally.refused(refusal.code);
        }
    }
    tally.kind("a flood of packets".to_owned());
    tally.closed += 1;
    // Connections of which nobody says who they are.
    let sockets = scrape(server).await["igym_sockets"];
    let mut silent = Vec::new();
    for _ in 0..300 {
        silent.push(RawClient::connect(server).await);
    }
    let counted = scrape(server).await["igym_sockets"];
    assert!(counted >= sockets + 299.0, "{counted} after {sockets}");
    drop(silent);
    while scrape(server).await["igym_sockets"] > sockets {}
    tally.kind("a flood of connections".to_owned());
    tally.closed += 1;
    let arrivals = server.journal();
    let loads = arrivals
        .iter()
        .filter(|entry| matches!(entry.record, Record::ParticipantArrived { .. }));
    assert!(loads.count() < 30);
    let grown = scrape(server).await["igym_journal_bytes_total"] - bytes;
    assert!(grown < JOURNAL_BYTES, "floods wrote {grown} bytes");
}

/// Sends until the server hangs up: how many went out, and what was heard.
async fn flood(client: Client, message: Message) -> (u32, (Vec<ServerMessage>, Option<u16>)) {
    let (mut sender, mut receiver) = client.split();
    let sending = tokio::spawn(async move {
        let mut sent = 0;
        while sent < 10_000 && sender.send(message.clone()).await {
            sent += 1;
        }
        sent
    });
    let heard = receiver.hear_out().await;
    (
        patiently("the end of a flood", sending).await.unwrap(),
        heard,
    )
}

#[cfg(target_os = "linux")]
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kib = line.unwrap().split_whitespace().nth(1).unwrap();
    kib.parse().unwrap()
}

#[cfg(not(target_os = "linux"))]
fn resident_kib() -> u64 {
    0
}
