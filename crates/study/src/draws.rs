//! The study's randomness: everything drawn comes from one seed, in the order of drawing.

use igym_protocol::SessionId;
use uuid::Builder;

/// Symbols of completion codes; none that people mistake for another. There are 32, so that five
/// bits of a byte choose one fairly.
const SYMBOLS: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";

/// 50 bits: with a million codes given out, a guess is right once in a billion.
const CODE_SYMBOLS: usize = 10;

/// A stream of draws, unpredictable without its seed: BLAKE3, keyed, of a counter.
pub(crate) struct Draws {
    seed: [u8; 32],
    drawn: u64,
}

impl Draws {
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        Self { seed, drawn: 0 }
    }

    pub(crate) fn session_id(&mut self) -> SessionId {
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&self.block()[..16]);
        SessionId(Builder::from_random_bytes(bytes).into_uuid())
    }

    pub(crate) fn episode_seed(&mut self) -> u32 {
        self.number() as u32
    }

    pub(crate) fn completion_code(&mut self) -> String {
        let block = self.block();
        let symbols = block.iter().take(CODE_SYMBOLS);
        symbols
            .map(|byte| char::from(SYMBOLS[usize::from(byte % 32)]))
            .collect()
    }

    /// The numbers below `count` in a drawn order (Fisher and Yates; 64 bits leave no bias that
    /// could be seen).
    pub(crate) fn order(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        for last in (1..count).rev() {
            let chosen = self.number() % (last as u64 + 1);
            order.swap(last, chosen as usize);
        }
        order
    }

    /// One of the numbers below `count`, which is not 0. Where there is no choice nothing is drawn.
    pub(crate) fn one_of(&mut self, count: usize) -> usize {
        match count {
            0 | 1 => 0,
            count => (self.number() % count as u64) as usize,
        }
    }

    fn number(&mut self) -> u64 {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&self.block()[..8]);
        u64::from_le_bytes(bytes)
    }

    fn block(&mut self) -> [u8; 32] {
        let block = blake3::keyed_hash(&self.seed, &self.drawn.to_le_bytes());
        self.drawn += 1;
        *block.as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_seeds_draw_alike_and_others_do_not() {
        let draw = |seed| {
            let mut draws = Draws::new([seed; 32]);
            let id = draws.session_id();
            (
                id,
                draws.episode_seed(),
                draws.completion_code(),
                draws.order(9),
            )
        };
        assert_eq!(draw(1), draw(1));
        let (one, other) = (draw(1), draw(2));
        assert_ne!(one.0, other.0);
        assert_ne!(one.1, other.1);
        assert_ne!(one.2, other.2);
        assert_ne!(one.3, other.3);
    }

    #[test]
    fn orders_hold_each_number_once_and_every_order_comes_up() {
        let mut draws = Draws::new([7; 32]);
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..200 {
            let order = draws.order(3);
            let mut sorted = order.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, [0, 1, 2]);
            seen.insert(order);
        }
        assert_eq!(seen.len(), 6);
    }

    #[test]
    fn codes_are_ten_plain_symbols_and_differ() {
        let mut draws = Draws::new([7; 32]);
        let codes: std::collections::BTreeSet<String> =
            (0..1000).map(|_| draws.completion_code()).collect();
        assert_eq!(codes.len(), 1000);
        assert!(codes.iter().all(|code| code.len() == 10));
        assert!(
            codes
                .iter()
                .all(|code| code.bytes().all(|b| SYMBOLS.contains(&b)))
        );
    }
}
