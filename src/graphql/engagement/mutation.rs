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

/// Which opens and clicks are judged again: those that meet everything that is given.
#[derive(InputObject)]
pub struct ReclassEngagementInput {
    /// Of this customer's messages.
    customer_id: Option<Of<CustomerId>>,
    /// Of this message; only with its customer.
    message_id: Option<Of<MessageId>>,
    /// Of this campaign's messages.
    campaign_id: Option<Of<CampaignId>>,
    /// That happened from this time on.
    since: Option<DateTime<Utc>>,
    /// That happened before this time.
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
    /// The answer to `reclassEngagement`.
    ReclassEngagementPayload: Reclassed {
        /// The rule that judged, with its version.
        rule: String = |_| Some(CURRENT.name.to_owned()),
        /// Opens and clicks that were looked at.
        judged: i64 = |step| figure(step.judged.judged),
        /// Of these, those that are classed otherwise now.
        corrected: i64 = |step| figure(step.judged.corrected),
        /// Opens and clicks of forgotten customers, left as they are: nothing is known of them to judge by.
        erased: i64 = |step| figure(step.judged.erased),
        /// Customers that were looked at.
        customers: i64 = |step| figure(step.customers),
        /// Not all was looked at: ask again with this as `after`. Absent: it was.
        next: Cursor = |step| step.next.map(Into::into),
    }
}

/// Mutations on what is known of opens and clicks.
#[derive(Default)]
pub struct EngagementMutations;

#[Object]
impl EngagementMutations {
    /// Judges recorded opens and clicks by the rule that holds now, and appends a correction for each that is classed
    /// otherwise; states and figures follow. One customer's at once, several customers' in steps of bounded size. Needs no
    /// idempotency key: what is classed right stays. Needs the role `ADMIN`.
    #[graphql(guard = "May(Permission::Administer)")]
    async fn reclass_engagement(
        &self,
        ctx: &Context<'_>,
        input: ReclassEngagementInput,
        #[graphql(desc = "Goes on where the last step ended: its `next`.")] after: Option<Cursor>,
    ) -> Result<ReclassEngagementPayload> {
        let (caller, step) = (caller(ctx, None)?, Step::after(after.map(|after| after.0)));
        let outcome = Api::of(ctx)?.app.reclass_engagement(&caller, &input.into(), step, &CURRENT).await;
        answer(ctx, outcome).map(Into::into)
    }
}
