//! How far long work is.

/// Is told what is being done.
pub trait Progress: Sync {
    /// What is being done now; it may take a while.
    fn step(&self, what: &str);
    /// Something that whoever waits should know, and keep.
    fn note(&self, text: &str);
}

/// Says nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quiet;

impl Progress for Quiet {
    fn step(&self, _what: &str) {}
    fn note(&self, _text: &str) {}
}
