//! From the journal to canonical episodes and files
