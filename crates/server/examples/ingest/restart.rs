//! How long a server takes to start on the data of an earlier one.

use std::{
    sync::mpsc,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use igym_protocol::{
    ClientMessage, Digests, Judgement, LinkState, ParticipantId, Record, Seal, SessionId, Upload,
    UploadBody, Verdict, View,
};
use igym_server::{ServerOptions, serve};
use igym_storage::{JournalStore, NewEntry};
use igym_storage_sqlite::SqliteStore;
use igym_study::{Effect, Millis, Scene, Study, StudyConfig};
use uuid::Uuid;

use crate::{
    Failure, Options, cpu_seconds, page,
    snapshot::{MIB, Snapshot},
};

/// Starts that are measured.
const STARTS: u32 = 3;

/// Uploads that are appended at once.
const TOGETHER: usize = 2_000;

/// Entries on their way into the journal.
struct Journal<'a> {
    store: &'a SqliteStore,
    waiting: Vec<NewEntry>,
    entries: usize,
    /// When everything happens, as the study sees it.
    at: Millis,
}

impl Journal<'_> {
    fn push(&mut self, record: Record) -> Result<(), Failure> {
        self.waiting.push(NewEntry {
            at_ms: self.at.0,
            record,
        });
        if self.waiting.len() >= TOGETHER {
            self.write()?;
        }
        Ok(())
    }

    fn write(&mut self) -> Result<(), Failure> {
        let (done, answer) = mpsc::channel();
        self.entries += self.waiting.len();
        self.store.append(
            std::mem::take(&mut self.waiting),
            // The receiver waits below.
            Box::new(move |result| drop(done.send(result))),
        );
        answer.recv()??;
        Ok(())
    }
}

pub(crate) async fn measure(options: &Options, server: ServerOptions) -> Result<(), Failure> {
    let data = server.data_dir.clone();
    // The first server only says what its pages run.
    let store = std::sync::Arc::new(SqliteStore::open(&data)?);
    let running = serve(server.clone(), store.clone(), async {}).await?;
    let build = running.build().to_owned();
    running.finished().await?;
    let begun = Instant::now();
    let entries = fill(&store, &server.study, &build, options)?;
    drop(store);
    let bytes = std::fs::metadata(data.join("journal.sqlite"))?.len();
    #[expect(clippy::cast_precision_loss, reason = "of interest to a few digits")]
    let mib = bytes as f64 / MIB;
    println!(
        "{} sessions, {} of them in the midst of play: {entries} entries, {mib:.0} MiB, made in {:.1} s",
        options.restart,
        options.open.min(options.restart),
        begun.elapsed().as_secs_f64()
    );
    for start in 1..=STARTS {
        let (begun, cpu) = (Instant::now(), cpu_seconds());
        let store = std::sync::Arc::new(SqliteStore::open(&data)?);
        let opened = begun.elapsed();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let running = serve(server.clone(), store.clone(), async { drop(stopped.await) }).await?;
        println!(
            "start {start}: listens after {:.2} s, {:.2} s of them to open the journal; {:.2} s of CPU, {:.0} MiB resident",
            begun.elapsed().as_secs_f64(),
            opened.as_secs_f64(),
            cpu_seconds() - cpu,
            Snapshot::take(&store).resident_kib / 1024.0
        );
        let summary = running.summary().borrow().clone();
        let playing = options.open.min(options.restart) as usize * 2;
        if summary.playing != playing {
            return Err(format!("{} play, not {playing}", summary.playing).into());
        }
        let _ = stop.send(());
        running.finished().await?;
    }
    Ok(())
}

/// The journal of a study in which pairs have played for some seconds.
fn fill(
    store: &SqliteStore,
    config: &StudyConfig,
    build: &str,
    options: &Options,
) -> Result<usize, Failure> {
    let environment = config.scenes.iter().find_map(|scene| match scene {
        Scene::Gym(game) => Some(game.environment_digest.clone()),
        Scene::Start(_) => None,
    });
    let digests = Digests {
        build: build.to_owned(),
        environment: environment.ok_or("the study has a game")?,
        study: config.digest(),
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let mut study = Study::new(config.clone(), build.to_owned(), [9; 32]);
    let mut journal = Journal {
        store,
        waiting: Vec::new(),
        entries: 0,
        at: Millis(u64::try_from(now.as_millis())?),
    };
    for number in 0..options.restart {
        let pair = [0, 1]
            .map(|member| ParticipantId(Uuid::from_u128((u128::from(number) << 1 | member) + 1)));
        for participant in pair {
            arrive(&mut study, &mut journal, participant)?;
        }
        let session = play(&mut study, &mut journal, pair, &digests)?;
        for frames in (0..options.seconds * options.hz).step_by(8) {
            for (player, participant) in (0..).zip(pair) {
                let mut upload =
                    |seq, body| journal.push(uploaded(participant, player, session, seq, body));
                // 240 batches and 28 chunks of rows in a minute.
                let seq = frames / 8 + frames / 64 + 1;
                upload(seq, page::journal_of(player, frames..frames + 8))?;
                if frames % 64 == 56 {
                    upload(seq + 1, page::rows_of(frames - 56..frames + 8))?;
                }
            }
        }
        if number >= options.open {
            finish(&mut study, &mut journal, pair, session, options)?;
        }
    }
    journal.write()?;
    Ok(journal.entries)
}

fn arrive(
    study: &mut Study,
    journal: &mut Journal<'_>,
    participant: ParticipantId,
) -> Result<(), Failure> {
    let now = journal.at;
    let token_hash = format!("{:064x}", participant.0.as_u128());
    study.handle_arrival(now, participant, token_hash.clone(), None);
    drain(study, journal)?;
    journal.push(Record::PageLoaded {
        participant,
        incarnation: 1,
        resume_key_hash: token_hash,
        user_agent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0".into(),
    })?;
    study.handle_connected(now, participant, 1);
    for message in [
        ClientMessage::Advance { scene: 0 },
        ClientMessage::Join { scene: 1 },
    ] {
        say(study, journal, participant, &message)?;
    }
    Ok(())
}

/// From MATCHED into the episode.
fn play(
    study: &mut Study,
    journal: &mut Journal<'_>,
    pair: [ParticipantId; 2],
    digests: &Digests,
) -> Result<SessionId, Failure> {
    let session = study.session_of(pair[0]).ok_or("two are a pair")?;
    for participant in pair {
        let me = study.member(participant, session).ok_or("a member")?;
        let link = ClientMessage::Link {
            session,
            to: 1 - me,
            attempt: 1,
            state: LinkState::Open {
                local: "host".into(),
                remote: "srflx".into(),
            },
        };
        say(study, journal, participant, &link)?;
    }
    for participant in pair {
        let digests = digests.clone();
        let validate = ClientMessage::Validate { session, digests };
        say(study, journal, participant, &validate)?;
    }
    match study.view(journal.at, pair[0]) {
        Some(View::Playing { .. }) => Ok(session),
        other => Err(format!("not in play: {other:?}").into()),
    }
}

/// Seals, verdict and the last page.
fn finish(
    study: &mut Study,
    journal: &mut Journal<'_>,
    pair: [ParticipantId; 2],
    session: SessionId,
    options: &Options,
) -> Result<(), Failure> {
    let (now, frames) = (journal.at, options.seconds * options.hz);
    let seal = Seal {
        last_frame: frames - 1,
        hash: [9; 16],
    };
    for (player, participant) in (0..).zip(pair) {
        let seq = frames / 8 + frames / 64 + 1;
        let body = UploadBody::Seal(seal.clone());
        journal.push(uploaded(participant, player, session, seq, body))?;
        study
            .handle_seal(now, participant, 1, session, 0, seal.clone())
            .map_err(|refusal| refusal.message)?;
    }
    drain(study, journal)?;
    let judgement = Judgement {
        verdict: Verdict::Verified,
        last_frame: Some(frames - 1),
        first_difference: None,
    };
    study.handle_judged(session, 0, judgement);
    drain(study, journal)
}

fn uploaded(
    participant: ParticipantId,
    player: u8,
    session: SessionId,
    seq: u32,
    body: UploadBody,
) -> Record {
    let upload = Upload {
        incarnation: 1,
        seq,
        session,
        episode: 0,
        body,
    };
    Record::Uploaded {
        participant,
        player,
        upload,
    }
}

fn say(
    study: &mut Study,
    journal: &mut Journal<'_>,
    participant: ParticipantId,
    message: &ClientMessage,
) -> Result<(), Failure> {
    study
        .handle_message(journal.at, participant, message)
        .map_err(|refusal| refusal.message)?;
    drain(study, journal)
}

fn drain(study: &mut Study, journal: &mut Journal<'_>) -> Result<(), Failure> {
    while let Some(effect) = study.poll_effect() {
        if let Effect::Record(record) = effect {
            journal.push(record)?;
        }
    }
    Ok(())
}
