//! A server from start to Ctrl-C.

use std::io::{BufRead as _, BufReader, Read as _};
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
