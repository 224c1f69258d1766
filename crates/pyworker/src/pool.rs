//! Interpreters of one lock, which take turns.

use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use igym_dataset::Cancel;
use igym_gym::{ForeignError, ForeignErrorKind, Runtime};
use serde_json::Value as Json;

use crate::headless::Killer;
use crate::{Digest, Headless, HeadlessError, Node, PreparedFolder};

/// After so many environments an interpreter makes room for a fresh one: what environments leave
/// behind does not add up.
const MOST_OPENED: u32 = 100;
/// How often whoever waits for an interpreter looks whether it is still wanted.
const LOOK: Duration = Duration::from_millis(200);

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
    /// Of all processes that may be there.
    killers: Vec<Killer>,
    stopped: bool,
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
        state.killers.push(headless.killer());
        state.idle.push(Worker {
            headless,
            opened: 0,
        });
    }

    /// Starts an interpreter, if none is there, and waits until it runs, so that the next who needs one
    /// does not wait for it.
    pub fn warm(&self) -> Result<(), HeadlessError> {
        let running = self
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .running;
        if running == 0 {
            let mut worker = self.start()?;
            worker.headless.versions()?;
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.running += 1;
            state.idle.push(worker);
        }
        Ok(())
    }

    /// Ends all interpreters for good, also those that are in use: whoever waits for an answer hears
    /// that it is gone.
    pub fn stop(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.stopped = true;
        state.killers.iter().for_each(Killer::kill);
        drop(state);
        self.returned.notify_all();
    }

    fn start(&self) -> Result<Worker, HeadlessError> {
        let (folder, lock) = (&self.folder, &self.lock);
        let headless =
            Headless::start(&self.node, &self.program, folder, lock, None, self.patience)?;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.stopped {
            return Err(HeadlessError::Stopped);
        }
        state.killers.retain(Killer::is_needed);
        state.killers.push(headless.killer());
        Ok(Worker {
            headless,
            opened: 0,
        })
    }

    /// Opens an environment in an interpreter that nobody else uses until the runtime is dropped.
    pub fn open(self: &Arc<Self>, configuration: &str) -> Result<HeadlessRuntime, HeadlessError> {
        self.open_until(configuration, &Cancel::default())
    }

    /// As [`open`](Self::open), waiting for one no longer once it is cancelled.
    pub fn open_until(
        self: &Arc<Self>,
        configuration: &str,
        cancel: &Cancel,
    ) -> Result<HeadlessRuntime, HeadlessError> {
        let idle = self.take(cancel)?;
        let mut seat = Seat {
            pool: self.clone(),
            worker: None,
        };
        let was_idle = idle.is_some();
        let mut worker = match idle {
            Some(worker) => worker,
            None => self.start()?,
        };
        worker.opened += 1;
        let mut opened = worker.headless.open(configuration);
        // What ended it while it was idle has nothing to do with this environment.
        if was_idle && matches!(opened, Err(HeadlessError::Crashed(..))) {
            worker = self.start()?;
            worker.opened += 1;
            opened = worker.headless.open(configuration);
        }
        seat.worker = Some(worker);
        let (handle, description) = opened?;
        Ok(HeadlessRuntime {
            seat,
            handle,
            description,
        })
    }

    /// An idle one, or none where the caller may start one; either is to be given back.
    fn take(&self, cancel: &Cancel) -> Result<Option<Worker>, HeadlessError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if state.stopped || cancel.is_cancelled() {
                return Err(HeadlessError::Stopped);
            }
            if let Some(worker) = state.idle.pop() {
                return Ok(Some(worker));
            }
            if state.running < self.most {
                state.running += 1;
                return Ok(None);
            }
            let waited = self.returned.wait_timeout(state, LOOK);
            (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
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
