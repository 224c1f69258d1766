//! One process of Node with Pyodide in it.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
#[cfg(unix)]
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use igym_gym::ForeignError;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::{Digest, Node, PreparedFolder};

/// How long an interpreter may take to start, with all packages.
const START: Duration = Duration::from_secs(120);
/// How long a call usually may take: thousands of frames of an environment that is not too slow to be
/// played.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// How long the doctor's traces may take; it plays hundreds of frames, and watches every line.
const EXAMINE: Duration = Duration::from_secs(300);
/// Longer answers are none.
const MOST_BYTES: usize = 1 << 30;
/// What is kept of what the process printed.
const SAID_BYTES: usize = 8 * 1024;

mod operation {
    pub(super) const OPEN: u8 = 1;
    pub(super) const RESET: u8 = 2;
    pub(super) const RUN: u8 = 3;
    pub(super) const MEASURE: u8 = 4;
    pub(super) const CLOSE: u8 = 5;
    pub(super) const TRACE: u8 = 6;
    pub(super) const DIAGNOSE: u8 = 7;
    pub(super) const VERSIONS: u8 = 8;
}

/// Why a headless interpreter did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HeadlessError {
    #[error("cannot start Node: {0}")]
    Start(#[source] io::Error),
    /// The process is gone.
    #[error("the Python interpreter ended{}{}", status(.0), printed(.1))]
    Crashed(Option<ExitStatus>, String),
    /// It took too long, and was killed.
    #[error("the Python interpreter did not answer in {} s and was stopped{}", .0.as_secs(), printed(.1))]
    Hung(Duration, String),
    /// Python said no; the process goes on.
    #[error("{0}")]
    Python(ForeignError),
    #[error("the Python interpreter answers what nobody asked for: {0}")]
    Protocol(String),
    /// Nobody waits for it any more.
    #[error("the Python interpreters were told to stop")]
    Stopped,
}

/// What is running.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Versions {
    pub pyodide: String,
    pub python: String,
    pub node: String,
}

/// The process, which also others may have to end.
type Process = Arc<Mutex<Child>>;

/// A process that can be ended from elsewhere, as long as there is one.
pub(crate) struct Killer(Weak<Mutex<Child>>);

impl Killer {
    /// Whether the process may still run.
    pub(crate) fn is_needed(&self) -> bool {
        self.0.strong_count() > 0
    }

    /// Whoever waits for the process hears that it is gone.
    pub(crate) fn kill(&self) {
        if let Some(child) = self.0.upgrade() {
            // One that has ended needs no kill.
            let _ = child.lock().unwrap_or_else(PoisonError::into_inner).kill();
        }
    }
}

/// One interpreter in a process of its own. A crash or a hang is an error of the call, and the end of
/// this process alone; dropping it stops it.
pub struct Headless {
    child: Process,
    requests: Sender<Vec<u8>>,
    answers: Receiver<io::Result<Vec<u8>>>,
    printed: Arc<Mutex<VecDeque<u8>>>,
    printing: Option<JoinHandle<()>>,
    patience: Duration,
    started: bool,
    alive: bool,
}

impl Headless {
    /// Starts an interpreter of a lock of the folder. It is not waited for; the first call is. No call
    /// may take longer than `patience`, but for those of the doctor.
    pub fn start(
        node: &Node,
        program: &Path,
        folder: &PreparedFolder,
        lock: &Digest,
        hash_seed: Option<&str>,
        patience: Duration,
    ) -> Result<Self, HeadlessError> {
        let mut command: Command = node.command();
        command
            .arg(program)
            .arg(folder.path())
            .arg(lock.as_str())
            .args(hash_seed);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        // Ctrl-C in a terminal goes to the whole group. It is this program that decides what becomes of
        // an episode that is being judged; without it the process reads the end of its requests.
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command.spawn().map_err(HeadlessError::Start)?;
        let (requests, to_write) = mpsc::channel();
        let (answered, answers) = mpsc::channel();
        let printed = Arc::<Mutex<VecDeque<u8>>>::default();
        if let Some(stdin) = child.stdin.take() {
            thread::spawn(move || write_requests(stdin, &to_write));
        }
        if let Some(stdout) = child.stdout.take() {
            thread::spawn(move || read_answers(stdout, &answered));
        }
        let printing = child.stderr.take().map(|stderr| {
            let printed = printed.clone();
            thread::spawn(move || keep(stderr, &printed))
        });
        Ok(Self {
            child: Arc::new(Mutex::new(child)),
            requests,
            answers,
            printed,
            printing,
            patience,
            started: false,
            alive: true,
        })
    }

    pub(crate) fn killer(&self) -> Killer {
        Killer(Arc::downgrade(&self.child))
    }

    /// Whether it can still be asked.
    pub fn alive(&self) -> bool {
        self.alive
    }

    /// Opens an environment: its handle, and what it says of itself.
    pub fn open(&mut self, configuration: &str) -> Result<(u8, Json), HeadlessError> {
        let answer = self.call(operation::OPEN, configuration.as_bytes(), self.patience)?;
        let (handle, description) = answer.split_first().ok_or_else(|| unreadable("nothing"))?;
        Ok((*handle, json_of(description)?))
    }

    /// The answer of `reset`.
    pub fn reset(&mut self, handle: u8, seed: u32) -> Result<Vec<u8>, HeadlessError> {
        let [a, b, c, d] = seed.to_le_bytes();
        self.call(operation::RESET, &[handle, a, b, c, d], self.patience)
    }

    /// The answer of a batch.
    pub fn run(&mut self, handle: u8, batch: &[u8]) -> Result<Vec<u8>, HeadlessError> {
        self.call(operation::RUN, &[&[handle], batch].concat(), self.patience)
    }

    /// What steps, saves and loads cost, in microseconds.
    pub fn measure(&mut self, handle: u8) -> Result<Json, HeadlessError> {
        json_of(&self.call(operation::MEASURE, &[handle], self.patience)?)
    }

    pub fn close(&mut self, handle: u8) -> Result<(), HeadlessError> {
        self.call(operation::CLOSE, &[handle], self.patience)
            .map(drop)
    }

    /// One trace of the doctor.
    pub fn trace(
        &mut self,
        configuration: &Json,
        condition: &str,
        frames: u32,
        seed: u32,
    ) -> Result<Json, HeadlessError> {
        let request = json!({"configuration": configuration, "condition": condition,
            "frames": frames, "seed": seed});
        json_of(&self.call(operation::TRACE, request.to_string().as_bytes(), EXAMINE)?)
    }

    /// The doctor's report, from traces by condition.
    pub fn diagnose(&mut self, traces: &Json, name: &str) -> Result<Json, HeadlessError> {
        let request = json!({"traces": traces, "name": name});
        json_of(&self.call(operation::DIAGNOSE, request.to_string().as_bytes(), EXAMINE)?)
    }

    pub fn versions(&mut self) -> Result<Versions, HeadlessError> {
        let answer = self.call(operation::VERSIONS, &[], self.patience)?;
        serde_json::from_slice(&answer).map_err(|error| unreadable(&error.to_string()))
    }

    fn call(
        &mut self,
        operation: u8,
        payload: &[u8],
        patience: Duration,
    ) -> Result<Vec<u8>, HeadlessError> {
        if !self.alive {
            return Err(HeadlessError::Crashed(None, self.said()));
        }
        let patience = if self.started {
            patience
        } else {
            patience + START
        };
        let mut frame = Vec::with_capacity(payload.len() + 5);
        frame.extend((payload.len() as u32 + 1).to_le_bytes());
        frame.push(operation);
        frame.extend(payload);
        if self.requests.send(frame).is_err() {
            return Err(self.crashed());
        }
        let answer = match self.answers.recv_timeout(patience) {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) if error.kind() == io::ErrorKind::InvalidData => {
                self.stop();
                return Err(unreadable(&error.to_string()));
            }
            Ok(Err(_)) | Err(RecvTimeoutError::Disconnected) => return Err(self.crashed()),
            Err(RecvTimeoutError::Timeout) => {
                self.stop();
                return Err(HeadlessError::Hung(patience, self.said()));
            }
        };
        self.started = true;
        match answer.split_first() {
            Some((0, rest)) => Ok(rest.to_vec()),
            Some((1, rest)) => {
                let error = serde_json::from_slice(rest);
                Err(error.map_or_else(
                    |error| unreadable(&error.to_string()),
                    HeadlessError::Python,
                ))
            }
            _ => {
                self.stop();
                Err(unreadable("no status"))
            }
        }
    }

    fn crashed(&mut self) -> HeadlessError {
        let ended = self.stop();
        if let Some(printing) = self.printing.take() {
            // Its last words say why; nothing is lost if they do not come.
            let _ = printing.join();
        }
        HeadlessError::Crashed(ended, self.said())
    }

    fn said(&self) -> String {
        let printed = self.printed.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes: Vec<u8> = printed.iter().copied().collect();
        String::from_utf8_lossy(&bytes).trim().to_owned()
    }

    /// Kills the process if it is there, and waits until it is not.
    fn stop(&mut self) -> Option<ExitStatus> {
        self.alive = false;
        // One that has ended by itself keeps its own status.
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = child.kill();
        child.wait().ok()
    }
}

impl Drop for Headless {
    fn drop(&mut self) {
        self.stop();
    }
}

fn write_requests(mut stdin: impl Write, requests: &Receiver<Vec<u8>>) {
    for request in requests {
        if stdin
            .write_all(&request)
            .and_then(|()| stdin.flush())
            .is_err()
        {
            // The reader of the answers hears of the end, too.
            return;
        }
    }
}

fn read_answers(mut stdout: impl Read, answered: &Sender<io::Result<Vec<u8>>>) {
    loop {
        let answer = read_answer(&mut stdout);
        let last = answer.is_err();
        if answered.send(answer).is_err() || last {
            return;
        }
    }
}

fn read_answer(stdout: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    stdout.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length) as usize;
    if length > MOST_BYTES {
        let message = format!("an answer of {length} bytes");
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    let mut answer = vec![0; length];
    stdout.read_exact(&mut answer)?;
    Ok(answer)
}

/// Reads to the end, so that the process never waits, and keeps the last of it.
fn keep(mut stderr: impl Read, printed: &Mutex<VecDeque<u8>>) {
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = stderr.read(&mut buffer) {
        let mut kept = printed.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend(&buffer[..count]);
        let excess = kept.len().saturating_sub(SAID_BYTES);
        kept.drain(..excess);
    }
}

fn json_of(bytes: &[u8]) -> Result<Json, HeadlessError> {
    serde_json::from_slice(bytes).map_err(|error| unreadable(&error.to_string()))
}

fn unreadable(what: &str) -> HeadlessError {
    HeadlessError::Protocol(what.to_owned())
}

fn status(status: &Option<ExitStatus>) -> String {
    status
        .map(|status| format!(" ({status})"))
        .unwrap_or_default()
}

fn printed(text: &str) -> String {
    match text {
        "" => String::new(),
        text => format!("; it printed:\n{text}"),
    }
}
