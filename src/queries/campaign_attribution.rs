//! What the persons ordered whom a campaign wrote to, with every message that touched them: what orders are credited by.
//!
//! Orders are found by their time, and messages by the customer: orders of a window are fewer than the recipients of a large
//! campaign.

use chrono::{DateTime, TimeDelta, Utc};

use super::QueryError;
use super::messages::MessageRow;
use super::page::{Cursor, Slice};
use super::select::Select;
use super::{Page, PageError, messages};
use crate::domain::campaign::attribution::{CANCELLED_WITHIN, Touch, Windows};
use crate::domain::value::Channel;
use crate::ids::{ActivityId, CampaignId, CustomerId, MessageId, TenantId};
use crate::sql::{Db, Engine, Value, row};

const READING: &str = "attribution of orders";

row! {
    /// An order beside one of the messages that touched its person.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct TouchedOrderRow {
        /// The survivor, of a merged customer.
        pub person_id: CustomerId,
        pub activity_id: ActivityId,
        pub occurred_at: DateTime<Utc>,
        /// Negative for a cancellation.
        pub amount_micros: Option<i64>,
        pub currency: Option<String>,
        pub message_id: MessageId,
        pub campaign_id: Option<CampaignId>,
        pub variant: Option<String>,
        pub channel: Channel,
        /// When the message was asked for.
        pub created_at: DateTime<Utc>,
        pub touched_at: DateTime<Utc>,
    }
}

row! {
    /// Messages that were sent without a price, by account.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct UnpricedRow {
        /// Empty for messages without a variant.
        pub variant: String,
        pub channel: Channel,
        pub provider: Option<String>,
        pub account: Option<String>,
        pub messages: i64,
        /// SMS segments; on other channels messages.
        pub segments: i64,
    }
}

row! {
    struct SpanRow {
        first: Option<DateTime<Utc>>,
        last: Option<DateTime<Utc>>,
    }
}

/// The orders that may belong to a campaign's messages, later ones as far as a cancellation may be about them, and cancellations,
/// each with all messages that touched its person since the campaign began.
pub async fn touched_orders(
    db: &Db,
    tenant: TenantId,
    campaign: CampaignId,
    touch: Touch,
    windows: &Windows,
) -> Result<Vec<TouchedOrderRow>, QueryError> {
    let (moment, count) = match touch {
        Touch::Sent => ("m.sent_at", "h.sent"),
        Touch::Opened => ("m.opened_human_at", "h.opens_human"),
        Touch::Clicked => ("m.clicked_human_at", "h.clicks_human"),
    };
    let mut span = Select::new("SELECT MIN(h.hour) AS first, MAX(h.hour) AS last FROM campaign_hours h", []);
    span.and_equal("h.tenant_id", Some(tenant.0));
    span.and_equal("h.campaign_id", Some(campaign.0));
    span.and(&format!("{count} > 0"), []);
    let span: Option<SpanRow> = span.optional(db, READING).await?;
    let Some((first, last)) = span.and_then(|span| span.first.zip(span.last)) else { return Ok(Vec::new()) };
    let until = last + TimeDelta::hours(1) + windows.longest();
    let by_customer = if db.engine() == Engine::Sqlite { " INDEXED BY messages_of_customer" } else { "" };
    // Read once, and first: without statistics, PostgreSQL would look for the orders again for each message. Later orders matter only
    // as far as a cancellation may be about them.
    let orders = "WITH o AS MATERIALIZED (SELECT a.activity_id, a.occurred_at, a.amount_micros, a.currency, \
         COALESCE(r.root_id, a.customer_id) AS person_id FROM activities a \
         LEFT JOIN customer_roots r ON r.tenant_id = a.tenant_id AND r.customer_id = a.customer_id \
         WHERE a.tenant_id = ? AND a.occurred_at >= ? AND a.occurred_at < ? AND a.kind = 'order' \
         AND (a.occurred_at < ? OR a.amount_micros < 0 OR a.customer_id IN (SELECT x.customer_id FROM activities x \
         WHERE x.tenant_id = ? AND x.occurred_at >= ? AND x.occurred_at < ? AND x.kind = 'order' \
         AND x.amount_micros < 0)))";
    let latest = until + CANCELLED_WITHIN;
    let times = [tenant.into(), first.into(), latest.into(), until.into(), tenant.into(), until.into(), latest.into()];
    let mut select = Select::new(orders, times);
    // On SQLite, the order of a cross join is the order of reading. The direction as an expression keeps PostgreSQL from the index by it.
    let of_person = [
        (format!("messages m{by_customer} WHERE m.customer_id = o.person_id"), vec![]),
        (
            format!(
                "customer_roots p CROSS JOIN messages m{by_customer} WHERE p.tenant_id = ? AND p.root_id = o.person_id \
                 AND m.customer_id = p.customer_id"
            ),
            vec![tenant.into()],
        ),
    ];
    for (index, (messages, values)) in of_person.into_iter().enumerate() {
        let union = if index == 0 { "" } else { " UNION ALL" };
        let text = format!(
            "{union} SELECT o.person_id, o.activity_id, o.occurred_at, o.amount_micros, o.currency, m.message_id, \
             m.campaign_id, m.variant, m.channel, m.created_at, {moment} AS touched_at FROM o CROSS JOIN {messages} \
             AND m.tenant_id = ? AND m.direction || '' = 'outbound' AND {moment} >= ? AND {moment} < ?"
        );
        let values: Vec<Value> = values;
        select.push(&text, values.into_iter().chain([tenant.into(), first.into(), until.into()]));
    }
    select.push(" ORDER BY 1", []);
    select.all(db, READING).await
}

/// The messages of a campaign that were sent without a price, by variant, channel and account.
pub async fn unpriced(db: &Db, tenant: TenantId, campaign: CampaignId) -> Result<Vec<UnpricedRow>, QueryError> {
    let by_account = if db.engine() == Engine::Sqlite { " INDEXED BY messages_unpriced" } else { "" };
    let mut select = Select::new(
        &format!(
            "SELECT COALESCE(m.variant, '') AS variant, m.channel, m.provider, m.account, COUNT(*) AS messages, \
             CAST(COALESCE(SUM(m.segments), 0) AS BIGINT) AS segments FROM messages m{by_account}"
        ),
        [],
    );
    select.and_equal("m.tenant_id", Some(tenant.0));
    select.and_equal("m.campaign_id", Some(campaign.0));
    select.and("m.campaign_id IS NOT NULL AND m.sent_count > 0 AND m.cost_micros IS NULL", []);
    select.push(" GROUP BY m.variant, m.channel, m.provider, m.account ORDER BY 1, 2, 3, 4", []);
    select.all(db, READING).await
}

/// A page of some messages by the time at which they were asked for, newest first: each is given by that time and its id.
pub async fn page_of(
    db: &Db,
    tenant: TenantId,
    mut keys: Vec<(DateTime<Utc>, MessageId)>,
    page: &Page,
) -> Result<Slice<MessageRow>, QueryError> {
    let (after, before) = (bound(page.after.as_ref())?, bound(page.before.as_ref())?);
    keys.retain(|key| after.is_none_or(|after| *key < after) && before.is_none_or(|before| *key > before));
    keys.sort_unstable();
    keys.dedup();
    if !page.from_end {
        keys.reverse();
    }
    keys.truncate(page.size + 1);
    let ids: Vec<MessageId> = keys.into_iter().map(|(_, id)| id).collect();
    let mut rows = messages::by_ids(db, tenant, &ids).await?;
    rows.sort_by_key(|row| ids.iter().position(|id| *id == row.message_id));
    Ok(Slice::cut(rows, page, |row: &MessageRow| vec![row.created_at.into(), row.message_id.into()]))
}

fn bound(cursor: Option<&Cursor>) -> Result<Option<(DateTime<Utc>, MessageId)>, QueryError> {
    let Some(cursor) = cursor else { return Ok(None) };
    match cursor.key("tu")?.as_slice() {
        [Value::Time(at), Value::Uuid(id)] => Ok(Some((*at, MessageId(*id)))),
        _ => Err(PageError::Cursor.into()),
    }
}
