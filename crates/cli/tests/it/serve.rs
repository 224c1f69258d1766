//! A server from start to Ctrl-C.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::Stdio;

use tempfile::TempDir;

use crate::program::{command, igym, text};

/// Pages as small as the server takes them.
fn pages(folder: &std::path::Path) {
    std::fs::create_dir_all(folder.join("assets")).unwrap();
    std::fs::write(
        folder.join("index.html"),
        "<!doctype html><title>Study</title>",
    )
    .unwrap();
    let module = folder.join("assets/igym_browser_bg-abc123.wasm");
    std::fs::write(module, b"\0asm\x01\0\0\0").unwrap();
}

#[cfg(unix)]
#[test]
fn serve_prints_the_link_and_stops_when_asked() {
    let folder = TempDir::new().unwrap();
    let (data, web) = (folder.path().join("data"), folder.path().join("web"));
    pages(&web);
    igym(&["init", text(folder.path())]).expect(0);
    let study = folder.path().join("study.toml");
    std::fs::create_dir(folder.path().join("assets")).unwrap();
    std::fs::write(folder.path().join("assets/ball.png"), "a picture").unwrap();
    let mut server = command(&["serve", text(&study)])
        .args(["--data", text(&data), "--web", text(&web), "--port", "0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(server.stdout.take().unwrap());
    let mut said = String::new();
    while !said.contains("Ctrl-C") {
        assert!(
            out.read_line(&mut said).unwrap() > 0,
            "it ended early: {said}"
        );
    }
    assert!(
        said.contains("Participant link   http://localhost:"),
        "{said}"
    );
    assert!(said.contains(text(&data)), "{said}");

    let (_, link) = said.split_once("http://").unwrap();
    let address = link.split('/').next().unwrap();
    let mut page = TcpStream::connect(address).unwrap();
    let request =
        format!("GET /study/ball.png HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    page.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    page.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.ends_with("\r\n\r\na picture"), "{answer}");

    // Beside a running server.
    let run = igym(&["verify", text(&data)]).expect(0);
    assert!(run.out.contains("No episodes yet"), "{}", run.out);
    let second = igym(&["serve", text(&study), "--data", text(&data), "--port", "0"]).expect(2);
    assert!(second.err.contains("another server"), "{}", second.err);

    let pid = server.id().to_string();
    let killed = std::process::Command::new("kill")
        .args(["-INT", &pid])
        .status();
    assert!(killed.unwrap().success());
    out.read_to_string(&mut said).unwrap();
    let status = server.wait().unwrap();
    assert_eq!(status.code(), Some(0), "{said}");
    assert!(said.contains("Stopped."), "{said}");
}
