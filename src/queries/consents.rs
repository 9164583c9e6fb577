//! Consent per channel and topic: as it stands, and how it came to that, with the evidence.

use chrono::{DateTime, Utc};

use super::select::{Key, Select};
use super::{Page, QueryError, Slice, customer_roots};
use crate::domain::consent::event::ConsentState;
use crate::domain::customer::event::Source;
use crate::domain::value::Channel;
use crate::ids::{CampaignId, CustomerId, EventId, ImportId, MessageId, Position, TenantId};
use crate::sql::{Db, row};

const READING: &str = "consents";

/// Newest first.
const KEY: Key = Key::descending("h.position", "p");

row! {
    /// The consent of a customer for a channel and topic, as it stands or as it once changed.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct ConsentRow {
        pub tenant_id: TenantId,
        pub customer_id: CustomerId,
        pub channel: Channel,
        /// A topic's name; `all` stands for every topic of the channel.
        pub topic: String,
        /// `opted_in`, `opted_out`, `pending`, `none`.
        pub state: ConsentState,
        pub source: Source,
        /// `form`, `keyword`, `one_click`, `preferences`, `double_opt_in`, `provider`, `operator`, `import`, `merge`, `undo`, or a
        /// word that the API was given.
        pub method: String,
        /// The message that led to it.
        pub message_id: Option<MessageId>,
        pub campaign_id: Option<CampaignId>,
        pub import_id: Option<ImportId>,
        pub actor: String,
        pub event_id: EventId,
        pub occurred_at: DateTime<Utc>,
        pub recorded_at: DateTime<Utc>,
        pub position: Position,
        /// The wording that was shown.
        pub wording: Option<String>,
        pub ip: Option<String>,
        pub user_agent: Option<String>,
    }
}

/// What several customers agreed to, as it stands: by customer, channel and topic. The survivor of a person has what
/// holds for all who are part of it.
pub async fn of_customers(db: &Db, tenant: TenantId, ids: &[CustomerId]) -> Result<Vec<ConsentRow>, QueryError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut select = Select::new("SELECT c.* FROM consents c", []);
    select.and_equal("c.tenant_id", Some(tenant.0));
    select.and_in("c.customer_id", ids.iter().map(|id| id.0.into()));
    select.push(" ORDER BY c.customer_id, c.channel, c.topic", []);
    select.all(db, READING).await
}

/// A page of the changes of a customer's consent, newest first, with those of everybody who is part of the same person;
/// of one channel where one is given.
pub async fn history(
    db: &Db,
    tenant: TenantId,
    customer: CustomerId,
    channel: Option<Channel>,
    page: &Page,
) -> Result<Slice<ConsentRow>, QueryError> {
    let ids = customer_roots::whole(db, tenant, customer).await?.ids();
    let mut select = Select::new("", []);
    let restricted = |select: &mut Select, id| restrict(select, tenant, &[id], channel);
    select.page_of_each("SELECT h.* FROM consent_history h", KEY, page, &ids, restricted)?;
    select.slice(db, READING, page, |row: &ConsentRow| vec![row.position.into()]).await
}

/// How many changes [`history`] has.
pub async fn count_history(
    db: &Db,
    tenant: TenantId,
    customer: CustomerId,
    channel: Option<Channel>,
) -> Result<u64, QueryError> {
    let ids = customer_roots::whole(db, tenant, customer).await?.ids();
    let mut select = Select::new("SELECT COUNT(*) AS count FROM consent_history h", []);
    restrict(&mut select, tenant, &ids, channel);
    select.count(db, READING).await
}

fn restrict(select: &mut Select, tenant: TenantId, ids: &[CustomerId], channel: Option<Channel>) {
    select.and_equal("h.tenant_id", Some(tenant.0));
    select.and_in("h.customer_id", ids.iter().map(|id| id.0.into()));
    select.and_equal("h.channel", channel);
}
