//! What pages load for environments in Python.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use igym_protocol::ServerMessage;
use igym_pyworker::{Archive, Bundle, CoreFile, Digest, Lock, Package};
use igym_server::{ServeError, ServerOptions, serve};

use crate::support::{RawClient, TestServer, hello, new_token, request};

const MODULE: &[u8] = b"a module of Pyodide's";
const WHEEL: &[u8] = b"a wheel";

fn bundle() -> Bundle {
    let files: BTreeMap<Digest, Vec<u8>> = [MODULE, WHEEL, b"platform", b"study"]
        .into_iter()
        .map(|content| (Digest::of(content), content.to_vec()))
        .collect();
    let archive = |content: &[u8]| Archive {
        file: "any.zip".to_owned(),
        sha256: Digest::of(content),
        bytes: content.len() as u64,
    };
    let lock = Lock {
        format: 1,
        pyodide: "0.28.3".to_owned(),
        hash_seed: "0".to_owned(),
        core: vec![CoreFile {
            name: "pyodide.asm.wasm".to_owned(),
            sha256: Digest::of(MODULE),
            bytes: MODULE.len() as u64,
        }],
        packages: vec![Package {
            name: "thing".to_owned(),
            version: "1.0".to_owned(),
            file: "thing-1.0-py3-none-any.whl".to_owned(),
            sha256: Digest::of(WHEEL),
            bytes: WHEEL.len() as u64,
        }],
        platform: archive(b"platform"),
        study: archive(b"study"),
        stubs: Vec::new(),
        imports: Vec::new(),
    };
    let digest = lock.digest();
    Bundle {
        digest,
        lock,
        files,
    }
}

async fn start(bundle: &Bundle) -> TestServer {
    let bundle = Arc::new(bundle.clone());
    TestServer::start_with(2, |options: &mut ServerOptions| {
        options.study.python = Some(bundle.digest.to_string());
        options.python = Some(bundle);
    })
    .await
}

#[tokio::test]
async fn the_lock_and_its_files_are_served_for_ever_under_their_digests() {
    let bundle = bundle();
    let server = start(&bundle).await;
    let wheel = Digest::of(WHEEL);
    for (path, content_type, body) in [
        (
            format!("{}.json", bundle.digest),
            "application/json",
            bundle.lock.canonical().into_bytes(),
        ),
        (
            format!("blobs/{wheel}"),
            "application/octet-stream",
            WHEEL.to_vec(),
        ),
        (
            "core/0.28.3/pyodide.asm.wasm".to_owned(),
            "application/wasm",
            MODULE.to_vec(),
        ),
    ] {
        let answer = request(server.address, "GET", &format!("/python/{path}"), "").await;
        assert_eq!(
            (answer.status, &answer.body[..]),
            (200, &body[..]),
            "{path}"
        );
        for (name, value) in [
            ("content-type", content_type),
            ("cache-control", "public, max-age=31536000, immutable"),
            ("cross-origin-embedder-policy", "require-corp"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), value, "{path}: {name}");
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn nothing_else_can_be_named() {
    let bundle = bundle();
    let server = start(&bundle).await;
    let wheel = Digest::of(WHEEL);
    for path in [
        format!("blobs/{}", Digest::of(b"something else")),
        format!("{wheel}.json"),
        format!("blobs/{}", wheel.as_str().to_uppercase()),
        format!("blobs/../{}.json", bundle.digest),
        format!("blobs/%2e%2e%2f{}.json", bundle.digest),
        "core/0.28.3/../../../journal.sqlite".to_owned(),
        "core/0.28.2/pyodide.asm.wasm".to_owned(),
        "core/0.28.3/pyodide-lock.json".to_owned(),
    ] {
        let answer = request(server.address, "GET", &format!("/python/{path}"), "").await;
        assert_eq!(answer.status, 404, "{path}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_study_in_python_is_not_served_with_what_it_was_not_prepared_with() {
    let (server, bundle) = (TestServer::start().await, bundle());
    let other = Digest::of(b"another lock").to_string();
    let (python, bundle) = (Some(other), Some(Arc::new(bundle)));
    for (python, bundle) in [
        (python.clone(), None),
        (python, bundle.clone()),
        (None, bundle),
    ] {
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut options = ServerOptions::new(server.study.clone(), server.data_dir(), address);
        options.study.python = python;
        options.python = bundle;
        let started = serve(options, server.store.clone(), std::future::pending());
        let error = started.await.err().expect("it is not served");
        assert!(matches!(error, ServeError::NotPrepared), "{error}");
    }
    server.stop().await;
}

#[tokio::test]
async fn pages_are_told_what_to_load_by_the_first_message() {
    let bundle = bundle();
    for (server, expected) in [
        (start(&bundle).await, Some(bundle.digest.to_string())),
        (TestServer::start().await, None),
    ] {
        let mut page = RawClient::connect(&server).await;
        page.send(hello(&new_token(&server).await, None)).await;
        let ServerMessage::Welcome { python, .. } = page.first().await else {
            panic!("a welcome");
        };
        assert_eq!(python, expected);
    }
}
