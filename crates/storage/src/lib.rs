//! The storage trait
