//! What comes over HTTP.

use std::fs;

use igym_protocol::Record;
use igym_server::{Rate, ServeError, ServerOptions, serve};

use crate::support::{Client, MODULE, TestServer, new_token, request, request_with};

#[tokio::test]
async fn every_answer_keeps_others_out() {
    let server = TestServer::start().await;
    for path in [
        "/",
        "/p/whatever",
        "/assets/index-1a2b.js",
        "/api/study",
        "/nothing",
    ] {
        let answer = request(server.address, "GET", path, "").await;
        let policy = answer.header("content-security-policy");
        for part in [
            "default-src 'none'",
            "script-src 'self' 'wasm-unsafe-eval';",
            "connect-src 'self';",
            "img-src 'self' data: blob:;",
            "worker-src 'self';",
            "frame-ancestors 'none'",
        ] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe-inline"), "{policy}");
        for (name, value) in [
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-embedder-policy", "require-corp"),
            ("cross-origin-resource-policy", "same-origin"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
        ] {
            assert_eq!(answer.header(name), value, "{path}: {name}");
        }
    }
}

#[tokio::test]
async fn files_have_their_types_and_the_right_caching() {
    let server = TestServer::start().await;
    let immutable = "public, max-age=31536000, immutable";
    let page = "text/html; charset=utf-8";
    for (path, content_type, caching) in [
        ("/", page, "no-cache"),
        ("/p/0123abcd", page, "no-store"),
        ("/favicon.svg", "image/svg+xml", "no-cache"),
        (
            "/assets/index-1a2b.js",
            "text/javascript; charset=utf-8",
            immutable,
        ),
        (
            "/assets/index-3c4d.css",
            "text/css; charset=utf-8",
            immutable,
        ),
        (
            "/assets/igym_browser_bg-5e6f.wasm",
            "application/wasm",
            immutable,
        ),
    ] {
        let answer = request(server.address, "GET", path, "").await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.header("content-type"), content_type, "{path}");
        assert_eq!(answer.header("cache-control"), caching, "{path}");
    }
    let module = "/assets/igym_browser_bg-5e6f.wasm";
    assert_eq!(
        request(server.address, "GET", module, "").await.body,
        MODULE
    );
}

#[tokio::test]
async fn what_is_large_comes_in_gzip_to_those_who_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let script = "const word = 'again';\n".repeat(1000);
    fs::create_dir(folder.path().join("assets")).unwrap();
    for (name, content) in [
        ("index.html", b"<!doctype html>".as_slice()),
        ("assets/module.wasm", MODULE),
        ("assets/script.js", script.as_bytes()),
    ] {
        fs::write(folder.path().join(name), content).unwrap();
    }
    let pages = folder.path().to_owned();
    let server = TestServer::start_with(2, |options| options.web_dir = Some(pages)).await;
    let get = async |path: &str, accepted: &str| {
        let headers = format!("host: {}\r\n{accepted}", server.address);
        request_with(server.address, "GET", path, &headers, "").await
    };
    for accepted in [
        "accept-encoding: br, GZIP;q=0.5\r\n",
        "accept-encoding: gzip\r\n",
    ] {
        let answer = get("/assets/script.js", accepted).await;
        assert_eq!(answer.header("content-encoding"), "gzip");
        assert_eq!(answer.header("vary"), "accept-encoding");
        assert!(answer.body.len() < 1000, "{} bytes", answer.body.len());
        let mut read = String::new();
        let mut decoder = flate2::read::GzDecoder::new(&answer.body[..]);
        std::io::Read::read_to_string(&mut decoder, &mut read).unwrap();
        assert_eq!(read, script);
    }
    for accepted in [
        "",
        "accept-encoding: gzip;q=0\r\n",
        "accept-encoding: br\r\n",
    ] {
        let answer = get("/assets/script.js", accepted).await;
        assert_eq!(answer.header("content-encoding"), "", "{accepted}");
        assert_eq!(answer.body, script.as_bytes());
    }
    let small = get("/", "accept-encoding: gzip\r\n").await;
    assert_eq!(small.header("content-encoding"), "");
}

#[tokio::test]
async fn nothing_but_the_pages_is_served() {
    let server = TestServer::start().await;
    for path in [
        "/assets/nothing.js",
        "/nothing",
        "/.hidden",
        "/assets/../../journal.sqlite",
        "/assets/%2e%2e/index.html",
        "/..%2f..%2fetc%2fpasswd",
        "/p/",
        "/p/token/more",
    ] {
        let answer = request(server.address, "GET", path, "").await;
        assert_eq!(answer.status, 404, "{path}");
    }
    assert_eq!(request(server.address, "PUT", "/", "").await.status, 405);
    // Not a WebSocket.
    assert_eq!(request(server.address, "GET", "/ws", "").await.status, 400);
}

#[tokio::test]
async fn the_study_link_makes_a_new_participant_each_time() {
    let server = TestServer::start().await;
    let first = request(server.address, "POST", "/api/participants", "").await;
    assert_eq!(first.status, 201);
    assert_eq!(first.header("cache-control"), "no-store");
    let token = first.json()["token"].as_str().unwrap().to_owned();
    assert_eq!(first.json()["path"], format!("/p/{token}"));
    let body = r#"{"external_id":"PROLIFIC-1"}"#;
    let second = request(server.address, "POST", "/api/participants", body).await;
    assert_ne!(second.json()["token"], token.as_str());
    // It is in the journal before the answer, and the tokens are not.
    let journal = server.journal();
    let external_ids: Vec<_> = journal
        .iter()
        .filter_map(|entry| match &entry.record {
            Record::ParticipantArrived { external_id, .. } => Some(external_id.as_deref()),
            _ => None,
        })
        .collect();
    assert_eq!(external_ids, [None, Some("PROLIFIC-1")]);
    assert!(!format!("{journal:?}").contains(&token));
}

#[tokio::test]
async fn an_arrival_that_makes_no_sense_is_refused() {
    let server = TestServer::start().await;
    let long = format!(r#"{{"external_id":"{}"}}"#, "x".repeat(300));
    let huge = format!(r#"{{"external_id":"{}"}}"#, "x".repeat(10_000));
    for (body, status) in [
        ("not json", 400),
        (r#"{"participant":"me"}"#, 400),
        (long.as_str(), 400),
        (huge.as_str(), 413),
    ] {
        let answer = request(server.address, "POST", "/api/participants", body).await;
        assert_eq!(answer.status, status);
    }
    let arrivals = server.journal().into_iter();
    let arrivals =
        arrivals.filter(|entry| matches!(entry.record, Record::ParticipantArrived { .. }));
    assert_eq!(arrivals.count(), 0);
}

#[tokio::test]
async fn arrivals_from_one_address_are_limited() {
    let rate = Rate::new(3, 0.001);
    let server = TestServer::start_with(2, |options| options.tuning.arrivals = rate).await;
    for _ in 0..3 {
        new_token(&server).await;
    }
    let answer = request(server.address, "POST", "/api/participants", "").await;
    assert_eq!(answer.status, 429);
}

#[tokio::test]
async fn the_study_can_be_seen_at_a_glance() {
    let server = TestServer::start().await;
    let mut client = Client::arrive(&server).await;
    client.enter_lobby().await;
    let mut summary = server.running.summary();
    crate::support::patiently("the count", summary.wait_for(|now| now.waiting == 1))
        .await
        .unwrap();
    let answer = request(server.address, "GET", "/api/study", "").await;
    assert_eq!(
        answer.json(),
        serde_json::json!({
            "id": "test", "title": "A test", "waiting": 1, "playing": 0, "completed": 0, "judged": 0,
            "version": env!("CARGO_PKG_VERSION"), "build": server.running.build(),
        })
    );
}

#[tokio::test]
async fn the_build_is_kept_beside_the_data_and_named_in_the_journal() {
    let server = TestServer::start().await;
    let digest = blake3::hash(MODULE).to_hex().to_string();
    let kept = server
        .data_dir()
        .join("builds")
        .join(format!("{digest}.wasm"));
    assert_eq!(fs::read(kept).unwrap(), MODULE);
    let first = server.journal().remove(0).record;
    let Record::StudyOpened {
        study,
        source,
        build,
        seed,
        ..
    } = first
    else {
        panic!("the journal begins with {first:?}");
    };
    assert_eq!((study.as_str(), build), ("test", digest));
    assert_eq!(source, server.study.source());
    assert_eq!(seed.len(), 64);
}

#[tokio::test]
async fn a_server_without_pages_says_what_to_do() {
    let server = TestServer::start().await;
    let (data, nothing) = (server.data_dir(), tempfile::tempdir().unwrap());
    let address = server.address;
    let mut options = ServerOptions::new(server.study.clone(), data, address);
    options.web_dir = Some(nothing.path().to_owned());
    let start = |options| serve(options, server.store.clone(), std::future::pending());
    let error = start(options.clone()).await.err().unwrap();
    assert!(error.to_string().contains("cargo xtask web"), "{error}");
    fs::write(nothing.path().join("index.html"), "").unwrap();
    let error = start(options.clone()).await.err().unwrap();
    assert!(matches!(error, ServeError::NoModule { found: 0, .. }));
    fs::write(nothing.path().join("a.wasm"), MODULE).unwrap();
    let error = start(options).await.err().unwrap();
    assert!(matches!(error, ServeError::Bind { .. }), "{error}");
}
