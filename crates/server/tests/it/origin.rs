//! Pages of other sites get in nowhere.

use igym_protocol::Record;

use crate::support::{TestServer, request_with};

const UPGRADE: &str = "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
                       sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";

#[tokio::test]
async fn pages_of_other_sites_make_no_participants_and_open_no_websocket() {
    let server = TestServer::start().await;
    let address = server.address;
    let host = format!("host: {address}\r\n");
    for theirs in [
        "origin: https://evil.example\r\n",
        "origin: null\r\n",
        "sec-fetch-site: cross-site\r\n",
        &format!("origin: http://{address}\r\nsec-fetch-site: cross-site\r\n"),
        &format!("origin: http://{address}.evil.example\r\n"),
    ] {
        let headers = format!("{host}{theirs}");
        let answer = request_with(address, "POST", "/api/participants", &headers, "").await;
        assert_eq!(answer.status, 403, "{theirs}");
        assert!(answer.text().contains("another site"), "{}", answer.text());
        let headers = format!("{headers}{UPGRADE}");
        let answer = request_with(address, "GET", "/ws", &headers, "").await;
        assert_eq!(answer.status, 403, "{theirs}");
    }
    let arrived =
        |entry: &igym_protocol::Entry| matches!(entry.record, Record::ParticipantArrived { .. });
    assert!(!server.journal().iter().any(arrived));

    for ours in [
        String::new(),
        format!("origin: http://{address}\r\nsec-fetch-site: same-origin\r\n"),
        // A proxy adds the S.
        format!("origin: https://{address}\r\n"),
    ] {
        let headers = format!("{host}{ours}");
        let answer = request_with(address, "POST", "/api/participants", &headers, "").await;
        assert_eq!(answer.status, 201, "{ours}");
    }
    assert_eq!(server.journal().iter().filter(|it| arrived(it)).count(), 3);
}

#[tokio::test]
async fn links_from_other_sites_lead_to_the_pages() {
    let server = TestServer::start().await;
    let headers = format!("host: {}\r\nsec-fetch-site: cross-site\r\n", server.address);
    for path in ["/", "/p/0123abcd"] {
        let answer = request_with(server.address, "GET", path, &headers, "").await;
        assert_eq!(answer.status, 200, "{path}");
    }
}

#[tokio::test]
async fn a_page_of_ours_opens_its_websocket() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let server = TestServer::start().await;
    let address = server.address;
    let mut connection = tokio::net::TcpStream::connect(address).await.unwrap();
    let request =
        format!("GET /ws HTTP/1.1\r\nhost: {address}\r\norigin: http://{address}\r\n{UPGRADE}\r\n");
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut status = [0; 12];
    crate::support::patiently("an answer", connection.read_exact(&mut status))
        .await
        .unwrap();
    assert_eq!(&status, b"HTTP/1.1 101");
}
