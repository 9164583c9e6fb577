//! Files of messages.

use async_graphql::{ID, SimpleObject};

use crate::graphql::engine::id::global;
use crate::graphql::engine::words::AttachmentState;
use crate::queries::attachments::AttachmentRow;

/// A file of a message.
#[derive(SimpleObject, Debug, Clone)]
pub struct Attachment {
    /// The global id.
    id: ID,
    /// The file name given by its sender; not safe for a file system. Personal.
    name: Option<String>,
    /// The media type that its sender declared. Personal.
    content_type: Option<String>,
    /// The size in bytes.
    size: Option<i64>,
    /// Where the file is.
    state: AttachmentState,
    /// Why it is missing: `too_many`, `too_large`, `not_read`, or the error of fetching it.
    reason: Option<String>,
    /// The download URL, for API keys that may see personal data; null unless the file is stored.
    url: Option<String>,
}

impl Attachment {
    /// A file as a key may see it; `public_url` is where people reach this server.
    pub fn new(row: AttachmentRow, personal: bool, public_url: &str) -> Self {
        let url = format!("{public_url}/attachments/{}", row.attachment_id);
        let state = row.state.into();
        Self {
            id: global(row.attachment_id),
            name: row.name.filter(|_| personal),
            content_type: row.content_type.filter(|_| personal),
            size: row.size,
            state,
            reason: row.reason,
            url: Some(url).filter(|_| personal && state == AttachmentState::Stored),
        }
    }
}
