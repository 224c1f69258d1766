//! `igym schema`.

use std::io::{self, Write as _};

use anyhow::Result;

use crate::exit::Exit;

pub(crate) fn run() -> Result<Exit> {
    let schema = igym_study::json_schema();
    writeln!(io::stdout(), "{}", schema.trim_end())?;
    Ok(Exit::Good)
}
