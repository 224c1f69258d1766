//! The example runs to its end.

#[path = "../../examples/udp.rs"]
mod udp;

#[test]
fn two_play_over_udp() {
    udp::main().unwrap();
}
