//! One peer's play of a session
