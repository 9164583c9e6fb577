//! Consent.

use async_graphql::{Context, Result, SimpleObject};
use chrono::{DateTime, Utc};

use crate::graphql::engine::author::Author;
use crate::graphql::engine::connection::{connection, count_later};
use crate::graphql::engine::flat::Boxed;
use crate::graphql::engine::id::Of;
use crate::graphql::engine::loaders::{ConsentsOf, OneCustomer};
use crate::graphql::engine::reading::{Reading, Tables};
use crate::graphql::engine::scalar::Cursor;
use crate::graphql::engine::words::{Channel, ConsentState, Source};
use crate::ids::{CampaignId, CustomerId, EventId, ImportId, MessageId};
use crate::queries::consents::ConsentRow;
use crate::queries::{Page, consents};

connection!(
    /// Changes of consent, newest first.
    ConsentChangeConnection,
    ConsentChangeEdge,
    Consent
);

/// A customer's consent for a channel and topic, current or as once changed, with its evidence.
#[derive(SimpleObject, Clone)]
pub struct Consent {
    /// The customer's id.
    customer_id: Of<CustomerId>,
    /// The channel.
    channel: Channel,
    /// The topic; `all` stands for every topic of the channel.
    topic: String,
    /// The state of the consent.
    state: ConsentState,
    /// The origin of the fact.
    source: Source,
    /// How it was given, in one word: `form`, `keyword`, `one_click`, `preferences`, `double_opt_in`, `provider`,
    /// `operator`, `import`, `merge`, `undo`, or a word that the API was given.
    method: String,
    /// The message that led to it.
    message_id: Option<Of<MessageId>>,
    /// The campaign of the message that led to it.
    campaign_id: Option<Of<CampaignId>>,
    /// The import that recorded it.
    import_id: Option<Of<ImportId>>,
    /// The actor that recorded it.
    author: Author,
    /// The event that records it.
    event_id: Of<EventId>,
    /// When it happened.
    occurred_at: DateTime<Utc>,
    /// When the log recorded it.
    recorded_at: DateTime<Utc>,
    /// The event's position in the log.
    position: Cursor,
    /// The wording that was shown. Personal.
    wording: Option<String>,
    /// The IP address it came from. Personal.
    ip: Option<String>,
    /// The user agent. Personal.
    user_agent: Option<String>,
}

impl Consent {
    /// Consent as a key may see it.
    pub fn new(row: ConsentRow, personal: bool) -> Self {
        Self {
            customer_id: Of(row.customer_id),
            channel: row.channel.into(),
            topic: row.topic,
            state: row.state.into(),
            source: row.source.into(),
            method: row.method,
            message_id: row.message_id.map(Of),
            campaign_id: row.campaign_id.map(Of),
            import_id: row.import_id.map(Of),
            author: Author::new(row.actor),
            event_id: Of(row.event_id),
            occurred_at: row.occurred_at,
            recorded_at: row.recorded_at,
            position: row.position.into(),
            wording: row.wording.filter(|_| personal),
            ip: row.ip.filter(|_| personal),
            user_agent: row.user_agent.filter(|_| personal),
        }
    }

    /// A customer's current consent on a channel and topic.
    pub async fn current(
        ctx: &Context<'_>,
        customer: CustomerId,
        channel: Channel,
        topic: &str,
    ) -> Result<Option<Self>> {
        let reading = Reading::of(ctx)?;
        // Of a merged customer, the survivor's.
        let Some(survivor) = OneCustomer(customer).load(reading, &Tables::Live).await? else { return Ok(None) };
        let rows = ConsentsOf(survivor.customer_id).load(reading, &Tables::Live).await?;
        let row = rows.into_iter().find(|row| Channel::from(row.channel) == channel && row.topic == topic);
        Ok(row.map(|row| Self::new(row, reading.personal())))
    }
}

/// A page of the changes of a customer's consent.
pub async fn history(
    reading: Reading<'_>,
    tables: &Tables,
    customer: CustomerId,
    channel: Option<Channel>,
    page: &Page,
) -> Result<Boxed<ConsentChangeConnection>> {
    let tenant = reading.session.principal.tenant;
    let channel = channel.map(Into::into);
    let db = tables.db(reading.api);
    let slice =
        consents::history(&db, tenant, customer, channel, page).await.map_err(|error| reading.api.failed(&error))?;
    let api = reading.api.clone();
    let count = count_later(async move {
        consents::count_history(&db, tenant, customer, channel).await.map_err(|error| api.failed(&error))
    });
    let personal = reading.personal();
    Ok(ConsentChangeConnection::new(slice, count, |row| Consent::new(row, personal)))
}
