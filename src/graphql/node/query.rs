//! Objects by their global id.

use async_graphql::{Context, ID, Interface, Object, Result};

use crate::graphql::activity::object::Activity;
use crate::graphql::conversation::object::Conversation;
use crate::graphql::customer::object::Customer;
use crate::graphql::engine::failure::bad_argument;
use crate::graphql::engine::guard::May;
use crate::graphql::engine::id::{Global, parts};
use crate::graphql::engine::principal::Permission;
use crate::graphql::engine::reading::{Reading, Tables};
use crate::graphql::import::object::Import;
use crate::graphql::message::object::Message;
use crate::ids::{ActivityId, ConversationId, CustomerId, ImportId, MessageId};

/// An object with a global id.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "&ID", desc = "The global id."))]
#[expect(clippy::large_enum_variant, reason = "one value lives for the length of one field")]
pub enum Node {
    Customer(Customer),
    Message(Message),
    Activity(Activity),
    Conversation(Conversation),
    Import(Import),
}

/// Queries of nodes.
#[derive(Default)]
pub struct NodeQueries;

#[Object]
impl NodeQueries {
    /// The object with a global id; null if it does not exist.
    #[graphql(guard = "May(Permission::Read)")]
    async fn node(&self, ctx: &Context<'_>, id: ID) -> Result<Option<Node>> {
        let (type_name, uuid) =
            parts(&id).ok_or_else(|| bad_argument("id", "must be a global id, such as Customer:<uuid>"))?;
        Reading::of(ctx)?;
        Ok(match type_name {
            CustomerId::TYPE => Customer::load(ctx, uuid.into()).await?.map(Node::Customer),
            MessageId::TYPE => Message::load(ctx, uuid.into()).await?.map(Node::Message),
            ActivityId::TYPE => Activity::load(ctx, uuid.into()).await?.map(Node::Activity),
            ConversationId::TYPE => {
                Conversation::load_from(ctx, uuid.into(), Tables::Live).await?.map(Node::Conversation)
            }
            ImportId::TYPE => Import::load(ctx, uuid.into()).await?.map(Node::Import),
            other => return Err(bad_argument("id", format!("{other} is not a type of node"))),
        })
    }
}
