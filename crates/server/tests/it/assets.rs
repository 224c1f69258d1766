//! The study's own images, atlases and sounds.

use std::fs;

use igym_server::ServerOptions;
use tempfile::TempDir;

use crate::support::{MODULE, TestServer, request, request_with};

const PICTURE: &[u8] = b"\x89PNG picture";

/// A study's folder as researchers have it: what is to be served is only in `assets`.
fn study_folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let assets = folder.path().join("assets");
    fs::create_dir_all(assets.join("sprites/.private")).unwrap();
    for (name, content) in [
        ("study.toml", &b"secret"[..]),
        ("assets/ball.png", PICTURE),
        ("assets/Sky.JPG", b"sky"),
        ("assets/two words.webp", b"words"),
        ("assets/icon.svg", b"<svg/>"),
        ("assets/hit.ogg", b"sound"),
        ("assets/sprites/chef.json", b"{\"frames\":{}}"),
        ("assets/page.html", b"<script></script>"),
        ("assets/script.js", b"secret"),
        ("assets/plain", b"secret"),
        ("assets/.hidden.png", b"secret"),
        ("assets/sprites/.private/face.png", b"secret"),
        ("outside.png", b"secret"),
    ] {
        fs::write(folder.path().join(name), content).unwrap();
    }
    #[cfg(unix)]
    for (link, target) in [
        ("assets/link.png", "../outside.png"),
        ("assets/inside.png", "ball.png"),
        ("assets/up", ".."),
    ] {
        std::os::unix::fs::symlink(target, folder.path().join(link)).unwrap();
    }
    folder
}

async fn start(folder: &TempDir) -> TestServer {
    let assets = folder.path().join("assets");
    TestServer::start_with(2, |options: &mut ServerOptions| {
        options.assets_dir = Some(assets);
    })
    .await
}

#[tokio::test]
async fn they_have_their_types_and_cannot_act_as_pages() {
    let folder = study_folder();
    let server = start(&folder).await;
    for (path, content_type) in [
        ("/study/ball.png", "image/png"),
        ("/study/Sky.JPG", "image/jpeg"),
        ("/study/two%20words.webp", "image/webp"),
        ("/study/icon.svg", "image/svg+xml"),
        ("/study/hit.ogg", "audio/ogg"),
        ("/study/sprites/chef.json", "application/json"),
        ("/study/sprites%2fchef.json", "application/json"),
    ] {
        let answer = request(server.address, "GET", path, "").await;
        assert_eq!(answer.status, 200, "{path}");
        for (name, value) in [
            ("content-type", content_type),
            ("cache-control", "no-cache"),
            ("x-content-type-options", "nosniff"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), value, "{path}: {name}");
        }
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none';"), "{policy}");
        assert!(policy.ends_with("; sandbox"), "{policy}");
    }
    let ball = request(server.address, "GET", "/study/ball.png", "").await;
    assert_eq!(ball.body, PICTURE);
}

#[tokio::test]
async fn what_the_browser_has_is_not_sent_again() {
    let folder = study_folder();
    let server = start(&folder).await;
    let path = "/study/ball.png";
    let etag = request(server.address, "GET", path, "").await;
    let etag = etag.header("etag").to_owned();
    let digest = blake3::hash(PICTURE).to_hex();
    assert_eq!(etag, format!("\"{digest}\""));
    for (known, status) in [
        (etag.clone(), 304),
        (format!("\"other\", W/{etag}"), 304),
        ("\"other\"".to_owned(), 200),
    ] {
        let headers = format!("host: x\r\nif-none-match: {known}\r\n");
        let answer = request_with(server.address, "GET", path, &headers, "").await;
        assert_eq!(answer.status, status, "{known}");
        assert_eq!(answer.header("etag"), etag);
        assert_eq!(answer.body.is_empty(), status == 304);
    }
}

#[tokio::test]
async fn nothing_else_of_the_machine_is_served() {
    let folder = study_folder();
    let server = start(&folder).await;
    let absolute = folder.path().join("assets/ball.png");
    let absolute = absolute.to_str().unwrap();
    let encoded = absolute.replace('/', "%2F");
    for path in [
        "/study/",
        "/study",
        "/study/nothing.png",
        "/study/sprites",
        "/study/sprites/",
        "/study//ball.png",
        "/study/./ball.png",
        "/study/sprites/../ball.png",
        "/study/../outside.png",
        "/study/../study.toml",
        "/study/%2e%2e/outside.png",
        "/study/..%2foutside.png",
        "/study/%2e%2e%2foutside.png",
        "/study/..%5coutside.png",
        "/study/%252e%252e/outside.png",
        "/study/sprites%2f..%2f..%2foutside.png",
        "/study/ball.png%00.json",
        "/study/BALL.PNG",
        "/study/page.html",
        "/study/script.js",
        "/study/plain",
        "/study/.hidden.png",
        "/study/sprites/.private/face.png",
        "/study/link.png",
        "/study/inside.png",
        "/study/up/outside.png",
        "/study/up/assets/ball.png",
        "/study/etc/passwd",
        &format!("/study{absolute}"),
        &format!("/study/{absolute}"),
        &format!("/study/{encoded}"),
        "/ball.png",
        "/assets/ball.png",
    ] {
        let answer = request(server.address, "GET", path, "").await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(!answer.text().contains("secret"), "{path}");
    }
    let written = request(server.address, "PUT", "/study/ball.png", "").await;
    assert_eq!(written.status, 405);
    // The pages' own files are where they were.
    let module = "/assets/igym_browser_bg-5e6f.wasm";
    assert_eq!(
        request(server.address, "GET", module, "").await.body,
        MODULE
    );
}

#[tokio::test]
async fn a_study_need_not_have_any() {
    let server = TestServer::start().await;
    let answer = request(server.address, "GET", "/study/ball.png", "").await;
    assert_eq!(answer.status, 404);
}
