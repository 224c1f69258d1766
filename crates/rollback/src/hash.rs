//! The chain hash: one value that stands for everything that happened up to a frame.

use std::fmt;

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
    let mut hasher = blake3::Hasher::new();
    hasher.update(&previous.0);
    hasher.update(&frame.0.to_le_bytes());
    hasher.update(&[inputs.len() as u8]);
    for input in inputs {
        update_with_length(&mut hasher, input.as_ref());
    }
    update_with_length(&mut hasher, outcome);
    match digest {
        None => hasher.update(&[0]),
        Some(digest) => hasher.update(&[1]).update(&digest.0),
    };
    let mut hash = [0; 16];
    hash.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    ChainHash(hash)
}

fn update_with_length(hasher: &mut blake3::Hasher, bytes: &[u8]) {
    hasher.update(&(bytes.len() as u32).to_le_bytes());
    hasher.update(bytes);
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
}
