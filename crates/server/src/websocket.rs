//! A WebSocket from its first message to its last.

use std::sync::Arc;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use igym_protocol::{ClientMessage, DecodeError, Envelope, Refusal, RefusalCode, ServerMessage};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};
use tracing::Instrument;

use crate::{
    actor::Command,
    connection::Connection,
    mailbox::{Closing, Mailbox},
    registry::{Admitted, Greeting, NotAdmitted, close, taken_over},
    state::{App, refusal, stopped},
    token::SecretHash,
};

/// Longer tokens and keys than any that this server gives are not looked at.
const SECRET_CHARS: usize = 256;

/// Finds out whose connection it is, and serves it.
pub(crate) async fn run(mut socket: WebSocket, app: Arc<App>) {
    let _open: mpsc::Sender<()> = app.connections.clone();
    let mut stopping = app.stopping.clone();
    let mailbox = Arc::new(Mailbox::default());
    let greeted = tokio::select! {
        greeted = timeout(app.tuning.hello_timeout, greet(&mut socket, &app, &mailbox)) => greeted,
        () = stopped(&mut stopping) => return,
    };
    let admitted = match greeted {
        Ok(Ok(admitted)) => admitted,
        Ok(Err(Unwelcome::Refused(refusal, code))) => {
            app.refusals.count(&refusal);
            let last = Some(ServerMessage::Refused { refusal });
            let reason = "refused";
            return end(&mut socket, &app, Closing { last, code, reason }).await;
        }
        Ok(Err(Unwelcome::TakenOver)) => return end(&mut socket, &app, taken_over()).await,
        Ok(Err(Unwelcome::Gone)) => return,
        Err(_) => {
            let closing = Closing {
                last: None,
                code: close::POLICY,
                reason: "no hello came",
            };
            return end(&mut socket, &app, closing).await;
        }
    };
    let span = tracing::info_span!(
        "connection",
        participant = %admitted.presence.participant,
        incarnation = admitted.incarnation,
    );
    let connection = Connection::new(socket, app, mailbox, admitted);
    connection.serve(stopping).instrument(span).await;
}

/// Why nobody is, or stays, connected.
pub(crate) enum Unwelcome {
    Refused(Refusal, u16),
    /// A later page of the participant is there.
    TakenOver,
    Gone,
}

/// Reads the first message, which must be `Hello`, and answers it with `Welcome`.
async fn greet(
    socket: &mut WebSocket,
    app: &App,
    mailbox: &Arc<Mailbox>,
) -> Result<Admitted, Unwelcome> {
    let refused = |refusal| Unwelcome::Refused(refusal, close::POLICY);
    let message = loop {
        match socket.recv().await {
            Some(Ok(Message::Text(text))) => {
                break Envelope::<ClientMessage>::decode(text.as_str())
                    .map_err(|error| refused(undecodable(&error)))?;
            }
            Some(Ok(Message::Binary(_))) => {
                return Err(refused(refusal(RefusalCode::WrongState, "say hello first")));
            }
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            Some(Ok(Message::Close(_))) | None => return Err(Unwelcome::Gone),
            Some(Err(error)) => return Err(broken(error)),
        }
    };
    let ClientMessage::Hello {
        token,
        resume,
        user_agent,
    } = message.body
    else {
        return Err(refused(refusal(RefusalCode::WrongState, "say hello first")));
    };
    let resume_chars = resume.as_ref().map_or(0, |resume| resume.key.len());
    if token.0.len() > SECRET_CHARS || resume_chars > SECRET_CHARS {
        let message = "no participant has this token";
        return Err(refused(refusal(RefusalCode::UnknownToken, message)));
    }
    let greeting = Greeting {
        token: SecretHash::of(&token.0),
        resume,
        user_agent,
        mailbox: mailbox.clone(),
    };
    let (reply, answer) = oneshot::channel();
    let command = Command::Hello { greeting, reply };
    if app.commands.send(command).await.is_err() {
        return Err(Unwelcome::Gone);
    }
    match answer.await {
        Ok(Ok(admitted)) => Ok(admitted),
        Ok(Err(NotAdmitted::TakenOver)) => Err(Unwelcome::TakenOver),
        Ok(Err(NotAdmitted::Refused(refusal))) if refusal.code == RefusalCode::Storage => {
            Err(Unwelcome::Refused(refusal, close::TRY_AGAIN))
        }
        Ok(Err(NotAdmitted::Refused(refusal))) => Err(refused(refusal)),
        Err(_) => Err(Unwelcome::Gone),
    }
}

/// Says the last words and waits, not long, until the page has said its own.
pub(crate) async fn end(socket: &mut WebSocket, app: &App, closing: Closing) {
    app.metrics.closed(closing.code);
    let close = Message::Close(Some(CloseFrame {
        code: closing.code,
        reason: closing.reason.into(),
    }));
    let goodbye = async {
        if let Some(last) = closing.last {
            let text = Envelope::new(last).encode();
            socket.send(Message::Text(text.into())).await?;
        }
        socket.send(close).await?;
        while let Some(Ok(_)) = socket.recv().await {}
        Ok::<(), axum::Error>(())
    };
    // Whoever is gone already has nothing to hear.
    let _ = timeout(app.tuning.stop_timeout, goodbye).await;
}

pub(crate) fn undecodable(error: &DecodeError) -> Refusal {
    let code = match error {
        DecodeError::TooLarge { .. } => RefusalCode::TooLarge,
        DecodeError::Version { .. } => RefusalCode::Version,
        _ => RefusalCode::Malformed,
    };
    refusal(code, error.to_string())
}

/// What an error of the WebSocket says about the page: that it broke the rules, or that it is gone.
pub(crate) fn broken(error: axum::Error) -> Unwelcome {
    match error.into_inner().downcast_ref::<tungstenite::Error>() {
        Some(tungstenite::Error::Capacity(_)) => Unwelcome::Refused(
            refusal(RefusalCode::TooLarge, "the message is too large"),
            close::TOO_LARGE,
        ),
        Some(tungstenite::Error::Utf8(_)) => Unwelcome::Refused(
            refusal(RefusalCode::Malformed, "the text is not UTF-8"),
            close::INVALID,
        ),
        _ => Unwelcome::Gone,
    }
}
