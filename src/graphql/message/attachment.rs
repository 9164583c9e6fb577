//! Files of messages.

use async_graphql::{Context, ID, Result, SimpleObject};

use crate::graphql::engine::id::{Global, global_in};
use crate::graphql::engine::reading::{Reading, Tables};
use crate::graphql::engine::words::AttachmentState;
use crate::ids::AttachmentId;
use crate::queries::attachments;
use crate::queries::attachments::AttachmentRow;

/// A file of a message.
#[derive(SimpleObject, Debug, Clone)]
pub struct Attachment {
    /// The global id.
    pub id: ID,
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
    /// A file as a key may see it.
    pub fn new(row: AttachmentRow, reading: Reading<'_>, tables: &Tables) -> Self {
        let personal = reading.personal();
        let url = format!("{}/attachments/{}", reading.api.app.public_url(), row.attachment_id);
        let state = row.state.into();
        Self {
            id: global_in(AttachmentId::TYPE, row.attachment_id, tables),
            name: row.name.filter(|_| personal),
            content_type: row.content_type.filter(|_| personal),
            size: row.size,
            state,
            reason: row.reason,
            url: Some(url).filter(|_| personal && state == AttachmentState::Stored),
        }
    }

    /// A file out of given tables.
    pub async fn load_from(ctx: &Context<'_>, id: AttachmentId, tables: &Tables) -> Result<Option<Self>> {
        let reading = Reading::of(ctx)?;
        let row = attachments::by_id(&tables.db(reading.api), reading.session.principal.tenant, id).await;
        Ok(row.map_err(|error| reading.api.failed(&error))?.map(|row| Self::new(row, reading, tables)))
    }
}
