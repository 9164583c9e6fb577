//! Kept callbacks.

use async_graphql::{ComplexObject, Context, ID, InputObject, Result, SimpleObject};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::app::{Caller, KeptContent, Outcome};
use crate::domain::tenant::decide::RecordPersonalRead;
use crate::graphql::engine::connection::{connection, count_later};
use crate::graphql::engine::failure::{bad_argument, opaque};
use crate::graphql::engine::flat::Boxed;
use crate::graphql::engine::payload::caller;
use crate::graphql::engine::reading::Reading;
use crate::queries::kept_callbacks::{KeptCallbackFilter, KeptCallbackRow};
use crate::queries::{Page, kept_callbacks};

connection!(
    /// Kept callbacks, newest first.
    KeptCallbackConnection,
    KeptCallbackEdge,
    KeptCallback
);

/// Restricts kept callbacks; omitted fields do not filter.
#[derive(InputObject, Default)]
pub struct KeptCallbackFilterInput {
    /// The provider's name, such as `sendgrid`.
    provider: Option<String>,
    /// The account's name.
    account: Option<String>,
    /// The reason, in full.
    reason: Option<String>,
    /// Includes those that were recorded since, or given up.
    include_ended: Option<bool>,
}

impl From<KeptCallbackFilterInput> for KeptCallbackFilter {
    fn from(input: KeptCallbackFilterInput) -> Self {
        let KeptCallbackFilterInput { provider, account, reason, include_ended } = input;
        Self { provider, account, reason, include_ended: include_ended.unwrap_or(false) }
    }
}

/// A callback of a provider that could not be recorded as what it is. It is looked at again when its message becomes known,
/// and by newer parsers; after 90 days it is given up.
#[derive(SimpleObject, Clone)]
#[graphql(complex)]
pub struct KeptCallback {
    /// The callback's id.
    callback_id: ID,
    /// The provider's name.
    provider: String,
    /// The account's name.
    account: String,
    /// Why it could not be recorded.
    reason: String,
    /// The provider's id of the message that it is about, if it names one.
    provider_message_id: Option<String>,
    /// The version of the parser that looked at it last.
    parser: i64,
    /// When it came.
    received_at: DateTime<Utc>,
    /// When it was recorded as what it is; then its text stands with the customer.
    resolved_at: Option<DateTime<Utc>>,
    /// When it was given up.
    expired_at: Option<DateTime<Utc>>,
    #[graphql(skip)]
    version: i64,
}

impl KeptCallback {
    /// A kept callback out of its row.
    pub fn new(row: KeptCallbackRow) -> Self {
        Self {
            callback_id: ID(row.callback_id.to_string()),
            provider: row.provider,
            account: row.account,
            reason: row.reason,
            provider_message_id: row.provider_message_id,
            parser: row.parser,
            received_at: row.received_at,
            resolved_at: row.resolved_at,
            expired_at: row.expired_at,
            version: row.version,
        }
    }

    /// How it came, for keys that may see personal data; that somebody reads it is recorded before.
    async fn content(&self, ctx: &Context<'_>) -> Result<Option<KeptContent>> {
        let reading = Reading::of(ctx)?;
        if !reading.personal() || self.resolved_at.is_some() || self.expired_at.is_some() {
            return Ok(None);
        }
        let app = &reading.api.app;
        let reader: Caller = caller(ctx, None)?;
        let content = app.kept_content(&reader, &self.provider, &self.account, self.version.cast_unsigned()).await;
        let content = content.map_err(|error| opaque(reading.api.ambient(), &error))?;
        if content.is_some() {
            let filter = format!("callback {} of the account {} of {}", self.version, self.account, self.provider);
            let command = RecordPersonalRead {
                what: "kept callback".to_owned(),
                count: 1,
                filter: Some(filter),
                ..RecordPersonalRead::default()
            };
            match app.record_personal_read(&reader, command).await {
                Ok(Outcome::Done(_)) => {}
                Ok(Outcome::Refused(refusal)) => return Err(bad_argument("raw", refusal)),
                Err(error) => return Err(opaque(reading.api.ambient(), &error)),
            }
        }
        Ok(content)
    }

    /// A callback of the tenant.
    pub async fn load(reading: Reading<'_>, id: Uuid) -> Result<Option<Self>> {
        let tenant = reading.session.principal.tenant;
        let row = kept_callbacks::by_id(&reading.api.reads.db(), tenant, id).await;
        Ok(row.map_err(|error| reading.api.failed(&error))?.map(Self::new))
    }
}

#[ComplexObject]
impl KeptCallback {
    /// How it came, as text: at most 64 KB of it. Personal; reading it is itself recorded. Null once it was recorded or given
    /// up.
    #[graphql(complexity = "20")]
    async fn raw(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        Ok(self.content(ctx).await?.map(|content| content.raw))
    }

    /// The whole body of the request or of its part, in base64. Personal; reading it is itself recorded. Null once it was
    /// recorded or given up.
    #[graphql(complexity = "100")]
    async fn body(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        Ok(self.content(ctx).await?.map(|content| STANDARD.encode(content.body)))
    }
}

/// A page of the tenant's kept callbacks.
pub async fn list(
    reading: Reading<'_>,
    filter: Option<KeptCallbackFilterInput>,
    page: &Page,
) -> Result<Boxed<KeptCallbackConnection>> {
    let tenant = reading.session.principal.tenant;
    let filter: KeptCallbackFilter = filter.unwrap_or_default().into();
    let db = reading.api.reads.db();
    let slice = kept_callbacks::list(&db, tenant, &filter, page).await.map_err(|error| reading.api.failed(&error))?;
    let api = reading.api.clone();
    let count =
        count_later(
            async move { kept_callbacks::count(&db, tenant, &filter).await.map_err(|error| api.failed(&error)) },
        );
    Ok(KeptCallbackConnection::new(slice, count, KeptCallback::new))
}
