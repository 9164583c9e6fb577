//! What a customer's page reports.

use async_graphql::{Context, ID, Object, Result, SimpleObject};
use url::Url;

use super::object::Inbox;
use super::reading::{inbox, own, report, size};
use super::{caller, holder};
use crate::app::{AppError, InAppReport, Outcome};
use crate::graphql::engine::api::Api;
use crate::graphql::engine::failure::{bad_argument, opaque};
use crate::graphql::engine::payload::Refusal;
use crate::ids::{AddressId, MessageId};
use crate::queries::messages::MessageRow;

/// The longest link that is noted, in bytes.
const LONGEST_LINK: usize = 2_000;

/// What came of registering or removing a device.
#[derive(SimpleObject)]
pub struct DevicePayload {
    /// Why nothing was done.
    refusal: Option<Refusal>,
}

/// Reports of the customer who holds the token. Each may be repeated: it counts once.
pub struct Mutation;

#[Object]
impl Mutation {
    /// These messages were shown.
    async fn mark_seen(&self, ctx: &Context<'_>, ids: Vec<ID>) -> Result<Inbox> {
        reported(ctx, &ids, |_| InAppReport::Seen).await
    }

    /// These messages were put away: they are not listed any more.
    async fn dismiss(&self, ctx: &Context<'_>, ids: Vec<ID>) -> Result<Inbox> {
        reported(ctx, &ids, |_| InAppReport::Dismissed).await
    }

    /// The link of a message was followed, or what it asks for was done.
    async fn mark_clicked(
        &self,
        ctx: &Context<'_>,
        id: ID,
        #[graphql(desc = "The link, if it was one.")] url: Option<String>,
    ) -> Result<Inbox> {
        if url.as_ref().is_some_and(|url| url.len() > LONGEST_LINK || Url::parse(url).is_err()) {
            return Err(bad_argument("url", "must be a URL of at most 2000 bytes"));
        }
        reported(ctx, &[id], |_| InAppReport::Clicked { url: url.clone() }).await
    }

    /// Registers the device of the app for push notifications, at each start of the app: the device that registered last gets
    /// them. Whoever was signed in on it before gets none there any more.
    async fn register_device(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The device's token, as the push service gave it to the app.")] token: String,
        #[graphql(desc = "The token that it had before.")] replaces: Option<String>,
    ) -> Result<DevicePayload> {
        let holder = holder(ctx)?;
        let app = &Api::of(ctx)?.app;
        device(ctx, app.register_device(&caller(&holder), holder.customer_id, token, replaces).await)
    }

    /// Takes the device from the customer, who signs out: no notification goes there any more.
    async fn remove_device(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The device's token.")] token: String,
    ) -> Result<DevicePayload> {
        let holder = holder(ctx)?;
        let removed = Api::of(ctx)?.app.remove_device(&caller(&holder), holder.customer_id, &token).await;
        device(ctx, removed)
    }
}

/// Records what became of messages; the inbox once it shows that.
async fn reported(ctx: &Context<'_>, ids: &[ID], what: impl Fn(&MessageRow) -> InAppReport) -> Result<Inbox> {
    let (api, holder) = (Api::of(ctx)?, holder(ctx)?);
    let ids: Result<Vec<MessageId>> =
        ids.iter().map(|id| id.parse().map_err(|_| bad_argument("ids", "is no id"))).collect();
    let rows = own(api, &holder, &ids?).await?;
    let rows: Vec<&MessageRow> = rows.iter().collect();
    let position = report(api, &holder, &rows, what).await?;
    api.wait_for(position.map(Into::into)).await?;
    inbox(api, &holder, size(20)?).await
}

fn device(ctx: &Context<'_>, outcome: Result<Outcome<AddressId>, AppError>) -> Result<DevicePayload> {
    match outcome {
        Ok(Outcome::Done(_)) => Ok(DevicePayload { refusal: None }),
        Ok(Outcome::Refused(refusal)) => Ok(DevicePayload { refusal: Some(refusal.into()) }),
        Err(error) => Err(opaque(Api::of(ctx)?.ambient(), &error)),
    }
}
