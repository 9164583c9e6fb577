//! Classing opens and clicks again.

use async_graphql::{Context, InputObject, Object, Result};
use chrono::{DateTime, Utc};

use crate::app::{Reclassed, Step};
use crate::domain::message::reclass::ReclassEngagement;
use crate::domain::value::engagement::CURRENT;
use crate::graphql::engine::api::Api;
use crate::graphql::engine::guard::May;
use crate::graphql::engine::id::Of;
use crate::graphql::engine::payload::{answer, caller, payload};
use crate::graphql::engine::principal::Permission;
use crate::graphql::engine::scalar::Cursor;
use crate::ids::{CampaignId, CustomerId, MessageId};

/// The opens and clicks to reclassify: those that match all given fields.
#[derive(InputObject)]
pub struct ReclassEngagementInput {
    /// Only those of this customer's messages.
    customer_id: Option<Of<CustomerId>>,
    /// Only those of this message; requires its customer.
    message_id: Option<Of<MessageId>>,
    /// Only those of this campaign's messages.
    campaign_id: Option<Of<CampaignId>>,
    /// Only those from this time on.
    since: Option<DateTime<Utc>>,
    /// Only those before this time.
    until: Option<DateTime<Utc>>,
}

impl From<ReclassEngagementInput> for ReclassEngagement {
    fn from(input: ReclassEngagementInput) -> Self {
        Self {
            customer_id: input.customer_id.map(|id| id.0),
            message_id: input.message_id.map(|id| id.0),
            campaign_id: input.campaign_id.map(|id| id.0),
            since: input.since,
            until: input.until,
        }
    }
}

fn figure(count: u64) -> Option<i64> {
    i64::try_from(count).ok()
}

payload! {
    /// The result of `reclassEngagement`.
    ReclassEngagementPayload: Reclassed {
        /// The rule used, with its version.
        rule: String = |_| Some(CURRENT.name.to_owned()),
        /// The number of opens and clicks classified.
        judged: i64 = |step| figure(step.judged.judged),
        /// The number of these that were corrected.
        corrected: i64 = |step| figure(step.judged.corrected),
        /// Opens and clicks of forgotten customers, which are skipped: the data to classify them is gone.
        erased: i64 = |step| figure(step.judged.erased),
        /// The number of customers processed.
        customers: i64 = |step| figure(step.customers),
        /// If present, more remains: repeat with this as `after`.
        next: Cursor = |step| step.next.map(Into::into),
    }
}

/// Mutations on what is known of opens and clicks.
#[derive(Default)]
pub struct EngagementMutations;

#[Object]
impl EngagementMutations {
    /// Classifies recorded opens and clicks by the current rule and appends a correction wherever the class differs;
    /// states and figures follow. One customer is processed at once, several in steps of bounded size. Repeating it
    /// changes nothing, so it takes no idempotency key. Requires the role `ADMIN`.
    #[graphql(guard = "May(Permission::Administer)")]
    async fn reclass_engagement(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which opens and clicks are classified again.")] input: ReclassEngagementInput,
        #[graphql(desc = "Continues after the last step: pass its `next`.")] after: Option<Cursor>,
    ) -> Result<ReclassEngagementPayload> {
        let (caller, step) = (caller(ctx, None)?, Step::after(after.map(|after| after.0)));
        let outcome = Api::of(ctx)?.app.reclass_engagement(&caller, &input.into(), step, &CURRENT).await;
        answer(ctx, outcome).map(Into::into)
    }
}
