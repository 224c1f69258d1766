//! Secrets: 256 bits from the operating system, known to this server only by their hash.

use igym_protocol::Token;

/// BLAKE3 of a secret. Looking up a hash tells nothing about how near a guess came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SecretHash([u8; 32]);

impl SecretHash {
    pub(crate) fn of(secret: &str) -> Self {
        Self(*blake3::hash(secret.as_bytes()).as_bytes())
    }

    /// Reads what [`Self::to_hex`] wrote.
    pub(crate) fn from_hex(text: &str) -> Option<Self> {
        let hash = blake3::Hash::from_hex(text).ok()?;
        Some(Self(*hash.as_bytes()))
    }

    pub(crate) fn to_hex(self) -> String {
        hex(self.0)
    }
}

/// A participant's token.
pub(crate) fn new_token() -> Result<Token, getrandom::Error> {
    new_secret().map(Token)
}

/// 64 hexadecimal digits that nobody can guess.
pub(crate) fn new_secret() -> Result<String, getrandom::Error> {
    random_bytes().map(hex)
}

pub(crate) fn random_bytes() -> Result<[u8; 32], getrandom::Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

pub(crate) fn hex(bytes: [u8; 32]) -> String {
    blake3::Hash::from_bytes(bytes).to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_long_and_never_the_same() {
        let tokens: std::collections::BTreeSet<_> =
            (0..1_000).map(|_| new_token().unwrap()).collect();
        assert_eq!(tokens.len(), 1_000);
        for Token(token) in tokens {
            assert_eq!(token.len(), 64);
            assert!(token.bytes().all(|byte| byte.is_ascii_hexdigit()));
        }
    }

    #[test]
    fn a_hash_survives_the_journal() {
        let hash = SecretHash::of("a token");
        assert_eq!(SecretHash::from_hex(&hash.to_hex()), Some(hash));
        assert_ne!(SecretHash::of("b token"), hash);
        assert_eq!(SecretHash::from_hex("not a hash"), None);
    }
}
