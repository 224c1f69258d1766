//! Measures the server under load: how fast uploads are acknowledged from disk, and what an idle
//! participant costs. The server runs in this process, the participants in another one.
//!
//! ```sh
//! ulimit -n 20000
//! cargo run --release -p igym-server --example ingest -- --pairs 500 --hz 30 --seconds 20
//! cargo run --release -p igym-server --example ingest -- --idle 10000
//! ```

#![allow(clippy::unwrap_used)]

mod load;
mod page;

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
use igym_storage::{Counters, Distribution, JournalStore as _};
use igym_storage_sqlite::SqliteStore;
use igym_study::StudyConfig;

pub(crate) type Failure = Box<dyn Error + Send + Sync>;

#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) pairs: u32,
    pub(crate) idle: u32,
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
    let store = Arc::new(SqliteStore::open(data.path())?);
    let address = SocketAddr::from(([127, 0, 0, 1], 0));
    let mut server = ServerOptions::new(study(options.hz), data.path().to_owned(), address);
    server.web_dir = Some(web);
    // Everybody comes from one address, at once.
    server.tuning.arrivals = Rate::new(1_000_000, 1e6);
    server.tuning.sockets_per_address = 1_000_000;
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

/// The server at one moment.
struct Snapshot {
    resident_kib: f64,
    cpu_seconds: f64,
    counters: Counters,
}

impl Snapshot {
    fn take(store: &SqliteStore) -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let resident = status.lines().find(|line| line.starts_with("VmRSS:"));
        let resident = resident.and_then(|line| line.split_whitespace().nth(1));
        Self {
            resident_kib: resident.and_then(|kib| kib.parse().ok()).unwrap_or(0.0),
            cpu_seconds: cpu_seconds(),
            counters: store.counters(),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "of interest to a few digits")]
    fn report(&self, after: &Self, seconds: f64) {
        let (begin, end) = (&self.counters, &after.counters);
        let per_second = |before: u64, after: u64| (after - before) as f64 / seconds;
        println!(
            "journal: {:.0} records/s, {:.0} KiB/s, {:.0} commits/s, {} failed",
            per_second(begin.records, end.records),
            per_second(begin.bytes, end.bytes) / 1024.0,
            per_second(begin.commits, end.commits),
            end.failed_commits
        );
        let (begin, end) = (begin.commit_latency.counts, end.commit_latency.counts);
        let commits: Vec<u64> = begin.iter().zip(end).map(|(b, e)| e - b).collect();
        println!(
            "commits: p50 ≤ {} ms, p99 ≤ {} ms",
            quantile(&commits, 0.5),
            quantile(&commits, 0.99)
        );
        println!(
            "server: {:.2} of a core, {:.0} MiB resident",
            (after.cpu_seconds - self.cpu_seconds) / seconds,
            after.resident_kib / 1024.0
        );
    }
}

/// The upper bound of the bucket that the quantile is in, in milliseconds.
#[expect(clippy::cast_precision_loss, reason = "of interest to a few digits")]
fn quantile(counts: &[u64], quantile: f64) -> f64 {
    let total: u64 = counts.iter().sum();
    let mut up_to = 0;
    for (count, bound) in counts.iter().zip(Distribution::BOUNDS_US) {
        up_to += count;
        if up_to as f64 >= quantile * total as f64 {
            return bound as f64 / 1e3;
        }
    }
    f64::INFINITY
}

/// User and system time of this process: clock ticks of 10 ms on every Linux.
pub(crate) fn cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = after_name.split_whitespace().skip(11).take(2);
    ticks.filter_map(|it| it.parse::<f64>().ok()).sum::<f64>() / 100.0
}

impl Options {
    fn parse() -> Result<Self, Failure> {
        let mut options = Self {
            pairs: 0,
            idle: 0,
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
                "--hz" => options.hz = value.parse()?,
                "--seconds" => options.seconds = value.parse()?,
                "--data" => options.data = Some(value.into()),
                "--server" => address = Some(value.parse()?),
                "--build" => options.server = address.map(|address| (address, value)),
                _ => return Err(format!("there is no option {name}").into()),
            }
        }
        if options.pairs == 0 && options.idle == 0 {
            return Err("say --pairs NUMBER or --idle NUMBER".into());
        }
        Ok(options)
    }
}
