//! Which of a peer's packets came, and which did not.

/// How a packet came, by its sequence number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// No later packet came before.
    Newest,
    /// After one that was sent later.
    Late,
    /// Not for the first time, or so late that it cannot be told.
    Again,
}

/// Which of a peer's packets came, from their sequence numbers.
#[derive(Debug, Default)]
pub(crate) struct Arrivals {
    /// Bit n is set if packet `highest − n` came.
    seen: u128,
    highest: u32,
    lowest: u32,
    unique: u64,
    pub(crate) received: u64,
    pub(crate) reordered: u64,
    pub(crate) duplicated: u64,
    /// Losses of the peer's earlier incarnations.
    lost_before: u64,
}

impl Arrivals {
    pub(crate) fn take(&mut self, sequence: u32) -> Arrival {
        self.received += 1;
        if self.unique == 0 {
            self.lowest = sequence;
            self.highest = sequence;
            self.seen = 1;
            self.unique = 1;
            return Arrival::Newest;
        }
        if sequence > self.highest {
            let ahead = sequence - self.highest;
            self.seen = self.seen.checked_shl(ahead).unwrap_or(0) | 1;
            self.highest = sequence;
            self.unique += 1;
            return Arrival::Newest;
        }
        let bit = 1u128
            .checked_shl(self.highest - sequence)
            .unwrap_or_default();
        if bit == 0 || self.seen & bit != 0 {
            self.duplicated += 1;
            return Arrival::Again;
        }
        self.seen |= bit;
        self.lowest = self.lowest.min(sequence);
        self.unique += 1;
        self.reordered += 1;
        Arrival::Late
    }

    /// The peer numbers its packets from 1 again.
    pub(crate) fn restart(&mut self) {
        self.lost_before = self.lost();
        self.unique = 0;
    }

    pub(crate) fn lost(&self) -> u64 {
        let numbered = match self.unique {
            0 => 0,
            _ => u64::from(self.highest - self.lowest) + 1,
        };
        self.lost_before + numbered.saturating_sub(self.unique)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrivals_are_told_apart() {
        let mut arrivals = Arrivals::default();
        let order = [5, 6, 9, 7, 7, 9, 4, 400, 8];
        let told = order.map(|sequence| arrivals.take(sequence));
        use Arrival::{Again, Late, Newest};
        let expected = [
            Newest, Newest, Newest, Late, Again, Again, Late, Newest, Again,
        ];
        assert_eq!(told, expected);
        // 4 to 7, 9 and 400 came, of 4 to 400.
        assert_eq!(arrivals.lost(), 397 - 6);
        assert_eq!(
            (arrivals.received, arrivals.reordered, arrivals.duplicated),
            (9, 2, 3)
        );
        arrivals.restart();
        assert_eq!(arrivals.take(1), Newest);
        assert_eq!(arrivals.take(3), Newest);
        assert_eq!(arrivals.lost(), 391 + 1);
    }
}
