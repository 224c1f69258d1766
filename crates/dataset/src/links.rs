//! The table of links between players.

use igym_protocol::{EpisodePlan, LinkReport};

use crate::EpisodeLog;
use crate::episodes::loss;
use crate::table::{Table, columns};

/// The report of one page about one link.
pub(crate) struct LinkRow {
    plan: EpisodePlan,
    player: u8,
    incarnation: u32,
    link: LinkReport,
}

impl LinkRow {
    pub(crate) fn all(log: &EpisodeLog) -> Vec<Self> {
        let reports = (0..=u8::MAX)
            .zip(&log.players)
            .flat_map(|(player, uploaded)| {
                uploaded.reports.iter().map(move |report| (player, report))
            });
        reports
            .flat_map(|(player, report)| {
                report.value.links.iter().map(move |link| Self {
                    plan: log.plan.clone(),
                    player,
                    incarnation: report.incarnation,
                    link: link.clone(),
                })
            })
            .collect()
    }
}

pub(crate) fn table() -> Table<LinkRow> {
    columns!(Table::new(), |row: &LinkRow| {
        "session", "none" => row.plan.session;
            "The session.";
        "episode", "none" => row.plan.episode;
            "Index of the episode in its session, from 0.";
        "player", "none" => row.player;
            "The player whose page reports.";
        "page", "none" => row.incarnation;
            "Number of the page load that reports.";
        "partner", "none" => row.link.player;
            "The player at the other end of the link.";
        "rtt_min_us", "µs" => row.link.rtt_min_us;
            "Shortest round trip.";
        "rtt_median_us", "µs" => row.link.rtt_median_us;
            "Median round trip.";
        "rtt_p95_us", "µs" => row.link.rtt_p95_us;
            "95th percentile of the round trip.";
        "jitter_us", "µs" => row.link.jitter_us;
            "Jitter.";
        "packets_sent", "packets" => row.link.packets_sent;
            "Packets sent to the partner.";
        "packets_received", "packets" => row.link.packets_received;
            "Packets received from the partner.";
        "packets_lost", "packets" => row.link.packets_lost;
            "Packets of the partner that never came.";
        "packets_reordered", "packets" => row.link.packets_reordered;
            "Packets of the partner that came late or twice.";
        "packets_skipped", "packets" => row.link.packets_skipped;
            "Packets not sent because the channel still held one.";
        "bytes_sent", "bytes" => row.link.bytes_sent;
            "Bytes sent to the partner.";
        "bytes_received", "bytes" => row.link.bytes_received;
            "Bytes received from the partner.";
        "loss", "share" => loss(std::slice::from_ref(&row.link));
            "Share of the partner's packets that never came.";
    })
}
