//! Events of a template.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::domain::event::{event, stream_events};
use crate::domain::message::event::MessageClass;
use crate::domain::template::content::{LocalContent, TemplateKind};

event! {
    /// The draft as it is from now on.
    TemplateSaved 1 {
        /// Unique within the tenant.
        code: String,
        title: String,
        /// The title in small letters, for searching.
        title_key: String,
        kind: TemplateKind,
        /// Of the messages that are made of it.
        class: MessageClass,
        /// The locale of customers whose own has no text.
        default_locale: String,
        /// Values of variables that neither the sender nor the customer has, such as a brand's colour.
        variables: BTreeMap<String, Value>,
        contents: Vec<LocalContent>,
        /// Counts the changes, from 1.
        revision: u32,
    }
}

event! {
    /// A draft became a version, which messages can be made of.
    TemplatePublished 1 {
        code: String,
        /// From 1, without gaps.
        version: u32,
        /// The revision of the draft that it was.
        revision: u32,
        /// SHA-256 of all that follows, in hex.
        content_hash: String,
        kind: TemplateKind,
        /// Of the messages that are made of it.
        class: MessageClass,
        default_locale: String,
        variables: BTreeMap<String, Value>,
        contents: Vec<LocalContent>,
        /// The versions of the templates that it includes, by code.
        includes: BTreeMap<String, u32>,
    }
}

event! {
    /// It is not offered any more; its versions stay. Saving it again brings it back.
    TemplateArchived 1 {
        code: String,
        revision: u32,
    }
}

stream_events! {
    /// Everything that can happen to a template.
    TemplateEvent {
        TemplateSaved,
        TemplatePublished,
        TemplateArchived,
    }
}
