//! Subscriptions: what changed, as soon as the read tables show it.

use std::time::Duration;

use async_graphql::{Context, Result, Subscription as GraphQLSubscription};
use futures::stream::{self, Stream};

use super::api::{Api, Reading, Session};
use super::guard::May;
use super::id::Of;
use super::live::{Changes, Live, inbox_changes};
use super::model::campaign::CampaignMetrics;
use super::model::conversation::ConversationFilterInput;
use super::model::inbox::InboxChange;
use super::model::projection::Projection;
use super::model::timeline::TimelineEntry;
use super::principal::Permission;
use super::scalar::Cursor;
use crate::ids::{CampaignId, CustomerId};

/// Counters are told at most this often.
const PACE: Duration = Duration::from_millis(500);

/// What changed, as soon as the read tables show it.
#[derive(Default)]
pub struct Subscription;

#[GraphQLSubscription]
impl Subscription {
    /// The entries of a customer's timeline that are new or changed: a message that is opened is told again, with its
    /// new state. With `after` (a position that a query or mutation answered) nothing is missed in between.
    #[graphql(guard = "May(Permission::Read)")]
    async fn timeline(
        &self,
        ctx: &Context<'_>,
        customer_id: Of<CustomerId>,
        after: Option<Cursor>,
    ) -> Result<impl Stream<Item = Result<TimelineEntry>> + use<>> {
        let reading = Reading::of(ctx)?;
        let changes = Changes::begin(reading, customer_id.0, after.map(|after| after.0)).await?;
        Ok(changes.entries())
    }

    /// The conversations that move, each as it stands now; several moves at once are told as one. With `after` (a position
    /// that a query, a mutation or an earlier change answered) nothing is missed in between.
    #[graphql(guard = "May(Permission::Read)")]
    async fn inbox(
        &self,
        ctx: &Context<'_>,
        filter: Option<ConversationFilterInput>,
        after: Option<Cursor>,
    ) -> Result<impl Stream<Item = Result<InboxChange>> + use<>> {
        let reading = Reading::of(ctx)?;
        Ok(inbox_changes(reading, filter.unwrap_or_default().into(), after.map(|after| after.0)))
    }

    /// What a campaign achieved: at once, and whenever it changes.
    #[graphql(guard = "May(Permission::Read)")]
    async fn campaign_metrics(
        &self,
        ctx: &Context<'_>,
        campaign_id: Of<CampaignId>,
    ) -> Result<impl Stream<Item = Result<CampaignMetrics>> + use<>> {
        let reading = Reading::of(ctx)?;
        let (api, principal, campaign) = (reading.api.clone(), reading.session.principal, campaign_id.0);
        let live = Live::new(reading.api.reads.applied(), PACE);
        Ok(stream::unfold((live, None), move |(mut live, mut last)| {
            let api: Api = api.clone();
            async move {
                let session = Session::new(principal);
                loop {
                    live.next().await?;
                    let reading = Reading { api: &api, session: &session };
                    match CampaignMetrics::rows(reading, campaign).await {
                        Ok(rows) if last.as_ref() == Some(&rows) => {}
                        Ok(rows) => {
                            last = Some(rows);
                            return Some((Ok(CampaignMetrics::new(campaign)), (live, last)));
                        }
                        Err(error) => return Some((Err(error), (live, last))),
                    }
                }
            }
        }))
    }

    /// How far the read models are: at once, and whenever it changes.
    #[graphql(guard = "May(Permission::Read)")]
    async fn projection_lag(&self, ctx: &Context<'_>) -> Result<impl Stream<Item = Result<Vec<Projection>>> + use<>> {
        let api = Reading::of(ctx)?.api.clone();
        let live = Live::new(api.reads.applied(), PACE).with_log(api.reads.journal().backend().watch());
        Ok(stream::unfold((live, None), move |(mut live, mut last)| {
            let api = api.clone();
            async move {
                loop {
                    live.next().await?;
                    match api.projections().await {
                        Ok(status) if last.as_ref() == Some(&status) => {}
                        Ok(status) => {
                            last = Some(status.clone());
                            return Some((Ok(status), (live, last)));
                        }
                        Err(error) => return Some((Err(error), (live, last))),
                    }
                }
            }
        }))
    }
}
