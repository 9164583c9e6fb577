//! What a customer's page sees.

use async_graphql::{ID, SimpleObject};
use chrono::{DateTime, Utc};

use crate::queries::in_app::is_unread;
use crate::queries::messages::MessageRow;

/// The customer's messages, as they stand now.
#[derive(SimpleObject, Debug, Clone, PartialEq, Eq)]
pub struct Inbox {
    /// How many messages nobody has seen, up to 1000.
    pub unread: u64,
    /// The messages that are not put away, the newest first.
    pub messages: Vec<InAppMessage>,
}

/// A message to the customer.
#[derive(SimpleObject, Debug, Clone, PartialEq, Eq)]
pub struct InAppMessage {
    /// Its id.
    pub id: ID,
    /// The line above the text.
    pub title: Option<String>,
    /// The text: plain, to be shown as it is.
    pub body: String,
    /// What it is about, such as `orders`.
    pub topic: Option<String>,
    /// When it was sent.
    pub sent_at: Option<DateTime<Utc>>,
    /// True until it is seen or its link is followed.
    pub is_unread: bool,
    /// When it was first seen.
    pub seen_at: Option<DateTime<Utc>>,
    /// When its link was first followed.
    pub clicked_at: Option<DateTime<Utc>>,
}

impl From<MessageRow> for InAppMessage {
    fn from(row: MessageRow) -> Self {
        Self {
            id: row.message_id.to_string().into(),
            is_unread: is_unread(&row),
            title: row.subject,
            body: row.body.unwrap_or_default(),
            topic: row.topic,
            sent_at: row.sent_at,
            seen_at: row.opened_at,
            clicked_at: row.clicked_at,
        }
    }
}
