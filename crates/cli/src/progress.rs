//! Progress bars: on standard error, and only where somebody looks at it.

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

fn bar(count: usize, doing: &'static str, style: ProgressStyle) -> ProgressBar {
    // Nothing is drawn where standard error is no terminal.
    let bar = ProgressBar::new(count as u64);
    bar.with_style(style).with_message(doing)
}
