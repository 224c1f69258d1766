//! Real Pyodide in real Node, with packages from the index.

mod parity;
mod preparing;
mod processes;
mod resolving;
mod support;
