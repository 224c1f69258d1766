//! What outlives a page, and the sockets of one.

use std::io;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use igym_play::Micros;
use igym_protocol::{Outcome, Token};
use serde::Deserialize;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;

use crate::uploads::Kept;
use crate::{Page, PageError, Transmit};

/// Between attempts to connect.
const RECONNECT: Duration = Duration::from_millis(100);
/// A server that says nothing for so long is gone, whatever the socket says.
const SILENCE: Duration = Duration::from_secs(10);

/// What a real browser keeps between page loads.
pub struct Browser {
    /// `host:port` of the server.
    server: String,
    token: Token,
    build: String,
    kept: Kept,
    pages: u64,
    reconnected: u64,
    seed: u64,
}

/// How somebody's study ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    pub outcome: Outcome,
    /// The completion code, if the study gives one.
    pub code: Option<String>,
}

/// Why a bot could not take part.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BotError {
    #[error("{url:?} is not the link of a study that a bot can open: give http://host:port/")]
    Address { url: String },
    #[error("the server did not let the bot in: {0}")]
    Arrival(Box<ureq::Error>),
    #[error("the server's answer is not that of a study: {0}")]
    Answer(#[from] io::Error),
    #[error(
        "the server is version {server}, this program {ours}: a bot plays with servers of its own version only"
    )]
    Version { server: String, ours: &'static str },
    #[error(transparent)]
    Page(#[from] PageError),
}

/// What `/api/study` says, as far as a bot needs it.
#[derive(Deserialize)]
struct Study {
    version: String,
    build: String,
}

#[derive(Deserialize)]
struct Arrived {
    token: Token,
}

impl Browser {
    /// Opens a study's link: a new participant. The same `seed` presses the same keys.
    pub async fn arrive(link: &str, seed: u64) -> Result<Self, BotError> {
        let server = link
            .strip_prefix("http://")
            .map(|rest| rest.trim_end_matches('/'))
            .filter(|host| !host.is_empty() && !host.contains('/'))
            .ok_or_else(|| BotError::Address {
                url: link.to_owned(),
            })?
            .to_owned();
        let host = server.clone();
        let asked = tokio::task::spawn_blocking(move || ask(&host));
        let (study, arrived) = asked.await.map_err(io::Error::other)??;
        let ours = env!("CARGO_PKG_VERSION");
        if study.version != ours {
            return Err(BotError::Version {
                server: study.version,
                ours,
            });
        }
        Ok(Self {
            server,
            token: arrived.token,
            build: study.build,
            kept: Kept::default(),
            pages: 0,
            reconnected: 0,
            seed,
        })
    }

    /// What waits in this browser for a page to deliver it, and what was acknowledged.
    pub fn kept(&self) -> &Kept {
        &self.kept
    }

    /// How often a page lost its connection.
    pub fn reconnected(&self) -> u64 {
        self.reconnected
    }

    /// Opens the participant's page and stays until the last page is shown and everything is
    /// delivered. A server that is gone is waited for. To drop the future is a crash of the page;
    /// the next visit is a reload.
    pub async fn visit(&mut self) -> Result<Ending, BotError> {
        self.pages += 1;
        let seed = self.seed.wrapping_mul(1_000_003).wrapping_add(self.pages);
        let began = Instant::now();
        let mut page = Page::new(
            self.token.clone(),
            self.build.clone(),
            seed,
            self.kept.clone(),
        );
        loop {
            match connect_async(format!("ws://{}/ws", self.server)).await {
                Ok((socket, _)) => {
                    page.handle_connected();
                    let ended = talk(&mut page, socket, began).await?;
                    if let Some(ending) = ended {
                        return Ok(ending);
                    }
                    page.handle_disconnected();
                    self.reconnected += 1;
                }
                Err(error) => tracing::debug!(%error, "no connection"),
            }
            // Play goes on without the server.
            let retry_at = Instant::now() + RECONNECT;
            while Instant::now() < retry_at {
                let now = clock(began);
                page.handle_time(now)?;
                sleep_until(wake(&page, began, now).min(retry_at)).await;
            }
        }
    }
}

type Socket =
    tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

/// Until the study has ended, or the connection.
async fn talk(
    page: &mut Page,
    mut socket: Socket,
    began: Instant,
) -> Result<Option<Ending>, BotError> {
    loop {
        while let Some(transmit) = page.poll_transmit() {
            let message = match transmit {
                Transmit::Text(text) => Message::text(text),
                Transmit::Binary(bytes) => Message::binary(bytes),
            };
            match timeout(SILENCE, socket.send(message)).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) | Err(_) => return Ok(None),
            }
        }
        if let Some((outcome, code)) = page.ended() {
            // Whatever becomes of the closing, all is said.
            let _ = socket.close(None).await;
            return Ok(Some(Ending { outcome, code }));
        }
        let wake_at = wake(page, began, clock(began));
        tokio::select! {
            message = socket.next() => match message {
                Some(Ok(Message::Text(text))) => page.handle_text(text.as_str(), clock(began))?,
                Some(Ok(Message::Binary(bytes))) => page.handle_binary(&bytes, clock(began))?,
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Ok(None),
            },
            () = sleep_until(wake_at) => page.handle_time(clock(began))?,
        }
    }
}

fn ask(server: &str) -> Result<(Study, Arrived), BotError> {
    let failed = |error: ureq::Error| BotError::Arrival(Box::new(error));
    let answer = ureq::get(format!("http://{server}/api/study"))
        .call()
        .map_err(failed)?;
    let study =
        serde_json::from_reader(answer.into_body().into_reader()).map_err(io::Error::from)?;
    let url = format!("http://{server}/api/participants");
    let answer = ureq::post(url).send_empty().map_err(failed)?;
    let arrived =
        serde_json::from_reader(answer.into_body().into_reader()).map_err(io::Error::from)?;
    Ok((study, arrived))
}

fn clock(began: Instant) -> Micros {
    Micros(u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX))
}

fn wake(page: &Page, began: Instant, now: Micros) -> Instant {
    let at = page.next_wake(now);
    began + Duration::from_micros(at.0)
}
