//! Queries of traffic.

use async_graphql::{Context, Object, Result};
use chrono::{DateTime, DurationRound, TimeDelta, Utc};

use super::object::{TrafficPoint, TrafficStep};
use crate::domain::value::place;
use crate::graphql::engine::failure::bad_argument;
use crate::graphql::engine::guard::May;
use crate::graphql::engine::principal::Permission;
use crate::graphql::engine::reading::Reading;
use crate::graphql::engine::scalar::Cursor;
use crate::queries::traffic;

/// Queries of traffic.
#[derive(Default)]
pub struct TrafficQueries;

/// The longest period by hours, and by days and weeks.
const LONGEST_BY_HOUR: TimeDelta = TimeDelta::days(14);
const LONGEST: TimeDelta = TimeDelta::days(400);

#[Object]
impl TrafficQueries {
    /// What came and went over time on each channel: points in which something happened, oldest first.
    #[graphql(guard = "May(Permission::Read)", complexity = "1 + 100 * child_complexity / 20")]
    async fn traffic(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The beginning, which is taken to the full hour.")] since: DateTime<Utc>,
        #[graphql(desc = "The end, exclusive; at most 14 days later by hours, 400 by days and weeks.")] until: DateTime<
            Utc,
        >,
        #[graphql(desc = "How long each point is.")] step: TrafficStep,
        #[graphql(
            desc = "The time zone whose days count, such as Europe/Vienna.",
            default_with = "\"UTC\".to_owned()"
        )]
        time_zone: String,
        #[graphql(desc = "Waits until the tables show this position, at most 10 seconds; a mutation returns it.")]
        wait_for: Option<Cursor>,
    ) -> Result<Vec<TrafficPoint>> {
        let reading = Reading::of(ctx)?;
        let zone = place::time_zone(&time_zone).map_err(|reason| bad_argument("timeZone", reason))?;
        let longest = if step == TrafficStep::Hour { LONGEST_BY_HOUR } else { LONGEST };
        if until - since > longest {
            return Err(bad_argument("until", format!("must be at most {} days after since", longest.num_days())));
        }
        reading.api.wait_for(wait_for).await?;
        let tenant = reading.session.principal.tenant;
        let rows = traffic::by_hour(&reading.api.reads.db(), tenant, taken_to_hour(since), until)
            .await
            .map_err(|error| reading.api.failed(&error))?;
        Ok(TrafficPoint::points(&rows, step, zone))
    }
}

fn taken_to_hour(moment: DateTime<Utc>) -> DateTime<Utc> {
    moment.duration_trunc(TimeDelta::hours(1)).unwrap_or(moment)
}
