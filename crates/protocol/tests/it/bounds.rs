//! Every bound refuses what lies past it, by name.

use igym_protocol::{
    BinaryKind, ClientMessage, DecodeError, Envelope, Limits, Relay, Rows, UploadBody, binary_kind,
    decode_relay, decode_upload, encode_relay, encode_upload,
};

use crate::sample;

fn refusal(body: UploadBody) -> String {
    decode_upload(&encode_upload(&sample::upload(1, body)))
        .unwrap_err()
        .to_string()
}

#[test]
fn long_inputs_and_outcomes_are_refused_by_name() {
    let mut batch = sample::journal_batch();
    batch.authored[0].input = vec![0; Limits::INPUT_BYTES + 1];
    assert!(refusal(UploadBody::Journal(batch)).contains("authored.input has 65"));

    let mut row = sample::row();
    row.outcome = vec![0; Limits::OUTCOME_BYTES + 1];
    let rows = Rows {
        first: 0,
        rows: vec![row],
    };
    assert!(refusal(UploadBody::Rows(rows)).contains("rows.outcome has 16385"));
}

#[test]
fn many_records_and_players_are_refused_by_name() {
    let mut batch = sample::journal_batch();
    batch.keys = vec![batch.keys[0].clone(); Limits::BATCH_RECORDS + 1];
    assert!(refusal(UploadBody::Journal(batch)).contains("keys has 4097"));

    let mut batch = sample::journal_batch();
    batch.presented[0].inputs = vec![vec![0]; Limits::PLAYERS + 1];
    assert!(refusal(UploadBody::Journal(batch)).contains("presented.inputs has 17"));

    let rows = Rows {
        first: 0,
        rows: vec![sample::row(); Limits::ROWS + 1],
    };
    assert!(refusal(UploadBody::Rows(rows)).contains("rows has 1025"));
}

#[test]
fn long_error_texts_are_refused_by_name() {
    let mut batch = sample::journal_batch();
    batch.events = vec![igym_protocol::ClientEvent::Error {
        at_us: 0,
        message: "x".repeat(Limits::TEXT_CHARS + 1),
    }];
    assert!(refusal(UploadBody::Journal(batch)).contains("events.message has 1025"));
}

#[test]
fn long_frames_are_refused_before_they_are_read() {
    let text = " ".repeat(Limits::TEXT_BYTES + 1);
    assert!(matches!(
        Envelope::<ClientMessage>::decode(&text),
        Err(DecodeError::TooLarge { .. })
    ));
    assert!(matches!(
        decode_upload(&vec![0; Limits::UPLOAD_BYTES + 1]),
        Err(DecodeError::TooLarge { .. })
    ));
}

#[test]
fn other_versions_say_so() {
    let error = Envelope::<ClientMessage>::decode(r#"{"v":9,"body":{"type":"future"}}"#);
    assert!(matches!(error, Err(DecodeError::Version { actual: 9 })));
    let mut bytes = encode_upload(&sample::upload(1, UploadBody::Flushed));
    bytes[2] = 9;
    assert!(matches!(
        decode_upload(&bytes),
        Err(DecodeError::Version { actual: 9 })
    ));
}

#[test]
fn unknown_fields_and_trailing_bytes_are_refused() {
    let text = r#"{"v":1,"body":{"type":"advance","scene":0,"participant":"someone else"}}"#;
    assert!(Envelope::<ClientMessage>::decode(text).is_err());
    let mut bytes = encode_upload(&sample::upload(1, UploadBody::Flushed));
    bytes.push(0);
    assert!(decode_upload(&bytes).is_err());
}

#[test]
fn packets_between_players_are_bounded() {
    let of = |length: usize| Relay {
        packet: vec![0; length],
        ..sample::relay()
    };
    assert!(decode_relay(&encode_relay(&of(Limits::PACKET_BYTES))).is_ok());
    for length in [0, Limits::PACKET_BYTES + 1, Limits::UPLOAD_BYTES] {
        assert!(
            decode_relay(&encode_relay(&of(length))).is_err(),
            "{length}"
        );
    }
    assert_eq!(binary_kind(&encode_relay(&of(1))), BinaryKind::Relay);
    let upload = encode_upload(&sample::upload(1, UploadBody::Flushed));
    assert_eq!(binary_kind(&upload), BinaryKind::Upload);
}
