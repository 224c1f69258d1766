//! Measures the server: how fast uploads are acknowledged from disk, what an idle participant
//! costs, and how long a server takes to start on much data. Under load the server runs in this
//! process, the participants in another one.
//!
//! ```sh
//! ulimit -n 20000
//! cargo run --release -p igym-server --example ingest -- --pairs 500 --hz 30 --seconds 20
//! cargo run --release -p igym-server --example ingest -- --idle 10000
//! cargo run --release -p igym-server --example ingest -- --restart 1000 --open 100 --seconds 60
//! ```

#![allow(clippy::unwrap_used)]

mod load;
mod page;
mod restart;
mod snapshot;

use std::{
    error::Error,
    fs,
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::PathBuf,
    process::{Command, Stdio},
    sync::Arc,
};

use igym_server::{Rate, ServerOptions, serve};
use igym_storage_sqlite::SqliteStore;
use igym_study::StudyConfig;

use snapshot::Snapshot;
pub(crate) use snapshot::cpu_seconds;

pub(crate) type Failure = Box<dyn Error + Send + Sync>;

#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) pairs: u32,
    pub(crate) idle: u32,
    /// Sessions in the journal on which a server starts, and how many of them are not over.
    pub(crate) restart: u32,
    pub(crate) open: u32,
    pub(crate) hz: u32,
    pub(crate) seconds: u32,
    /// Where the journal goes; a folder of the system's own for temporary files if none is given.
    data: Option<PathBuf>,
    /// Of the process that generates the load: the server, and the digest of its module.
    server: Option<(SocketAddr, String)>,
}

fn main() -> Result<(), Failure> {
    let options = Options::parse()?;
    let runtime = tokio::runtime::Runtime::new()?;
    match options.server.clone() {
        Some((address, build)) => runtime.block_on(load::run(address, build, options)),
        None => runtime.block_on(measure(options)),
    }
}

pub(crate) fn study(hz: u32) -> StudyConfig {
    let source = format!(
        r#"
            [study]
            id = "ingest"
            title = "A measurement"

            [[scenes]]
            type = "start"

            [[scenes]]
            type = "gym"
            environment = "slime_volleyball"
            episodes = 1
            seeds = [1]
            max_steps = 100000
            countdown_s = 0
            frames_per_second = {hz}
            connection_timeout_s = 120
            validation_timeout_s = 120

            [[scenes]]
            type = "end"
        "#
    );
    StudyConfig::parse(&source, "study.toml").expect("it is a study")
}

async fn measure(options: Options) -> Result<(), Failure> {
    let temporary = tempfile::tempdir()?;
    let web = temporary.path().join("web");
    fs::create_dir_all(web.join("assets"))?;
    fs::write(web.join("index.html"), "<!doctype html>")?;
    fs::write(
        web.join("assets/igym_browser_bg-0.wasm"),
        b"\0asm\x01\0\0\0",
    )?;
    let data = match &options.data {
        Some(data) => tempfile::tempdir_in(data)?,
        None => tempfile::tempdir()?,
    };
    let address = SocketAddr::from(([127, 0, 0, 1], 0));
    let mut server = ServerOptions::new(study(options.hz), data.path().to_owned(), address);
    server.web_dir = Some(web);
    // Everybody comes from one address, at once.
    server.tuning.arrivals = Rate::new(1_000_000, 1e6);
    server.tuning.sockets_per_address = 1_000_000;
    if options.restart > 0 {
        return restart::measure(&options, server).await;
    }
    let store = Arc::new(SqliteStore::open(data.path())?);
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = serve(server, store.clone(), async { drop(stopped.await) }).await?;

    let mut load = Command::new(std::env::current_exe()?)
        .args(std::env::args_os().skip(1))
        .args(["--server", &running.address().to_string()])
        .args(["--build", running.build()])
        .stdout(Stdio::piped())
        .spawn()?;
    // The load says where it is in lines; the numbers of this process are taken there.
    let lines = BufReader::new(load.stdout.take().unwrap()).lines();
    let report = tokio::task::spawn_blocking(move || {
        let mut marks = Vec::new();
        for line in lines {
            let line = line?;
            match line.strip_prefix("mark ") {
                Some(mark) => marks.push((mark.to_owned(), Snapshot::take(&store))),
                None => println!("{line}"),
            }
        }
        Ok::<_, std::io::Error>(marks)
    });
    let marks = report.await??;
    if !load.wait()?.success() {
        return Err("the load broke down".into());
    }
    let at = |name: &str| marks.iter().find(|(mark, _)| mark == name).map(|it| &it.1);
    if let (Some(before), Some(after)) = (at("empty"), at("idle")) {
        let grown = after.resident_kib - before.resident_kib;
        println!(
            "server: {grown:.0} KiB more for {} idle participants: {:.1} KiB each",
            options.idle,
            grown / f64::from(options.idle)
        );
    }
    if let (Some(before), Some(after)) = (at("begin"), at("end")) {
        before.report(after, f64::from(options.seconds));
    }
    println!("refused: {:?}", running.refusals());
    let _ = stop.send(());
    running.finished().await?;
    Ok(())
}

impl Options {
    fn parse() -> Result<Self, Failure> {
        let mut options = Self {
            pairs: 0,
            idle: 0,
            restart: 0,
            open: 0,
            hz: 30,
            seconds: 20,
            data: None,
            server: None,
        };
        let mut arguments = std::env::args().skip(1);
        let mut address = None;
        while let Some(name) = arguments.next() {
            let value = arguments.next().ok_or("each option has a value")?;
            match name.as_str() {
                "--pairs" => options.pairs = value.parse()?,
                "--idle" => options.idle = value.parse()?,
                "--restart" => options.restart = value.parse()?,
                "--open" => options.open = value.parse()?,
                "--hz" => options.hz = value.parse()?,
                "--seconds" => options.seconds = value.parse()?,
                "--data" => options.data = Some(value.into()),
                "--server" => address = Some(value.parse()?),
                "--build" => options.server = address.map(|address| (address, value)),
                _ => return Err(format!("there is no option {name}").into()),
            }
        }
        if options.pairs == 0 && options.idle == 0 && options.restart == 0 {
            return Err("say --pairs NUMBER, --idle NUMBER or --restart NUMBER".into());
        }
        Ok(options)
    }
}
