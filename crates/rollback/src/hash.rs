//! The chain hash: one value that stands for everything that happened up to a frame.

use core::fmt;

use crate::Frame;

/// h(n): the first 16 bytes of BLAKE3 over h(n−1) and frame n. h(−1) is the genesis that the host
/// derives from all that the peers must agree on before frame 0.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct ChainHash(pub [u8; 16]);

impl ChainHash {
    /// The part that travels in packets.
    pub fn prefix(self) -> HashPrefix {
        let mut prefix = [0; 8];
        prefix.copy_from_slice(&self.0[..8]);
        HashPrefix(prefix)
    }
}

/// The first 8 bytes of a [`ChainHash`].
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct HashPrefix(pub [u8; 8]);

/// A digest of the simulation's state, made by the host.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Digest(pub [u8; 16]);

/// h(frame), from the hash of the frame before it.
///
/// The hashed bytes are: `previous` (16 bytes); the frame (u32, little-endian); the number of
/// inputs (u8); each input in player order as its length (u32 LE) and bytes; the outcome as its
/// length (u32 LE) and bytes; then 0, or 1 and the 16 bytes of the digest.
pub fn chain(
    previous: ChainHash,
    frame: Frame,
    inputs: &[impl AsRef<[u8]>],
    outcome: &[u8],
    digest: Option<Digest>,
) -> ChainHash {
    let length: usize = inputs.iter().map(|input| 4 + input.as_ref().len()).sum();
    let length = 16 + 4 + 1 + length + 4 + outcome.len() + 17;
    if length <= SHORT {
        // One piece of memory costs a third of an incremental hash.
        let mut bytes = [0; SHORT];
        let mut end = 0;
        write(previous, frame, inputs, outcome, digest, |part| {
            match part {
                [one] => bytes[end] = *one,
                part => bytes[end..end + part.len()].copy_from_slice(part),
            }
            end += part.len();
        });
        return shortened(&blake3::hash(&bytes[..end]));
    }
    let mut hasher = blake3::Hasher::new();
    write(previous, frame, inputs, outcome, digest, |part| {
        hasher.update(part);
    });
    shortened(&hasher.finalize())
}

/// Most frames hash fewer bytes than this.
const SHORT: usize = 128;

#[inline]
fn write(
    previous: ChainHash,
    frame: Frame,
    inputs: &[impl AsRef<[u8]>],
    outcome: &[u8],
    digest: Option<Digest>,
    // Inlined: of most parts the length is known then.
    mut put: impl FnMut(&[u8]),
) {
    put(&previous.0);
    put(&frame.0.to_le_bytes());
    put(&[inputs.len() as u8]);
    let parts = inputs.iter().map(|input| input.as_ref());
    for part in parts.chain([outcome]) {
        put(&(part.len() as u32).to_le_bytes());
        if !part.is_empty() {
            put(part);
        }
    }
    match digest {
        None => put(&[0]),
        Some(digest) => {
            put(&[1]);
            put(&digest.0);
        }
    }
}

fn shortened(hash: &blake3::Hash) -> ChainHash {
    let mut short = [0; 16];
    short.copy_from_slice(&hash.as_bytes()[..16]);
    ChainHash(short)
}

macro_rules! hexadecimal {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }
    )*};
}

hexadecimal!(ChainHash, HashPrefix, Digest);

#[cfg(test)]
mod tests {
    use alloc::string::ToString;
    use alloc::vec;

    use super::*;

    #[test]
    fn every_part_counts() {
        let inputs: [&[u8]; 2] = [&[1, 2], &[3]];
        let other: [&[u8]; 2] = [&[1], &[2, 3]];
        let genesis = ChainHash([9; 16]);
        let digest = Some(Digest([5; 16]));
        let hashes = [
            chain(genesis, Frame(4), &inputs, b"out", digest),
            chain(ChainHash([8; 16]), Frame(4), &inputs, b"out", digest),
            chain(genesis, Frame(5), &inputs, b"out", digest),
            chain(genesis, Frame(4), &other, b"out", digest),
            chain(genesis, Frame(4), &inputs[..1], b"out", digest),
            chain(genesis, Frame(4), &inputs, b"ouT", digest),
            chain(genesis, Frame(4), &inputs, b"out", Some(Digest([6; 16]))),
            chain(genesis, Frame(4), &inputs, b"out", None),
        ];
        for (n, hash) in hashes.iter().enumerate() {
            assert!(!hashes[..n].contains(hash), "{n}");
        }
    }

    /// The bytes are those of the documentation.
    #[test]
    fn golden_hash() {
        let mut bytes = vec![9; 16];
        bytes.extend([4, 0, 0, 0]);
        bytes.push(2);
        bytes.extend([2, 0, 0, 0, 1, 2]);
        bytes.extend([1, 0, 0, 0, 3]);
        bytes.extend([3, 0, 0, 0, b'o', b'u', b't']);
        bytes.push(1);
        bytes.extend([5; 16]);
        let inputs: [&[u8]; 2] = [&[1, 2], &[3]];
        let digest = Some(Digest([5; 16]));
        let hash = chain(ChainHash([9; 16]), Frame(4), &inputs, b"out", digest);
        assert_eq!(hash.0, blake3::hash(&bytes).as_bytes()[..16]);
        assert_eq!(hash.to_string(), "6ee5357635c820a69ef374aefd66c7ea");
    }

    /// Where the bytes are many, they are hashed another way.
    #[test]
    fn every_length_is_hashed_alike() {
        for length in 0..2 * SHORT {
            let outcome = vec![7; length];
            let mut bytes = vec![9; 16];
            bytes.extend([4, 0, 0, 0]);
            bytes.push(1);
            bytes.extend([1, 0, 0, 0, 3]);
            bytes.extend((length as u32).to_le_bytes());
            bytes.extend(&outcome);
            bytes.push(0);
            let hash = chain(ChainHash([9; 16]), Frame(4), &[[3]], &outcome, None);
            assert_eq!(hash.0, blake3::hash(&bytes).as_bytes()[..16], "{length}");
        }
    }
}
