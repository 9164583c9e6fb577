//! Canned replies.

use async_graphql::{Context, InputObject, Result, SimpleObject};
use chrono::{DateTime, Utc};

use crate::domain::canned::decide::SaveCannedReply;
use crate::graphql::engine::author::Author;
use crate::graphql::engine::reading::Reading;
use crate::queries::canned_replies;
use crate::queries::canned_replies::CannedReplyRow;

/// A text in one locale. Variables: `{{customer.name}}`, `{{customer.external_id}}`, `{{customer.territory}}`,
/// `{{customer.owner}}`, `{{customer.attributes.<name>}}`, `{{agent.name}}`; `{{customer.name|there}}` falls back to
/// `there` for customers without a name.
#[derive(SimpleObject, InputObject, Debug, Clone)]
#[graphql(input_name = "CannedReplyBodyInput")]
pub struct CannedReplyBody {
    /// BCP 47, such as `en-GB`.
    locale: String,
    /// Plain text.
    body: String,
}

/// The new content of a canned reply.
#[derive(InputObject)]
pub struct CannedReplyInput {
    /// The code that agents type: small letters, digits, `-` and `_`.
    code: String,
    /// The title that agents see.
    title: String,
    /// The locale that is used if there is no text in the customer's; optional if there is only one text.
    default_locale: Option<String>,
    /// One text for each locale.
    bodies: Vec<CannedReplyBody>,
    /// The revision that was edited; omit it for a new reply.
    revision: Option<u32>,
}

/// A prepared reply for agents.
#[derive(SimpleObject, Clone)]
pub struct CannedReply {
    /// The unique code that agents type.
    code: String,
    /// The title that agents see.
    title: String,
    /// The locale that is used if there is no text in the customer's.
    default_locale: String,
    /// One text for each locale.
    bodies: Vec<CannedReplyBody>,
    /// The number of the revision, from 1.
    revision: i64,
    /// When it was last changed.
    changed_at: DateTime<Utc>,
    /// The actor that last changed it.
    changed_by: Author,
}

impl From<CannedReplyInput> for SaveCannedReply {
    fn from(input: CannedReplyInput) -> Self {
        Self {
            code: input.code,
            title: input.title,
            default_locale: input.default_locale,
            bodies: input.bodies.into_iter().map(|text| (text.locale, text.body)).collect(),
            revision: input.revision,
        }
    }
}

impl CannedReply {
    /// The reply with a code.
    pub async fn load(ctx: &Context<'_>, code: &str) -> Result<Option<Self>> {
        let reading = Reading::of(ctx)?;
        let row = canned_replies::by_code(&reading.api.reads.db(), reading.session.principal.tenant, code).await;
        row.map_err(|error| reading.api.failed(&error))?.map(Self::new).transpose()
    }

    /// A canned reply out of its row.
    pub fn new(row: CannedReplyRow) -> Result<Self> {
        let bodies: std::collections::BTreeMap<String, String> = serde_json::from_value(row.bodies.0)?;
        Ok(Self {
            code: row.code,
            title: row.title,
            default_locale: row.default_locale,
            bodies: bodies.into_iter().map(|(locale, body)| CannedReplyBody { locale, body }).collect(),
            revision: row.revision,
            changed_at: row.changed_at,
            changed_by: Author::new(row.changed_by),
        })
    }
}
