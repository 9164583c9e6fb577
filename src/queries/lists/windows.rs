//! Whom the passing of time concerns: what was in a window and is no more, or was ahead and is now.

use chrono::{DateTime, TimeDelta, Utc};

use super::rows::{contacted_at, engaged_at};
use crate::domain::list::criteria::Criterion;
use crate::ids::{CustomerId, TenantId};
use crate::queries::QueryError;
use crate::queries::select::Select;
use crate::sql::{Db, Value};

/// A window of time that criteria look at: rows of a table, in the last so many days.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Window {
    table: &'static str,
    at: &'static str,
    /// Of activities.
    kind: Option<&'static str>,
    days: u32,
}

/// What of criteria depends on the time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Windows {
    /// Those that criteria look at.
    pub windows: Vec<Window>,
    /// Whether the day matters.
    pub daily: bool,
}

impl Windows {
    /// Of criteria.
    #[must_use]
    pub fn of(criteria: &Criterion) -> Self {
        let mut all = Self::default();
        for (_, leaf) in criteria.leaves() {
            all.daily |= matches!(leaf, Criterion::Anniversary { .. });
            if let Some(window) = window(leaf)
                && !all.windows.contains(&window)
            {
                all.windows.push(window);
            }
        }
        all
    }

    /// Whether time alone changes nothing.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.windows.is_empty() && !self.daily
    }
}

/// The customers with something that left a window, or came into it, after a moment and until another; by id.
pub async fn moved(
    db: &Db,
    tenant: TenantId,
    window: &Window,
    after: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Vec<CustomerId>, QueryError> {
    let mut moved = Vec::new();
    let back = TimeDelta::days(window.days.into());
    for (after, until) in [(after - back, until - back), (after, until)] {
        let text = format!("SELECT DISTINCT t.customer_id FROM {} t", window.table);
        let mut select = Select::new(&text, []);
        select.and("t.tenant_id = ?", [tenant.into()]);
        select.and_equal("t.kind", window.kind);
        select.and(&format!("t.{0} > ? AND t.{0} <= ?", window.at), [after, until].map(Value::from));
        let found: Vec<super::IdRow> = select.all(db, super::READING).await?;
        moved.extend(found.into_iter().map(|row| row.customer_id));
    }
    moved.sort_unstable();
    moved.dedup();
    Ok(moved)
}

fn window(leaf: &Criterion) -> Option<Window> {
    let activities = |kind, days: Option<u32>| {
        Some(Window { table: "activities", at: "occurred_at", kind: Some(kind), days: days? })
    };
    match leaf {
        Criterion::OrderedProduct { within_days, .. } | Criterion::Revenue { within_days, .. } => {
            activities("order", *within_days)
        }
        Criterion::NoOrderInDays { days, .. } => activities("order", Some(*days)),
        Criterion::Orders(count) => activities("order", count.within_days),
        Criterion::Activity(test) => activities(test.kind.word(), test.count().within_days),
        Criterion::Contact { direction, within_days, .. } => {
            Some(Window { table: "customer_contacts", at: contacted_at(*direction), kind: None, days: (*within_days)? })
        }
        Criterion::Engagement(test) => {
            let (at, days) = (engaged_at(test.kind), test.count().within_days?);
            Some(Window { table: "messages", at, kind: None, days })
        }
        Criterion::All(_)
        | Criterion::Any(_)
        | Criterion::Not(_)
        | Criterion::AllInTerritory { .. }
        | Criterion::HighValue { .. }
        | Criterion::Custom(_)
        | Criterion::Industry(_)
        | Criterion::LeadScore { .. }
        | Criterion::HasEmail(_)
        | Criterion::HasPhone(_)
        | Criterion::Tags { .. }
        | Criterion::Field(_)
        | Criterion::Consent { .. }
        | Criterion::MemberOf { .. }
        | Criterion::Anniversary { .. }
        | Criterion::Bucket { .. } => None,
    }
}
