//! Counts of what providers reported.

use async_graphql::SimpleObject;

/// Counts of reports. A second report about the same message counts again.
#[derive(SimpleObject, Debug, Clone)]
pub struct ReportCounts {
    /// Messages that the provider accepted.
    pub sent: i64,
    /// Deliveries.
    pub delivered: i64,
    /// Deferred at the request of the receiving side.
    pub deferred: i64,
    /// Temporarily bounced.
    pub soft_bounced: i64,
    /// Permanently bounced.
    pub hard_bounced: i64,
    /// Accepted by the provider, but not deliverable.
    pub failed: i64,
    /// Refused by the provider for good.
    pub refused: i64,
    /// Reported as spam.
    pub complained: i64,
}

/// Takes the counts out of a row that has a column for each.
macro_rules! report_counts {
    ($row:expr) => {
        $crate::graphql::engine::reports::ReportCounts {
            sent: $row.sent,
            delivered: $row.delivered,
            deferred: $row.deferred,
            soft_bounced: $row.soft_bounced,
            hard_bounced: $row.hard_bounced,
            failed: $row.failed,
            refused: $row.refused,
            complained: $row.complained,
        }
    };
}

pub(crate) use report_counts;
