//! The rollback engine beside its peers, `ggrs` and `fortress-rollback`: one process, one virtual
//! network, one game. Prints the tables of docs/benchmarks.md.
//!
//! Engine time is the whole tick of a peer (packets decoded and handled, input given, frames planned,
//! packets encoded, results and events taken) less what is the host's: the network, and saving,
//! loading, stepping and checking the game. All exchange checksums. Time is virtual, so the peers'
//! clocks cost them less here than in life.

mod game;
mod meter;
mod network;
mod ours;
mod peers;
mod tables;
mod world;

use meter::Meter;

fn main() {
    let only = std::env::args().nth(1);
    let wanted = |name: &str| only.as_deref().is_none_or(|only| only == name);
    let meter = Meter::calibrate();
    if wanted("cpu") {
        tables::cpu(&meter);
    }
    if wanted("wire") {
        tables::wire(&meter);
    }
    if wanted("sessions") {
        tables::sessions(&meter);
    }
    if only.as_deref() == Some("profile") {
        let number = |n| std::env::args().nth(n)?.parse().ok();
        tables::profile(&meter, number(2).unwrap_or(8), number(3).unwrap_or(60));
    }
    if wanted("quality") {
        tables::quality(&meter);
    }
}
