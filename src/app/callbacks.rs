//! What providers sent and nobody understood yet: kept, and found again.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::app::engine::states::decode;
use crate::app::{App, AppError, Caller};
use crate::domain::callback::event::{
    CallbackEvent, CallbackExpired, CallbackKept, CallbackKeptPersonal, CallbackResolved, KeptReport,
};
use crate::domain::callback::state::KeptCallbacks;
use crate::domain::decision::Decided;
use crate::ids::{EventId, Label, SubjectId, TenantSecret};
use crate::log::{AppendError, Category, Personal, ReadLimit, StreamId};

/// The most of a callback that is kept.
const RAW_BYTES: usize = 128 * 1024;

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
    /// As it came.
    pub raw: String,
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
        let KeepCallback { provider, account, reason, provider_message_id, report, mut raw } = command;
        let callback_id = secret.derive(Label::CallbackId, &[provider.as_bytes(), account.as_bytes(), raw.as_bytes()]);
        let mut end = raw.len().min(RAW_BYTES);
        while !raw.is_char_boundary(end) {
            end -= 1;
        }
        raw.truncate(end);
        let stream = kept_stream(caller, &secret, &provider, &account);
        let personal = Some(CallbackKeptPersonal { raw: raw.replace('\0', "\u{FFFD}"), report });
        let event: CallbackEvent =
            CallbackKept { callback_id, provider, account, reason, provider_message_id, personal }.into();
        self.append_kept(caller, stream, callback_id, event).await
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

/// Where the callbacks of an account are kept.
fn kept_stream(caller: &Caller, secret: &TenantSecret, provider: &str, account: &str) -> StreamId {
    let key = secret.derive(Label::CallbackStream, &[provider.as_bytes(), account.as_bytes()]);
    StreamId::new(caller.tenant, Category::Callback, key)
}
