//! numpy's random generator, bit for bit: [`SeedSequence`] and the [`Pcg64`] of
//! `numpy.random.default_rng(seed)`, which is also Gymnasium's `seeding.np_random(seed)`.

/// Spreads a seed over as many words as a generator needs, as `numpy.random.SeedSequence`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeedSequence {
    pool: [u32; POOL],
}

const POOL: usize = 4;
const INIT_A: u32 = 0x43b0_d7e5;
const MULT_A: u32 = 0x931e_8875;
const INIT_B: u32 = 0x8b51_f9dd;
const MULT_B: u32 = 0x58f3_8ded;
const MIX_LEFT: u32 = 0xca01_f9dd;
const MIX_RIGHT: u32 = 0x4973_f715;
const SHIFT: u32 = 16;

impl SeedSequence {
    pub fn new(seed: u64) -> Self {
        // numpy splits an integer into 32-bit words, lowest first, with no leading zero words.
        let words = [seed as u32, (seed >> 32) as u32];
        let used = if words[1] == 0 { 1 } else { 2 };
        Self::from_words(&words[..used])
    }

    /// From the 32-bit words of a seed of any length, lowest first.
    pub fn from_words(words: &[u32]) -> Self {
        let mut constant = INIT_A;
        let mut hash = |word: u32| {
            let mut value = word ^ constant;
            constant = constant.wrapping_mul(MULT_A);
            value = value.wrapping_mul(constant);
            value ^ value >> SHIFT
        };
        let mut pool = [0; POOL];
        for (place, slot) in pool.iter_mut().enumerate() {
            *slot = hash(words.get(place).copied().unwrap_or(0));
        }
        for source in 0..POOL {
            for target in 0..POOL {
                if source != target {
                    pool[target] = mix(pool[target], hash(pool[source]));
                }
            }
        }
        for word in words.iter().skip(POOL) {
            for slot in &mut pool {
                *slot = mix(*slot, hash(*word));
            }
        }
        Self { pool }
    }

    /// The first words of `generate_state(N)`.
    pub fn words<const N: usize>(&self) -> [u32; N] {
        let mut constant = INIT_B;
        let mut words = [0; N];
        for (word, entropy) in words.iter_mut().zip(self.pool.iter().cycle()) {
            let mut value = entropy ^ constant;
            constant = constant.wrapping_mul(MULT_B);
            value = value.wrapping_mul(constant);
            *word = value ^ value >> SHIFT;
        }
        words
    }
}

fn mix(x: u32, y: u32) -> u32 {
    let value = MIX_LEFT
        .wrapping_mul(x)
        .wrapping_sub(MIX_RIGHT.wrapping_mul(y));
    value ^ value >> SHIFT
}

/// The generator behind `numpy.random.default_rng`: PCG XSL-RR 128/64.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pcg64 {
    state: u128,
    increment: u128,
    /// The unused upper half of the last 64 bits that were split in two.
    spare: Option<u32>,
}

const MULTIPLIER: u128 = 0x2360_ed05_1fc6_5da4_4385_df64_9fcc_f645;

impl Pcg64 {
    /// Bytes of a saved generator.
    pub const SAVED_LEN: usize = 37;

    /// The same as `numpy.random.default_rng(seed)`.
    pub fn new(seed: u64) -> Self {
        Self::from_sequence(&SeedSequence::new(seed))
    }

    /// The same as `numpy.random.PCG64(sequence)`.
    pub fn from_sequence(sequence: &SeedSequence) -> Self {
        let words: [u32; 8] = sequence.words();
        let [a, b, c, d] =
            [0, 2, 4, 6].map(|i| u128::from(words[i]) | u128::from(words[i + 1]) << 32);
        let mut generator = Self {
            state: 0,
            increment: (c << 64 | d) << 1 | 1,
            spare: None,
        };
        generator.advance();
        generator.state = generator.state.wrapping_add(a << 64 | b);
        generator.advance();
        generator
    }

    /// `bit_generator.random_raw()`.
    pub fn next_u64(&mut self) -> u64 {
        self.advance();
        let rotation = (self.state >> 122) as u32;
        ((self.state >> 64) as u64 ^ self.state as u64).rotate_right(rotation)
    }

    /// 32 bits; two calls share one draw of 64, lower half first.
    pub fn next_u32(&mut self) -> u32 {
        if let Some(upper) = self.spare.take() {
            return upper;
        }
        let both = self.next_u64();
        self.spare = Some((both >> 32) as u32);
        both as u32
    }

    /// `Generator.random()`: uniform in [0, 1).
    pub fn random(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0)
    }

    /// `Generator.uniform(low, high)`.
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.random()
    }

    /// `int(Generator.integers(low, high))`: uniform in `low..high`; `low` where that is empty.
    pub fn integers(&mut self, low: i64, high: i64) -> i64 {
        let width = if high > low { high.abs_diff(low) } else { 1 };
        low.wrapping_add_unsigned(self.below(width))
    }

    /// Appends the state.
    pub fn save(&self, out: &mut Vec<u8>) {
        out.extend(self.state.to_le_bytes());
        out.extend(self.increment.to_le_bytes());
        out.push(u8::from(self.spare.is_some()));
        out.extend(self.spare.unwrap_or(0).to_le_bytes());
    }

    /// Reads what [`save`](Self::save) wrote; `None` if it did not write that.
    pub fn load(bytes: &[u8; Self::SAVED_LEN]) -> Option<Self> {
        let (state, rest) = bytes.split_first_chunk::<16>()?;
        let (increment, rest) = rest.split_first_chunk::<16>()?;
        let (flag, rest) = rest.split_first_chunk::<1>()?;
        let spare = u32::from_le_bytes(*rest.first_chunk()?);
        let spare = match (flag, spare) {
            ([0], 0) => None,
            ([1], spare) => Some(spare),
            _ => return None,
        };
        Some(Self {
            state: u128::from_le_bytes(*state),
            increment: u128::from_le_bytes(*increment),
            spare,
        })
    }

    /// Below `width`, which is not 0, by Lemire's method in 32 or 64 bits as numpy chooses.
    fn below(&mut self, width: u64) -> u64 {
        let last = width - 1;
        if last == 0 {
            0
        } else if last == u64::from(u32::MAX) {
            u64::from(self.next_u32())
        } else if last < u64::from(u32::MAX) {
            let threshold = (u64::from(u32::MAX) - last) % width;
            loop {
                let product = u64::from(self.next_u32()) * width;
                if product & u64::from(u32::MAX) >= threshold {
                    return product >> 32;
                }
            }
        } else {
            let threshold = (u64::MAX - last) % width;
            loop {
                let product = u128::from(self.next_u64()) * u128::from(width);
                if product as u64 >= threshold {
                    return (product >> 64) as u64;
                }
            }
        }
    }

    fn advance(&mut self) {
        self.state = self
            .state
            .wrapping_mul(MULTIPLIER)
            .wrapping_add(self.increment);
    }
}
