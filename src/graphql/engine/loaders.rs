//! Data loaders: what hangs on the entries of a list is read once for the list, not once for each entry.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use async_graphql::Error;
use async_graphql::dataloader::Loader;

use super::api::Api;
use super::reading::Tables;
use crate::ids::{ActivityId, AddressId, ApiKeyId, CampaignId, ConversationId, CustomerId, MessageId, TenantId};
use crate::queries::activities::{ActivityRow, LineRow};
use crate::queries::address_validations::ValidationRow;
use crate::queries::attachments::AttachmentRow;
use crate::queries::campaign_metrics::{CostRow, MetricsRow};
use crate::queries::consents::ConsentRow;
use crate::queries::conversations::ConversationRow;
use crate::queries::customers::{AddressRow, CustomerRow, RevenueRow};
use crate::queries::messages::{LastMessage, MessageRow, ReasonRow};
use crate::queries::suppressions::{SuppressionChangeRow, SuppressionRow};
use crate::queries::tenants::{ApiKeyRow, UserRow};
use crate::queries::{
    activities, address_validations, attachments, campaign_metrics, consents, conversations, customers, messages,
    suppressions, tenants,
};

/// Reads in batches for one request.
pub struct Batches {
    api: Api,
    tenant: TenantId,
}

impl Batches {
    /// For a tenant's request.
    #[must_use]
    pub const fn new(api: Api, tenant: TenantId) -> Self {
        Self { api, tenant }
    }
}

/// Declares the key of a batch, how it is read, and by which column of its rows it is found again.
macro_rules! batches {
    ($($(#[$doc:meta])* $key:ident($id:ty) -> $row:ty = $read:path, by $column:ident, $shape:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub struct $key(pub $id);

        impl Loader<$key> for Batches {
            type Value = batches!(@value $shape $row);
            type Error = Error;

            async fn load(&self, keys: &[$key]) -> Result<HashMap<$key, Self::Value>, Error> {
                self.api.metrics.batch(stringify!($key));
                let ids: Vec<$id> = keys.iter().map(|key| key.0).collect();
                let rows = $read(&self.api.reads.db(), self.tenant, &ids).await.map_err(|error| self.api.failed(&error))?;
                Ok(batches!(@gather $shape rows, |row: &$row| $key(row.$column.into())))
            }
        }

        impl $key {
            /// What belongs to one object: in a batch from the live tables, at once from others.
            pub async fn load(
                self,
                reading: crate::graphql::engine::reading::Reading<'_>,
                tables: &Tables,
            ) -> async_graphql::Result<batches!(@answer $shape $row)> {
                match tables {
                    Tables::Live => Ok(batches!(@unpack $shape reading.batches().load_one(self).await?)),
                    Tables::AsOf(past) => {
                        let rows = $read(&past.db, reading.session.principal.tenant, &[self.0]).await;
                        let rows = rows.map_err(|error| reading.api.failed(&error))?;
                        Ok(batches!(@direct $shape rows))
                    }
                }
            }
        }
    )*};
    (@value one $row:ty) => { $row };
    (@value many $row:ty) => { Vec<$row> };
    (@answer one $row:ty) => { Option<$row> };
    (@answer many $row:ty) => { Vec<$row> };
    (@gather one $rows:expr, $key:expr) => { $rows.into_iter().map(|row| ($key(&row), row)).collect() };
    (@gather many $rows:expr, $key:expr) => { gather($rows, $key) };
    (@unpack one $found:expr) => { $found };
    (@unpack many $found:expr) => { $found.unwrap_or_default() };
    (@direct one $rows:expr) => { $rows.into_iter().next() };
    (@direct many $rows:expr) => { $rows };
}

batches! {
    /// A customer; for a merged one, its survivor.
    OneCustomer(CustomerId) -> CustomerRow = customers::by_ids, by asked, one;
    /// What a customer ordered, per currency.
    RevenueOf(CustomerId) -> RevenueRow = customers::revenue, by customer_id, many;
    /// A customer's addresses.
    AddressesOf(CustomerId) -> AddressRow = customers::addresses, by customer_id, many;
    /// What a customer agreed to.
    ConsentsOf(CustomerId) -> ConsentRow = consents::of_customers, by customer_id, many;
    /// A message.
    OneMessage(MessageId) -> MessageRow = messages::by_ids, by message_id, one;
    /// The last message of a conversation.
    LastMessageOf(ConversationId) -> LastMessage = messages::last_of_conversations, by conversation_id, one;
    /// Why a message is, or was, in its states.
    ReasonsOf(MessageId) -> ReasonRow = messages::reasons, by message_id, many;
    /// The files of a message.
    FilesOf(MessageId) -> AttachmentRow = attachments::of_messages, by message_id, many;
    /// An API key.
    KeyOf(ApiKeyId) -> ApiKeyRow = tenants::api_keys_by_ids, by key_id, one;
    /// An activity.
    OneActivity(ActivityId) -> ActivityRow = activities::by_ids, by activity_id, one;
    /// An activity's line items.
    LinesOf(ActivityId) -> LineRow = activities::lines, by activity_id, many;
    /// A conversation.
    OneConversation(ConversationId) -> ConversationRow = conversations::by_ids, by conversation_id, one;
    /// A campaign's figures by variant and channel.
    CampaignTotalsOf(CampaignId) -> MetricsRow = campaign_metrics::totals, by campaign_id, many;
    /// A campaign's costs by variant, channel and currency.
    CampaignCostsOf(CampaignId) -> CostRow = campaign_metrics::costs, by campaign_id, many;
    /// The suppressions of an address.
    SuppressionsOf(AddressId) -> SuppressionRow = suppressions::of_addresses, by address_id, many;
    /// What checks found of an address.
    ValidationOf(AddressId) -> ValidationRow = address_validations::of_addresses, by address_id, one;
    /// How the suppressions of an address came about, and went.
    SuppressionHistoryOf(AddressId) -> SuppressionChangeRow = suppressions::histories, by address_id, many;
}

/// A user whom API keys act for, by the front end's id.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UserOf(pub Arc<str>);

impl Loader<UserOf> for Batches {
    type Value = UserRow;
    type Error = Error;

    async fn load(&self, keys: &[UserOf]) -> Result<HashMap<UserOf, UserRow>, Error> {
        self.api.metrics.batch("UserOf");
        let ids: Vec<Arc<str>> = keys.iter().map(|key| Arc::clone(&key.0)).collect();
        let rows = tenants::users_by_ids(&self.api.reads.db(), self.tenant, &ids).await;
        let rows = rows.map_err(|error| self.api.failed(&error))?;
        Ok(rows.into_iter().map(|row| (UserOf(row.user_id.as_str().into()), row)).collect())
    }
}

/// Rows by their key, in the order read.
fn gather<K: Eq + Hash, T>(rows: Vec<T>, key: impl Fn(&T) -> K) -> HashMap<K, Vec<T>> {
    let mut gathered: HashMap<K, Vec<T>> = HashMap::new();
    for row in rows {
        gathered.entry(key(&row)).or_default().push(row);
    }
    gathered
}
