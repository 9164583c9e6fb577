//! Messages in the product, as their receiver sees them: what was sent and not put away, newest first.

use super::messages::{MessageRow, READING};
use super::select::{Key, Select};
use super::{Page, QueryError};
use crate::domain::value::Channel;
use crate::domain::value::message::{MessageKey, Route};
use crate::domain::value::token::Correlation;
use crate::ids::{CustomerId, MessageId, TenantId};
use crate::sql::Db;

/// Newest first.
const KEY: Key = Key::descending("m.created_at, m.message_id", "tu");
/// As the index says it, so that it is used; and not what an import brought, which other programs showed in their time.
const SHOWN: &str = "m.channel = 'in_app' AND m.sent_count > 0 AND m.dismissed_count = 0 AND m.import_id IS NULL";
/// What nobody has seen yet.
const UNREAD: &str = "m.opened_count = 0 AND m.clicked_count = 0";
/// The most that is counted: nobody tells a thousand unread messages from more.
pub const MOST_COUNTED: u64 = 1_000;

/// A person's messages that are not put away, the newest ones first. `ids` are all that the person is made of.
pub async fn list(db: &Db, tenant: TenantId, ids: &[CustomerId], most: usize) -> Result<Vec<MessageRow>, QueryError> {
    let mut select = Select::new("SELECT m.* FROM messages m", []);
    restrict(&mut select, tenant, ids);
    select.page(KEY, &Page { size: most, ..Page::default() })?;
    let mut rows: Vec<MessageRow> = select.all(db, READING).await?;
    rows.truncate(most);
    Ok(rows)
}

/// How many of them nobody has seen, up to [`MOST_COUNTED`].
pub async fn unread(db: &Db, tenant: TenantId, ids: &[CustomerId]) -> Result<u64, QueryError> {
    let mut select = Select::new("SELECT 1 AS one FROM messages m", []);
    restrict(&mut select, tenant, ids);
    select.and(UNREAD, []);
    select.push(&format!(" LIMIT {MOST_COUNTED}"), []);
    select.wrapped("SELECT COUNT(*) AS count FROM (", ") n").count(db, READING).await
}

/// Those of a person's messages in the product that have these ids, put away or not.
pub async fn some(
    db: &Db,
    tenant: TenantId,
    ids: &[CustomerId],
    messages: &[MessageId],
) -> Result<Vec<MessageRow>, QueryError> {
    if messages.is_empty() {
        return Ok(vec![]);
    }
    let mut select = Select::new("SELECT m.* FROM messages m", []);
    select.and_equal("m.tenant_id", Some(tenant.0));
    select.and_in("m.message_id", messages.iter().map(|id| id.0.into()));
    select.and_in("m.customer_id", ids.iter().map(|id| id.0.into()));
    select.and("m.channel = 'in_app' AND m.sent_count > 0 AND m.import_id IS NULL", []);
    select.all(db, READING).await
}

fn restrict(select: &mut Select, tenant: TenantId, ids: &[CustomerId]) {
    select.and_equal("m.tenant_id", Some(tenant.0));
    select.and_in("m.customer_id", ids.iter().map(|id| id.0.into()));
    select.and(SHOWN, []);
}

/// What a report of a message must know. [`None`] for one that an import brought: nothing is reported of it.
#[must_use]
pub fn correlation(row: &MessageRow) -> Option<Correlation> {
    let (provider, account) = (row.provider.clone()?, row.account.clone()?);
    Some(Correlation {
        tenant: row.tenant_id,
        customer_id: row.customer_id,
        key: MessageKey {
            message_id: row.message_id,
            channel: Channel::InApp,
            campaign_id: row.campaign_id,
            variant: row.variant.clone(),
            conversation_id: row.conversation_id,
        },
        address_id: row.address_id,
        route: Route { provider, account, domain: row.domain.clone() },
        called_at: row.dispatching_at?,
    })
}

/// Whether nobody has seen it.
#[must_use]
pub const fn is_unread(row: &MessageRow) -> bool {
    row.opened_count == 0 && row.clicked_count == 0
}
