//! Progress bars: on standard error, and only where somebody looks at it.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar for so many episodes.
pub(crate) fn episodes(count: usize, doing: &'static str) -> ProgressBar {
    // Nothing is drawn where standard error is no terminal.
    let bar = ProgressBar::new(count as u64);
    let style = ProgressStyle::with_template("{msg} {bar:32} {pos}/{len} episodes, {eta} left")
        .expect("the template is well-formed");
    bar.with_style(style).with_message(doing)
}
