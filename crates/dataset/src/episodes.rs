//! The table of episodes.

use igym_protocol::{
    CloseReason, EpisodePlan, EpisodeReport, FirstDifference, InputSource, Judgement, LinkReport,
    Path, Prediction, Verdict,
};

use crate::people::SERVER_TIME;
use crate::table::{Table, columns};
use crate::{Closing, EpisodeLog, Examination, StudyOpening};

/// One episode.
pub(crate) struct EpisodeRow {
    study: Option<String>,
    version: Option<String>,
    plan: EpisodePlan,
    opened_at_ms: u64,
    closing: Option<Closing>,
    judgement: Option<Judgement>,
    differences: Option<usize>,
    frames: Option<usize>,
    problem: Option<String>,
    /// What ran the environment, if it is not in this program.
    resimulated_in: Option<String>,
    failure: Option<String>,
    frames_file: Option<String>,
    late_uploads: u32,
    superseded_uploads: u32,
    strays: u32,
    players: Vec<PlayerSummary>,
}

struct PlayerSummary {
    participant: String,
    agents: String,
    /// The page whose account is the player's own.
    page: Option<u32>,
    rejoins: usize,
    rows: usize,
    sealed_frame: Option<u32>,
    /// Canonical inputs by how they are known.
    own_inputs: u32,
    attested_inputs: u32,
    background_inputs: u32,
    received_inputs: u32,
    received_over_data_channel: u32,
    report: Option<EpisodeReport>,
}

impl EpisodeRow {
    pub(crate) fn new(log: &EpisodeLog, opening: Option<&StudyOpening>) -> Self {
        Self {
            study: opening.map(|it| it.study.clone()),
            version: opening.map(|it| it.version.clone()),
            plan: log.plan.clone(),
            opened_at_ms: log.opened_at_ms,
            closing: log.closing.clone(),
            judgement: None,
            differences: None,
            frames: None,
            problem: None,
            resimulated_in: None,
            failure: None,
            frames_file: None,
            late_uploads: log.late_uploads,
            superseded_uploads: log.superseded_uploads,
            strays: log.strays,
            players: (0..=u8::MAX)
                .zip(&log.players)
                .map(|(player, _)| PlayerSummary::new(log, player))
                .collect(),
        }
    }

    pub(crate) fn add_problem(&mut self, problem: String) {
        self.problem = Some(problem);
    }

    pub(crate) fn add_examination(
        &mut self,
        log: &EpisodeLog,
        examination: &Examination,
        frames_file: String,
    ) {
        self.judgement = Some(examination.judgement.clone());
        self.resimulated_in = examination.runtime.clone();
        self.failure = examination.failure.as_ref().map(ToString::to_string);
        self.differences = Some(examination.differences.len());
        self.frames = Some(examination.canonical.len());
        self.frames_file = Some(frames_file);
        for (player, summary) in (0..=u8::MAX).zip(&mut self.players) {
            summary.count_inputs(log, player, examination.canonical.len());
        }
    }

    fn first_difference(&self) -> Option<&FirstDifference> {
        self.judgement.as_ref()?.first_difference.as_ref()
    }

    fn report(&self, player: usize) -> Option<&EpisodeReport> {
        self.players.get(player)?.report.as_ref()
    }

    /// The largest of a number over the player's links.
    fn worst_link(&self, player: usize, number: fn(&LinkReport) -> u32) -> Option<u32> {
        self.report(player)?.links.iter().map(number).max()
    }
}

impl PlayerSummary {
    fn new(log: &EpisodeLog, player: u8) -> Self {
        let index = usize::from(player);
        let seat = &log.plan.seats[index];
        let uploaded = &log.players[index];
        let account = uploaded.account();
        let rejoins = log.rejoins.iter().filter(|it| it.player == player);
        let mut summary = Self {
            participant: seat.participant.to_string(),
            agents: seat.agents.join(" "),
            page: account.map(|(incarnation, _)| incarnation),
            rejoins: rejoins.count(),
            rows: account.map_or(0, |(_, account)| account.rows.len()),
            sealed_frame: account.and_then(|(_, account)| Some(account.seal.as_ref()?.last_frame)),
            own_inputs: 0,
            attested_inputs: 0,
            background_inputs: 0,
            received_inputs: 0,
            received_over_data_channel: 0,
            report: uploaded.reports.last().map(|it| it.value.clone()),
        };
        for (_, _, path) in log.received_by(player) {
            summary.received_inputs += 1;
            if path == Path::DataChannel {
                summary.received_over_data_channel += 1;
            }
        }
        summary
    }

    fn count_inputs(&mut self, log: &EpisodeLog, player: u8, frames: usize) {
        for (frame, _) in (0_u32..).zip(0..frames) {
            let Some(input) = log.input(frame, player) else {
                continue;
            };
            match input.attested_by() {
                None => self.own_inputs += 1,
                Some(_) => self.attested_inputs += 1,
            }
            if input.source() == Some(InputSource::Background) {
                self.background_inputs += 1;
            }
        }
    }
}

/// The table of episodes with up to `players` players.
pub(crate) fn table(players: usize) -> Table<EpisodeRow> {
    (0..players).fold(judged(planned()), player_columns)
}

fn planned() -> Table<EpisodeRow> {
    columns!(Table::new(), |row: &EpisodeRow| {
        "study", "none" => row.study.clone();
            "The study's id.";
        "session", "none" => row.plan.session;
            "The session that played it.";
        "episode", "none" => row.plan.episode;
            "Index of the episode in its session, from 0.";
        "seed", "none" => row.plan.seed;
            "Seed that the environment was reset with.";
        "environment", "none" => row.plan.environment.id.clone();
            "Id of the environment.";
        "environment_version", "none" => row.plan.environment.version.clone();
            "Version of the environment's rules.";
        "environment_config", "JSON" => row.plan.environment.config.clone();
            "The environment's own settings.";
        "version", "none" => row.version.clone();
            "Version of Interactive Gym that served it.";
        "build", "hexadecimal" => row.plan.digests.build.clone();
            "BLAKE3 of the WebAssembly module that every page ran.";
        "environment_digest", "hexadecimal" => row.plan.digests.environment.clone();
            "Digest of the environment's id, version and settings that every page reported.";
        "study_digest", "hexadecimal" => row.plan.digests.study.clone();
            "Digest of the study's configuration that every page reported.";
        "frames_per_second", "1/s" => row.plan.frames_per_second;
            "Frames per second that were aimed at.";
        "input_delay", "frames" => row.plan.input_delay;
            "Planned frames between sampling an input and the frame that uses it.";
        "window_ms", "ms" => row.plan.window_ms;
            "How far a page could simulate past its last confirmed frame before it waited.";
        "max_steps", "frames" => row.plan.max_steps;
            "After this many frames the platform truncates the episode.";
        "digest_interval", "frames" => row.plan.digest_interval;
            "A state hash is taken every this many frames.";
        "prediction", "none" => prediction_name(row.plan.prediction);
            "How missing inputs were guessed on screen: `repeat_last` or `default`.";
        "default_action", "none" => row.plan.controls.default_action;
            "The action of a player who gives none.";
        "players", "players" => row.players.len();
            "How many played.";
        "opened_at_ms", SERVER_TIME => row.opened_at_ms;
            "When the server gave out the episode's plan.";
        "closed_at_ms", SERVER_TIME => Some(row.closing.as_ref()?.at_ms);
            "When the server gave its verdict, which nobody waits for; empty if there is none yet.";
        "close_reason", "none" => Some(close_name(row.closing.as_ref()?.reason));
            "`sealed`: every page reached the end. `cut`: a page was gone and the server ended \
             it. Empty if there is no verdict of the server yet.";
    })
}

fn judged(table: Table<EpisodeRow>) -> Table<EpisodeRow> {
    columns!(table, |row: &EpisodeRow| {
        "verdict", "none" => Some(verdict_name(row.judgement.as_ref()?.verdict));
            "What comparing each page's account and the re-simulation found at this export: \
             `verified`, `partial`, `desync` or `disputed`; empty if it could not be played \
             again.";
        "recorded_verdict", "none" => Some(verdict_name(row.closing.as_ref()?.judgement.verdict));
            "What the server found; empty if it has not judged the episode yet.";
        "first_difference_frame", "frames" => Some(row.first_difference()?.frame);
            "First frame at which two accounts differ; empty if none do.";
        "first_difference_field", "none" => Some(row.first_difference()?.field.clone());
            "What differs there: `inputs`, `outcome`, `digest`, `hash`, `seal` or `missing`.";
        "first_difference_between", "none" => Some(row.first_difference()?.between.join(" / "));
            "The two accounts that differ there.";
        "differences", "none" => row.differences;
            "Rows about this episode in the table `differences`.";
        "resimulated_in", "none" => row.resimulated_in.clone();
            "What played an environment in Python again; empty for one that is in igym itself.";
        "environment_error", "none" => row.failure.clone();
            "What the environment raised in the frame after the last canonical one, where that \
             ended the episode.";
        "frames", "frames" => row.frames;
            "Canonical frames: those with every player's input, up to the end of the episode.";
        "frames_file", "none" => row.frames_file.clone();
            "The episode's frames, without the ending `.csv` or `.parquet`.";
        "late_uploads", "uploads" => row.late_uploads;
            "Uploads with inputs, rows or a seal that came after its end and changed nothing.";
        "superseded_uploads", "uploads" => row.superseded_uploads;
            "Such uploads of a page that came after a later page of its player had gone on with \
             the episode; they changed nothing.";
        "strays", "none" => row.strays;
            "Statements about inputs that nobody may make, or that were made after too many others \
             about the same input; they changed nothing.";
        "problem", "none" => row.problem.clone();
            "Why the episode could not be played again; empty if it could.";
    })
}

fn player_columns(table: Table<EpisodeRow>, player: usize) -> Table<EpisodeRow> {
    let name = |end: &str| format!("player.{player}.{end}");
    let about = |text: &str| format!("Player {player}: {text}");
    columns!(table, |row: &EpisodeRow| {
        name("participant"), "none" => Some(row.players.get(player)?.participant.clone());
            about("the participant's public id.");
        name("seat"), "none" => Some(row.players.get(player)?.agents.clone());
            about("agents that the player controlled, separated by spaces.");
        name("page"), "none" => row.players.get(player)?.page;
            about("number of the page load whose rows and seal are the player's account: the last \
                   that sealed, else the last that uploaded rows.");
        name("rejoins"), "pages" => Some(row.players.get(player)?.rejoins);
            about("pages that were loaded while the episode was played and went on with it.");
        name("rows"), "frames" => Some(row.players.get(player)?.rows);
            about("canonical rows that this page uploaded.");
        name("sealed_frame"), "frames" => row.players.get(player)?.sealed_frame;
            about("last frame by the page's own seal; empty if it never sealed.");
        name("own_inputs"), "frames" => Some(row.players.get(player)?.own_inputs);
            about("canonical inputs that the player's own page uploaded.");
        name("attested_inputs"), "frames" => Some(row.players.get(player)?.attested_inputs);
            about("canonical inputs that are known from a copy or a row only.");
        name("background_inputs"), "frames" => Some(row.players.get(player)?.background_inputs);
            about("canonical inputs that are the default action because the page was hidden.");
        name("rollbacks"), "none" => Some(row.report(player)?.rollbacks);
            about("times the page went back to an earlier frame.");
        name("resimulated_frames"), "frames" => Some(row.report(player)?.resimulated_frames);
            about("frames simulated again because of that.");
        name("deepest_rollback"), "frames" => Some(row.report(player)?.deepest_rollback);
            about("frames of the longest way back.");
        name("stalled_ticks"), "ticks" => Some(row.report(player)?.stalled_ticks);
            about("ticks in which the page waited for a partner.");
        name("tick_p50_us"), "µs" => Some(row.report(player)?.tick_p50_us);
            about("worker time of a tick, median.");
        name("tick_p99_us"), "µs" => Some(row.report(player)?.tick_p99_us);
            about("worker time of a tick, 99th percentile.");
        name("tick_max_us"), "µs" => Some(row.report(player)?.tick_max_us);
            about("worker time of the longest tick.");
        name("key_to_frame_p50_us"), "µs" => row.report(player)?.key_to_frame_p50_us;
            about("key event to the drawn frame that first used it, median.");
        name("key_to_frame_p95_us"), "µs" => row.report(player)?.key_to_frame_p95_us;
            about("key event to the drawn frame that first used it, 95th percentile.");
        name("rtt_median_us"), "µs" => row.worst_link(player, |link| link.rtt_median_us);
            about("median round trip of the slowest link.");
        name("rtt_p95_us"), "µs" => row.worst_link(player, |link| link.rtt_p95_us);
            about("95th percentile of the round trip, of the slowest link.");
        name("jitter_us"), "µs" => row.worst_link(player, |link| link.jitter_us);
            about("jitter of the worst link.");
        name("loss"), "share" => loss(&row.report(player)?.links);
            about("share of the partners' packets that never came, over all links.");
        name("received_inputs"), "inputs" => Some(row.players.get(player)?.received_inputs);
            about("inputs of others that the page received.");
        name("data_channel_share"), "share" => { let player = row.players.get(player)?; share( player.received_over_data_channel.into(), player.received_inputs.into(), ) };
            about("share of those that first came over the DataChannel, not the server's relay.");
    })
}

pub(crate) fn loss(links: &[LinkReport]) -> Option<f64> {
    let lost: u64 = links.iter().map(|link| u64::from(link.packets_lost)).sum();
    let received: u64 = links
        .iter()
        .map(|link| u64::from(link.packets_received))
        .sum();
    share(lost, lost + received)
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

pub(crate) fn verdict_name(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Verified => "verified",
        Verdict::Partial => "partial",
        Verdict::Desync => "desync",
        Verdict::Disputed => "disputed",
    }
}

fn close_name(reason: CloseReason) -> &'static str {
    match reason {
        CloseReason::Sealed => "sealed",
        CloseReason::Cut => "cut",
    }
}

fn prediction_name(prediction: Prediction) -> &'static str {
    match prediction {
        Prediction::RepeatLast => "repeat_last",
        Prediction::Default => "default",
    }
}
