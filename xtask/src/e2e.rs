//! End-to-end: real browsers against the real program.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::process::{run as run_command, step};
use crate::wasm::Variant;
use crate::{debian, paths, rust, wasm, web};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only tests whose name matches this expression
    #[arg(long)]
    grep: Option<String>,
    /// Use what is built already
    #[arg(long)]
    no_build: bool,
}

#[derive(clap::Args)]
pub(crate) struct Episodes {
    /// How many episodes, one after the other
    #[arg(long, default_value_t = 50)]
    count: u32,
    /// The network between the two
    #[arg(long, value_enum, default_value_t = Condition::Loss)]
    condition: Condition,
    /// What is played
    #[arg(long, value_enum, default_value_t = Game::Native)]
    game: Game,
    /// Use what is built already
    #[arg(long)]
    no_build: bool,
}

/// The games, by the names that tests/e2e/commands/episodes.ts gives them.
#[derive(Clone, Copy, clap::ValueEnum)]
enum Game {
    /// Slime volleyball in Rust
    Native,
    /// Slime volleyball in Python
    Slimevb,
    /// Overcooked of cogrid, in Python
    Overcooked,
}

/// The networks that the tests impose, by the names that tests/e2e/harness/network.ts gives them.
#[derive(Clone, Copy, clap::ValueEnum)]
enum Condition {
    None,
    Latency,
    Jitter,
    Loss,
    /// Latency and loss at once
    Far,
}

#[derive(clap::Args)]
pub(crate) struct Measure {
    /// Games in Python instead of the native one
    #[arg(long)]
    python: bool,
    /// Only this game; what is measured in part is printed, not written down
    #[arg(long, value_enum, requires = "python")]
    game: Option<PythonGame>,
    /// Only this of each game
    #[arg(long, value_enum, requires = "python")]
    figure: Option<Figure>,
    /// Play at this round trip alone, in ms
    #[arg(long, requires = "python")]
    round_trip: Option<u32>,
    /// Use what is built already
    #[arg(long)]
    no_build: bool,
}

/// The games in Python that are measured, by the names of their folders in examples/.
#[derive(Clone, Copy, clap::ValueEnum)]
enum PythonGame {
    CartPole,
    PythonSlimeVolleyball,
    Overcooked,
}

/// What is measured of a game in Python.
#[derive(Clone, Copy, clap::ValueEnum)]
enum Figure {
    /// From the opened link until the game can be joined
    Loading,
    /// While two people play
    Play,
}

#[derive(clap::Args)]
pub(crate) struct Picture {
    /// Use what is built already
    #[arg(long)]
    no_build: bool,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    prepare(options.no_build)?;
    tests(options.grep.as_deref())
}

/// All end-to-end tests, with the program that the other tests built already.
pub(crate) fn all() -> Result<()> {
    pages()?;
    rust::igym_of_tests()?;
    tests(None)
}

fn tests(grep: Option<&str>) -> Result<()> {
    step("end-to-end tests", || {
        let mut arguments = vec!["--project", "e2e"];
        if let Some(grep) = grep {
            arguments.extend(["--grep", grep]);
        }
        playwright(&arguments, &[])
    })
}

pub(crate) fn episodes(options: &Episodes) -> Result<()> {
    prepare(options.no_build)?;
    let condition = match options.condition {
        Condition::None => "none",
        Condition::Latency => "latency",
        Condition::Jitter => "jitter",
        Condition::Loss => "loss",
        Condition::Far => "far",
    };
    let game = match options.game {
        Game::Native => "native",
        Game::Slimevb => "slimevb",
        Game::Overcooked => "overcooked",
    };
    step(
        &format!("{} episodes of {game}, network: {condition}", options.count),
        || {
            playwright(
                &["--project", "episodes"],
                &[
                    ("IGYM_EPISODES", &options.count.to_string()),
                    ("IGYM_CONDITION", condition),
                    ("IGYM_GAME", game),
                ],
            )
        },
    )
}

pub(crate) fn measure(options: &Measure) -> Result<()> {
    prepare(options.no_build)?;
    let project = match options.python {
        true => "measure-python",
        false => "measure",
    };
    let game = options.game.map(|game| match game {
        PythonGame::CartPole => "cart_pole",
        PythonGame::PythonSlimeVolleyball => "python_slime_volleyball",
        PythonGame::Overcooked => "overcooked",
    });
    let figure = options.figure.map(|figure| match figure {
        Figure::Loading => "loading",
        Figure::Play => "play",
    });
    let round_trip = options.round_trip.map(|ms| ms.to_string());
    let only = [
        ("IGYM_MEASURE_GAME", game),
        ("IGYM_MEASURE_FIGURE", figure),
        ("IGYM_MEASURE_ROUND_TRIP", round_trip.as_deref()),
    ];
    let environment: Vec<_> = only
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect();
    step("measuring", || {
        playwright(&["--project", project], &environment)
    })
}

pub(crate) fn picture(options: &Picture) -> Result<()> {
    prepare(options.no_build)?;
    step("a picture of a game", || {
        playwright(&["--project", "picture"], &[])
    })
}

/// Finds, or installs, the browser.
pub(crate) fn chromium() -> Result<PathBuf> {
    if let Some(path) = env::var_os("IGYM_CHROMIUM") {
        return Ok(path.into());
    }
    let path = Path::new("/usr/bin/chromium");
    debian::need(
        "Chromium",
        || path.exists(),
        &["chromium"],
        "install Chromium and set IGYM_CHROMIUM to its program",
    )?;
    Ok(path.to_path_buf())
}

fn prepare(no_build: bool) -> Result<()> {
    if !no_build {
        pages()?;
        rust::igym()?;
    }
    Ok(())
}

/// The pages as participants get them, and those with the switch for the negative control.
fn pages() -> Result<()> {
    for variant in [Variant::Normal, Variant::FaultInjection] {
        wasm::build(variant)?;
        web::build(variant)?;
    }
    Ok(())
}

fn playwright(arguments: &[&str], environment: &[(&str, &str)]) -> Result<()> {
    let chromium = chromium()?;
    web::install(&paths::e2e())?;
    let node = web::node()?;
    run_command(
        node.tool(&paths::e2e(), "playwright")
            .arg("test")
            .args(arguments)
            .current_dir(paths::e2e())
            .env("IGYM_PROGRAM", paths::igym())
            .env("IGYM_CHROMIUM", chromium)
            .env("IGYM_PAGES", web::out(Variant::Normal))
            .env("IGYM_PAGES_WITH_FAULT", web::out(Variant::FaultInjection))
            .envs(environment.iter().copied()),
    )
}
