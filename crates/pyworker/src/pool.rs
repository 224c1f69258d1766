//! Interpreters of one lock, which take turns.

use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use igym_gym::{ForeignError, ForeignErrorKind, Runtime};
use serde_json::Value as Json;

use crate::{Digest, Headless, HeadlessError, Node, PreparedFolder};

/// After so many environments an interpreter makes room for a fresh one: what environments leave
/// behind does not add up.
const MOST_OPENED: u32 = 100;

/// Interpreters that stay for the next one who needs one. Each plays one episode at a time.
pub struct Pool {
    node: Node,
    program: PathBuf,
    folder: PreparedFolder,
    lock: Digest,
    most: usize,
    patience: Duration,
    state: Mutex<State>,
    returned: Condvar,
}

#[derive(Default)]
struct State {
    idle: Vec<Worker>,
    /// Idle ones among them.
    running: usize,
}

struct Worker {
    headless: Headless,
    opened: u32,
}

impl Pool {
    /// At most `most` interpreters; whoever needs one more waits. None may take longer than `patience`
    /// for a call.
    pub fn new(
        node: Node,
        program: PathBuf,
        folder: PreparedFolder,
        lock: Digest,
        most: usize,
        patience: Duration,
    ) -> Arc<Self> {
        Arc::new(Self {
            node,
            program,
            folder,
            lock,
            most: most.max(1),
            patience,
            state: Mutex::default(),
            returned: Condvar::new(),
        })
    }

    /// Takes an interpreter in that runs already. It must be of this pool's lock, and idle.
    pub(crate) fn adopt(&self, headless: Headless) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.running += 1;
        state.idle.push(Worker {
            headless,
            opened: 0,
        });
    }

    /// Starts an interpreter, if none is there, so that the next who needs one does not wait for it.
    pub fn warm(&self) -> Result<(), HeadlessError> {
        let running = self
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .running;
        if running == 0 {
            self.adopt(self.start()?);
        }
        Ok(())
    }

    fn start(&self) -> Result<Headless, HeadlessError> {
        let (folder, lock) = (&self.folder, &self.lock);
        Headless::start(&self.node, &self.program, folder, lock, None, self.patience)
    }

    /// Opens an environment in an interpreter that nobody else uses until the runtime is dropped.
    pub fn open(self: &Arc<Self>, configuration: &str) -> Result<HeadlessRuntime, HeadlessError> {
        let mut seat = Seat {
            pool: self.clone(),
            worker: None,
        };
        let mut worker = match self.take() {
            Some(worker) => worker,
            None => Worker {
                headless: self.start()?,
                opened: 0,
            },
        };
        worker.opened += 1;
        let opened = worker.headless.open(configuration);
        seat.worker = Some(worker);
        let (handle, description) = opened?;
        Ok(HeadlessRuntime {
            seat,
            handle,
            description,
        })
    }

    /// An idle one, or none where the caller may start one.
    fn take(&self) -> Option<Worker> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(worker) = state.idle.pop() {
                return Some(worker);
            }
            if state.running < self.most {
                state.running += 1;
                return None;
            }
            state = self
                .returned
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn give_back(&self, worker: Option<Worker>) {
        let usable = worker.filter(|one| one.headless.alive() && one.opened < MOST_OPENED);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match usable {
            Some(worker) => state.idle.push(worker),
            None => state.running -= 1,
        }
        drop(state);
        self.returned.notify_one();
    }
}

/// A place among the pool's interpreters.
struct Seat {
    pool: Arc<Pool>,
    worker: Option<Worker>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.pool.give_back(self.worker.take());
    }
}

/// An environment in a headless interpreter. When that crashes or hangs the answers say so.
pub struct HeadlessRuntime {
    seat: Seat,
    handle: u8,
    description: Json,
}

impl HeadlessRuntime {
    /// What the environment says of itself: `describe()` of `python/README.md`.
    pub fn description(&self) -> &Json {
        &self.description
    }

    /// What steps, saves and loads cost, in microseconds. It ends the episode.
    pub fn measure(&mut self) -> Result<Json, HeadlessError> {
        match &mut self.seat.worker {
            Some(worker) => worker.headless.measure(self.handle),
            None => Err(HeadlessError::Crashed(None, String::new())),
        }
    }

    fn ask(
        &mut self,
        question: impl FnOnce(&mut Headless, u8) -> Result<Vec<u8>, HeadlessError>,
    ) -> Vec<u8> {
        let Some(worker) = &mut self.seat.worker else {
            return gone("it is closed").answer();
        };
        match question(&mut worker.headless, self.handle) {
            Ok(answer) => answer,
            Err(HeadlessError::Python(error)) => error.answer(),
            Err(error) => gone(&error.to_string()).answer(),
        }
    }
}

fn gone(why: &str) -> ForeignError {
    ForeignError::new(ForeignErrorKind::Runtime, why)
}

impl Runtime for HeadlessRuntime {
    fn reset(&mut self, seed: u32) -> Vec<u8> {
        self.ask(|headless, handle| headless.reset(handle, seed))
    }

    fn run(&mut self, batch: &[u8]) -> Vec<u8> {
        self.ask(|headless, handle| headless.run(handle, batch))
    }
}

impl Drop for HeadlessRuntime {
    fn drop(&mut self) {
        if let Some(worker) = &mut self.seat.worker {
            // One that cannot close it is not used again.
            if worker.headless.alive() && worker.headless.close(self.handle).is_err() {
                self.seat.worker = None;
            }
        }
    }
}
