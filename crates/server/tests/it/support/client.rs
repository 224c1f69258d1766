//! A participant's page, as far as the server sees it.

use std::{collections::VecDeque, net::SocketAddr};

use futures_util::{
    SinkExt, Stream, StreamExt,
    stream::{SplitSink, SplitStream},
};
use igym_protocol::{
    ClientMessage, Delivery, Envelope, EpisodePart, EpisodePlan, History, LinkState, Measurement,
    Outcome, ParticipantId, Refusal, RefusalCode, Relay, Resume, ServerMessage, SessionId,
    SessionView, Token, Upload, View, decode_delivery, encode_relay, encode_upload,
};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, Message},
};

use super::{TestServer, patiently, request};

pub(crate) struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pub(crate) token: Token,
    pub(crate) participant: ParticipantId,
    pub(crate) resume: Resume,
    pub(crate) acknowledged: u32,
    /// Binary frames that came while messages were waited for.
    deliveries: VecDeque<Delivery>,
}

impl Client {
    /// Opens the study's link: a new participant.
    pub(crate) async fn arrive(server: &TestServer) -> Self {
        let token = new_token(server).await;
        Self::open(server, token).await
    }

    /// Opens the page of a participant.
    pub(crate) async fn open(server: &TestServer, token: Token) -> Self {
        let mut raw = RawClient::connect(server).await;
        raw.send(hello(&token, None)).await;
        raw.welcomed(token).await
    }

    /// The same page, connected again.
    pub(crate) async fn resume(server: &TestServer, token: &Token, resume: &Resume) -> Self {
        let mut raw = RawClient::connect(server).await;
        raw.send(hello(token, Some(resume.clone()))).await;
        raw.welcomed(token.clone()).await
    }

    pub(crate) async fn send(&mut self, message: ClientMessage) {
        let text = Envelope::new(message).encode();
        self.send_raw(Message::text(text)).await;
    }

    pub(crate) async fn send_raw(&mut self, message: Message) {
        self.socket.send(message).await.unwrap();
    }

    pub(crate) async fn upload(&mut self, upload: &Upload) {
        self.send_raw(Message::binary(encode_upload(upload))).await;
    }

    /// The next message.
    pub(crate) async fn next(&mut self) -> ServerMessage {
        match patiently("a message", self.read()).await {
            Ok(message) => message,
            Err(code) => panic!("the connection was closed with {code:?}"),
        }
    }

    /// Reads until a message is what is waited for; those before it are passed over.
    pub(crate) async fn until<T>(
        &mut self,
        mut wanted: impl FnMut(ServerMessage) -> Option<T>,
    ) -> T {
        loop {
            if let Some(found) = wanted(self.next().await) {
                return found;
            }
        }
    }

    pub(crate) async fn view<T>(&mut self, mut wanted: impl FnMut(View) -> Option<T>) -> T {
        self.until(|message| match message {
            ServerMessage::View { view, .. } => wanted(view),
            _ => None,
        })
        .await
    }

    pub(crate) async fn acknowledged(&mut self, at_least: u32) -> u32 {
        self.until(|message| match message {
            ServerMessage::Ack { seq, .. } if seq >= at_least => Some(seq),
            _ => None,
        })
        .await
    }

    /// The next acknowledgement: of which page load's uploads, and up to which.
    pub(crate) async fn acknowledgement(&mut self) -> (u32, u32) {
        self.until(|message| match message {
            ServerMessage::Ack { incarnation, seq } => Some((incarnation, seq)),
            _ => None,
        })
        .await
    }

    /// The code of the next refusal.
    pub(crate) async fn refused(&mut self) -> RefusalCode {
        self.refusal().await.code
    }

    /// The next refusal.
    pub(crate) async fn refusal(&mut self) -> Refusal {
        self.until(|message| match message {
            ServerMessage::Refused { refusal } => Some(refusal),
            _ => None,
        })
        .await
    }

    /// Passes a message of the server's own through the connection: everything sent before it was
    /// handled.
    pub(crate) async fn barrier(&mut self) {
        self.send(ClientMessage::Ping { sent_ms: 4.5 }).await;
        self.until(|message| matches!(message, ServerMessage::Pong { .. }).then_some(()))
            .await;
    }

    /// Reads to the end: the messages, and the code of the closing if one was said.
    pub(crate) async fn hear_out(&mut self) -> (Vec<ServerMessage>, Option<u16>) {
        let mut messages = Vec::new();
        loop {
            match patiently("the end", self.read()).await {
                Ok(message) => messages.push(message),
                Err(code) => return (messages, code),
            }
        }
    }

    pub(crate) fn into_socket(self) -> WebSocketStream<MaybeTlsStream<TcpStream>> {
        self.socket
    }

    /// Both directions apart, so that one cannot hold up the other.
    pub(crate) fn split(self) -> (Sender, Receiver) {
        let (sink, stream) = self.socket.split();
        (Sender { sink }, Receiver { stream })
    }

    /// Goes away in good order.
    pub(crate) async fn leave(mut self) {
        self.socket.close(None).await.unwrap();
        self.hear_out().await;
    }

    /// The next binary frame; messages that come before it are passed over.
    pub(crate) async fn delivery(&mut self) -> Delivery {
        loop {
            if let Some(delivery) = self.deliveries.pop_front() {
                return delivery;
            }
            match patiently("a delivery", read(&mut self.socket)).await {
                Ok(Heard::Message(_)) => {}
                Ok(Heard::Delivery(delivery)) => return delivery,
                Err(code) => panic!("the connection was closed with {code:?}"),
            }
        }
    }

    /// Binary frames that have come so far.
    pub(crate) fn delivered(&mut self) -> Vec<Delivery> {
        self.deliveries.drain(..).collect()
    }

    /// Every other size of packet is sent with a plea.
    pub(crate) async fn relay(&mut self, session: SessionId, to: u8, packet: Vec<u8>) {
        let relay = Relay {
            session,
            to,
            plea: packet.len().is_multiple_of(2),
            packet,
        };
        self.send_raw(Message::binary(encode_relay(&relay))).await;
    }

    async fn read(&mut self) -> Result<ServerMessage, Option<u16>> {
        loop {
            match read(&mut self.socket).await? {
                Heard::Message(message) => return Ok(message),
                Heard::Delivery(delivery) => self.deliveries.push_back(delivery),
            }
        }
    }

    pub(crate) async fn enter_lobby(&mut self) {
        self.view(|view| matches!(view, View::Start { scene: 0, .. }).then_some(()))
            .await;
        self.send(ClientMessage::Advance { scene: 0 }).await;
        let measured = self
            .view(|view| match view {
                View::Instructions {
                    scene: 1, measured, ..
                } => Some(measured),
                _ => None,
            })
            .await;
        if !measured {
            self.measure(9_000).await;
        }
        self.send(ClientMessage::Join { scene: 1 }).await;
    }

    /// Says how long a rollback takes on the page's machine, in microseconds.
    pub(crate) async fn measure(&mut self, rollback_us: u32) {
        let measurement = Measurement {
            rollback_us,
            ..Measurement::default()
        };
        self.send(ClientMessage::Measured {
            scene: 1,
            measurement,
        })
        .await;
    }

    /// How the participant's study ends, and the code that the last page shows.
    pub(crate) async fn ending(&mut self) -> (Outcome, Option<String>) {
        self.view(|view| match view {
            View::End { outcome, code, .. } => Some((outcome, code)),
            _ => None,
        })
        .await
    }

    /// The connecting view of the latest attempt that has come.
    pub(crate) async fn connecting(&mut self) -> (SessionView, u32) {
        self.view(|view| match view {
            View::Connecting {
                session,
                connection,
                ..
            } => Some((session, connection.attempt)),
            _ => None,
        })
        .await
    }

    pub(crate) async fn report_link(&mut self, session: &SessionView, attempt: u32) {
        self.send(ClientMessage::Link {
            session: session.session,
            to: 1 - session.player,
            attempt,
            state: LinkState::Open {
                local: "host".into(),
                remote: "host".into(),
            },
        })
        .await;
    }

    pub(crate) async fn validate(&mut self, server: &TestServer) {
        let session = self
            .view(|view| match view {
                View::Validating {
                    session,
                    validated: false,
                    ..
                } => Some(session.session),
                _ => None,
            })
            .await;
        let digests = server.digests();
        self.send(ClientMessage::Validate { session, digests })
            .await;
    }

    /// What the page has to do with the running episode.
    pub(crate) async fn part(&mut self) -> EpisodePart {
        self.view(|view| match view {
            View::Playing { part, .. } => Some(part),
            _ => None,
        })
        .await
    }

    /// Asks for the history of an episode until it comes.
    pub(crate) async fn history(&mut self, session: SessionId, episode: u32) -> History {
        self.send(ClientMessage::Rejoin { session, episode }).await;
        loop {
            if let Delivery::History(history) = self.delivery().await {
                return history;
            }
        }
    }

    pub(crate) async fn plan(&mut self, episode: u32) -> (SessionView, EpisodePlan) {
        self.view(|view| match view {
            View::Playing { session, plan, .. } if plan.episode == episode => Some((session, plan)),
            _ => None,
        })
        .await
    }

    /// One participant in a game for one, playing.
    pub(crate) async fn alone_in_play(server: &TestServer) -> (Self, SessionView, EpisodePlan) {
        let mut client = Self::arrive(server).await;
        client.enter_lobby().await;
        client.validate(server).await;
        let (session, plan) = client.plan(0).await;
        (client, session, plan)
    }

    /// Two participants who play with each other, in player order.
    pub(crate) async fn pair_in_play(
        server: &TestServer,
    ) -> ([Self; 2], [SessionView; 2], EpisodePlan) {
        let mut pair = [Self::arrive(server).await, Self::arrive(server).await];
        for client in &mut pair {
            client.enter_lobby().await;
        }
        for client in &mut pair {
            let (session, attempt) = client.connecting().await;
            client.report_link(&session, attempt).await;
        }
        for client in &mut pair {
            client.validate(server).await;
        }
        let (first, plan) = pair[0].plan(0).await;
        let (second, same) = pair[1].plan(0).await;
        assert_eq!(plan, same);
        if first.player == 1 {
            pair.swap(0, 1);
            return (pair, [second, first], plan);
        }
        (pair, [first, second], plan)
    }
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

pub(crate) struct Sender {
    sink: SplitSink<Socket, Message>,
}

impl Sender {
    /// False: the server has hung up.
    pub(crate) async fn send(&mut self, message: Message) -> bool {
        self.sink.send(message).await.is_ok()
    }
}

pub(crate) struct Receiver {
    stream: SplitStream<Socket>,
}

impl Receiver {
    /// As [`Client::hear_out`].
    pub(crate) async fn hear_out(&mut self) -> (Vec<ServerMessage>, Option<u16>) {
        hear_out(&mut self.stream).await
    }
}

/// A connection that has not said who it is.
pub(crate) struct RawClient {
    pub(crate) socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl RawClient {
    pub(crate) async fn connect(server: &TestServer) -> Self {
        Self::connect_to(server.address).await
    }

    pub(crate) async fn connect_to(address: SocketAddr) -> Self {
        let url = format!("ws://{address}/ws");
        let (socket, _) = patiently("a connection", connect_async(url)).await.unwrap();
        Self { socket }
    }

    pub(crate) async fn send(&mut self, message: ClientMessage) {
        let text = Envelope::new(message).encode();
        self.socket.send(Message::text(text)).await.unwrap();
    }

    /// As [`Client::hear_out`].
    pub(crate) async fn hear_out(mut self) -> (Vec<ServerMessage>, Option<u16>) {
        hear_out(&mut self.socket).await
    }

    /// What the server answers before it closes: a refusal's code, and that of the closing.
    pub(crate) async fn turned_away(&mut self) -> (Option<RefusalCode>, Option<u16>) {
        let mut refused = None;
        loop {
            match patiently("the end", read(&mut self.socket)).await {
                Ok(Heard::Message(ServerMessage::Refused { refusal })) => {
                    refused = Some(refusal.code);
                }
                Ok(other) => panic!("not a refusal: {other:?}"),
                Err(code) => return (refused, code),
            }
        }
    }

    /// The first message.
    pub(crate) async fn first(&mut self) -> ServerMessage {
        match patiently("a message", read(&mut self.socket)).await {
            Ok(Heard::Message(message)) => message,
            other => panic!("not a message: {other:?}"),
        }
    }

    pub(crate) async fn welcomed(mut self, token: Token) -> Client {
        let message = self.first().await;
        let ServerMessage::Welcome {
            participant,
            incarnation,
            resume_key,
            acknowledged,
            ..
        } = message
        else {
            panic!("not a welcome: {message:?}");
        };
        Client {
            socket: self.socket,
            token,
            participant,
            resume: Resume {
                incarnation,
                key: resume_key,
            },
            acknowledged,
            deliveries: VecDeque::new(),
        }
    }
}

pub(crate) async fn new_token(server: &TestServer) -> Token {
    let answer = request(server.address, "POST", "/api/participants", "").await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    Token(answer.json()["token"].as_str().unwrap().to_owned())
}

pub(crate) fn hello(token: &Token, resume: Option<Resume>) -> ClientMessage {
    ClientMessage::Hello {
        token: token.clone(),
        resume,
        user_agent: "a test".to_owned(),
    }
}

async fn hear_out(
    stream: &mut (impl Stream<Item = Result<Message, Error>> + Unpin),
) -> (Vec<ServerMessage>, Option<u16>) {
    let mut messages = Vec::new();
    loop {
        match patiently("the end", read(stream)).await {
            Ok(Heard::Message(message)) => messages.push(message),
            Ok(Heard::Delivery(_)) => {}
            Err(code) => return (messages, code),
        }
    }
}

/// What the server says.
#[derive(Debug)]
enum Heard {
    Message(ServerMessage),
    Delivery(Delivery),
}

/// The next frame, or the code with which the connection was closed.
async fn read(
    socket: &mut (impl Stream<Item = Result<Message, Error>> + Unpin),
) -> Result<Heard, Option<u16>> {
    loop {
        match socket.next().await {
            Some(Ok(Message::Text(text))) => {
                return Ok(Heard::Message(Envelope::decode(&text).unwrap().body));
            }
            Some(Ok(Message::Binary(bytes))) => {
                return Ok(Heard::Delivery(decode_delivery(&bytes).unwrap()));
            }
            Some(Ok(Message::Close(frame))) => {
                return Err(frame.map(|frame| u16::from(frame.code)));
            }
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            Some(Ok(other)) => panic!("unexpected {other:?}"),
            Some(Err(Error::ConnectionClosed | Error::AlreadyClosed)) | None => return Err(None),
            Some(Err(Error::Io(_) | Error::Protocol(_))) => return Err(None),
            Some(Err(error)) => panic!("{error}"),
        }
    }
}
