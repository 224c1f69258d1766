//! One participant's page, as the server sees it.

use std::{net::SocketAddr, ops::Range};

use futures_util::{SinkExt, StreamExt};
use igym_protocol::{
    AuthoredInput, CanonicalRow, ClientMessage, Digests, Envelope, InputSource, JournalBatch,
    LinkState, NetworkSample, Path, PresentedFrame, ReceivedInput, Rows, ServerMessage,
    SessionView, Token, Upload, UploadBody, View, encode_upload,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{Message, protocol::WebSocketConfig},
};

use crate::Failure;

pub(crate) struct Page {
    socket: WebSocketStream<TcpStream>,
    session: Option<SessionView>,
}

impl Page {
    pub(crate) async fn arrive(address: SocketAddr) -> Result<Self, Failure> {
        let mut connection = TcpStream::connect(address).await?;
        let request = format!(
            "POST /api/participants HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
             content-length: 0\r\n\r\n"
        );
        connection.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await?;
        let (_, body) = answer.split_once("\r\n\r\n").ok_or("no answer")?;
        let body: serde_json::Value = serde_json::from_str(body)?;
        let token = body["token"].as_str().ok_or("no token")?.to_owned();

        let connection = TcpStream::connect(address).await?;
        connection.set_nodelay(true)?;
        let config = WebSocketConfig::default().read_buffer_size(4096);
        let url = format!("ws://{address}/ws");
        let (socket, _) = client_async_with_config(url, connection, Some(config)).await?;
        let mut page = Self {
            socket,
            session: None,
        };
        page.send(ClientMessage::Hello {
            token: Token(token),
            resume: None,
            user_agent: "a measurement".to_owned(),
        })
        .await?;
        Ok(page)
    }

    pub(crate) async fn start(&mut self) -> Result<(), Failure> {
        self.view(|view| matches!(view, View::Start { .. }).then_some(()))
            .await
    }

    /// Goes on to the episode.
    pub(crate) async fn enter_game(&mut self, digests: Digests) -> Result<(), Failure> {
        self.start().await?;
        self.send(ClientMessage::Advance { scene: 0 }).await?;
        self.view(|view| matches!(view, View::Instructions { .. }).then_some(()))
            .await?;
        self.send(ClientMessage::Join { scene: 1 }).await?;
        let (session, attempt) = self
            .view(|view| match view {
                View::Connecting {
                    session,
                    connection,
                    ..
                } => Some((session, connection.attempt)),
                _ => None,
            })
            .await?;
        self.send(ClientMessage::Link {
            session: session.session,
            to: 1 - session.player,
            attempt,
            state: LinkState::Open {
                local: "host".into(),
                remote: "host".into(),
            },
        })
        .await?;
        self.view(|view| matches!(view, View::Validating { .. }).then_some(()))
            .await?;
        self.send(ClientMessage::Validate {
            session: session.session,
            digests,
        })
        .await?;
        self.view(|view| matches!(view, View::Playing { .. }).then_some(()))
            .await?;
        self.session = Some(session);
        Ok(())
    }

    pub(crate) async fn upload_journal(
        &mut self,
        seq: u32,
        frames: Range<u32>,
    ) -> Result<(), Failure> {
        let me = self.session.as_ref().ok_or("in play")?.player;
        self.upload(seq, journal_of(me, frames)).await
    }

    pub(crate) async fn upload_rows(
        &mut self,
        seq: u32,
        frames: Range<u32>,
    ) -> Result<(), Failure> {
        self.upload(seq, rows_of(frames)).await
    }

    async fn upload(&mut self, seq: u32, body: UploadBody) -> Result<(), Failure> {
        let upload = Upload {
            incarnation: 1,
            seq,
            session: self.session.as_ref().ok_or("in play")?.session,
            episode: 0,
            body,
        };
        self.socket
            .send(Message::binary(encode_upload(&upload)))
            .await?;
        Ok(())
    }

    async fn send(&mut self, message: ClientMessage) -> Result<(), Failure> {
        let text = Envelope::new(message).encode();
        self.socket.send(Message::text(text)).await?;
        Ok(())
    }

    pub(crate) async fn next(&mut self) -> Result<ServerMessage, Failure> {
        loop {
            match self.socket.next().await.ok_or("the server hung up")?? {
                Message::Text(text) => return Ok(Envelope::decode(&text)?.body),
                Message::Close(frame) => return Err(format!("closed: {frame:?}").into()),
                _ => {}
            }
        }
    }

    async fn view<T>(&mut self, wanted: impl Fn(View) -> Option<T>) -> Result<T, Failure> {
        loop {
            if let ServerMessage::View { view, .. } = self.next().await?
                && let Some(found) = wanted(view)
            {
                return Ok(found);
            }
        }
    }
}

/// What happened in these frames, as the page of player `me` tells it.
pub(crate) fn journal_of(me: u8, frames: Range<u32>) -> UploadBody {
    let at_us = |frame: u32| u64::from(frame) * 33_333 + 1_000_000;
    let input = |frame: u32, player: u8| vec![(frame / 7 % 6) as u8 ^ player];
    let batch = JournalBatch {
        authored: frames
            .clone()
            .map(|frame| AuthoredInput {
                frame,
                player: me,
                input: input(frame, me),
                source: InputSource::Human,
                at_us: at_us(frame),
                delay: 2,
            })
            .collect(),
        received: frames
            .clone()
            .map(|frame| ReceivedInput {
                frame,
                player: 1 - me,
                input: input(frame, 1 - me),
                path: Path::DataChannel,
                at_us: at_us(frame) + 20_000,
            })
            .collect(),
        presented: frames
            .clone()
            .map(|frame| PresentedFrame {
                frame,
                at_us: at_us(frame),
                inputs: vec![input(frame, 0), input(frame, 1)],
                predicted: 0,
            })
            .collect(),
        network: match frames.start % 30 < 8 {
            true => vec![NetworkSample {
                at_us: at_us(frames.start),
                player: 1 - me,
                rtt_us: 40_000,
                jitter_us: 2_000,
                sent: frames.start,
                received: frames.start,
                lost: 0,
            }],
            false => Vec::new(),
        },
        ..JournalBatch::default()
    };
    UploadBody::Journal(batch)
}

/// Rows as long as those of two agents with rewards and ends.
pub(crate) fn rows_of(frames: Range<u32>) -> UploadBody {
    let row = |frame: u32| CanonicalRow {
        inputs: vec![vec![0], vec![1]],
        outcome: vec![0; 60],
        digest: (frame % 30 == 29).then_some([7; 16]),
        hash: [9; 16],
    };
    UploadBody::Rows(Rows {
        first: frames.start,
        rows: frames.map(row).collect(),
    })
}
