//! Deliverability.

use async_graphql::{InputObject, SimpleObject};
use chrono::{DateTime, Utc};

use crate::graphql::engine::reports::{ReportCounts, report_counts};
use crate::graphql::engine::words::Channel;
use crate::queries::deliverability::{DeliverabilityFilter, DeliverabilityRow};

/// Restricts the days; omitted fields do not filter.
#[derive(InputObject, Default)]
pub struct DeliverabilityFilterInput {
    /// The sending domain.
    domain: Option<String>,
    /// The provider.
    provider: Option<String>,
    /// The channel.
    channel: Option<Channel>,
    /// From this day on.
    since: Option<DateTime<Utc>>,
    /// Before this day.
    until: Option<DateTime<Utc>>,
}

impl From<DeliverabilityFilterInput> for DeliverabilityFilter {
    fn from(input: DeliverabilityFilterInput) -> Self {
        Self {
            domain: input.domain,
            provider: input.provider,
            channel: input.channel.map(Into::into),
            since: input.since,
            until: input.until,
        }
    }
}

/// One day's figures of a sending domain and provider. Each report counts.
#[derive(SimpleObject, Clone)]
pub struct Deliverability {
    /// The beginning of the day, UTC.
    day: DateTime<Utc>,
    /// The sending domain; empty where the channel has none.
    domain: String,
    /// The provider.
    provider: String,
    /// The channel.
    channel: Channel,
    #[graphql(flatten)]
    reports: ReportCounts,
}

impl Deliverability {
    /// Out of a row.
    pub fn new(row: DeliverabilityRow) -> Self {
        Self {
            day: row.day,
            domain: row.domain,
            provider: row.provider,
            channel: row.channel.into(),
            reports: report_counts!(row),
        }
    }
}
