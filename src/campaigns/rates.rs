//! A campaign's figures as parts of each other.

use crate::queries::campaign_groups::GroupFigures;
use crate::queries::campaign_metrics::MetricsRow;

/// Parts of one: each counts messages among messages that it is a part of, so none is over 1. [`None`] where there are none to
/// be a part of.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Rates {
    /// Arrived of those sent.
    pub delivery: Option<f64>,
    /// Bounced of those sent.
    pub bounce: Option<f64>,
    /// Opened by a person of those that arrived.
    pub open: Option<f64>,
    /// With a click by a person of those that arrived.
    pub click: Option<f64>,
    /// With a click by a person of those that a person opened or clicked: a click proves an open that no pixel saw.
    pub click_to_open: Option<f64>,
    /// Replied to of those that arrived.
    pub reply: Option<f64>,
    /// Reported as spam of those that arrived.
    pub complaint: Option<f64>,
    /// That led to an opt-out of those that arrived.
    pub opt_out: Option<f64>,
}

impl From<&MetricsRow> for Rates {
    fn from(row: &MetricsRow) -> Self {
        Self {
            delivery: part(row.arrived, row.sent),
            bounce: part(row.bounced, row.sent),
            open: part(row.unique_opens_human, row.arrived),
            click: part(row.unique_clicks_human, row.arrived),
            click_to_open: part(row.unique_clicks_human, row.engaged_human),
            reply: part(row.replied, row.arrived),
            complaint: part(row.complained, row.arrived),
            opt_out: part(row.opted_out, row.arrived),
        }
    }
}

impl From<&GroupFigures> for Rates {
    fn from(row: &GroupFigures) -> Self {
        Self {
            delivery: part(row.arrived, row.sent),
            bounce: part(row.bounced, row.sent),
            open: part(row.opened, row.arrived),
            click: part(row.clicked, row.arrived),
            click_to_open: part(row.clicked, row.engaged),
            reply: part(row.replied, row.arrived),
            complaint: part(row.complained, row.arrived),
            opt_out: part(row.opted_out, row.arrived),
        }
    }
}

/// A number as a part of another one.
#[must_use]
pub fn part(number: i64, of: i64) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "a ratio, for people")]
    (of > 0).then(|| number as f64 / of as f64)
}
