//! The parity probe against a committed file, which the WebAssembly build is held to as well.

use std::fmt::Write as _;
use std::path::Path;

use igym_envs::reference_trajectory;

/// Set it to write the file anew, after a change of rules that also raised the version.
const UPDATE: &str = "IGYM_UPDATE_GOLDEN";

#[test]
fn trajectories_are_those_of_the_golden_file() {
    let mut text = String::new();
    for seed in [0, 1, 42, 123_456_789, u32::MAX] {
        write!(text, "seed {seed}\n{}", reference_trajectory(seed, 3000)).unwrap();
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/slime_volleyball.txt");
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap();
    assert!(
        text == golden,
        "slime volleyball plays otherwise than {}; if that is meant, raise its version and run \
         this test with {UPDATE}=1",
        path.display()
    );
}

#[test]
fn the_probe_covers_several_episodes_and_depends_on_its_seed() {
    let text = reference_trajectory(3, 1000);
    assert_eq!(text.lines().count(), 10);
    assert_eq!(text, reference_trajectory(3, 1000), "same seed, same text");
    assert_ne!(text, reference_trajectory(4, 1000));
    let hashes: std::collections::BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.split(' ').nth(1))
        .collect();
    assert_eq!(hashes.len(), 10, "every hundred frames change the hash");
}
