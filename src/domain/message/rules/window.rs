//! WhatsApp's customer service window: free text may be sent for 24 hours after the customer last wrote, and from then on only a
//! template that WhatsApp has approved (Meta, "Send messages", customer service windows; Twilio refuses with error 63016).
//!
//! No class of message and no emergency lifts it: the message would not be delivered.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Case, Obstacle};
use crate::domain::decision::Meta;
use crate::domain::message::event::{MessageEvent, MessageReceived};
use crate::domain::value::Channel;
use crate::ids::AddressId;

/// For how long free text may be sent.
const OPEN_FOR: TimeDelta = TimeDelta::hours(24);

/// When a customer last wrote by WhatsApp, by the address that it came from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Windows(BTreeMap<AddressId, DateTime<Utc>>);

impl Windows {
    /// Whether the customer never wrote by WhatsApp.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those of several streams as one.
    #[must_use]
    pub fn joined<'a>(parts: impl Iterator<Item = &'a Self>) -> Self {
        let mut all = BTreeMap::new();
        for (&address, &at) in parts.flat_map(|part| &part.0) {
            let last = all.entry(address).or_insert(at);
            *last = at.max(*last);
        }
        Self(all)
    }

    /// Folds an event in. What an import brings was written to somebody else's number, or long ago.
    pub fn apply(&mut self, event: &MessageEvent, meta: Meta) {
        if let MessageEvent::MessageReceived(MessageReceived {
            key, address_id: Some(address), import_id: None, ..
        }) = event
            && key.channel == Channel::Whatsapp
        {
            let last = self.0.entry(*address).or_insert(meta.occurred_at);
            *last = meta.occurred_at.max(*last);
        }
    }
}

/// Why free text may not be sent by WhatsApp now; [`None`] if it may.
pub(super) fn closed(case: &Case<'_>) -> Option<Obstacle> {
    let is_open = last_and_end(case).is_some_and(|(_, closes_at)| case.context.now < closes_at);
    (!is_open).then(|| {
        let mut inputs = inputs(case);
        inputs["instead"] = json!("a message made of an approved WhatsApp template");
        Obstacle::lasting(inputs)
    })
}

/// When the customer last wrote, and the end of the window that this opened.
pub(super) fn inputs(case: &Case<'_>) -> Value {
    let (last, closed_at) = last_and_end(case).unzip();
    json!({ "address_id": case.asked.address_id, "last_inbound_at": last, "closed_at": closed_at })
}

fn last_and_end(case: &Case<'_>) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    let last = case.asked.address_id.and_then(|address| case.customer.whatsapp.0.get(&address).copied())?;
    Some((last, last + OPEN_FOR))
}
