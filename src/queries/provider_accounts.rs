//! Provider accounts: whose are set up, and when each last worked.

use chrono::{DateTime, Utc};

use super::QueryError;
use super::select::Select;
use crate::domain::value::Channel;
use crate::domain::value::message::RetryClass;
use crate::ids::TenantId;
use crate::sql::{Db, row};

const READING: &str = "provider accounts";

row! {
    /// When an account last worked, or did not.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct ActivityRow {
        pub provider: String,
        pub account: String,
        /// When the provider last took a message.
        pub last_sent_at: Option<DateTime<Utc>>,
        /// When it last refused one.
        pub last_refused_at: Option<DateTime<Utc>>,
        /// What to do about that.
        pub last_refusal_class: Option<RetryClass>,
        /// The provider's code.
        pub last_refusal_code: Option<String>,
        /// When it was last tested.
        pub last_tested_at: Option<DateTime<Utc>>,
        /// Whether it passed.
        pub last_test_passed: Option<bool>,
        /// When an operator last ended a pause.
        pub resumed_at: Option<DateTime<Utc>>,
    }
}

row! {
    /// How many messages an account's provider is being called for.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct InFlightRow {
        pub provider: String,
        pub account: String,
        pub count: i64,
    }
}

row! {
    /// What became of a message that an account took.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct ReportRow {
        pub provider: String,
        pub account: String,
        pub sent_at: Option<DateTime<Utc>>,
        pub delivered_at: Option<DateTime<Utc>>,
        pub bounced_at: Option<DateTime<Utc>>,
        pub failed_at: Option<DateTime<Utc>>,
    }
}

row! {
    struct TenantRow {
        tenant_id: TenantId,
    }
}

/// The tenants of which something is known about provider accounts.
pub async fn tenants(db: &Db) -> Result<Vec<TenantId>, QueryError> {
    let select = Select::new("SELECT DISTINCT a.tenant_id FROM provider_accounts a ORDER BY a.tenant_id", []);
    let rows: Vec<TenantRow> = select.all(db, READING).await?;
    Ok(rows.into_iter().map(|row| row.tenant_id).collect())
}

/// When a tenant's accounts last worked, by name.
pub async fn activity(db: &Db, tenant: TenantId) -> Result<Vec<ActivityRow>, QueryError> {
    let mut select = Select::new("SELECT a.* FROM account_activity a", []);
    select.and_equal("a.tenant_id", Some(tenant.0));
    select.push(" ORDER BY a.provider, a.account", []);
    select.all(db, READING).await
}

/// What became of a tenant's messages on a channel that were asked for since a time: the newest 5,000.
pub async fn reports(
    db: &Db,
    tenant: TenantId,
    channel: Channel,
    since: DateTime<Utc>,
) -> Result<Vec<ReportRow>, QueryError> {
    let columns = "SELECT n.* FROM (SELECT m.provider, m.account, m.sent_at, m.delivered_at, m.bounced_at, m.failed_at \
        FROM messages m";
    let mut select = Select::new(columns, []);
    select.and_equal("m.tenant_id", Some(tenant.0));
    select.and("m.direction = 'outbound'", []);
    select.and_equal("m.channel", Some(channel.word()));
    select.and("m.created_at > ?", [since.into()]);
    select.push(" ORDER BY m.created_at DESC, m.message_id DESC LIMIT 5000) n", []);
    select.push(" WHERE n.provider IS NOT NULL AND n.account IS NOT NULL", []);
    select.all(db, READING).await
}

/// The messages of a tenant that providers are being called for, by account.
pub async fn in_flight(db: &Db, tenant: TenantId) -> Result<Vec<InFlightRow>, QueryError> {
    let mut select = Select::new("SELECT m.provider, m.account, COUNT(*) AS count FROM messages m", []);
    select.and_equal("m.tenant_id", Some(tenant.0));
    // The first condition is that of the index.
    select.and("m.state IN ('queued', 'held', 'dispatching', 'in_doubt') AND m.state = 'dispatching'", []);
    select.and("m.provider IS NOT NULL AND m.account IS NOT NULL", []);
    select.push(" GROUP BY m.provider, m.account ORDER BY m.provider, m.account", []);
    select.all(db, READING).await
}
