//! The WebAssembly surface
