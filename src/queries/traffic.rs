//! What came and went, by hour and channel.

use chrono::{DateTime, Utc};

use super::QueryError;
use super::select::Select;
use crate::domain::value::Channel;
use crate::ids::TenantId;
use crate::sql::{Db, row};

row! {
    /// One hour of a channel; each report counts.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct TrafficRow {
        pub tenant_id: TenantId,
        /// Its beginning, UTC.
        pub hour: DateTime<Utc>,
        pub channel: Channel,
        pub queued: i64,
        pub held: i64,
        pub suppressed: i64,
        pub sent: i64,
        pub delivered: i64,
        /// By people and machines.
        pub opened: i64,
        /// By people and machines.
        pub clicked: i64,
        pub bounced: i64,
        pub failed: i64,
        pub complained: i64,
        pub received: i64,
        pub opted_out: i64,
    }
}

/// The hours from `since` until `until`, exclusive, in which something happened, oldest first.
pub async fn by_hour(
    db: &Db,
    tenant: TenantId,
    since: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Vec<TrafficRow>, QueryError> {
    let mut select = Select::new("SELECT t.* FROM traffic t", []);
    select.and_equal("t.tenant_id", Some(tenant.0));
    select.and("t.hour >= ?", [since.into()]);
    select.and("t.hour < ?", [until.into()]);
    select.push(" ORDER BY t.hour, t.channel", []);
    select.all(db, "traffic").await
}
