//! Bounds on what a client may send. All are enforced before a message is looked at further.

/// The bounds, in one place so that documentation, tests and code read the same numbers.
#[derive(Clone, Copy, Debug)]
pub struct Limits;

impl Limits {
    /// Longest text frame: an SDP of a data-only connection is under 4 KB.
    pub const TEXT_BYTES: usize = 32 * 1024;
    /// Longest binary frame.
    pub const UPLOAD_BYTES: usize = 256 * 1024;
    /// Longest packet between players: what fits into one datagram anywhere.
    pub const PACKET_BYTES: usize = 1200;
    /// Rows of one upload.
    pub const ROWS: usize = 1024;
    /// Records of each kind in one journal batch.
    pub const BATCH_RECORDS: usize = 4096;
    /// Bytes of one player's input for one frame.
    pub const INPUT_BYTES: usize = 64;
    /// Bytes of one encoded outcome (rewards, ends, infos of all agents).
    pub const OUTCOME_BYTES: usize = 16 * 1024;
    /// Players of one session.
    pub const PLAYERS: usize = 16;
    /// Characters of a user agent that are kept.
    pub const USER_AGENT_CHARS: usize = 512;
    /// Characters of a free text (an error, a reason, a key name).
    pub const TEXT_CHARS: usize = 1024;
}
