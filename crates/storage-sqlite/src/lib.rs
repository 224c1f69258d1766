//! The embedded journal store
