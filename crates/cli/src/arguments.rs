//! The program's arguments.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use uuid::Uuid;

/// People play an environment together in their browsers, and the data agree.
#[derive(Debug, Parser)]
#[command(name = "igym", version, arg_required_else_help = true)]
#[command(after_help = "\
From nothing to data:
  igym init my-study                 write a study to begin with
  igym prepare my-study/study.toml   fetch what environments in Python need, and try them
  igym serve my-study/study.toml     serve it, and print the participants' link
  igym verify data/<study>           play every episode again and compare
  igym export data/<study>           write tables

Exit codes:
  0  all is well
  1  the command did its work and found something wrong
  2  the command could not do its work")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,

    /// What to log: a level, or target=level, separated by commas
    #[arg(long, global = true, value_name = "FILTER", env = "IGYM_LOG")]
    pub(crate) log: Option<String>,

    /// How to log
    #[arg(long, global = true, value_name = "FORMAT", env = "IGYM_LOG_FORMAT")]
    #[arg(value_enum, default_value_t)]
    pub(crate) log_format: LogFormat,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Init(InitOptions),
    Check(CheckOptions),
    Prepare(PrepareOptions),
    Serve(ServeOptions),
    Export(ExportOptions),
    Verify(VerifyOptions),
    Doctor(DoctorOptions),
    Bots(BotsOptions),
    /// Print the JSON Schema of study files
    ///
    /// Editors use it to complete and check a study.toml.
    #[command(after_help = "\
Example:
  igym schema > study.schema.json")]
    Schema,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum LogFormat {
    #[default]
    Text,
    Json,
}

/// Write a commented study that runs as it is
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  igym init              writes ./study.toml
  igym init my-study     writes my-study/study.toml

A study that is already there is never overwritten.")]
pub(crate) struct InitOptions {
    /// The folder to write study.toml into; it is made if it does not exist
    #[arg(value_name = "DIR", default_value = ".")]
    pub(crate) folder: PathBuf,
}

/// Check a study file without serving it
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  igym check my-study/study.toml

Exit codes:
  0  the study can be served
  1  it cannot; each mistake is named with its line and a fix
  2  the file could not be read")]
pub(crate) struct CheckOptions {
    /// The study file
    #[arg(value_name = "STUDY")]
    pub(crate) study: PathBuf,

    /// Where its data go [default: data/<id of the study>]
    #[arg(long, value_name = "DIR", env = "IGYM_DATA")]
    pub(crate) data: Option<PathBuf>,

    /// The folder of built pages instead of those in the program
    #[arg(long, value_name = "DIR", env = "IGYM_WEB")]
    pub(crate) web: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) python: PythonOptions,
}

/// How environments in Python are prepared and run.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Environments in Python")]
pub(crate) struct PythonOptions {
    /// Where programs and wheels are kept that any study may need [default: the user's cache]
    #[arg(long, value_name = "DIR", env = "IGYM_CACHE")]
    pub(crate) cache: Option<PathBuf>,

    /// A folder of wheels, looked into before the index of packages
    #[arg(long, value_name = "DIR", env = "IGYM_WHEELS")]
    pub(crate) wheels: Option<PathBuf>,

    /// A scene whose environment may play differently from run to run, besides those that the study names;
    /// may be given several times
    #[arg(long, value_name = "SCENE")]
    pub(crate) allow_nondeterminism: Vec<String>,

    /// Install Node into the cache if there is none, without asking
    #[arg(long)]
    pub(crate) yes: bool,
}

/// Fetch what a study's environments in Python need, and try them
///
/// The packages are resolved for Pyodide once, and kept with everything else that browsers load in the
/// study's data folder, in python/. Then each environment is opened without a browser, played for some
/// seconds, and examined: whether it plays the same from run to run.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  igym prepare study.toml
  igym prepare study.toml --wheels ~/wheels

`igym serve` prepares what is not prepared. The folder python/ can be copied to the
data folder of a machine without network. It needs Python 3.10 or newer, and Node 20
or newer; serving needs Node alone.

Exit codes:
  0  the study can be served
  1  there are mistakes in the study file
  2  it cannot be prepared")]
pub(crate) struct PrepareOptions {
    /// The study file
    #[arg(value_name = "STUDY")]
    pub(crate) study: PathBuf,

    /// Where its data go [default: data/<id of the study>]
    #[arg(long, value_name = "DIR", env = "IGYM_DATA")]
    pub(crate) data: Option<PathBuf>,

    /// Resolve the packages anew, although they were resolved before
    #[arg(long)]
    pub(crate) upgrade: bool,

    /// The folder of built pages instead of those in the program
    #[arg(long, value_name = "DIR", env = "IGYM_WEB")]
    pub(crate) web: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) python: PythonOptions,
}

/// Serve a study, until Ctrl-C
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  igym serve study.toml
  igym serve study.toml --data /srv/pilot --host 0.0.0.0 --port 80

Everything acknowledged is on disk: stop the server as you like, start it again
with the same --data, and go on. `export` and `verify` may run beside it.")]
pub(crate) struct ServeOptions {
    /// The study file
    #[arg(value_name = "STUDY")]
    pub(crate) study: PathBuf,

    /// Where the data go [default: data/<id of the study>]
    #[arg(long, value_name = "DIR", env = "IGYM_DATA")]
    pub(crate) data: Option<PathBuf>,

    /// The address to listen on; 0.0.0.0 is every address of this machine
    #[arg(
        long,
        value_name = "IP",
        default_value = "127.0.0.1",
        env = "IGYM_HOST"
    )]
    pub(crate) host: IpAddr,

    /// The port to listen on; 0 takes a free one
    #[arg(long, default_value_t = 8000, env = "IGYM_PORT")]
    pub(crate) port: u16,

    /// Host and port in one; counts before --host and --port
    #[arg(long, value_name = "IP:PORT", env = "IGYM_ADDRESS")]
    pub(crate) address: Option<SocketAddr>,

    /// Serve the pages of this folder instead of those built into the program
    #[arg(long, value_name = "DIR", env = "IGYM_WEB")]
    pub(crate) web: Option<PathBuf>,

    /// How many connections may be open
    #[arg(long, value_name = "NUMBER", default_value_t = 20_000)]
    #[arg(env = "IGYM_CONNECTIONS")]
    pub(crate) connections: usize,

    /// How many connections of one address may be open; behind a proxy, everybody's
    #[arg(long, value_name = "NUMBER", default_value_t = 2_000)]
    #[arg(env = "IGYM_CONNECTIONS_PER_ADDRESS")]
    pub(crate) connections_per_address: usize,

    /// Seed of everything the study draws, 64 hexadecimal digits [default: drawn and recorded]
    #[arg(long, value_name = "HEX", env = "IGYM_SEED", value_parser = seed)]
    pub(crate) seed: Option<Seed>,

    #[command(flatten)]
    pub(crate) python: PythonOptions,
}

/// 32 bytes.
pub(crate) type Seed = [u8; 32];

/// Write a study's data as tables
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  igym export data/my-study
  igym export data/my-study --out ~/pilot --format parquet

The folder gets a README.md and a columns.json that document every column. An
earlier export there is replaced; anything else is left alone. Every episode is
played again, so that frames hold facts and never guesses.

Exit codes:
  0  everything was written
  1  everything was written but frames of episodes this program cannot play again
  2  nothing was written")]
pub(crate) struct ExportOptions {
    /// The data folder of a study
    #[arg(value_name = "DATA", env = "IGYM_DATA")]
    pub(crate) data: PathBuf,

    /// Where to write [default: DATA/export]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,

    /// Which files to write
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: FileFormat,

    #[command(flatten)]
    pub(crate) again: AgainOptions,
}

/// What plays episodes in Python again.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Environments in Python")]
pub(crate) struct AgainOptions {
    /// Where `igym prepare` has put Node if there is no other [default: the user's cache]
    #[arg(long, value_name = "DIR", env = "IGYM_CACHE")]
    pub(crate) cache: Option<PathBuf>,

    /// The folder of built pages instead of those in the program
    #[arg(long, value_name = "DIR", env = "IGYM_WEB")]
    pub(crate) web: Option<PathBuf>,
}

/// The files of an export.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum FileFormat {
    Csv,
    Parquet,
    #[default]
    Both,
}

/// Play every episode again and compare what each browser computed
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  igym verify data/my-study
  igym verify data/my-study --session 0192f7c4-...

Each browser's rows and the re-simulation are compared frame by frame, every pair
of them:
  verified  all are equal to the last frame
  partial   what there is agrees, but a seal or rows are missing
  desync    a browser computed something else from the same inputs
  disputed  two uploads contradict each other about an input

Exit codes:
  0  every episode is verified or partial, as the server found it
  1  an episode is a desync or disputed, or not what the server found
  2  the data could not be read, or an episode not be played again")]
pub(crate) struct VerifyOptions {
    /// The data folder of a study
    #[arg(value_name = "DATA", env = "IGYM_DATA")]
    pub(crate) data: PathBuf,

    /// Only the episodes of this session; may be given several times
    #[arg(long = "session", value_name = "ID")]
    pub(crate) sessions: Vec<Uuid>,

    /// List only the episodes that are not verified
    #[arg(long, short)]
    pub(crate) quiet: bool,

    #[command(flatten)]
    pub(crate) again: AgainOptions,
}

/// Check that a data folder is whole, or that a study's environments play the same from run to run
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  igym doctor data/my-study
  igym doctor my-study/study.toml

Of a data folder it looks at the file, the write-ahead log, every record, the
numbers of the uploads, the episodes' plans and the builds that were played, and
says what to do about what it finds. It may run beside a server, and changes nothing.

Of a study file it plays each environment in Python in several interpreters, with
rollbacks, after other episodes and under another hash seed, and names the first
frame and field that differ, and the likely cause.

Exit codes:
  0  the data are sound; the environments play the same
  1  something is damaged or missing; an environment plays differently
  2  it could not be examined")]
pub(crate) struct DoctorOptions {
    /// The data folder of a study, or a study file
    #[arg(value_name = "DATA|STUDY", env = "IGYM_DATA")]
    pub(crate) subject: PathBuf,

    /// Of a study file, where its data go [default: data/<id of the study>]
    #[arg(long, value_name = "DIR", env = "IGYM_DATA")]
    pub(crate) data: Option<PathBuf>,

    /// The folder of built pages instead of those in the program
    #[arg(long, value_name = "DIR", env = "IGYM_WEB")]
    pub(crate) web: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) python: PythonOptions,
}

fn seed(text: &str) -> Result<Seed, String> {
    let wrong = || "a seed is 64 hexadecimal digits".to_owned();
    let digits: Option<Vec<u32>> = text.chars().map(|digit| digit.to_digit(16)).collect();
    let digits = digits.ok_or_else(wrong)?;
    let bytes: Vec<u8> = digits
        .chunks(2)
        .filter_map(|pair| Some((pair.first()? << 4 | pair.get(1)?) as u8))
        .collect();
    match digits.len() {
        64 => bytes.try_into().map_err(|_| wrong()),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn seeds_are_hexadecimal() {
        assert_eq!(seed(&"0a".repeat(32)).unwrap(), [10; 32]);
        for wrong in ["0a", &"0g".repeat(32), &"é".repeat(32), &"+1".repeat(32)] {
            assert!(seed(wrong).is_err(), "{wrong}");
        }
    }
}

/// Let bots take part in a study that is being served
///
/// Each goes through the whole study as a participant does, playing with random keys. Their data
/// are recorded like anybody's; the pages table knows them by their user agent, `igym-bot`. To
/// try a study, serve it with a data directory of its own.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  igym bots http://localhost:8000/               a partner for yourself
  igym bots http://localhost:8000/ --count 40    is this machine fast enough for 20 groups?

Bots have no WebRTC: their packets go through the server, also to people.")]
pub(crate) struct BotsOptions {
    /// The participant link that `igym serve` prints; http only
    pub(crate) link: String,

    /// How many bots
    #[arg(long, default_value_t = 1)]
    pub(crate) count: u32,

    /// Seconds between one bot's arrival and the next
    #[arg(long, value_name = "SECONDS", default_value_t = 0.1)]
    #[arg(value_parser = seconds)]
    pub(crate) every_s: f64,

    /// What their random keys are drawn from
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if (0.0..=3600.0).contains(&seconds) => Ok(seconds),
        _ => Err("give a number of seconds from 0 to 3600".to_owned()),
    }
}
