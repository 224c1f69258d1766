//! Progress bars: on standard error, and only where somebody looks at it.

use std::time::Duration;

use igym_pyworker::Progress;
use indicatif::{ProgressBar, ProgressStyle};

/// A bar for so many episodes.
pub(crate) fn episodes(count: usize, doing: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} {bar:32} {pos}/{len} episodes, {eta} left");
    bar(count, doing, style.expect("the template is well-formed"))
}

/// A bar for so many bots.
pub(crate) fn bots(count: u32, doing: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} {bar:32} {pos}/{len} bots, {elapsed}");
    bar(
        count as usize,
        doing,
        style.expect("the template is well-formed"),
    )
}

/// What is being done, one thing after another: a line that changes where somebody looks at it, lines
/// in a log elsewhere.
pub(crate) struct Steps {
    spinner: ProgressBar,
}

impl Steps {
    pub(crate) fn new() -> Self {
        let style = ProgressStyle::with_template("{spinner} {msg} {elapsed}");
        let spinner = ProgressBar::new_spinner();
        spinner.set_style(style.expect("the template is well-formed"));
        spinner.enable_steady_tick(Duration::from_millis(100));
        Self { spinner }
    }
}

impl Progress for Steps {
    fn step(&self, what: &str) {
        match self.spinner.is_hidden() {
            true => eprintln!("{what}"),
            false => self.spinner.set_message(what.to_owned()),
        }
    }

    fn note(&self, text: &str) {
        self.spinner.suspend(|| eprintln!("{text}"));
    }
}

impl Drop for Steps {
    fn drop(&mut self) {
        self.spinner.finish_and_clear();
    }
}

fn bar(count: usize, doing: &'static str, style: ProgressStyle) -> ProgressBar {
    // Nothing is drawn where standard error is no terminal.
    let bar = ProgressBar::new(count as u64);
    bar.with_style(style).with_message(doing)
}
