//! `igym init`.

use std::fs;
use std::io::{self, ErrorKind, Write as _};

use anyhow::{Context as _, Result, bail};
use igym_study::EXAMPLE;

use crate::arguments::InitOptions;
use crate::exit::Exit;

pub(crate) fn run(options: &InitOptions) -> Result<Exit> {
    let folder = &options.folder;
    fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let path = folder.join("study.toml");
    let file = fs::File::create_new(&path);
    let mut file = match file {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => bail!(
            "{} is already there and stays as it is\n  hint: choose another folder, e.g. \
             `igym init my-study`",
            path.display()
        ),
        file => file.with_context(|| format!("cannot write {}", path.display()))?,
    };
    file.write_all(EXAMPLE.as_bytes())
        .with_context(|| format!("cannot write {}", path.display()))?;
    let mut out = io::stdout().lock();
    writeln!(out, "Wrote {}.", path.display())?;
    writeln!(out, "Serve it:  igym serve {}", path.display())?;
    Ok(Exit::Good)
}
