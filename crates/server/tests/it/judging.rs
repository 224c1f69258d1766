//! Episodes that cannot be played again for a reason that is not in them.

use std::sync::{
    Arc, Condvar, Mutex,
    atomic::{AtomicU32, Ordering::SeqCst},
};

use igym_dataset::{Cancel, Environments, not_judged};
use igym_gym::Runtime;
use igym_protocol::{EnvironmentSpec, Record, Seal, UploadBody};
use igym_server::ServerOptions;
use igym_study::Scene;
use std::time::Duration;
use tokio::sync::Notify;

use crate::{
    episode::closings,
    logs::lines,
    metrics::scrape,
    support::{Client, TestServer, patiently},
    uploads::upload,
};

/// Interpreters that cannot be had.
#[derive(Default)]
struct Broken {
    asked: AtomicU32,
    /// Whoever asks waits until they are told to stop.
    slow: bool,
    stopped: Mutex<bool>,
    told: Condvar,
    /// Somebody asks.
    called: Notify,
}

impl Environments for Broken {
    fn open(&self, _: &EnvironmentSpec, _: &str, _: &Cancel) -> Result<Box<dyn Runtime>, String> {
        self.asked.fetch_add(1, SeqCst);
        self.called.notify_one();
        if self.slow {
            let stopped = self.stopped.lock().unwrap();
            drop(self.told.wait_while(stopped, |it| !*it).unwrap());
        }
        Err("no space left on device".to_owned())
    }

    fn runtime_name(&self) -> Option<String> {
        None
    }

    fn stop(&self) {
        *self.stopped.lock().unwrap() = true;
        self.told.notify_all();
    }
}

/// A study in Python, of which nothing is run but what judges it.
fn in_python(environments: Arc<Broken>) -> impl FnOnce(&mut ServerOptions) {
    move |options| {
        for scene in &mut options.study.scenes {
            if let Scene::Gym(game) = scene {
                let space = serde_json::json!({"kind": "discrete", "n": 6, "start": 0});
                let config = serde_json::json!({
                    "configuration": {"environment": {"file": "env.py"}, "bindings": [1]},
                    "description": {
                        "agents": ["agent_left", "agent_right"],
                        "spaces": [space, space],
                        "default_actions": ["00", "00"],
                        "bindings": [["01", "01"]],
                        "size": [600, 400], "assets": [],
                    },
                });
                game.environment = EnvironmentSpec {
                    id: "python".to_owned(),
                    version: "lock".to_owned(),
                    config: config.to_string(),
                };
            }
        }
        options.environments = environments;
        options.tuning.stop_timeout = Duration::from_millis(50);
    }
}

/// Seals the first episode; the second follows without a verdict on it.
async fn seal(server: &TestServer) -> igym_protocol::SessionId {
    let (mut page, session, _) = Client::alone_in_play(server).await;
    let seal = Seal {
        last_frame: 10,
        hash: [7; 16],
    };
    let session = session.session;
    page.upload(&upload(session, 1, 0, UploadBody::Seal(seal)))
        .await;
    page.plan(1).await;
    session
}

#[tokio::test]
async fn what_fails_beside_the_episode_is_tried_again_and_then_no_verdict_on_the_players() {
    let lines = lines();
    let broken = Arc::new(Broken::default());
    let server = TestServer::start_with(1, in_python(broken.clone())).await;
    let session = seal(&server).await;
    let (episode, _, judgement) = closings(&server, 1).await.remove(0);
    assert_eq!((episode, judgement), (0, not_judged()));
    assert_eq!(broken.asked.load(SeqCst), 2);
    let why = |line: &serde_json::Value| {
        line["level"] == "ERROR"
            && line["fields"]["episode"] == 0
            && line["fields"]["error"]
                .as_str()
                .is_some_and(|error| error.contains("no space left"))
    };
    let told = lines.about(session).into_iter().filter(why).count();
    assert_eq!(told, 2, "each time");
    assert_eq!(scrape(&server).await["igym_episodes_unjudged"], 0.0);
}

#[tokio::test]
async fn a_server_that_stops_leaves_the_verdict_to_the_next() {
    let slow = Arc::new(Broken {
        slow: true,
        ..Broken::default()
    });
    let server = TestServer::start_with(1, in_python(slow.clone())).await;
    seal(&server).await;
    patiently("the judge", slow.called.notified()).await;
    assert_eq!(scrape(&server).await["igym_episodes_unjudged"], 1.0);
    let store = server.store.clone();
    let data = server.stop().await;
    assert!(*slow.stopped.lock().unwrap(), "nothing runs on");

    let broken = Arc::new(Broken::default());
    let server = TestServer::start_on(1, data, store, in_python(broken.clone())).await;
    closings(&server, 1).await;
    assert_eq!(broken.asked.load(SeqCst), 2);
    let closed = |record: &Record| matches!(record, Record::EpisodeClosed { .. });
    let records = server.journal().into_iter().map(|entry| entry.record);
    let records: Vec<Record> = records.collect();
    let at = records.iter().position(closed).unwrap();
    let opened = |record: &&Record| matches!(record, Record::StudyOpened { .. });
    assert_eq!(records[..at].iter().filter(opened).count(), 2);
}
