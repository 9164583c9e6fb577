//! Templates, their versions, and what is found in them.

use async_graphql::{ComplexObject, Context, Enum, InputObject, Result, SimpleObject};
use chrono::{DateTime, Utc};

use super::content::{TemplateContent, TemplateContentInput};
use crate::app::templates::Previewed;
use crate::domain::template::content::LocalContent;
use crate::domain::template::decide::SaveTemplate;
use crate::graphql::engine::author::Author;
use crate::graphql::engine::connection::page_size;
use crate::graphql::engine::failure::{field_refused, opaque};
use crate::graphql::engine::payload::caller;
use crate::graphql::engine::reading::Reading;
use crate::graphql::engine::scalar::Attributes;
use crate::graphql::engine::words::{Channel, MessageClass};
use crate::queries::templates::{self, TemplateRow, TemplateVersionRow};
use crate::rendering::lint;

/// The use of a template.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[graphql(remote = "crate::domain::template::content::TemplateKind")]
pub enum TemplateKind {
    /// Messages are made of it.
    Message,
    /// Other templates include it, by `{% include 'code' %}`.
    Partial,
}

/// The new content of a template.
#[derive(InputObject, Debug, Clone)]
pub struct TemplateInput {
    /// The unique code: small letters, digits, `-` and `_`.
    code: String,
    /// The title that authors see.
    title: String,
    /// The use of the template.
    #[graphql(default_with = "TemplateKind::Message")]
    kind: TemplateKind,
    /// The class of the messages that are made of it.
    #[graphql(default_with = "MessageClass::Marketing")]
    class: MessageClass,
    /// The locale that is used if there is no text in the customer's; optional if all texts are in one locale.
    default_locale: Option<String>,
    /// Values of variables that neither the sender nor the customer has, such as a brand's colour.
    variables: Option<Attributes>,
    /// The texts, one for each channel and locale. A customer's locale `de-AT` finds `de-AT`, else `de`, else the default.
    contents: Vec<TemplateContentInput>,
    /// The revision that was edited; omit it for a new template.
    revision: Option<u32>,
}

impl From<TemplateInput> for SaveTemplate {
    fn from(input: TemplateInput) -> Self {
        Self {
            code: input.code,
            title: input.title,
            kind: input.kind.into(),
            class: input.class.into(),
            default_locale: input.default_locale,
            variables: input.variables.unwrap_or_default().0,
            contents: input.contents.into_iter().map(Into::into).collect(),
            revision: input.revision,
        }
    }
}

/// Texts that messages are made of. What is shown is the draft.
#[derive(SimpleObject, Clone)]
#[graphql(complex)]
pub struct Template {
    /// The unique code.
    code: String,
    /// The title that authors see.
    title: String,
    /// The use of the template.
    kind: TemplateKind,
    /// The class of the messages that are made of it.
    class: MessageClass,
    /// The locale that is used if there is no text in the customer's.
    default_locale: String,
    /// Values of variables that neither the sender nor the customer has.
    variables: Attributes,
    /// The texts of the draft, by channel and locale.
    contents: Vec<TemplateContent>,
    /// The number of the draft's revision, from 1.
    revision: i64,
    /// The newest published version; null if none was published.
    version: Option<i64>,
    /// Whether it is no longer offered.
    archived: bool,
    /// When the draft was last changed.
    changed_at: DateTime<Utc>,
    /// The actor that last changed the draft.
    changed_by: Author,
}

#[ComplexObject]
impl Template {
    /// The published versions, newest first.
    #[graphql(complexity = "1 + first.max(0) as usize * child_complexity")]
    async fn versions(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 10, desc = "The maximum number of versions; limited as pages are.")] first: i32,
    ) -> Result<Vec<TemplateVersion>> {
        let reading = Reading::of(ctx)?;
        let limit = page_size(Some(first))?;
        let tenant = reading.session.principal.tenant;
        let rows = templates::versions(&reading.api.reads.db(), tenant, &self.code, limit).await;
        let rows = rows.map_err(|error| opaque(reading.api.ambient(), &error))?;
        rows.into_iter().map(TemplateVersion::new).collect()
    }

    /// What to correct in the draft before it is published, and what to look at.
    #[graphql(complexity = "50 + child_complexity")]
    async fn lint(&self, ctx: &Context<'_>) -> Result<Vec<TemplateFinding>> {
        findings(ctx, Previewed::Draft { code: self.code.clone() }).await
    }
}

/// What is found in a template, or an error if there is no such template.
pub async fn findings(ctx: &Context<'_>, template: Previewed) -> Result<Vec<TemplateFinding>> {
    let reading = Reading::of(ctx)?;
    let found = reading.api.app.lint_template(&caller(ctx, None)?, template).await;
    match found.map_err(|error| opaque(reading.api.ambient(), &error))? {
        Ok(findings) => Ok(findings.into_iter().map(TemplateFinding::new).collect()),
        Err(refusal) => Err(field_refused("BAD_ARGUMENT", refusal.message)),
    }
}

impl Template {
    /// The template with a code, archived ones too.
    pub async fn load(ctx: &Context<'_>, code: &str) -> Result<Option<Self>> {
        let reading = Reading::of(ctx)?;
        let row = templates::by_code(&reading.api.reads.db(), reading.session.principal.tenant, code).await;
        row.map_err(|error| reading.api.failed(&error))?.map(Self::new).transpose()
    }

    /// A template out of its row.
    pub fn new(row: TemplateRow) -> Result<Self> {
        Ok(Self {
            code: row.code,
            title: row.title,
            kind: row.kind.parse::<crate::domain::template::content::TemplateKind>()?.into(),
            class: row.class.parse::<crate::domain::message::event::MessageClass>()?.into(),
            default_locale: row.default_locale,
            variables: Attributes(serde_json::from_value(row.variables.0)?),
            contents: contents(row.contents.0)?,
            revision: row.revision,
            version: row.published_version,
            archived: row.archived,
            changed_at: row.changed_at,
            changed_by: Author::new(row.changed_by),
        })
    }
}

fn contents(stored: serde_json::Value) -> Result<Vec<TemplateContent>> {
    let contents: Vec<LocalContent> = serde_json::from_value(stored)?;
    Ok(contents.into_iter().map(Into::into).collect())
}

/// A published version of a template; it never changes.
#[derive(SimpleObject, Clone)]
pub struct TemplateVersion {
    /// The template's code.
    code: String,
    /// The number of the version, from 1.
    version: i64,
    /// The revision of the draft that was published.
    revision: i64,
    /// SHA-256 of all that messages are made of, in hexadecimal.
    content_hash: String,
    /// The locale that is used if there is no text in the customer's.
    default_locale: String,
    /// Values of variables that neither the sender nor the customer has.
    variables: Attributes,
    /// The texts, by channel and locale.
    contents: Vec<TemplateContent>,
    /// The version of each partial that it includes, by code.
    includes: Attributes,
    /// When it was published.
    published_at: DateTime<Utc>,
    /// The actor that published it.
    published_by: Author,
}

impl TemplateVersion {
    /// A version out of its row.
    pub fn new(row: TemplateVersionRow) -> Result<Self> {
        Ok(Self {
            code: row.code,
            version: row.version,
            revision: row.revision,
            content_hash: row.content_hash,
            default_locale: row.default_locale,
            variables: Attributes(serde_json::from_value(row.variables.0)?),
            contents: contents(row.contents.0)?,
            includes: Attributes(serde_json::from_value(row.includes.0)?),
            published_at: row.published_at,
            published_by: Author::new(row.published_by),
        })
    }
}

/// The weight of a finding.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[graphql(remote = "crate::rendering::lint::Level")]
pub enum TemplateFindingLevel {
    /// Worth a look.
    Warning,
    /// The template cannot be published with it.
    Error,
}

/// Something in a template that is wrong or likely to be regretted.
#[derive(SimpleObject, Debug, Clone)]
pub struct TemplateFinding {
    /// The weight.
    level: TemplateFindingLevel,
    /// A stable code for programs, such as `NO_UNSUBSCRIBE_LINK`.
    code: String,
    /// The channel of the text.
    channel: Channel,
    /// The locale of the text.
    locale: String,
    /// The field of the text, such as `subject` or `source`.
    field: String,
    /// The partial that it stands in; null if it stands in the template itself.
    partial: Option<String>,
    /// The line in the field, from 1.
    line: Option<u32>,
    /// The column in characters, from 1.
    column: Option<u32>,
    /// The explanation for people.
    message: String,
}

impl TemplateFinding {
    fn new(finding: lint::Finding) -> Self {
        let place = finding.place.as_ref();
        Self {
            level: finding.level.into(),
            code: finding.code.to_owned(),
            channel: finding.channel.into(),
            locale: finding.locale,
            line: place.map(|place| place.line),
            column: place.map(|place| place.column),
            partial: place.and_then(|place| place.partial.clone()),
            field: finding.field,
            message: finding.message,
        }
    }
}
