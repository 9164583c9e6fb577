//! Upcasters of message events: old payloads in today's shape. Pure; the stored bytes never change.

use serde_json::{Map, Value};

use crate::domain::Upcaster;
use crate::domain::event::Event;
use crate::domain::message::event::MessageQueued;

/// Every step, by type and the version that it starts from.
pub const STEPS: &[Upcaster] = &[(MessageQueued::TYPE, 1, queued_with_class_and_topic)];

/// Version 1 of `MessageQueued` had `marketing: bool` where `class` is now, and no `topic`.
fn queued_with_class_and_topic(data: &mut Map<String, Value>, _personal: Option<&mut Map<String, Value>>) {
    let marketing = data.remove("marketing").is_some_and(|marketing| marketing == Value::Bool(true));
    data.insert("class".to_owned(), if marketing { "marketing" } else { "transactional" }.into());
    data.entry("topic").or_insert_with(|| "general".into());
}
