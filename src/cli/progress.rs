//! Progress on stderr: a bar on a terminal, nothing otherwise, so that scripts' logs stay readable.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar over `total` units of `what`, with rate and remaining time.
#[must_use]
pub fn bar(what: &str, total: u64) -> ProgressBar {
    // indicatif draws nothing where stderr is not a terminal.
    let bar = ProgressBar::new(total);
    let template = format!("{{bar:32}} {{human_pos}}/{{human_len}} {what}, {{per_sec:.0}}, {{eta}} left {{msg}}");
    bar.set_style(style(&template));
    bar
}

/// A counter of `what`, for an unknown total.
#[must_use]
pub fn counter(what: &str) -> ProgressBar {
    let bar = ProgressBar::no_length();
    bar.set_style(style(&format!("{{spinner}} {{human_pos}} {what}, {{per_sec:.0}} {{msg}}")));
    bar
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
