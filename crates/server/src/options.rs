//! What a server needs to know.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use igym_dataset::{Environments, NativeOnly};
use igym_pyworker::Bundle;
use igym_study::StudyConfig;

/// What to serve, and where.
#[derive(Clone)]
pub struct ServerOptions {
    pub study: StudyConfig,
    /// Where the journal is; the builds that participants were given are kept there, too.
    pub data_dir: PathBuf,
    /// The built pages. None: those that were built into this program.
    pub web_dir: Option<PathBuf>,
    /// The study's own images, atlases and sounds, served at `/study/`. None: it has none.
    pub assets_dir: Option<PathBuf>,
    /// What was prepared for the study's environments in Python. None: it has none.
    pub python: Option<Arc<Bundle>>,
    /// What plays episodes again whose environments are not in this program, to judge them.
    pub environments: Arc<dyn Environments>,
    /// Port 0 takes a free one.
    pub address: SocketAddr,
    /// What all draws come from: session ids, codes, the episodes' seeds. None: drawn now. A run
    /// after the first on the same data mixes its number in. What a run used is recorded.
    pub seed: Option<[u8; 32]>,
    pub tuning: Tuning,
}

impl ServerOptions {
    /// The usual options.
    pub fn new(study: StudyConfig, data_dir: PathBuf, address: SocketAddr) -> Self {
        Self {
            study,
            data_dir,
            web_dir: None,
            assets_dir: None,
            python: None,
            environments: Arc::new(NativeOnly),
            address,
            seed: None,
            tuning: Tuning::default(),
        }
    }
}

/// Deadlines and rates. The defaults leave an honest page far from all of them.
#[derive(Clone, Debug)]
pub struct Tuning {
    /// A connection that has not said `Hello` after this is closed.
    pub hello_timeout: Duration,
    /// How often an RFC 6455 ping is sent. Browsers answer it without the page's help.
    pub ping_interval: Duration,
    /// A connection on which nothing came for this long, and nothing in answer to one more ping, is
    /// closed.
    pub idle_timeout: Duration,
    /// A connection that does not take what it is sent for this long is closed.
    pub send_timeout: Duration,
    /// How long a stopping server waits for its connections, and after them for verdicts.
    pub stop_timeout: Duration,
    /// Judging an episode for longer is given up, and recorded as `partial` with the re-simulation
    /// missing. Nobody waits for it but the judges' queue.
    pub judge_timeout: Duration,
    /// A history that is not read after this makes room for those of others.
    pub history_timeout: Duration,
    /// After a failed write to the journal, how long until it is tried again.
    pub storage_retry: Duration,
    /// Control messages of a connection; those above are refused.
    pub messages: Rate,
    /// Refusals of a connection; one that earns more is closed.
    pub refusals: Rate,
    /// Uploads of a connection; those above wait.
    pub uploads: Rate,
    /// Bytes of a connection's uploads; those above wait.
    pub upload_bytes: Rate,
    /// Packets of a connection for partners; those above are refused.
    pub relays: Rate,
    /// How often a participant may ask for the history of an episode.
    pub rejoins: Rate,
    /// New participants from one address; a classroom may share one.
    pub arrivals: Rate,
    /// Page loads of one participant.
    pub page_loads: Rate,
    /// A request that has not come whole after this, or not at all, is not waited for.
    pub request_timeout: Duration,
    /// Open TCP connections, a participant's WebSocket among them; further ones are closed at
    /// once. No more than the operating system allows files.
    pub sockets: usize,
    /// Open TCP connections of one address: a campus may share one, and behind a reverse proxy
    /// everybody does.
    pub sockets_per_address: usize,
}

/// So many at once, and so many a second in the long run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    pub burst: u32,
    pub per_second: f64,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            hello_timeout: Duration::from_secs(10),
            ping_interval: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(30),
            send_timeout: Duration::from_secs(15),
            stop_timeout: Duration::from_secs(5),
            judge_timeout: Duration::from_secs(600),
            history_timeout: Duration::from_secs(10),
            storage_retry: Duration::from_secs(1),
            // A mesh of 16 players exchanges a few hundred candidates when it connects.
            messages: Rate::new(400, 40.0),
            refusals: Rate::new(50, 1.0),
            uploads: Rate::new(200, 40.0),
            upload_bytes: Rate::new(4 << 20, 262_144.0),
            // 15 partners at 60 frames per second.
            relays: Rate::new(1_000, 1_000.0),
            // A page asks once a second until it has it.
            rejoins: Rate::new(5, 1.0),
            arrivals: Rate::new(300, 5.0),
            page_loads: Rate::new(20, 0.5),
            request_timeout: Duration::from_secs(15),
            sockets: 20_000,
            sockets_per_address: 2_000,
        }
    }
}

impl Rate {
    pub fn new(burst: u32, per_second: f64) -> Self {
        Self { burst, per_second }
    }
}
