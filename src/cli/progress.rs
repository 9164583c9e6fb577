//! Progress on stderr: a bar on a terminal, nothing otherwise, so that scripts' logs stay readable.

use indicatif::{HumanCount, ProgressBar, ProgressState, ProgressStyle};

/// A bar over `total` units of `what`, with rate and remaining time.
#[must_use]
pub fn bar(what: &str, total: u64) -> ProgressBar {
    // indicatif draws nothing where stderr is not a terminal.
    let bar = ProgressBar::new(total);
    let template = format!("{{bar:32}} {{human_pos}}/{{human_len}} {what}, {{rate}}, {{eta}} left {{msg}}");
    bar.set_style(style(&template));
    bar
}

/// A counter of `what`, for an unknown total.
#[must_use]
pub fn counter(what: &str) -> ProgressBar {
    let bar = ProgressBar::no_length();
    bar.set_style(style(&format!("{{spinner}} {{human_pos}} {what}, {{rate}} {{msg}}")));
    bar
}

fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    // No colour, which would be unreadable on a background that we do not know.
    style.with_key("rate", |state: &ProgressState, text: &mut dyn std::fmt::Write| {
        // A rate that cannot be written is one that nobody sees.
        let _ = write!(text, "{}", rate(state.per_sec()));
    })
}

/// Whole units a second, with thousands set apart.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "rounded, and cut off at the bounds of u64"
)]
fn rate(per_second: f64) -> String {
    format!("{}/s", HumanCount(per_second.round() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_written_in_whole_units() {
        assert_eq!(rate(1_384_767_421.042_2), "1,384,767,421/s");
        assert_eq!((rate(0.4).as_str(), rate(103_299.612_7).as_str()), ("0/s", "103,300/s"));
    }
}
