//! Arbitrary and mutated bytes never panic, and what decodes encodes back to itself.

use igym_protocol::{
    ClientMessage, Envelope, decode_delivery, decode_relay, decode_upload, encode_delivery,
    encode_relay, encode_upload,
};
use proptest::prelude::*;

use crate::sample;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2048)) {
        let _ = decode_upload(&bytes);
        let _ = decode_relay(&bytes);
        let _ = decode_delivery(&bytes);
        let _ = Envelope::<ClientMessage>::decode(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn mutated_uploads_never_panic(
        which in 0usize..5,
        cut in any::<prop::sample::Index>(),
        flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
    ) {
        let body = sample::bodies().swap_remove(which);
        let mut bytes = encode_upload(&sample::upload(1, body));
        for (at, value) in flips {
            let at = at.index(bytes.len());
            if at >= 4 {
                bytes[at] ^= value;
            }
        }
        bytes.truncate(cut.index(bytes.len()) + 1);
        if let Ok(upload) = decode_upload(&bytes) {
            let again = decode_upload(&encode_upload(&upload)).unwrap();
            prop_assert_eq!(again, upload);
        }
    }

    #[test]
    fn mutated_packets_and_deliveries_never_panic(
        which in 0usize..3,
        cut in any::<prop::sample::Index>(),
        flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
    ) {
        let mut bytes = match which {
            0 => encode_relay(&sample::relay()),
            which => encode_delivery(&sample::deliveries()[which - 1]),
        };
        for (at, value) in flips {
            let at = at.index(bytes.len());
            if at >= 4 {
                bytes[at] ^= value;
            }
        }
        bytes.truncate(cut.index(bytes.len()) + 1);
        if let Ok(relay) = decode_relay(&bytes) {
            prop_assert_eq!(decode_relay(&encode_relay(&relay)).unwrap(), relay);
        }
        if let Ok(delivery) = decode_delivery(&bytes) {
            prop_assert_eq!(decode_delivery(&encode_delivery(&delivery)).unwrap(), delivery);
        }
    }
}
