//! How a list grew, day by day.

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeZone, Utc};
use chrono_tz::Tz;

use super::{QueryError, READING, Select};
use crate::ids::{ListId, TenantId};
use crate::sql::{Db, Engine, row};

/// How many entered and left on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Growth {
    /// The day, by the clocks of the time zone that was asked for.
    pub day: NaiveDate,
    pub entered: i64,
    pub left: i64,
}

row! {
    /// How many entered and left in a quarter of an hour.
    struct Quarter {
        /// Its beginning in UTC, as in `2026-03-31T18:15`; engines write a `T` or a space.
        quarter: String,
        entered: i64,
        left: i64,
    }
}

/// How many entered and left a list on each day since a moment, the first day first; days without changes are left out.
pub async fn growth(
    db: &Db,
    tenant: TenantId,
    list: ListId,
    since: DateTime<Utc>,
    zone: Tz,
) -> Result<Vec<Growth>, QueryError> {
    let minute = match db.engine() {
        Engine::Sqlite => "h.changed_at",
        Engine::Postgres => "to_char(h.changed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI')",
    };
    // No zone's day begins within a quarter of an hour.
    let minutes = format!("substr({minute}, 15, 2)");
    let quarter = format!(
        "substr({minute}, 1, 14) || CASE WHEN {minutes} < '15' THEN '00' WHEN {minutes} < '30' THEN '15' \
         WHEN {minutes} < '45' THEN '30' ELSE '45' END"
    );
    let text = format!(
        "SELECT {quarter} AS quarter, COUNT(*) FILTER (WHERE h.entered = TRUE) AS entered, \
         COUNT(*) FILTER (WHERE h.entered = FALSE) AS \"left\" FROM list_changes h"
    );
    let mut select = Select::new(&text, []);
    select.and_equal("h.tenant_id", Some(tenant.0));
    select.and_equal("h.list_id", Some(list.0));
    select.and("h.changed_at >= ?", [since.into()]);
    select.push(&format!(" GROUP BY {quarter} ORDER BY 1"), []);
    Ok(by_day(&select.all(db, READING).await?, zone))
}

/// The days that quarters belong to; the quarters are in order.
fn by_day(quarters: &[Quarter], zone: Tz) -> Vec<Growth> {
    let mut days: Vec<Growth> = vec![];
    for Quarter { quarter, entered, left } in quarters {
        let Ok(at) = NaiveDateTime::parse_from_str(&quarter.replace('T', " "), "%Y-%m-%d %H:%M") else { continue };
        let day = zone.from_utc_datetime(&at).date_naive();
        match days.last_mut() {
            Some(last) if last.day == day => {
                last.entered += entered;
                last.left += left;
            }
            _ => days.push(Growth { day, entered: *entered, left: *left }),
        }
    }
    days
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_that_of_the_zone() {
        let quarter = |at: &str, entered, left| Quarter { quarter: at.to_owned(), entered, left };
        let quarters = [
            quarter("2026-03-30T18:00", 1, 0),
            quarter("2026-03-30 18:15", 2, 0),
            quarter("2026-03-30T22:00", 4, 1),
            quarter("2026-03-31T00:00", 8, 0),
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
