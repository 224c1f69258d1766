//! The `igym` program.
fn main() {}
