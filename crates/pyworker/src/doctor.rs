//! Whether an environment plays the same from run to run: the doctor of `interactive_gym`, with
//! interpreters of Pyodide.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::thread;

use crate::interpreters::Interpreters;
use crate::{HeadlessError, Progress};

/// Frames of each trace.
pub(crate) const FRAMES: u32 = 120;
pub(crate) const SEED: u32 = 1;

/// What each interpreter plays, in this order, and its hash seed. `python/README.md` says why.
const INTERPRETERS: [(&[&str], &str); 5] = [
    (&["plain", "again", "rollback", "drawn"], "0"),
    (&["watched"], "0"),
    (&["after_others"], "0"),
    (&["fresh"], "0"),
    (&["hash_seed"], "1"),
];
/// Interpreters that run at once: each has a processor to itself on the smallest machine.
const AT_ONCE: usize = 2;

/// What the doctor found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Diagnosis {
    pub(crate) deterministic: bool,
    /// For people.
    pub(crate) text: String,
    /// Lines that read clocks, addresses or the system's randomness.
    #[serde(default)]
    pub(crate) suspects: Vec<String>,
    /// The first trace, to compare with another Python's.
    #[serde(skip)]
    pub(crate) plain: Json,
}

/// Plays one environment in five interpreters.
pub(crate) fn examine(
    interpreters: &Interpreters<'_>,
    configuration: &Json,
    name: &str,
    progress: &dyn Progress,
) -> Result<Diagnosis, HeadlessError> {
    let waiting = Mutex::new(INTERPRETERS.iter().enumerate());
    let work = || {
        let (mut traces, mut last) = (Vec::new(), None);
        loop {
            let next = waiting
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .next();
            let Some((number, (conditions, hash_seed))) = next else {
                return Ok::<_, HeadlessError>((traces, last));
            };
            progress.step(&format!(
                "examining whether {name} plays the same from run to run: interpreter {} of {}",
                number + 1,
                INTERPRETERS.len()
            ));
            let mut headless = interpreters.start(Some(hash_seed))?;
            for condition in *conditions {
                let trace = headless.trace(configuration, condition, FRAMES, SEED)?;
                traces.push(((*condition).to_owned(), trace));
            }
            last = Some(headless);
        }
    };
    let traces: Result<Vec<_>, HeadlessError> = thread::scope(|scope| {
        let threads: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(work)).collect();
        threads
            .into_iter()
            .map(|thread| {
                let broken = || HeadlessError::Protocol("the doctor broke down".to_owned());
                thread.join().unwrap_or_else(|_| Err(broken()))
            })
            .collect()
    });
    let (traces, played): (Vec<_>, Vec<_>) = traces?.into_iter().unzip();
    let traces: Map<String, Json> = traces.into_iter().flatten().collect();
    let plain = traces.get("plain").cloned().unwrap_or_default();
    // Any interpreter can compare; those that have played are there already.
    let mut headless = match played.into_iter().flatten().next() {
        Some(headless) => headless,
        None => interpreters.start(None)?,
    };
    let report = headless.diagnose(&Json::Object(traces), name)?;
    let diagnosis = serde_json::from_value::<Diagnosis>(report);
    let diagnosis = diagnosis.map_err(|error| HeadlessError::Protocol(error.to_string()))?;
    Ok(Diagnosis { plain, ..diagnosis })
}
