//! Events of business activity, in the customer's stream.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::customer::event::Source;
use crate::domain::event::{event, stream_events};
use crate::domain::value::{Currency, words};
use crate::ids::{ActivityId, ImportId, MessageId};

words! {
    /// What an activity is. Only orders count as revenue, so that an order and its invoice are not counted twice.
    ActivityKind, "activity kind" {
        /// An order; a cancellation is an order of negative amount.
        Order = "order",
        /// An invoice.
        Invoice = "invoice",
        /// A payment.
        Payment = "payment",
        /// A shipment.
        Shipment = "shipment",
        /// An appointment.
        Appointment = "appointment",
        /// Anything else, told apart by its name.
        Custom = "custom",
    }
}

/// One line of an order or invoice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LineItem {
    /// The article's code.
    pub sku: String,
    /// The article's description.
    pub description: Option<String>,
    /// In thousandths, so that weights and lengths can be sold too; negative for returns.
    pub quantity_milli: i64,
    /// Price of one unit, in micros of the activity's currency.
    pub unit_price_micros: i64,
}

event! {
    /// Something happened in the business with this customer. `occurred_at` of the envelope says when.
    ActivityRecorded 1 {
        activity_id: ActivityId,
        kind: ActivityKind,
        /// For custom activities, what it is; empty otherwise.
        name: Option<String>,
        /// The number that the tenant knows it by: of the order, invoice, parcel.
        reference: Option<String>,
        /// Such as `paid`, `cancelled`; the tenant's own words.
        status: Option<String>,
        /// In all, in micros of the currency; absent where there is no amount.
        amount_micros: Option<i64>,
        currency: Option<Currency>,
        lines: Vec<LineItem>,
        /// When an appointment ends, a payment is due, a parcel should arrive.
        due_at: Option<DateTime<Utc>>,
        /// The message that it is attributed to.
        message_id: Option<MessageId>,
        source: Source,
        import_id: Option<ImportId>,
    }
    personal ActivityRecordedPersonal {
        /// What people should read in the timeline.
        title: Option<String>,
        /// Free attributes.
        #[serde(default)]
        attributes: std::collections::BTreeMap<String, serde_json::Value>,
    }
}

event! {
    /// The import that recorded the activity was undone, or an import corrects it and records it again: it no longer counts.
    /// Carries what it takes back.
    ActivityRetracted 1 {
        activity_id: ActivityId,
        kind: ActivityKind,
        amount_micros: Option<i64>,
        currency: Option<Currency>,
        import_id: ImportId,
    }
}

stream_events! {
    /// What happens with activities, in the customer's stream.
    ActivityEvent {
        ActivityRecorded,
        ActivityRetracted,
    }
}
