//! Bytes that must not change within a protocol version: journals on disk are read by later
//! programs, and h(-1) of an episode played today must be the same in ten years.

use igym_protocol::{
    ClientMessage, Envelope, Measurement, Outcome, Record, Resume, ServerMessage, Token, View,
    decode_upload, encode_delivery, encode_relay, encode_upload,
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
fn what_pages_say_of_an_environment_has_its_golden_text() {
    let golden = [
        r#"{"v":1,"body":{"type":"measured","scene":1,"measurement":{"step_us":310,"save_us":40,"load_us":90,"rollback_us":3600}}}"#,
        r#"{"v":1,"body":{"type":"unable","scene":1,"message":"no WebAssembly"}}"#,
        r#"{"v":1,"body":{"type":"failed","session":"01923000-0000-7000-8000-000000000001","episode":1,"frame":7,"message":"env.py:12: ZeroDivisionError"}}"#,
    ];
    let messages = [
        ClientMessage::Measured {
            scene: 1,
            measurement: sample::measurement(),
        },
        ClientMessage::Unable {
            scene: 1,
            message: "no WebAssembly".into(),
        },
        ClientMessage::Failed {
            session: sample::session(),
            episode: 1,
            frame: 7,
            message: "env.py:12: ZeroDivisionError".into(),
        },
    ];
    for (message, golden) in messages.into_iter().zip(golden) {
        let message = Envelope::new(message);
        assert_eq!(message.encode(), golden);
        assert_eq!(Envelope::decode(golden).unwrap(), message);
    }
}

#[test]
fn a_welcome_has_its_golden_text() {
    let welcome = |python| {
        Envelope::new(ServerMessage::Welcome {
            participant: sample::participant(0),
            study_title: "T".into(),
            incarnation: 2,
            resume_key: "k".into(),
            acknowledged: 5,
            server_ms: 1.5,
            python,
        })
    };
    let golden = |python| {
        format!(
            r#"{{"v":1,"body":{{"type":"welcome","participant":"01923000-0000-7000-8000-000000000100","study_title":"T","incarnation":2,"resume_key":"k","acknowledged":5,"server_ms":1.5,"python":{python}}}}}"#
        )
    };
    assert_eq!(welcome(None).encode(), golden("null"));
    let with_python = welcome(Some("ab".into()));
    assert_eq!(with_python.encode(), golden("\"ab\""));
    assert_eq!(Envelope::decode(&golden("\"ab\"")).unwrap(), with_python);
}

#[test]
fn outcomes_of_environments_have_their_golden_text() {
    let end = View::End {
        title: String::new(),
        body: String::new(),
        outcome: Outcome::TooSlow,
        code: None,
        redirect: None,
    };
    let text = serde_json::to_string(&end).unwrap();
    assert!(text.contains(r#""outcome":"too_slow""#), "{text}");
    let failed = serde_json::to_string(&Outcome::EnvironmentFailed).unwrap();
    assert_eq!(failed, r#""environment_failed""#);
}

#[test]
fn records_of_environments_have_their_golden_text() {
    let golden = [
        r#"{"kind":"measured","participant":"01923000-0000-7000-8000-000000000100","scene":1,"incarnation":2,"measurement":{"step_us":310,"save_us":40,"load_us":90,"rollback_us":3600}}"#,
        r#"{"kind":"environment_unable","participant":"01923000-0000-7000-8000-000000000100","scene":1,"message":"no WebAssembly"}"#,
        r#"{"kind":"environment_failed","session":"01923000-0000-7000-8000-000000000001","episode":1,"player":0,"frame":7,"message":"env.py:12: ZeroDivisionError"}"#,
    ];
    let records = [
        Record::Measured {
            participant: sample::participant(0),
            scene: 1,
            incarnation: 2,
            measurement: sample::measurement(),
        },
        Record::EnvironmentUnable {
            participant: sample::participant(0),
            scene: 1,
            message: "no WebAssembly".into(),
        },
        Record::EnvironmentFailed {
            session: sample::session(),
            episode: 1,
            player: 0,
            frame: 7,
            message: "env.py:12: ZeroDivisionError".into(),
        },
    ];
    for (record, golden) in records.into_iter().zip(golden) {
        assert_eq!(serde_json::to_string(&record).unwrap(), golden);
        assert_eq!(serde_json::from_str::<Record>(golden).unwrap(), record);
    }
}

/// Journals of before there were treatments are read, and those of studies without any are the same.
#[test]
fn a_session_has_its_treatment_in_its_record_only_if_there_is_one() {
    let opened = |treatment| Record::SessionOpened {
        session: sample::session(),
        scene: 1,
        members: vec![sample::participant(0)],
        treatment,
    };
    let golden = r#"{"kind":"session_opened","session":"01923000-0000-7000-8000-000000000001","scene":1,"members":["01923000-0000-7000-8000-000000000100"]}"#;
    let with = golden.replace("]}", r#"],"treatment":"shared"}"#);
    for (record, golden) in [
        (opened(None), golden),
        (opened(Some("shared".into())), &*with),
    ] {
        assert_eq!(serde_json::to_string(&record).unwrap(), golden);
        assert_eq!(serde_json::from_str::<Record>(golden).unwrap(), record);
    }
}

#[test]
fn measurements_are_whole_microseconds() {
    for wrong in ["-1", "1.5", "4294967296", "1e300", "null", "\"1\""] {
        let text = format!(
            r#"{{"v":1,"body":{{"type":"measured","scene":1,"measurement":{{"step_us":{wrong},"save_us":1,"load_us":1,"rollback_us":1}}}}}}"#
        );
        assert!(Envelope::<ClientMessage>::decode(&text).is_err(), "{wrong}");
        let right = text.replace(wrong, "4294967295");
        let read = Envelope::<ClientMessage>::decode(&right).unwrap().body;
        let ClientMessage::Measured {
            measurement: Measurement { step_us, .. },
            ..
        } = read
        else {
            panic!("{read:?}");
        };
        assert_eq!(step_us, u32::MAX);
    }
}

#[test]
fn a_token_is_not_printed() {
    assert_eq!(format!("{:?}", Token("secret".into())), "Token(…)");
}
