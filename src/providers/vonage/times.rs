//! Times as Vonage writes them, all of them in UTC.

use chrono::{DateTime, NaiveDateTime, Utc};

/// `2026-01-01 14:00:00`.
pub(super) fn date(text: &str) -> Option<DateTime<Utc>> {
    written(text, "%Y-%m-%d %H:%M:%S")
}

/// `2601011400`, to the minute.
pub(super) fn minute(text: &str) -> Option<DateTime<Utc>> {
    written(text, "%y%m%d%H%M")
}

/// Seconds, or the date that accounts without signatures get.
pub(super) fn seconds(text: &str) -> Option<DateTime<Utc>> {
    let seconds = text.trim().parse().ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    seconds.or_else(|| date(text))
}

fn written(text: &str, format: &str) -> Option<DateTime<Utc>> {
    NaiveDateTime::parse_from_str(text.trim(), format).ok().map(|time| time.and_utc())
}
