//! How well mail and messages arrive: by sending domain, provider and day.

use chrono::{DateTime, Utc};

use super::QueryError;
use super::select::Select;
use crate::domain::value::Channel;
use crate::ids::TenantId;
use crate::sql::{Db, row};

const READING: &str = "deliverability";

row! {
    /// Reports of one day; each callback counts.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct DeliverabilityRow {
        pub tenant_id: TenantId,
        /// The sending domain; empty where the channel has none.
        pub domain: String,
        pub provider: String,
        pub channel: Channel,
        /// Its beginning, UTC.
        pub day: DateTime<Utc>,
        /// Messages that the provider took.
        pub sent: i64,
        pub delivered: i64,
        pub deferred: i64,
        pub soft_bounced: i64,
        pub hard_bounced: i64,
        /// Taken, but not deliverable.
        pub failed: i64,
        /// Refused by the provider.
        pub refused: i64,
        pub complained: i64,
    }
}

/// Which days are asked for; what is not set does not restrict.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeliverabilityFilter {
    pub domain: Option<String>,
    pub provider: Option<String>,
    pub channel: Option<Channel>,
    pub since: Option<DateTime<Utc>>,
    /// Exclusive.
    pub until: Option<DateTime<Utc>>,
}

/// The days that a filter finds, newest first; at most `limit` rows.
pub async fn by_day(
    db: &Db,
    tenant: TenantId,
    filter: &DeliverabilityFilter,
    limit: usize,
) -> Result<Vec<DeliverabilityRow>, QueryError> {
    let mut select = Select::new("SELECT d.* FROM deliverability d", []);
    select.and_equal("d.tenant_id", Some(tenant.0));
    select.and_equal("d.domain", filter.domain.clone());
    select.and_equal("d.provider", filter.provider.clone());
    select.and_equal("d.channel", filter.channel);
    if let Some(since) = filter.since {
        select.and("d.day >= ?", [since.into()]);
    }
    if let Some(until) = filter.until {
        select.and("d.day < ?", [until.into()]);
    }
    select.push(&format!(" ORDER BY d.day DESC, d.domain, d.provider, d.channel LIMIT {limit}"), []);
    select.all(db, READING).await
}

row! {
    /// The figures of all tenants' messages at one provider, over all days; for monitoring.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct ProviderRow {
        pub provider: String,
        pub channel: Channel,
        pub sent: i64,
        pub delivered: i64,
        pub bounced: i64,
        /// Taken, but not deliverable.
        pub failed: i64,
        /// Refused by the provider.
        pub refused: i64,
        pub complained: i64,
    }
}

/// The outcomes by provider and channel.
pub async fn by_provider(db: &Db) -> Result<Vec<ProviderRow>, QueryError> {
    let sums = ["sent", "delivered", "failed", "refused", "complained"]
        .map(|count| format!("CAST(SUM(d.{count}) AS BIGINT) AS {count}"));
    let text = format!(
        "SELECT d.provider, d.channel, {}, CAST(SUM(d.soft_bounced + d.hard_bounced) AS BIGINT) AS bounced \
         FROM deliverability d GROUP BY d.provider, d.channel ORDER BY d.provider, d.channel",
        sums.join(", ")
    );
    Select::new(&text, []).all(db, READING).await
}
