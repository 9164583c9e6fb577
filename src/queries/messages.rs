//! Messages, out and in: where each stands, when it first got there, how often, and why.

use chrono::{DateTime, Utc};
use uuid::Uuid;

pub use super::message_list::{MessageFilter, MessageOrder, Outcome, count, list};
use super::select::{Key, Select};
use super::{Json, Page, QueryError, Readable, Slice, customer_roots};
use crate::domain::message::event::MessageClass;
use crate::domain::value::Channel;
use crate::domain::value::Direction;
use crate::domain::value::message::{CallResult, MessageState};
use crate::domain::value::words;
use crate::ids::{AddressId, CampaignId, ConversationId, CustomerId, EventId, ImportId, MessageId, Position, TenantId};
use crate::sql::{Db, row};

pub(super) const READING: &str = "messages";

/// Newest first.
const KEY: Key = Key::descending("m.created_at, m.message_id", "tu");

row! {
    /// A message. `…_at` is the first time that a state was reported (by the reporter's clock), `…_count` how often.
    #[derive(Debug, Clone, PartialEq)]
    pub struct MessageRow {
        pub tenant_id: TenantId,
        pub message_id: MessageId,
        pub customer_id: CustomerId,
        /// `inbound` or `outbound`.
        pub direction: Direction,
        pub channel: Channel,
        pub campaign_id: Option<CampaignId>,
        pub variant: Option<String>,
        pub conversation_id: Option<ConversationId>,
        /// The furthest state reached, whatever the order of reports: `queued`, `held`, `suppressed`, `cancelled`,
        /// `dispatching`, `in_doubt`, `sent`, `deferred`, `failed`, `delivered`, `bounced`, `opened`, `clicked`,
        /// `replied`, `opted_out`, `complained`; for inbound ones `received`. A machine's opens and clicks show delivery.
        pub state: MessageState,
        /// `marketing` or `transactional`; outbound only.
        pub class: Option<MessageClass>,
        pub topic: Option<String>,
        /// The customer's address.
        pub address_id: Option<AddressId>,
        pub in_reply_to: Option<MessageId>,
        /// Not before this time.
        pub send_at: Option<DateTime<Utc>>,
        pub import_id: Option<ImportId>,
        /// Who asked for it, or who brought it.
        pub actor: String,
        /// When it was asked for, or received.
        pub created_at: DateTime<Utc>,
        /// Of the event that it began with.
        pub position: Position,
        pub held_at: Option<DateTime<Utc>>,
        pub held_count: i64,
        /// The latest end of a hold.
        pub held_until: Option<DateTime<Utc>>,
        pub released_count: i64,
        pub suppressed_at: Option<DateTime<Utc>>,
        pub suppressed_count: i64,
        pub cancelled_at: Option<DateTime<Utc>>,
        pub cancelled_count: i64,
        pub dispatching_at: Option<DateTime<Utc>>,
        /// Attempts.
        pub dispatching_count: i64,
        /// The provider's definite refusals.
        pub refused_at: Option<DateTime<Utc>>,
        pub refused_count: i64,
        /// Refusals after which it is not tried again.
        pub refused_finally_count: i64,
        /// The latest time at which it is tried again.
        pub retry_at: Option<DateTime<Utc>>,
        pub in_doubt_at: Option<DateTime<Utc>>,
        pub in_doubt_count: i64,
        pub sent_at: Option<DateTime<Utc>>,
        pub sent_count: i64,
        pub delivered_at: Option<DateTime<Utc>>,
        pub delivered_count: i64,
        pub deferred_at: Option<DateTime<Utc>>,
        pub deferred_count: i64,
        pub bounced_at: Option<DateTime<Utc>>,
        /// Soft and hard.
        pub bounced_count: i64,
        pub hard_bounced_count: i64,
        pub failed_at: Option<DateTime<Utc>>,
        pub failed_count: i64,
        pub opened_at: Option<DateTime<Utc>>,
        /// Raw: every open that was reported.
        pub opened_count: i64,
        pub opened_human_at: Option<DateTime<Utc>>,
        pub opened_human_count: i64,
        pub opened_machine_count: i64,
        pub clicked_at: Option<DateTime<Utc>>,
        /// Raw: every click that was reported.
        pub clicked_count: i64,
        pub clicked_human_at: Option<DateTime<Utc>>,
        pub clicked_human_count: i64,
        pub clicked_machine_count: i64,
        pub replied_at: Option<DateTime<Utc>>,
        pub replied_count: i64,
        pub dismissed_at: Option<DateTime<Utc>>,
        pub dismissed_count: i64,
        pub complained_at: Option<DateTime<Utc>>,
        pub complained_count: i64,
        pub opted_out_at: Option<DateTime<Utc>>,
        pub opted_out_count: i64,
        pub call_ended_at: Option<DateTime<Utc>>,
        /// `answered`, `voicemail`, `machine`, `busy`, `no_answer`, `failed`, `cancelled`.
        pub call_result: Option<CallResult>,
        pub call_seconds: Option<i64>,
        /// Who picked up, in the provider's word.
        pub call_answered_by: Option<String>,
        /// Of the provider that took it, or that handed it over.
        pub provider: Option<String>,
        pub account: Option<String>,
        /// The sending domain.
        pub domain: Option<String>,
        pub provider_message_id: Option<String>,
        /// SMS segments.
        pub segments: Option<i64>,
        pub cost_micros: Option<i64>,
        pub currency: Option<String>,
        pub from_address: Option<String>,
        pub to_address: Option<String>,
        pub subject: Option<String>,
        pub body: Option<String>,
        /// The code of the template that it was made of.
        pub template: Option<String>,
        /// The published version; absent for a draft that was tested.
        pub template_version: Option<i64>,
        pub template_locale: Option<String>,
        /// The kind of machine that wrote it; inbound only.
        pub automatic: Option<String>,
        /// Our message that a machine's mail is about.
        pub about: Option<String>,
        /// What else is known of an inbound one.
        pub details: Option<Json>,
    }
}

words! {
    /// The states that have a reason.
    ReasonState, "state with a reason" {
        /// It waits, by a rule.
        Held = "held",
        /// It is not sent, by a rule.
        Suppressed = "suppressed",
        /// It was taken back.
        Cancelled = "cancelled",
        /// The provider refused it.
        Refused = "refused",
        /// It is not known whether the provider took it.
        InDoubt = "in_doubt",
        /// The receiving side asked to wait.
        Deferred = "deferred",
        /// It came back.
        Bounced = "bounced",
        /// It could not be sent or delivered.
        Failed = "failed",
        /// It was reported as spam.
        Complained = "complained",
    }
}

row! {
    /// Why a message is, or was, in a state. No later event removes one.
    #[derive(Debug, Clone, PartialEq)]
    pub struct ReasonRow {
        pub message_id: MessageId,
        pub event_id: EventId,
        pub state: ReasonState,
        pub occurred_at: DateTime<Utc>,
        /// The rule, the cause or the kind of complaint.
        pub reason: Option<String>,
        /// Of refusals and failures the retry class, of bounces `soft` or `hard`.
        pub class: Option<String>,
        /// The provider's code.
        pub code: Option<String>,
        /// The end of a hold; the time of the next attempt.
        pub until: Option<DateTime<Utc>>,
        /// What the rule looked at.
        pub inputs: Option<Json>,
        /// The provider's or receiving server's words.
        pub detail: Option<String>,
    }
}

row! {
    /// A message that waits for the dispatcher, or that a crash left between its attempt and the outcome.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct UndispatchedRow {
        pub tenant_id: TenantId,
        pub message_id: MessageId,
        pub customer_id: CustomerId,
        pub channel: Channel,
        pub campaign_id: Option<CampaignId>,
        /// `queued`, `held`, `dispatching` or `in_doubt`.
        pub state: MessageState,
        pub address_id: Option<AddressId>,
        pub created_at: DateTime<Utc>,
        pub send_at: Option<DateTime<Utc>>,
        pub held_until: Option<DateTime<Utc>>,
        pub retry_at: Option<DateTime<Utc>>,
        /// Attempts.
        pub dispatching_count: i64,
    }
}

/// One message.
pub async fn by_id(db: &Db, tenant: TenantId, id: MessageId) -> Result<Option<MessageRow>, QueryError> {
    Ok(by_ids(db, tenant, &[id]).await?.pop())
}

/// The message that a provider knows by an id of its own.
pub async fn by_provider_id(
    db: &Db,
    tenant: TenantId,
    provider: &str,
    id: &str,
) -> Result<Option<MessageRow>, QueryError> {
    let mut select = Select::new("SELECT m.* FROM messages m", []);
    select.and_equal("m.tenant_id", Some(tenant.0));
    select.and("m.provider_message_id = ? AND m.provider = ?", [id.into(), provider.into()]);
    Ok(select.all(db, READING).await?.pop())
}

/// The messages that left with any of these `Message-ID`s, by their fingerprints and in their order.
pub async fn by_mail_ids(db: &Db, tenant: TenantId, fingerprints: &[Uuid]) -> Result<Vec<MessageId>, QueryError> {
    row! {
        struct Known {
            mail_id: Uuid,
            message_id: MessageId,
        }
    }
    if fingerprints.is_empty() {
        return Ok(Vec::new());
    }
    let mut select = Select::new("SELECT k.mail_id, k.message_id FROM mail_ids k", []);
    select.and_equal("k.tenant_id", Some(tenant.0));
    select.and_in("k.mail_id", fingerprints.iter().map(|&id| id.into()));
    let mut rows: Vec<Known> = select.all(db, READING).await?;
    rows.sort_by_key(|row| (fingerprints.iter().position(|id| *id == row.mail_id), row.message_id));
    Ok(rows.into_iter().map(|row| row.message_id).collect())
}

/// Messages of all tenants in doubt since a time between two, the oldest first.
pub async fn in_doubt(
    db: &Db,
    since: DateTime<Utc>,
    until: DateTime<Utc>,
    limit: usize,
) -> Result<Readable<MessageRow>, QueryError> {
    let mut select = Select::new("SELECT m.* FROM messages m", []);
    select.and("m.state = 'in_doubt'", []);
    select.and("m.in_doubt_at >= ? AND m.in_doubt_at <= ?", [since.into(), until.into()]);
    select.push(&format!(" ORDER BY m.in_doubt_at, m.message_id LIMIT {limit}"), []);
    select.readable(db, READING).await
}

/// Messages of all tenants that stand in a provider's call, first called at or before a time.
pub async fn dispatching(db: &Db, called_by: DateTime<Utc>, limit: usize) -> Result<Readable<MessageRow>, QueryError> {
    let mut select = Select::new("SELECT m.* FROM messages m", []);
    select.and("m.state IN ('queued', 'held', 'dispatching', 'in_doubt')", []);
    select.and("m.state = 'dispatching' AND m.dispatching_at <= ?", [called_by.into()]);
    select.push(&format!(" ORDER BY m.dispatching_at, m.message_id LIMIT {limit}"), []);
    select.readable(db, READING).await
}

/// A tenant's messages in doubt, the oldest first.
pub async fn in_doubt_of(db: &Db, tenant: TenantId, limit: usize) -> Result<Vec<MessageRow>, QueryError> {
    let mut select = Select::new("SELECT m.* FROM messages m", []);
    select.and_equal("m.tenant_id", Some(tenant.0));
    select.and("m.state = 'in_doubt'", []);
    select.push(&format!(" ORDER BY m.in_doubt_at, m.message_id LIMIT {limit}"), []);
    select.all(db, READING).await
}

/// The ids that providers know the messages by of a customer and of everybody who is part of the same person.
pub async fn provider_ids_of(db: &Db, tenant: TenantId, customer: CustomerId) -> Result<Vec<String>, QueryError> {
    row! {
        struct Id {
            provider_message_id: String,
        }
    }
    let ids = customer_roots::whole(db, tenant, customer).await?.ids();
    let mut select = Select::new(
        "SELECT m.provider_message_id FROM timeline t JOIN messages m \
         ON m.tenant_id = t.tenant_id AND m.message_id = t.entry_id",
        [],
    );
    select.and_equal("t.tenant_id", Some(tenant.0));
    select.and_in("t.customer_id", ids.iter().map(|id| id.0.into()));
    select.and("t.kind = 'message' AND m.provider_message_id IS NOT NULL", []);
    select.push(" ORDER BY t.occurred_at DESC, t.position DESC LIMIT 1000", []);
    let rows: Vec<Id> = select.all(db, READING).await?;
    Ok(rows.into_iter().map(|row| row.provider_message_id).collect())
}

/// Several messages, in no order; those that do not exist or were taken back are missing.
pub async fn by_ids(db: &Db, tenant: TenantId, ids: &[MessageId]) -> Result<Vec<MessageRow>, QueryError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut select = Select::new("SELECT m.* FROM messages m", []);
    select.and_equal("m.tenant_id", Some(tenant.0));
    select.and_in("m.message_id", ids.iter().map(|id| id.0.into()));
    select.all(db, READING).await
}

/// The reasons of several messages: by message, oldest first.
pub async fn reasons(db: &Db, tenant: TenantId, ids: &[MessageId]) -> Result<Vec<ReasonRow>, QueryError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut select = Select::new("SELECT r.* FROM message_reasons r", []);
    select.and_equal("r.tenant_id", Some(tenant.0));
    select.and_in("r.message_id", ids.iter().map(|id| id.0.into()));
    select.push(" ORDER BY r.message_id, r.occurred_at, r.event_id", []);
    select.all(db, READING).await
}

/// A page of a conversation's messages, newest first.
pub async fn of_conversation(
    db: &Db,
    tenant: TenantId,
    conversation: ConversationId,
    page: &Page,
) -> Result<Slice<MessageRow>, QueryError> {
    let mut select = Select::new("SELECT m.* FROM messages m", []);
    select.and_equal("m.tenant_id", Some(tenant.0));
    select.and_equal("m.conversation_id", Some(conversation.0));
    select.page(KEY, page)?;
    select.slice(db, READING, page, |row: &MessageRow| vec![row.created_at.into(), row.message_id.into()]).await
}

/// A conversation's last message.
#[derive(Debug, Clone, PartialEq)]
pub struct LastMessage {
    pub conversation_id: ConversationId,
    pub message: MessageRow,
}

/// The last message of several conversations, in no order; one step in an index for each.
pub async fn last_of_conversations(
    db: &Db,
    tenant: TenantId,
    ids: &[ConversationId],
) -> Result<Vec<LastMessage>, QueryError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    // On SQLite, the order of a cross join is the order of reading.
    let mut select = Select::new("SELECT m.* FROM conversations c CROSS JOIN messages m", []);
    select.and_equal("c.tenant_id", Some(tenant.0));
    select.and_in("c.conversation_id", ids.iter().map(|id| id.0.into()));
    select.and(
        "m.tenant_id = c.tenant_id AND m.message_id = (SELECT l.message_id FROM messages l \
         WHERE l.tenant_id = c.tenant_id AND l.conversation_id = c.conversation_id \
         ORDER BY l.created_at DESC, l.message_id DESC LIMIT 1)",
        [],
    );
    let rows: Vec<MessageRow> = select.all(db, READING).await?;
    let of = |message: MessageRow| Some(LastMessage { conversation_id: message.conversation_id?, message });
    Ok(rows.into_iter().filter_map(of).collect())
}

/// How many messages a conversation has.
pub async fn count_of_conversation(db: &Db, tenant: TenantId, conversation: ConversationId) -> Result<u64, QueryError> {
    let mut select = Select::new("SELECT COUNT(*) AS count FROM messages m", []);
    select.and_equal("m.tenant_id", Some(tenant.0));
    select.and_equal("m.conversation_id", Some(conversation.0));
    select.count(db, READING).await
}

/// Messages of all tenants whose dispatch is not settled, by id; for the dispatcher's start. `after` continues.
pub async fn undispatched(
    db: &Db,
    after: Option<(TenantId, MessageId)>,
    limit: usize,
) -> Result<Readable<UndispatchedRow>, QueryError> {
    let mut select = Select::new(
        "SELECT m.tenant_id, m.message_id, m.customer_id, m.channel, m.campaign_id, m.state, m.address_id, \
         m.created_at, m.send_at, m.held_until, m.retry_at, m.dispatching_count FROM messages m",
        [],
    );
    select.and("m.state IN ('queued', 'held', 'dispatching', 'in_doubt')", []);
    if let Some((tenant, message)) = after {
        select.and("(m.tenant_id, m.message_id) > (?, ?)", [tenant.0.into(), message.0.into()]);
    }
    select.push(&format!(" ORDER BY m.tenant_id, m.message_id LIMIT {limit}"), []);
    select.readable(db, READING).await
}

row! {
    /// How many messages of all tenants stand in a state of unsettled dispatch.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct WaitingRow {
        /// `queued`, `held`, `dispatching` or `in_doubt`.
        pub state: MessageState,
        pub count: i64,
    }
}

/// The number of messages of all tenants whose dispatch is not settled, by state; for monitoring.
pub async fn waiting(db: &Db) -> Result<Vec<WaitingRow>, QueryError> {
    let mut select = Select::new("SELECT m.state, COUNT(*) AS count FROM messages m", []);
    select.and("m.state IN ('queued', 'held', 'dispatching', 'in_doubt')", []);
    select.push(" GROUP BY m.state ORDER BY m.state", []);
    select.all(db, READING).await
}
