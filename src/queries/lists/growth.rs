//! How a list grew, day by day.

use chrono::{DateTime, DurationRound, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;

use super::{QueryError, READING, Select};
use crate::ids::{ListId, TenantId};
use crate::sql::{Db, row};

/// How many entered and left on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Growth {
    /// The day, by the clocks of the time zone that was asked for.
    pub day: NaiveDate,
    pub entered: i64,
    pub left: i64,
}

row! {
    /// How many entered and left in a quarter of an hour: no zone's day begins within one.
    struct Quarter {
        /// Its beginning.
        quarter: DateTime<Utc>,
        entered: i64,
        gone: i64,
    }
}

/// How many entered and left a list on each day since the quarter of an hour of a moment, the first day first; days without
/// changes are left out.
pub async fn growth(
    db: &Db,
    tenant: TenantId,
    list: ListId,
    since: DateTime<Utc>,
    zone: Tz,
) -> Result<Vec<Growth>, QueryError> {
    let since = since.duration_trunc(TimeDelta::minutes(15)).unwrap_or(since);
    let mut select = Select::new("SELECT g.quarter, g.entered, g.gone FROM list_growth g", []);
    select.and_equal("g.tenant_id", Some(tenant.0));
    select.and_equal("g.list_id", Some(list.0));
    select.and("g.quarter >= ?", [since.into()]);
    select.push(" ORDER BY g.quarter", []);
    Ok(by_day(&select.all(db, READING).await?, zone))
}

/// The days that quarters belong to; the quarters are in order.
fn by_day(quarters: &[Quarter], zone: Tz) -> Vec<Growth> {
    let mut days: Vec<Growth> = vec![];
    for Quarter { quarter, entered, gone } in quarters {
        let day = quarter.with_timezone(&zone).date_naive();
        match days.last_mut() {
            Some(last) if last.day == day => {
                last.entered += entered;
                last.left += gone;
            }
            _ => days.push(Growth { day, entered: *entered, left: *gone }),
        }
    }
    days
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_that_of_the_zone() {
        let quarter = |at: &str, entered, gone| Quarter { quarter: at.parse().expect("a time"), entered, gone };
        let quarters = [
            quarter("2026-03-30T18:00:00Z", 1, 0),
            quarter("2026-03-30T18:15:00Z", 2, 0),
            quarter("2026-03-30T22:00:00Z", 4, 1),
            quarter("2026-03-31T00:00:00Z", 8, 0),
        ];
        let days = |zone: Tz| -> Vec<(String, i64, i64)> {
            by_day(&quarters, zone).iter().map(|one| (one.day.to_string(), one.entered, one.left)).collect()
        };
        let day = |day: &str, entered, left| (day.to_owned(), entered, left);
        assert_eq!(days(Tz::UTC), [day("2026-03-30", 7, 1), day("2026-03-31", 8, 0)]);
        assert_eq!(days(Tz::Europe__Vienna), [day("2026-03-30", 3, 0), day("2026-03-31", 12, 1)]);
        // Kathmandu is at UTC+5:45.
        assert_eq!(days(Tz::Asia__Kathmandu), [day("2026-03-30", 1, 0), day("2026-03-31", 14, 1)]);
    }
}
