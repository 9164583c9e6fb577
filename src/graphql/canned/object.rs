//! Canned replies.

use async_graphql::{InputObject, Result, SimpleObject};
use chrono::{DateTime, Utc};

use crate::domain::canned::decide::SaveCannedReply;
use crate::queries::canned_replies::CannedReplyRow;

/// A text in one locale. Variables: `{{customer.name}}`, `{{customer.external_id}}`, `{{customer.territory}}`,
/// `{{customer.owner}}`, `{{customer.attributes.<name>}}`, `{{agent.name}}`; `{{customer.name|there}}` says what stands
/// there for whoever has none.
#[derive(SimpleObject, InputObject, Debug, Clone)]
#[graphql(input_name = "CannedReplyBodyInput")]
pub struct CannedReplyBody {
    /// BCP 47, such as `en-GB`.
    locale: String,
    /// Plain text.
    body: String,
}

/// A canned reply as it is to be.
#[derive(InputObject)]
pub struct CannedReplyInput {
    /// What agents type to find it: small letters, digits, `-` and `_`.
    code: String,
    /// For agents.
    title: String,
    /// The locale of customers whose own has no text; may be left out if there is only one.
    default_locale: Option<String>,
    /// One text for each locale.
    bodies: Vec<CannedReplyBody>,
    /// The revision that was edited; left out: it is new.
    revision: Option<u32>,
}

/// A text that agents answer with.
#[derive(SimpleObject, Clone)]
pub struct CannedReply {
    /// What agents type to find it; unique.
    code: String,
    /// For agents.
    title: String,
    /// The locale of customers whose own has no text.
    default_locale: String,
    /// One text for each locale.
    bodies: Vec<CannedReplyBody>,
    /// Counts the changes, from 1.
    revision: i64,
    /// When it was last changed.
    changed_at: DateTime<Utc>,
    /// By whom.
    changed_by: String,
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
            changed_by: row.changed_by,
        })
    }
}
