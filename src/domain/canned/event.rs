//! Events of a canned reply. Its texts are the tenant's own and hold no customer's data, so nothing is sealed.

use std::collections::BTreeMap;

use crate::domain::event::{event, stream_events};

event! {
    /// A canned reply as it is from now on.
    CannedReplySaved 1 {
        /// What agents type to find it; unique within the tenant.
        code: String,
        title: String,
        /// The title in small letters, for searching.
        title_key: String,
        /// The locale of customers whose own has no text.
        default_locale: String,
        /// Plain texts with variables such as `{{customer.name}}`, by locale.
        bodies: BTreeMap<String, String>,
        /// Counts the changes, from 1; messages pin the one that they were made of.
        revision: u32,
    }
}

event! {
    /// It is not offered any more. What was sent with it stays as it is.
    CannedReplyRemoved 1 {
        code: String,
        revision: u32,
    }
}

stream_events! {
    /// Everything that can happen to a canned reply.
    CannedReplyEvent {
        CannedReplySaved,
        CannedReplyRemoved,
    }
}
