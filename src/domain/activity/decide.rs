//! Commands on business activity.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::domain::activity::event::{ActivityKind, LineItem};
use crate::domain::customer::event::Source;
use crate::ids::{CustomerId, MessageId};

/// Records business activity.
///
/// With a `reference`, the activity's id derives from customer, kind, reference and time: recording it again is
/// answered with the first one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RecordActivity {
    /// Whose.
    pub customer_id: CustomerId,
    /// What it is.
    pub kind: ActivityKind,
    /// For custom activities, what it is; not allowed otherwise.
    pub name: Option<String>,
    /// The number that the tenant knows it by.
    pub reference: Option<String>,
    /// Such as `paid`, `cancelled`; the tenant's own words.
    pub status: Option<String>,
    /// When it happened; absent: now.
    pub occurred_at: Option<DateTime<Utc>>,
    /// In micros of the currency; absent: the sum of the lines, if there are any.
    pub amount_micros: Option<i64>,
    /// ISO 4217; needed where there is an amount.
    pub currency: Option<String>,
    /// Line items.
    pub lines: Vec<LineItem>,
    /// When an appointment ends, a payment is due, a parcel should arrive.
    pub due_at: Option<DateTime<Utc>>,
    /// The message that it is attributed to.
    pub message_id: Option<MessageId>,
    /// What people should read in the timeline.
    pub title: Option<String>,
    /// Free attributes.
    pub attributes: BTreeMap<String, serde_json::Value>,
    /// Where it comes from.
    pub source: Source,
}
