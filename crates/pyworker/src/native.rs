//! The same episode in this machine's own Python: who trained an agent there should know if it plays
//! differently here.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value as Json, json};

use crate::doctor::{FRAMES, SEED};
use crate::tools::last_lines;

/// Compares the last line of the standard input, two traces, and says where they differ.
const COMPARE: &str = "import json, sys; from interactive_gym.doctor import compare; \
     print(json.dumps(compare(*json.load(sys.stdin))))";

/// What a comparison came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Same,
    /// The first difference.
    Different(String),
    /// There is nothing to compare with, and why.
    Skipped(String),
}

/// Plays what `plain` is a trace of in a native Python. `package` is the archive of
/// `interactive_gym`.
pub(crate) fn compare(
    python: &Path,
    package: &Path,
    configuration: &Json,
    plain: &Json,
) -> Comparison {
    let request = json!({"configuration": configuration, "conditions": ["plain"], "frames": FRAMES,
        "seed": SEED});
    let arguments = ["-W", "ignore", "-m", "interactive_gym.doctor", "--traces"];
    let said = match ask(python, package, &arguments, &request) {
        Ok(said) => said,
        Err(why) => return Comparison::Skipped(why),
    };
    let traces = said.rsplit_once("\n#traces ").and_then(|(_, traces)| {
        let traces: Json = serde_json::from_str(traces.trim()).ok()?;
        traces.get("plain").cloned()
    });
    let Some(native) = traces else {
        return Comparison::Skipped(last_lines(&said, 3));
    };
    if let Some(message) = native["error"]["message"].as_str() {
        return Comparison::Skipped(match missing(message) {
            Some(module) => format!("{module} is not installed for it, which does no harm"),
            None => message.to_owned(),
        });
    }
    let found = match ask(python, package, &["-c", COMPARE], &json!([plain, native])) {
        Ok(found) => found,
        Err(why) => return Comparison::Skipped(why),
    };
    match serde_json::from_str::<Json>(&found) {
        Ok(Json::Null) => Comparison::Same,
        Ok(difference) => {
            let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
            Comparison::Different(format!(
                "{}, {}: {} here and {} natively",
                text(&difference["at"]),
                text(&difference["field"]),
                text(&difference["values"][0]),
                text(&difference["values"][1]),
            ))
        }
        Err(error) => Comparison::Skipped(error.to_string()),
    }
}

/// The module that is missing, if that is what the error is.
fn missing(message: &str) -> Option<&str> {
    let parts = ["No module named ", "there is no module "];
    let (_, rest) = parts.iter().find_map(|part| message.split_once(part))?;
    rest.split('\'').nth(1)
}

fn ask(
    python: &Path,
    package: &Path,
    arguments: &[&str],
    request: &Json,
) -> Result<String, String> {
    let mut child = Command::new(python)
        .args(arguments)
        .env("PYTHONPATH", package)
        .env("PYTHONHASHSEED", crate::lock::HASH_SEED)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{} cannot be started: {error}", python.display()))?;
    if let Some(mut stdin) = child.stdin.take() {
        // One that ends before it has read all says why below.
        let _ = stdin.write_all(request.to_string().as_bytes());
    }
    let output = child
        .wait_with_output()
        .map_err(|error| error.to_string())?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(last_lines(&String::from_utf8_lossy(&output.stderr), 1)),
    }
}
