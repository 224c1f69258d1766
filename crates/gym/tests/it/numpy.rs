//! The generator against values that numpy 2.4.6 printed.

use igym_gym::numpy::{Pcg64, SeedSequence};

#[test]
fn seed_sequences_spread_seeds_as_numpy_does() {
    // numpy.random.SeedSequence(seed).generate_state(4)
    for (seed, words) in [
        (0, [0xb0f4_78be, 0xdb2c_d7e7, 0x2c71_ba49, 0xabf4_641a]),
        (1, [0x6d67_91ff, 0x672d_8ee5, 0x4eb1_072c, 0x8ae1_9ca1]),
        (42, [0xcd54_0ab7, 0x9f1e_2e6d, 0x79fb_94b6, 0xd578_73dc]),
        (
            0xffff_ffff,
            [0x76c1_fe08, 0x2a05_c5e2, 0xc20e_8198, 0x2032_e40f],
        ),
        (
            1 << 32,
            [0xec53_f444, 0x50ff_846c, 0xe827_8562, 0x7a49_18db],
        ),
        (
            (1 << 63) + 12345,
            [0x7ae5_3509, 0x889e_c48f, 0xe5ab_3a49, 0x26bb_4c7b],
        ),
    ] {
        assert_eq!(SeedSequence::new(seed).words(), words, "seed {seed}");
    }
    // The same of 1 + 2·2³² + 3·2⁶⁴ + 4·2⁹⁶ + 5·2¹²⁸, and of [1, 2, 3, 4, 5, 6].
    assert_eq!(
        SeedSequence::from_words(&[1, 2, 3, 4, 5]).words(),
        [0x7eff_2afe, 0xf7e3_3047, 0x6405_5549, 0xf75b_19e3]
    );
    assert_eq!(
        SeedSequence::from_words(&[1, 2, 3, 4, 5, 6]).words(),
        [0x1d1b_ca21, 0xebcd_001d, 0xb202_608b, 0xcfea_83a4]
    );
}

#[test]
fn raw_numbers_are_those_of_default_rng() {
    for (seed, raw) in [
        (
            0,
            [
                0xa30f_ebcf_d9c2_825f,
                0x4510_bdf8_82d9_d721,
                0x0a7d_3da9_4ecd_e8b8,
            ],
        ),
        (
            1,
            [
                0x8306_bdf3_7922_e4ff,
                0xf351_96bb_c152_a866,
                0x24e7_a4f6_08ec_18cd,
            ],
        ),
        (
            42,
            [
                0xc621_fbcd_16d9_2688,
                0x705a_5661_a791_ffc1,
                0xdbcd_12c2_6eda_1624,
            ],
        ),
        (
            0xffff_ffff,
            [
                0x407f_5fa9_30d8_fd9f,
                0x3814_b22e_b968_4802,
                0x498b_7dce_e8d8_dc95,
            ],
        ),
        (
            (1 << 32) + 7,
            [
                0xc527_f515_dec9_5ccd,
                0x1ca7_438d_e038_1dec,
                0x3068_b584_4246_d312,
            ],
        ),
    ] {
        let mut generator = Pcg64::new(seed);
        assert_eq!([(); 3].map(|()| generator.next_u64()), raw, "seed {seed}");
    }
}

#[test]
fn random_and_uniform_are_equal_to_the_bit() {
    // Python's float.hex() of: random(), random(), uniform(-20, 20), uniform(10, 25).
    for (seed, expected) in [
        (
            0,
            [
                0x3fe4_61fd_79fb_3850_u64,
                0x3fd1_442f_7e20_b674,
                0xc032_5c6e_5d8b_afd4,
                0x4024_7eee_a756_41d8,
            ],
        ),
        (
            1,
            [
                0x3fe0_60d7_be6f_245c,
                0x3fee_6a32_d778_2a55,
                0xc02c_779c_731d_3638,
                0x4038_3ad0_5a3e_581a,
            ],
        ),
        (
            42,
            [
                0x3fe8_c43f_79a2_db24,
                0x3fdc_1695_9869_e47e,
                0x402c_b015_dcc2_a424,
                0x4034_75e4_aad3_4a08,
            ],
        ),
    ] {
        let mut generator = Pcg64::new(seed);
        let drawn = [
            generator.random(),
            generator.random(),
            generator.uniform(-20.0, 20.0),
            generator.uniform(10.0, 25.0),
        ];
        assert_eq!(drawn.map(f64::to_bits), expected, "seed {seed}");
    }
}

#[test]
fn long_runs_stay_equal() {
    let mut generator = Pcg64::new(7);
    let folded = (0..10_000).fold(0, |all, _| all ^ generator.random().to_bits());
    assert_eq!(folded, 0x003c_c84c_99f0_dd2f);
    // Bounds at which numpy often draws again, in its 32-bit and its 64-bit method.
    for (high, expected) in [
        (3_000_000_000, 0x0315_3993_d037),
        (3 << 61, 0xba37_ee20_080a_ef9c),
    ] {
        let mut generator = Pcg64::new(7);
        let folded = (1..=10_000_u64).fold(0, |all, place| {
            all ^ generator
                .integers(0, high)
                .cast_unsigned()
                .wrapping_mul(place)
        });
        assert_eq!(folded, expected, "below {high}");
    }
}

#[test]
fn integers_share_draws_as_numpys_do() {
    let mut generator = Pcg64::new(42);
    let mut draw = |low, high| generator.integers(low, high);
    assert_eq!([(); 6].map(|()| draw(0, 6)), [0, 4, 3, 2, 2, 5]);
    assert_eq!(
        [(); 3].map(|()| draw(-5, 1 << 40)),
        [766_764_256_788, 103_549_089_071, 1_072_708_119_942]
    );
    assert_eq!(
        [(); 3].map(|()| draw(0, 1 << 32)),
        [3_160_032_369, 3_269_070_127, 3_081_541_440]
    );
    assert_eq!(draw(3, 4), 3);
    assert_eq!([(); 3].map(|()| draw(0, 3)), [2, 1, 0]);
    assert_eq!(generator.random().to_bits(), 0x3fdc_d31f_8a75_be6e);
    assert_eq!(
        generator.integers(i64::MIN, i64::MAX),
        -2_383_355_780_799_197_144
    );
    assert_eq!(generator.integers(0, 1000), 182);
    assert_eq!(generator.integers(5, 5), 5, "an empty range draws nothing");
}

#[test]
fn a_saved_generator_goes_on() {
    let mut generator = Pcg64::new(3);
    for spare in [false, true] {
        if spare {
            generator.next_u32();
        }
        let mut saved = Vec::new();
        generator.save(&mut saved);
        let mut loaded = Pcg64::load(&saved.clone().try_into().unwrap()).unwrap();
        let mut original = generator.clone();
        assert_eq!(loaded, original);
        assert_eq!(loaded.next_u32(), original.next_u32());
        assert_eq!(loaded.next_u64(), original.next_u64());
        saved[32] = 2;
        assert_eq!(Pcg64::load(&saved.try_into().unwrap()), None);
    }
}
