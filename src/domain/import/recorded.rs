//! What a customer's stream holds of orders and imported messages, in a few bytes each: one that comes again is known, and
//! one that comes with another time, amount or text is a correction.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::domain::activity::event::{ActivityKind, ActivityRecorded};
use crate::domain::message::event::{MessageQueued, MessageReceived};
use crate::domain::value::Currency;
use crate::ids::ImportId;

/// An order or message as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// A digest of its content, without its time.
    pub content: u64,
    /// When it happened, in microseconds since 1970.
    pub at_micros: i64,
    /// The version of the event that says so.
    pub version: u64,
    /// The import that brought it.
    pub import_id: Option<ImportId>,
    /// For orders, the amount in micros.
    pub amount_micros: Option<i64>,
    /// For orders, the currency.
    pub currency: Option<Currency>,
}

impl Entry {
    /// True if content and time are these.
    #[must_use]
    pub fn is(&self, content: u64, at: DateTime<Utc>) -> bool {
        self.content == content && self.at_micros == at.timestamp_micros()
    }
}

/// Orders and imported messages by a part of their ids, which are digests themselves.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Recorded(BTreeMap<u64, Entry>);

impl Recorded {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True if there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What stands under an id.
    #[must_use]
    pub fn get(&self, id: Uuid) -> Option<&Entry> {
        self.0.get(&key(id))
    }

    /// Notes an order; other activities may happen several times under one number.
    pub fn note_activity(&mut self, event: &ActivityRecorded, at: DateTime<Utc>, version: u64) {
        if !has_identity(event) {
            return;
        }
        let entry = Entry {
            content: content_of_order(event),
            at_micros: at.timestamp_micros(),
            version,
            import_id: event.import_id,
            amount_micros: event.amount_micros,
            currency: event.currency,
        };
        self.0.insert(key(event.activity_id.0), entry);
    }

    /// Notes a message that an import brought.
    pub fn note_message(&mut self, event: &MessageReceived, at: DateTime<Utc>, version: u64) {
        if event.import_id.is_none() {
            return;
        }
        let entry = Entry {
            content: content_of_message(event),
            at_micros: at.timestamp_micros(),
            version,
            import_id: event.import_id,
            amount_micros: None,
            currency: None,
        };
        self.0.insert(key(event.key.message_id.0), entry);
    }

    /// Notes a message of a past campaign.
    pub fn note_campaign_message(&mut self, event: &MessageQueued, at: DateTime<Utc>, version: u64) {
        if event.import_id.is_none() {
            return;
        }
        let entry = Entry {
            content: content_of_campaign_message(event.key.variant.as_deref()),
            at_micros: at.timestamp_micros(),
            version,
            import_id: event.import_id,
            amount_micros: None,
            currency: None,
        };
        self.0.insert(key(event.key.message_id.0), entry);
    }

    /// Forgets what was retracted.
    pub fn retract(&mut self, id: Uuid) {
        self.0.remove(&key(id));
    }
}

/// True for orders with a number: customer and number say which order it is, whenever it was placed.
#[must_use]
pub fn has_identity(event: &ActivityRecorded) -> bool {
    event.kind == ActivityKind::Order && event.reference.is_some()
}

/// A digest of what an order says, in whatever order its lines stand.
#[must_use]
pub fn content_of_order(event: &ActivityRecorded) -> u64 {
    let mut lines: Vec<_> = event.lines.iter().collect();
    lines.sort_by_key(|line| (&line.sku, &line.description, line.quantity_milli, line.unit_price_micros));
    digest(&(&event.status, event.amount_micros, &event.currency, lines))
}

/// A digest of what a message says.
#[must_use]
pub fn content_of_message(event: &MessageReceived) -> u64 {
    let personal = event.personal.as_ref();
    digest(&personal.map(|personal| (&personal.subject, &personal.body)))
}

/// A digest of which variant of a past campaign a message was.
#[must_use]
pub fn content_of_campaign_message(variant: Option<&str>) -> u64 {
    digest(&variant)
}

fn digest(content: &impl Serialize) -> u64 {
    let json = serde_json::to_vec(content).unwrap_or_default();
    first_bytes(&Sha256::digest(json))
}

fn key(id: Uuid) -> u64 {
    first_bytes(id.as_bytes())
}

fn first_bytes(bytes: &[u8]) -> u64 {
    bytes.iter().take(8).fold(0, |value, byte| (value << 8) | u64::from(*byte))
}
