//! What cannot be recorded as what it is: kept as it came, and looked at again until it can be, or is given up.

use std::borrow::Cow;

use bytes::Bytes;
use chrono::{DateTime, Utc};

use super::inbound::WAITS;
use super::naming::{UNSEEN, correlation_of};
use super::threading::PATIENCE;
use super::{Intake, IntakeError};
use crate::accounts::Account;
use crate::app::{Caller, KeepCallback, Outcome};
use crate::domain::callback::event::{KeptReport, KeptRequest};
use crate::domain::message::decide::RecordProviderFact;
use crate::providers::kind::Kind;
use crate::providers::{NOT_FETCHED, Notice, NoticeKind, WebhookRequest};
use crate::queries::kept_callbacks;
use crate::queries::kept_callbacks::KeptCallbackRow;

/// How many kept callbacks are looked at together.
const ONE_LOOK: usize = 1_000;
/// Why something is kept that is understood once the read tables have followed, or what it lacks can be fetched.
const PASSING: [&str; 3] = [WAITS, UNSEEN, NOT_FETCHED];

/// What is kept of a notice, should it not be recorded.
pub(super) struct Unrecorded {
    raw: String,
    provider_message_id: Option<String>,
    report: Option<KeptReport>,
}

impl Unrecorded {
    /// Of a notice, before it is taken apart.
    pub(super) fn of(told: &Notice, now: DateTime<Utc>) -> Self {
        let raw = told.raw.clone();
        let NoticeKind::Report { provider_message_id, occurred_at, provider_event_id, report, .. } = &told.kind else {
            return Self { raw, provider_message_id: None, report: None };
        };
        let report = KeptReport {
            report: report.clone(),
            occurred_at: occurred_at.unwrap_or(now),
            provider_event_id: provider_event_id.clone(),
        };
        Self { raw, provider_message_id: provider_message_id.clone(), report: Some(report) }
    }
}

/// The version of the parser of an account's provider; 0 if it is not a kind that accounts can be set up at.
fn parser_of(account: &Account) -> u32 {
    Kind::of(&account.route().provider).map_or(0, |kind| kind.parser)
}

impl Intake {
    /// Keeps what cannot be recorded; whether it was kept before.
    pub(super) async fn keep(
        &self,
        account: &Account,
        request: &WebhookRequest,
        unrecorded: Unrecorded,
        reason: String,
    ) -> Result<bool, IntakeError> {
        let Unrecorded { raw, provider_message_id, report } = unrecorded;
        let tenant = account.terms.tenant.unwrap_or(self.tenant);
        let route = account.route();
        let part = account.webhook.as_ref().map(|webhook| webhook.part(request, &raw));
        let (request, body) = match part {
            Some(WebhookRequest { method, url, headers, body }) => {
                let content_type = headers.first().map(|(_, value)| String::from_utf8_lossy(value).into_owned());
                (Some(KeptRequest { method, url, content_type }), (*body != *raw.as_bytes()).then_some(body))
            }
            None => (None, None),
        };
        let kept = KeepCallback {
            provider: route.provider.clone(),
            account: route.account.clone(),
            reason,
            provider_message_id,
            report,
            parser: parser_of(account),
            request,
            raw,
            body,
        };
        let caller = Caller::new(tenant, format!("provider:{}", route.provider));
        Ok(self.app.keep_callback(&caller, kept).await?)
    }

    /// Has the parsers of this version look at what only older ones have looked at. What they understand is recorded; of
    /// the rest it is noted that they looked. Returns how many were recorded.
    pub async fn review_kept(&self) -> Result<usize, IntakeError> {
        let parsers: Vec<_> = Kind::all().iter().map(|kind| (kind.name, kind.parser)).collect();
        let (mut recorded, mut last) = (0, None);
        loop {
            let outdated = kept_callbacks::outdated(&self.reads.db(), &parsers, last.as_ref(), ONE_LOOK).await?;
            for kept in &outdated {
                match self.review(kept).await {
                    Ok(is_recorded) => recorded += usize::from(is_recorded),
                    // The others are looked at; this one is again with the next run.
                    Err(error) => {
                        let cause = std::error::Error::source(&error);
                        tracing::warn!(callback_id = %kept.callback_id, %error, ?cause, "a kept callback is set aside");
                    }
                }
            }
            match outdated.into_iter().next_back() {
                Some(newest) => last = Some(newest),
                None => return Ok(recorded),
            }
        }
    }

    /// Whether a kept callback is recorded now. One whose account is not known is left for when it is.
    async fn review(&self, kept: &KeptCallbackRow) -> Result<bool, IntakeError> {
        let Some(account) = self.accounts.by_name(kept.tenant_id, &kept.provider, &kept.account) else {
            return Ok(false);
        };
        let caller = Caller::new(kept.tenant_id, format!("provider:{}", kept.provider));
        let content =
            self.app.kept_content(&caller, &kept.provider, &kept.account, kept.version.cast_unsigned()).await?;
        let mut is_recorded = false;
        if let (Some(webhook), Some(content)) = (&account.webhook, content) {
            let request = content.request.unwrap_or_default();
            let content_type = request.content_type.map(|given| ("content-type".to_owned(), Bytes::from(given)));
            let request = WebhookRequest {
                method: request.method,
                url: request.url,
                headers: content_type.into_iter().collect(),
                body: content.body,
            };
            // What could not be completed when it came may be now.
            let whole = webhook.complete(&request).await.unwrap_or(Cow::Borrowed(&request));
            let notices = webhook.parse(&whole, kept.received_at).await;
            is_recorded = !notices.is_empty();
            for notice in notices {
                is_recorded &= self.act_on(&account, notice, kept.received_at).await?.is_ok();
            }
        }
        if is_recorded {
            self.app.resolve_callback(&caller, &kept.provider, &kept.account, kept.callback_id).await?;
            self.accounts.metrics().resolved(&account);
        } else {
            let parser = parser_of(&account);
            self.app.review_callback(&caller, &kept.provider, &kept.account, kept.callback_id, parser).await?;
        }
        Ok(is_recorded)
    }

    /// Looks again for the messages of reports that were kept, and for those that kept messages answer: what is known by
    /// now is recorded. Returns how many were.
    pub async fn retry_kept(&self, since: DateTime<Utc>) -> Result<usize, IntakeError> {
        let kept = kept_callbacks::unresolved(&self.reads.db(), &PASSING, since, ONE_LOOK).await?;
        let (mut found, mut set_aside) = (0, kept.set_aside);
        // What waits for the read tables is looked at once they have followed.
        let waits = |kept: &KeptCallbackRow| PASSING.contains(&kept.reason.as_str());
        let is_waiting = kept.rows.iter().any(waits);
        let is_behind = is_waiting && self.reads.wait_for(self.app.end().await?, PATIENCE).await.is_err();
        for kept in kept.rows.into_iter().filter(|kept| !is_behind || !waits(kept)) {
            let result = if waits(&kept) { self.review(&kept).await } else { self.retry(&kept).await };
            match result {
                Ok(is_found) => found += usize::from(is_found),
                Err(error) => {
                    let cause = std::error::Error::source(&error);
                    tracing::warn!(callback_id = %kept.callback_id, %error, ?cause, "a kept callback is set aside");
                    set_aside += 1;
                }
            }
        }
        self.app.health().set_aside("kept_callbacks", set_aside);
        Ok(found)
    }

    /// Looks for the message of one report. Returns whether it was found.
    async fn retry(&self, kept: &KeptCallbackRow) -> Result<bool, IntakeError> {
        let tenant = kept.tenant_id;
        let Some(account) = self.accounts.by_name(tenant, &kept.provider, &kept.account) else { return Ok(false) };
        let row = self.by_provider_id(&account, kept.provider_message_id.as_deref()).await?;
        let Some(correlation) = row.and_then(|row| correlation_of(&account, &row)) else { return Ok(false) };
        let caller = Caller::new(tenant, format!("provider:{}", kept.provider));
        let version = kept.version.cast_unsigned();
        let report = self.app.kept_report(&caller, &kept.provider, &kept.account, version).await?;
        let Some((report, raw)) = report else { return Ok(false) };
        let fact = RecordProviderFact {
            correlation,
            occurred_at: report.occurred_at,
            provider_event_id: report.provider_event_id,
            report: report.report,
            raw: Some(raw),
        };
        let Outcome::Done(_) = self.app.record_provider_fact(&caller, fact).await? else { return Ok(false) };
        self.app.resolve_callback(&caller, &kept.provider, &kept.account, kept.callback_id).await?;
        self.accounts.metrics().resolved(&account);
        Ok(true)
    }

    /// Gives up what nobody could make sense of in time. Returns how much that was.
    pub async fn expire(&self, before: DateTime<Utc>) -> Result<usize, IntakeError> {
        let old = kept_callbacks::kept_before(&self.reads.db(), before, ONE_LOOK).await?;
        let (mut expired, mut set_aside) = (0, old.set_aside);
        for kept in &old.rows {
            let caller = Caller::new(kept.tenant_id, "process:webhooks".to_owned());
            match self.app.expire_callback(&caller, &kept.provider, &kept.account, kept.callback_id).await {
                Ok(_) => expired += 1,
                Err(error) => {
                    let cause = std::error::Error::source(&error);
                    tracing::warn!(callback_id = %kept.callback_id, %error, ?cause, "a kept callback is set aside");
                    set_aside += 1;
                }
            }
        }
        self.app.health().set_aside("kept_callbacks", set_aside);
        Ok(expired)
    }
}
