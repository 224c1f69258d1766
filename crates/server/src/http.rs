//! What is answered over HTTP: the pages, the way in, and the headers that keep others out.

use std::sync::{Arc, atomic::Ordering::Relaxed};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Extension, Path, Request, State, WebSocketUpgrade},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use igym_protocol::{Limits, Token};
use serde::{Deserialize, Serialize};
use tokio::{
    sync::oneshot,
    task,
    time::{Instant, timeout},
};

use crate::{
    Summary,
    actor::Command,
    file::File,
    origin::refuse_other_sites,
    sockets::Peer,
    state::App,
    token::{SecretHash, new_token},
    websocket,
};

/// The browser loads nothing from elsewhere, runs no script that is not a file of ours, and lets
/// no other site frame the page. Workers inherit it.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; \
     style-src 'self'; img-src 'self' data: blob:; font-src 'self'; media-src 'self' data: blob:; \
     connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'none'";

/// On every answer that has none of its own. The address of a participant's page holds their token, so no page that they
/// go to from there may see it.
const HEADERS: [(HeaderName, &str); 7] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-embedder-policy"),
        "require-corp",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), microphone=(), geolocation=()",
    ),
];

const IMMUTABLE: &str = "public, max-age=31536000, immutable";
const REVALIDATE: &str = "no-cache";
const PRIVATE: &str = "no-store";

/// A frame of an upload that is a little too large is answered with a refusal; one that is larger
/// than this closes the connection.
const MESSAGE_BYTES: usize = Limits::UPLOAD_BYTES + 64 * 1024;

const ARRIVAL_BYTES: usize = 4 * 1024;
const EXTERNAL_ID_CHARS: usize = 256;

pub(crate) fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/", get(index))
        .route("/p/{token}", get(participant_page))
        .route(
            "/api/participants",
            post(arrive)
                .layer(DefaultBodyLimit::max(ARRIVAL_BYTES))
                .layer(middleware::from_fn(refuse_other_sites)),
        )
        .route("/api/study", get(summary))
        .route(
            "/ws",
            get(upgrade).layer(middleware::from_fn(refuse_other_sites)),
        )
        .route("/metrics", get(metrics))
        .route("/assets/{*path}", get(page_asset))
        .route("/study/{*path}", get(study_asset))
        .route("/python/{*path}", get(python))
        .route("/{file}", get(file))
        .layer(middleware::from_fn_with_state(app.clone(), in_time))
        .layer(middleware::map_response(protect))
        .with_state(app)
}

async fn protect(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static(PRIVATE));
    response
}

/// A body that trickles in is not waited for; its head was not either.
async fn in_time(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    match timeout(app.tuning.request_timeout, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            app.metrics.request_timeouts.fetch_add(1, Relaxed);
            (StatusCode::REQUEST_TIMEOUT, "the request took too long").into_response()
        }
    }
}

async fn index(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    content(app.pages.index(), REVALIDATE, &headers).await
}

/// The same page for every token, known or not: the WebSocket says who is welcome.
async fn participant_page(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    content(app.pages.index(), PRIVATE, &headers).await
}

async fn page_asset(
    State(app): State<Arc<App>>,
    Path(path): Path<String>,
    headers: HeaderMap,
) -> Response {
    let file = app.pages.file(&format!("assets/{path}"));
    found(file, IMMUTABLE, &headers).await
}

async fn study_asset(
    State(app): State<Arc<App>>,
    Path(path): Path<String>,
    headers: HeaderMap,
) -> Response {
    app.assets.answer(&path, &headers)
}

async fn python(
    State(app): State<Arc<App>>,
    Path(path): Path<String>,
    headers: HeaderMap,
) -> Response {
    found(app.python_files.file(&path), IMMUTABLE, &headers).await
}

async fn file(
    State(app): State<Arc<App>>,
    Path(path): Path<String>,
    headers: HeaderMap,
) -> Response {
    found(app.pages.file(&path), REVALIDATE, &headers).await
}

async fn summary(State(app): State<Arc<App>>) -> Json<Summary> {
    Json(app.summary.borrow().clone())
}

async fn metrics(State(app): State<Arc<App>>) -> Response {
    let commands = app.commands.max_capacity() - app.commands.capacity();
    let text = app.metrics.render(&app.scenes, &*app.store, commands);
    let content_type = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, content_type)], text).into_response()
}

/// What may come with an arrival; nothing has to.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Arrival {
    /// How the recruiter calls the participant.
    external_id: Option<String>,
}

#[derive(Serialize)]
struct Arrived {
    path: String,
    token: Token,
}

/// Makes a participant. Whoever has the token from the answer is that participant.
async fn arrive(
    State(app): State<Arc<App>>,
    Extension(Peer(address)): Extension<Peer>,
    body: Bytes,
) -> Result<(StatusCode, Json<Arrived>), (StatusCode, &'static str)> {
    let arrival = if body.is_empty() {
        Arrival::default()
    } else {
        serde_json::from_slice(&body).map_err(|_| (StatusCode::BAD_REQUEST, "not an arrival"))?
    };
    let external_chars = arrival
        .external_id
        .as_ref()
        .map_or(0, |external_id| external_id.chars().count());
    if external_chars > EXTERNAL_ID_CHARS {
        return Err((StatusCode::BAD_REQUEST, "the external id is too long"));
    }
    if !app.arrivals.admit(address, Instant::now()) {
        let message = "too many new participants from this address: wait a little";
        return Err((StatusCode::TOO_MANY_REQUESTS, message));
    }
    let unavailable = (
        StatusCode::SERVICE_UNAVAILABLE,
        "the study cannot take participants now: try again in a minute",
    );
    let token = new_token().map_err(|_| unavailable)?;
    let (reply, arrived) = oneshot::channel();
    let command = Command::Arrive {
        token: SecretHash::of(&token.0),
        external_id: arrival.external_id,
        reply,
    };
    app.commands.send(command).await.map_err(|_| unavailable)?;
    arrived.await.map_err(|_| unavailable)?;
    let path = format!("/p/{}", token.0);
    Ok((StatusCode::CREATED, Json(Arrived { path, token })))
}

async fn upgrade(State(app): State<Arc<App>>, upgrade: WebSocketUpgrade) -> Response {
    // Small buffers: thousands of participants wait without a word.
    upgrade
        .read_buffer_size(8 * 1024)
        .write_buffer_size(4 * 1024)
        .max_write_buffer_size(1024 * 1024)
        .max_frame_size(MESSAGE_BYTES)
        .max_message_size(MESSAGE_BYTES)
        .on_upgrade(|socket| websocket::run(socket, app))
}

async fn found(file: Option<&File>, caching: &'static str, request: &HeaderMap) -> Response {
    match file {
        Some(file) => content(file, caching, request).await,
        None => (StatusCode::NOT_FOUND, "there is nothing at this address").into_response(),
    }
}

async fn content(file: &File, caching: &'static str, request: &HeaderMap) -> Response {
    let headers = [
        (header::CONTENT_TYPE, file.content_type),
        (header::CACHE_CONTROL, caching),
        (header::VARY, "accept-encoding"),
    ];
    let compressed = match takes_gzip(request) {
        true => match file.gzip_at_once() {
            Some(known) => known,
            None => {
                let file = file.clone();
                let compressing = task::spawn_blocking(move || file.gzip());
                // Who cannot have it in fewer bytes gets it as it is.
                compressing.await.ok().flatten()
            }
        },
        false => None,
    };
    match compressed {
        Some(bytes) => (headers, [(header::CONTENT_ENCODING, "gzip")], bytes).into_response(),
        None => (headers, file.content.clone()).into_response(),
    }
}

/// Whether the browser reads gzip: all do that name it without forbidding it.
fn takes_gzip(request: &HeaderMap) -> bool {
    let lines = request.get_all(header::ACCEPT_ENCODING).into_iter();
    lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .any(|encoding| {
            let (name, quality) = encoding.split_once(';').unwrap_or((encoding, ""));
            let forbidden = quality.trim().trim_start_matches("q=").parse() == Ok(0.0);
            name.trim().eq_ignore_ascii_case("gzip") && !forbidden
        })
}
