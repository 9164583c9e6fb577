//! What providers sent and nobody understood yet: kept, and found again.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::app::engine::states::decode;
use crate::app::{App, AppError, Caller};
use crate::domain::callback::event::{
    CallbackEvent, CallbackExpired, CallbackKept, CallbackKeptPersonal, CallbackResolved, CallbackReviewed, KeptReport,
    KeptRequest,
};
use crate::domain::callback::state::KeptCallbacks;
use crate::domain::decision::Decided;
use crate::ids::{EventId, Label, SubjectId, TenantSecret};
use crate::log::blobs::BlobRef;
use crate::log::{AppendError, Category, Personal, ReadLimit, StreamId};

/// The most of a callback that stands in its event; a larger one is stored whole beside it.
const RAW_BYTES: usize = 64 * 1024;

/// Keeps a callback that cannot be recorded as what it is.
#[derive(Debug, Clone, PartialEq)]
pub struct KeepCallback {
    /// The provider that sent it.
    pub provider: String,
    /// The name of the account that it came to.
    pub account: String,
    /// Why it cannot be recorded.
    pub reason: String,
    /// The provider's id of the message that it is about.
    pub provider_message_id: Option<String>,
    /// What it reports, if that was understood.
    pub report: Option<KeptReport>,
    /// The version of the parser that read it.
    pub parser: u32,
    /// The request that it came in, without its body.
    pub request: Option<KeptRequest>,
    /// As it came, as text.
    pub raw: String,
    /// The body of the request, where that is not the text.
    pub body: Option<Bytes>,
}

/// A callback that was kept, as it came.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptContent {
    /// As text, at most 64 KB of it.
    pub raw: String,
    /// The request that it came in, without its body.
    pub request: Option<KeptRequest>,
    /// The whole body of the request.
    pub body: Bytes,
}

/// A callback in the stream of the account that it came to.
#[derive(Clone, Copy)]
struct KeptPlace<'a> {
    provider: &'a str,
    account: &'a str,
    callback_id: Uuid,
}

impl App {
    /// Keeps a callback; the same one again changes nothing: then true is answered.
    pub async fn keep_callback(&self, caller: &Caller, command: KeepCallback) -> Result<bool, AppError> {
        let secret = self.basis(caller).await?.secret;
        let KeepCallback { provider, account, reason, provider_message_id, report, parser, request, mut raw, body } =
            command;
        let callback_id = secret.derive(Label::CallbackId, &[provider.as_bytes(), account.as_bytes(), raw.as_bytes()]);
        let body = body.or_else(|| (raw.len() > RAW_BYTES).then(|| Bytes::from(raw.clone())));
        let is_stored = body.is_some();
        if let Some(body) = body {
            self.store_callback(caller, callback_id, &body).await?;
        }
        raw.truncate(raw.floor_char_boundary(RAW_BYTES));
        let stream = kept_stream(caller, &secret, &provider, &account);
        let personal = Some(CallbackKeptPersonal { raw: raw.replace('\0', "\u{FFFD}"), request, report });
        let event: CallbackEvent =
            CallbackKept { callback_id, provider, account, reason, provider_message_id, parser, is_stored, personal }
                .into();
        self.append_kept(caller, stream, callback_id, event).await
    }

    /// Stores the body before the event that says so. It is kept from the start: the collector of files looks for customers'
    /// files only, and a provider that is not answered hands the callback over again.
    async fn store_callback(&self, caller: &Caller, callback_id: Uuid, body: &[u8]) -> Result<(), AppError> {
        let place = kept_blob(caller, callback_id);
        // A callback that has ended since has no key any more, and is not stored again.
        if self.write_whole(place, body).await?.is_some() {
            self.blobs()?.keep(place).await?;
        }
        Ok(())
    }

    /// How a kept callback came; [`None`] if its key was destroyed.
    pub async fn kept_content(
        &self,
        caller: &Caller,
        provider: &str,
        account: &str,
        version: u64,
    ) -> Result<Option<KeptContent>, AppError> {
        let secret = self.basis(caller).await?.secret;
        let stream = kept_stream(caller, &secret, provider, account);
        let events = self.shared.journal.read_stream(stream, version.saturating_sub(1), ReadLimit::events(1)).await?;
        let Some(recorded) = events.first() else { return Ok(None) };
        let CallbackEvent::CallbackKept(kept) = decode::<KeptCallbacks>(recorded)?.event else { return Ok(None) };
        let Some(CallbackKeptPersonal { raw, request, .. }) = kept.personal else { return Ok(None) };
        let body = if kept.is_stored {
            match self.blobs()?.read(kept_blob(caller, kept.callback_id)).await? {
                Some(opening) => opening.whole().await?,
                None => return Ok(None),
            }
        } else {
            Bytes::from(raw.clone())
        };
        Ok(Some(KeptContent { raw, request, body }))
    }

    /// Notes that a parser looked at what was kept and could not record it either.
    pub async fn review_callback(
        &self,
        caller: &Caller,
        provider: &str,
        account: &str,
        callback_id: Uuid,
        parser: u32,
    ) -> Result<(), AppError> {
        let secret = self.basis(caller).await?.secret;
        let id = secret.derive(Label::CallbackReviewedEvent, &[callback_id.as_bytes(), &parser.to_be_bytes()]);
        let event = CallbackReviewed { callback_id, parser }.into();
        self.append_kept(caller, kept_stream(caller, &secret, provider, account), id, event).await?;
        Ok(())
    }

    /// What a kept callback reports, and how it came; [`None`] if that was not understood, or its key was destroyed.
    pub async fn kept_report(
        &self,
        caller: &Caller,
        provider: &str,
        account: &str,
        version: u64,
    ) -> Result<Option<(KeptReport, String)>, AppError> {
        let secret = self.basis(caller).await?.secret;
        let stream = kept_stream(caller, &secret, provider, account);
        let events = self.shared.journal.read_stream(stream, version.saturating_sub(1), ReadLimit::events(1)).await?;
        let Some(recorded) = events.first().filter(|event| matches!(event.personal, Personal::Clear(_))) else {
            return Ok(None);
        };
        Ok(match decode::<KeptCallbacks>(recorded)?.event {
            CallbackEvent::CallbackKept(kept) => {
                kept.personal.and_then(|personal| Some((personal.report?, personal.raw)))
            }
            _ => None,
        })
    }

    /// Notes that what was kept is recorded as what it is. Its text stands with the customer now, and is forgotten with
    /// them: the key of its own is destroyed.
    pub async fn resolve_callback(
        &self,
        caller: &Caller,
        provider: &str,
        account: &str,
        callback_id: Uuid,
    ) -> Result<(), AppError> {
        let event = CallbackResolved { callback_id }.into();
        let kept = KeptPlace { provider, account, callback_id };
        self.end_kept(caller, kept, Label::CallbackResolvedEvent, event).await
    }

    /// Gives up what was kept.
    pub async fn expire_callback(
        &self,
        caller: &Caller,
        provider: &str,
        account: &str,
        callback_id: Uuid,
    ) -> Result<(), AppError> {
        let event = CallbackExpired { callback_id }.into();
        let kept = KeptPlace { provider, account, callback_id };
        self.end_kept(caller, kept, Label::CallbackExpiredEvent, event).await
    }

    /// The key goes first: should the event not follow, a later look finds nothing to read, and the expiry ends it.
    async fn end_kept(
        &self,
        caller: &Caller,
        kept: KeptPlace<'_>,
        how: Label,
        event: CallbackEvent,
    ) -> Result<(), AppError> {
        let secret = self.basis(caller).await?.secret;
        self.shared.journal.destroy_key(SubjectId(kept.callback_id)).await?;
        if let Some(blobs) = &self.blobs {
            blobs.remove(caller.tenant, SubjectId(kept.callback_id)).await?;
        }
        let id = secret.derive(how, &[kept.callback_id.as_bytes()]);
        self.append_kept(caller, kept_stream(caller, &secret, kept.provider, kept.account), id, event).await?;
        Ok(())
    }

    /// True if it was appended before.
    async fn append_kept(
        &self,
        caller: &Caller,
        stream: StreamId,
        id: Uuid,
        event: CallbackEvent,
    ) -> Result<bool, AppError> {
        let occurred_at: DateTime<Utc> = self.shared.ambient.now();
        let decided = Decided { id: EventId(id), occurred_at, event };
        match self.append_fact_of::<KeptCallbacks>(caller, stream, SubjectId(id), decided).await {
            Ok(appended) => Ok(appended.already),
            // The same one, that came at another time.
            Err(AppError::Append(AppendError::EventIdTaken { .. })) => Ok(true),
            Err(error) => Err(error),
        }
    }
}

/// Where the body of a kept callback is stored.
fn kept_blob(caller: &Caller, callback_id: Uuid) -> BlobRef {
    BlobRef { tenant: caller.tenant, subject: SubjectId(callback_id), id: callback_id }
}

/// Where the callbacks of an account are kept.
fn kept_stream(caller: &Caller, secret: &TenantSecret, provider: &str, account: &str) -> StreamId {
    let key = secret.derive(Label::CallbackStream, &[provider.as_bytes(), account.as_bytes()]);
    StreamId::new(caller.tenant, Category::Callback, key)
}
