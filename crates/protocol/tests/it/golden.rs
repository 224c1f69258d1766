//! Bytes that must not change within a protocol version: journals on disk are read by later
//! programs, and h(-1) of an episode played today must be the same in ten years.

use igym_protocol::{
    ClientMessage, Envelope, Resume, Token, decode_upload, encode_delivery, encode_relay,
    encode_upload,
};

use crate::sample;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn uploads_have_their_golden_bytes() {
    let golden = [
        "49470100020110019230000000700080000000000000010100010700010300f59e0e0201050101010080d30e0106e8da0e02010301010201f0840e074172726f77557001070200d0e20e04020104b8ea0e000190a10f0194910684071e1d01",
        "494701000202100192300000007000800000000000000101010002020103010102aabb010707070707070707070707070707070709090909090909090909090909090909020103010102aabb010707070707070707070707070707070709090909090909090909090909090909",
        "494701000203100192300000007000800000000000000101020109090909090909090909090909090909",
        "49470100020410019230000000700080000000000000010103",
        "49470100020510019230000000700080000000000000010104020000000000000001a8c00200010100a08d06000000000000000000",
    ];
    for (index, (body, golden)) in sample::bodies().into_iter().zip(golden).enumerate() {
        let upload = sample::upload(index as u32 + 1, body);
        let bytes = encode_upload(&upload);
        assert_eq!(hex(&bytes), golden, "body {index}");
        assert_eq!(decode_upload(&bytes).unwrap(), upload);
    }
}

#[test]
fn packets_and_deliveries_have_their_golden_bytes() {
    let golden = [
        "4952010010019230000000700080000000000000010101140707070707070707070707070707070707070707",
        "494401000010019230000000700080000000000000010101140707070707070707070707070707070707070707",
        "49440100011001923000000070008000000000000001010202010302010200",
    ];
    let [relayed, history] = sample::deliveries();
    let relay = encode_relay(&sample::relay());
    let bytes = [relay, encode_delivery(&relayed), encode_delivery(&history)];
    assert_eq!(bytes.map(|bytes| hex(&bytes)), golden);
}

#[test]
fn the_genesis_hash_of_a_plan_is_golden_and_covers_every_field() {
    let plan = sample::plan();
    assert_eq!(hex(&plan.genesis()), "31a7aabe2c35cf4e41780e989d482a38");
    let mut seed = plan.clone();
    seed.seed += 1;
    let mut build = plan.clone();
    build.digests.build.push('x');
    let mut delay = plan.clone();
    delay.input_delay += 1;
    for changed in [seed, build, delay] {
        assert_ne!(changed.genesis(), plan.genesis());
    }
}

#[test]
fn control_messages_have_their_golden_text() {
    let hello = Envelope::new(ClientMessage::Hello {
        token: Token("secret".into()),
        resume: Some(Resume {
            incarnation: 3,
            key: "k".into(),
        }),
        user_agent: "UA".into(),
    });
    let text = r#"{"v":1,"body":{"type":"hello","token":"secret","resume":{"incarnation":3,"key":"k"},"user_agent":"UA"}}"#;
    assert_eq!(hello.encode(), text);
    assert_eq!(Envelope::decode(text).unwrap(), hello);
}

#[test]
fn a_token_is_not_printed() {
    assert_eq!(format!("{:?}", Token("secret".into())), "Token(…)");
}
