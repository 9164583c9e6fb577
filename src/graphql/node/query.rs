//! Objects by their global ids.

use async_graphql::{Context, ID, Interface, Object, Result};
use uuid::Uuid;

use crate::graphql::activity::object::Activity;
use crate::graphql::address::object::CustomerAddress;
use crate::graphql::campaign::object::Campaign;
use crate::graphql::conversation::object::Conversation;
use crate::graphql::customer::object::Customer;
use crate::graphql::engine::failure::bad_argument;
use crate::graphql::engine::guard::May;
use crate::graphql::engine::id::{ExportId, Global, ImportRunId, Parts, VerificationId};
use crate::graphql::engine::principal::Permission;
use crate::graphql::engine::reading::{Reading, Tables};
use crate::graphql::export::object::Export;
use crate::graphql::import::object::Import;
use crate::graphql::import::run::ImportRun;
use crate::graphql::key::object::ApiKey;
use crate::graphql::list::object::List;
use crate::graphql::log::object::Event;
use crate::graphql::log::verification::Verification;
use crate::graphql::message::attachment::Attachment;
use crate::graphql::message::object::Message;
use crate::graphql::timeline::object::TimelineEntry;
use crate::ids::{
    ActivityId, ApiKeyId, AttachmentId, CampaignId, ConversationId, CustomerId, EventId, ImportId, ListId, MessageId,
};

/// An object with a global id. No two objects share one: what was read `asOf` a moment has an id of its own.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "&ID", desc = "The global id."))]
#[expect(clippy::large_enum_variant, reason = "one value lives for the length of one field")]
pub enum Node {
    Customer(Customer),
    CustomerAddress(CustomerAddress),
    TimelineEntry(TimelineEntry),
    Message(Message),
    Attachment(Attachment),
    Activity(Activity),
    Conversation(Conversation),
    Import(Import),
    ImportRun(ImportRun),
    Export(Export),
    Verification(Verification),
    List(List),
    Campaign(Campaign),
    ApiKey(ApiKey),
    Event(Event),
}

impl Node {
    async fn load(ctx: &Context<'_>, id: &str) -> Result<Option<Self>> {
        let wrong = || bad_argument("id", "must be a global id, such as Customer:<uuid>");
        let parts = Parts::of(id).ok_or_else(wrong)?;
        let reading = Reading::of(ctx)?;
        let tables = match parts.as_of {
            Some((moment, customer)) => reading.tables(customer, Some(moment)).await?,
            None => Tables::Live,
        };
        match parts.type_name {
            CustomerAddress::TYPE => {
                return Ok(CustomerAddress::load_by_key(ctx, parts.key, &tables).await?.map(Self::CustomerAddress));
            }
            TimelineEntry::TYPE => {
                return Ok(TimelineEntry::load_by_key(ctx, parts.key, &tables).await?.map(Self::TimelineEntry));
            }
            _ => {}
        }
        let uuid: Uuid = Uuid::try_parse(parts.key).map_err(|_| wrong())?;
        Ok(match parts.type_name {
            CustomerId::TYPE => Customer::load_from(ctx, uuid.into(), tables).await?.map(Self::Customer),
            MessageId::TYPE => Message::load_from(ctx, uuid.into(), tables).await?.map(Self::Message),
            AttachmentId::TYPE => Attachment::load_from(ctx, uuid.into(), &tables).await?.map(Self::Attachment),
            ActivityId::TYPE => Activity::load_from(ctx, uuid.into(), tables).await?.map(Self::Activity),
            ConversationId::TYPE => Conversation::load_from(ctx, uuid.into(), tables).await?.map(Self::Conversation),
            ImportId::TYPE => Import::load(ctx, uuid.into()).await?.map(Self::Import),
            ImportRunId::TYPE => ImportRun::load(ctx, uuid.into())?.map(Self::ImportRun),
            ExportId::TYPE => Export::load(ctx, uuid.into())?.map(Self::Export),
            VerificationId::TYPE => Verification::load(ctx, uuid.into())?.map(Self::Verification),
            ListId::TYPE => List::load(ctx, uuid.into()).await?.map(Self::List),
            CampaignId::TYPE => Campaign::load(ctx, uuid.into()).await?.map(Self::Campaign),
            ApiKeyId::TYPE => ApiKey::load(ctx, uuid.into()).await?.map(Self::ApiKey),
            EventId::TYPE => Event::load(ctx, uuid.into()).await?.map(Self::Event),
            other => return Err(bad_argument("id", format!("{other} is not a type of node"))),
        })
    }
}

/// Queries of nodes.
#[derive(Default)]
pub struct NodeQueries;

#[Object]
impl NodeQueries {
    /// The object with a global id; null if it does not exist. The id of an object that was read `asOf` a moment returns it
    /// as of that moment. API keys, runs of imports and exports require the role `ADMIN`, events and
    /// verifications one that may read events.
    #[graphql(guard = "May(Permission::Read)")]
    async fn node(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "A global id, such as `Customer:<uuid>`.")] id: ID,
    ) -> Result<Option<Node>> {
        Node::load(ctx, &id).await
    }

    /// The objects with these global ids, in the same order; null for each that does not exist. As many as a page may have.
    #[graphql(guard = "May(Permission::Read)", complexity = "1 + ids.len() * child_complexity")]
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Global ids, at most 200.")] ids: Vec<ID>,
    ) -> Result<Vec<Option<Node>>> {
        let mut nodes = Vec::with_capacity(ids.len());
        for id in ids {
            nodes.push(Node::load(ctx, &id).await?);
        }
        Ok(nodes)
    }
}
