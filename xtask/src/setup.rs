//! What a machine needs, checked before it is used.

use anyhow::Result;

use crate::process::step;
use crate::{e2e, python, wasm, web};

/// Everything that `cargo xtask run` and `cargo xtask test` need.
pub(crate) fn run() -> Result<()> {
    step("set-up", || {
        wasm::toolchain()?;
        web::node()?;
        web::install(&crate::paths::web())?;
        web::install(&crate::paths::e2e())?;
        python::environment()?;
        e2e::chromium()?;
        Ok(())
    })
}
