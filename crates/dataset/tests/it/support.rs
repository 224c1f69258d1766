//! A played episode, as the pages of its players would upload it.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path as FilePath;

use igym_dataset::{Environments, EpisodeLog, ExportSummary, Format, Journal, NativeOnly, export};
use igym_gym::{Simulation, StepRecord};
use igym_protocol::{
    AuthoredInput, CanonicalRow, CloseReason, Controls, Digests, Entry, EnvironmentSpec,
    EpisodePlan, EpisodeReport, InputMode, InputSource, JournalBatch, Judgement, KeyEvent,
    LinkReport, NetworkSample, ParticipantId, Path, Prediction, PresentedFrame, ReceivedInput,
    Record, Rows, Seal, Seat, SessionId, Upload, UploadBody,
};
use igym_rollback::{ChainHash, Digest, Frame, chain};
use uuid::Uuid;

pub(crate) const SESSION: SessionId = SessionId(Uuid::from_u128(0x5e55));

/// What one player's page holds; tests change it before it is uploaded.
#[derive(Clone, Default)]
pub(crate) struct Page {
    pub(crate) journal: JournalBatch,
    pub(crate) rows: BTreeMap<u32, CanonicalRow>,
    pub(crate) seal: Option<Seal>,
    pub(crate) report: EpisodeReport,
}

/// An episode played to its end by scripted players.
#[derive(Clone)]
pub(crate) struct Played {
    pub(crate) plan: EpisodePlan,
    pub(crate) pages: Vec<Page>,
    pub(crate) rows: Vec<CanonicalRow>,
}

pub(crate) fn participant(player: usize) -> ParticipantId {
    ParticipantId(Uuid::from_u128(0xA0 + player as u128))
}

/// A plan for two agents; players from the third on sit and watch.
pub(crate) fn plan(players: usize, seed: u32) -> EpisodePlan {
    let info = &igym_envs::catalogue()[0];
    let seats = (0..players).map(|player| Seat {
        participant: participant(player),
        agents: info
            .agents
            .get(player)
            .into_iter()
            .map(ToString::to_string)
            .collect(),
    });
    EpisodePlan {
        session: SESSION,
        episode: 0,
        episodes: 2,
        seed,
        environment: EnvironmentSpec {
            id: info.id.to_owned(),
            version: info.version.to_owned(),
            config: igym_envs::canonical_config(info.id, &serde_json::Value::Null).unwrap(),
        },
        seats: seats.collect(),
        frames_per_second: 30,
        input_delay: 2,
        window_ms: 500,
        max_steps: 120,
        digest_interval: 10,
        prediction: Prediction::RepeatLast,
        controls: Controls {
            mode: InputMode::HeldKeys,
            bindings: Vec::new(),
            default_action: 0,
        },
        digests: Digests::default(),
    }
}

/// The row of the next frame, chained to the one before.
pub(crate) fn add_row(
    plan: &EpisodePlan,
    rows: &mut Vec<CanonicalRow>,
    inputs: Vec<Vec<u8>>,
    record: StepRecord,
) {
    let StepRecord {
        outcome, digest, ..
    } = record;
    let before = ChainHash(rows.last().map_or_else(|| plan.genesis(), |row| row.hash));
    let frame = Frame(rows.len().try_into().unwrap());
    let ChainHash(hash) = chain(before, frame, &inputs, &outcome, digest.map(Digest));
    rows.push(CanonicalRow {
        inputs,
        outcome,
        digest,
        hash,
    });
}

/// Plays the plan to its end with inputs that differ by player and change every few frames.
pub(crate) fn play(plan: EpisodePlan) -> Played {
    let players = plan.seats.len();
    let environment = igym_envs::create(&plan.environment.id, &plan.environment.config).unwrap();
    let mut simulation = Simulation::new(environment, igym_play::rules(&plan)).unwrap();
    simulation.reset(plan.seed);
    let mut rows: Vec<CanonicalRow> = Vec::new();
    while !simulation.ended() {
        let frame = simulation.frame();
        let inputs: Vec<Vec<u8>> = (0..players)
            .map(|player| vec![input(player, frame)])
            .collect();
        let record = simulation.step(&inputs);
        add_row(&plan, &mut rows, inputs, record);
    }
    let pages = (0..players)
        .map(|player| page(&plan, player, &rows))
        .collect();
    Played { plan, pages, rows }
}

fn input(player: usize, frame: u32) -> u8 {
    match frame {
        0 | 1 => 0,
        frame => ((frame / 7 + 1) as usize * (player + 3) % 6) as u8,
    }
}

/// What a player's page holds of an episode that was played without a fault.
pub(crate) fn page(plan: &EpisodePlan, player: usize, rows: &[CanonicalRow]) -> Page {
    let mut journal = JournalBatch::default();
    for (frame, row) in (0_u32..).zip(rows) {
        let at_us = 1_000_000 + u64::from(frame) * 33_333;
        let lead = frame < plan.input_delay.into();
        for (author, input) in row.inputs.iter().enumerate() {
            match author == player {
                true => journal.authored.push(AuthoredInput {
                    frame,
                    player: author as u8,
                    input: input.clone(),
                    source: if lead {
                        InputSource::Lead
                    } else {
                        InputSource::Human
                    },
                    at_us,
                    delay: if lead { 0 } else { plan.input_delay },
                }),
                false => journal.received.push(ReceivedInput {
                    frame,
                    player: author as u8,
                    input: input.clone(),
                    path: if frame == 5 {
                        Path::Relay
                    } else {
                        Path::DataChannel
                    },
                    at_us,
                }),
            }
        }
        journal.presented.push(PresentedFrame {
            frame,
            at_us,
            inputs: row.inputs.clone(),
            predicted: if frame % 3 == 0 {
                1 << ((player + 1) % plan.seats.len())
            } else {
                0
            },
        });
    }
    journal.keys.push(KeyEvent {
        at_us: 1_100_000,
        key: "ArrowLeft".into(),
        down: true,
        frame: 5,
    });
    journal.network.push(NetworkSample {
        at_us: 2_000_000,
        player: ((player + 1) % plan.seats.len()) as u8,
        rtt_us: 40_000,
        jitter_us: 1_500,
        sent: 60,
        received: 57,
        lost: 3,
    });
    Page {
        journal,
        rows: (0..).zip(rows.iter().cloned()).collect(),
        seal: rows.last().map(|row| Seal {
            last_frame: rows.len() as u32 - 1,
            hash: row.hash,
        }),
        report: EpisodeReport {
            frames: rows.len() as u32,
            rollbacks: 4,
            tick_p50_us: 300,
            key_to_frame_p50_us: Some(18_000),
            links: vec![LinkReport {
                player: ((player + 1) % plan.seats.len()) as u8,
                rtt_median_us: 41_000,
                packets_received: 90,
                packets_lost: 10,
                ..LinkReport::default()
            }],
            ..EpisodeReport::default()
        },
    }
}

impl Played {
    pub(crate) fn last_frame(&self) -> u32 {
        self.rows.len() as u32 - 1
    }

    /// The uploads of all pages, in the order in which pages send them.
    pub(crate) fn uploads(&self) -> Vec<(u8, UploadBody)> {
        let mut uploads = Vec::new();
        for (player, page) in (0_u8..).zip(&self.pages) {
            uploads.push((player, UploadBody::Journal(page.journal.clone())));
            for (frame, row) in &page.rows {
                let rows = Rows {
                    first: *frame,
                    rows: vec![row.clone()],
                };
                uploads.push((player, UploadBody::Rows(rows)));
            }
            uploads.push((player, UploadBody::Report(page.report.clone())));
            let seal = page.seal.clone().map(UploadBody::Seal);
            uploads.extend(seal.map(|seal| (player, seal)));
        }
        uploads
    }

    pub(crate) fn log(&self) -> EpisodeLog {
        let mut log = EpisodeLog::new(self.plan.clone(), 1_000);
        for (player, body) in self.uploads() {
            log.add_upload(player, 1, body);
        }
        log
    }

    /// The records of the whole episode, from its opening to its closing.
    pub(crate) fn records(&self, reason: CloseReason, judgement: Judgement) -> Vec<Record> {
        let mut records = vec![Record::EpisodeOpened {
            plan: self.plan.clone(),
        }];
        let mut seq = vec![self.plan.episode * 10_000; self.pages.len()];
        for (player, body) in self.uploads() {
            seq[usize::from(player)] += 1;
            records.push(Record::Uploaded {
                participant: participant(player.into()),
                player,
                upload: Upload {
                    incarnation: 1,
                    seq: seq[usize::from(player)],
                    session: self.plan.session,
                    episode: self.plan.episode,
                    body,
                },
            });
        }
        records.push(Record::EpisodeClosed {
            session: self.plan.session,
            episode: self.plan.episode,
            reason,
            judgement,
        });
        records
    }
}

pub(crate) fn entries(records: impl IntoIterator<Item = Record>) -> Vec<Entry> {
    (1..)
        .zip(records)
        .map(|(id, record)| Entry {
            id,
            at_ms: 1_700_000_000_000 + id,
            record,
        })
        .collect()
}

/// Exports into a directory what was played in this program.
pub(crate) fn export_to(directory: &FilePath, journal: &Journal, format: Format) -> ExportSummary {
    export_with(directory, journal, format, &NativeOnly)
}

pub(crate) fn export_with(
    directory: &FilePath,
    journal: &Journal,
    format: Format,
    environments: &dyn Environments,
) -> ExportSummary {
    let mut sink = |path: &str| {
        let path = directory.join(path);
        fs::create_dir_all(path.parent().unwrap())?;
        let file: Box<dyn Write + Send> = Box::new(fs::File::create(path)?);
        Ok(file)
    };
    export(journal, format, environments, &mut sink).unwrap()
}
