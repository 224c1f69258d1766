//! The study server
