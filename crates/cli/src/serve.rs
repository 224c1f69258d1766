//! `igym serve`.

use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use igym_pyworker::{PATIENCE, PreparedFolder};
use igym_server::ServerOptions;
use igym_storage_sqlite::SqliteStore;
use tokio::runtime::Runtime;

use crate::arguments::ServeOptions;
use crate::check;
use crate::exit::Exit;
use crate::python::{Loaded, Python};

/// How long threads that read the journal or judge may still take once the server has stopped; it has
/// ended their interpreters.
const LEAVING: Duration = Duration::from_secs(2);

pub(crate) fn run(options: ServeOptions) -> Result<Exit> {
    let web = options.web.clone();
    let python = Python::new(&options.python, web.as_deref());
    let loaded = match python.load(&options.study, options.data.as_deref())? {
        Ok(loaded) => loaded,
        Err(mistakes) => {
            check::say(&mistakes);
            return Ok(Exit::Failed);
        }
    };
    let Loaded {
        study,
        data,
        prepared,
    } = loaded;
    let environments = python.environments(&data, PATIENCE);
    let bundle = match prepared {
        Some(prepared) => {
            python.node()?;
            environments.warm(&prepared.lock)?;
            let folder = PreparedFolder::of(&data);
            Some(Arc::new(folder.bundle(&prepared.lock)?))
        }
        None => None,
    };
    let address = options
        .address
        .unwrap_or(SocketAddr::new(options.host, options.port));
    let store = SqliteStore::open(&data)
        .with_context(|| format!("cannot keep data in {}", data.display()))?;
    let title = study.title.clone();
    let assets = options.study.with_file_name("assets");
    let mut server = ServerOptions {
        web_dir: options.web.clone(),
        environments: Arc::new(environments),
        python: bundle,
        assets_dir: assets.is_dir().then_some(assets),
        seed: options.seed,
        ..ServerOptions::new(study, data.clone(), address)
    };
    server.tuning.sockets = options.connections;
    server.tuning.sockets_per_address = options.connections_per_address;
    let runtime = Runtime::new().context("cannot start the asynchronous runtime")?;
    let served = runtime.block_on(async {
        let running = igym_server::serve(server, Arc::new(store), stop_signal()).await?;
        let data = std::path::absolute(&data)?;
        announce(&title, running.address(), &data)?;
        running.finished().await?;
        writeln!(io::stdout(), "Stopped. The data are in {}.", data.display())?;
        Ok(Exit::Good)
    });
    // A thread that hangs must not hold up the end: what it does is in no journal yet.
    runtime.shutdown_timeout(LEAVING);
    served
}

fn announce(title: &str, address: SocketAddr, data: &Path) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{title}\n")?;
    writeln!(out, "  Participant link   {}", link(address))?;
    writeln!(out, "  Data               {}", data.display())?;
    writeln!(out, "  Stop               Ctrl-C\n")?;
    out.flush()
}

/// The address to give to a browser on this machine.
fn link(address: SocketAddr) -> String {
    let port = address.port();
    let ip = address.ip();
    match ip.is_unspecified() || ip == IpAddr::V4(Ipv4Addr::LOCALHOST) {
        true => format!("http://localhost:{port}/"),
        false => format!("http://{address}/"),
    }
}

/// Done at the first Ctrl-C or SIGTERM; a second Ctrl-C ends the program at once.
async fn stop_signal() {
    interrupted().await;
    eprintln!("Stopping; press Ctrl-C again to stop at once. Nothing acknowledged is lost.");
    tokio::spawn(async {
        if tokio::signal::ctrl_c().await.is_ok() {
            // As a shell reports a program that SIGINT ended.
            std::process::exit(130);
        }
    });
}

#[cfg(unix)]
async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return wait_for_ctrl_c().await;
    };
    tokio::select! {
        () = wait_for_ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

#[cfg(not(unix))]
async fn interrupted() {
    wait_for_ctrl_c().await;
}

/// Without a handler for Ctrl-C the system's own ends the program, so there is nothing to wait for.
async fn wait_for_ctrl_c() {
    if let Err(error) = tokio::signal::ctrl_c().await {
        tracing::warn!(%error, "Ctrl-C will stop the server at once");
        std::future::pending::<()>().await;
    }
}
