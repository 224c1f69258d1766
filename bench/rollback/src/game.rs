//! The game that all play: a state of some size which every input changes.

/// A state of `WORDS` × 8 bytes. Big ones live on the heap, so that an engine that moves states
/// moves a pointer.
#[derive(Clone)]
pub enum State {
    Small([u64; 8]),
    Big(Box<[u64; 2048]>),
}

impl State {
    pub fn new(bytes: usize) -> State {
        match bytes {
            64 => State::Small([1; 8]),
            16_384 => State::Big(Box::new([1; 2048])),
            other => panic!("no state of {other} bytes"),
        }
    }

    fn words(&self) -> &[u64] {
        match self {
            State::Small(words) => words,
            State::Big(words) => &words[..],
        }
    }

    pub fn copy_from(&mut self, other: &State) {
        match (self, other) {
            (State::Small(mine), State::Small(other)) => *mine = *other,
            (State::Big(mine), State::Big(other)) => mine.copy_from_slice(&other[..]),
            (mine, other) => *mine = other.clone(),
        }
    }

    pub fn step(&mut self, inputs: impl Iterator<Item = u8>) {
        let words = match self {
            State::Small(words) => &mut words[..],
            State::Big(words) => &mut words[..],
        };
        for input in inputs {
            words[0] = (words[0] ^ u64::from(input)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let at = words[0] as usize % words.len();
            words[at] = words[at].wrapping_add(words[0] >> 7) | 1;
        }
    }

    pub fn checksum(&self) -> u128 {
        let sum = self.words().iter().fold(7u64, |sum, word| {
            (sum.rotate_left(9) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95)
        });
        u128::from(sum) << 64 | u128::from(self.words()[0])
    }
}

pub fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// How players press keys.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Keys {
    /// The same all the time: every guess is right.
    Held,
    /// Another one in every frame: every guess is wrong.
    Mashed,
    /// Another one every ten frames or so, as people do.
    Human,
}

impl Keys {
    pub fn input(self, player: usize, tick: u32) -> u8 {
        match self {
            Keys::Held => 3,
            Keys::Mashed => tick as u8,
            Keys::Human => {
                let moment = (tick + 5 * player as u32) / 10;
                mix(u64::from(moment) << 8 | player as u64) as u8 % 8
            }
        }
    }
}
