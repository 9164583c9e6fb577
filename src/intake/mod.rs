//! Takes in the callbacks of providers: verifies the sender, records each notice, and keeps those that match no message
//! yet.
//!
//! Everything acknowledged with success is in the log. A notice about a message carries our token, so that it needs no
//! look-up and may come before our own bookkeeping; one without a token is found by the provider's id of the message,
//! now or, if the message is not known yet, later.

mod inbound;
mod keeping;
mod naming;
pub mod simulated;
mod threading;

use std::borrow::Cow;
use std::time::Instant;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::StreamExt;

use crate::accounts::metrics::{self, AccountLabel, Refused, Tally};
use crate::accounts::{Account, Accounts, WebhookPath};
use crate::app::{App, AppError, ArrivedFile, Caller, Outcome};
use crate::domain::message::decide::{ReceiveMessage, RecordProviderFact};
use crate::domain::value::message::{Report, group_topic};
use crate::ids::TenantId;
use crate::providers::{Incomplete, Notice, NoticeKind, SignatureError, Webhook, WebhookRequest};
use crate::queries::{QueryError, Reads};
use keeping::Unrecorded;
use naming::{Named, UNSEEN, correlation_of};

/// How many things are recorded at once: their appends share commits.
const AT_ONCE: usize = 256;

/// Takes in webhooks for all accounts. Cheap to clone.
#[derive(Clone)]
pub struct Intake {
    app: App,
    reads: Reads,
    accounts: Accounts,
    /// The tenant that callbacks of accounts without their own tenant are kept for.
    tenant: TenantId,
}

/// What came of a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Taken {
    /// Things that were understood.
    pub recorded: usize,
    /// Things that were kept for later.
    pub kept: usize,
}

/// What is answered with status 200.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The media type.
    pub content_type: &'static str,
    /// The body.
    pub body: Cow<'static, str>,
}

/// The outcome of one notice.
struct Recorded {
    /// It was kept for later.
    kept: bool,
    /// It had come before.
    repeated: bool,
}

/// Why a request was not taken.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// No account of this name has webhooks.
    #[error("this account does not exist")]
    Unknown,
    /// It is not proved who speaks. Nothing was stored.
    #[error("the request is not proved to be the provider's")]
    Unproved(#[from] SignatureError),
    /// What proves or completes it cannot be had now. Nothing was stored: the provider is to send it again.
    #[error("a callback cannot be proved or completed now")]
    Incomplete(#[from] Incomplete),
    /// Not everything could be stored: the provider is to send it again, which changes nothing where it was.
    #[error("a callback could not be stored")]
    Unstored(#[from] AppError),
    /// The read tables did not answer.
    #[error("a callback's message could not be looked up")]
    Query(#[from] QueryError),
}

impl From<&IntakeError> for Refused {
    fn from(error: &IntakeError) -> Self {
        match error {
            IntakeError::Unknown => Self::UnknownAccount,
            IntakeError::Unproved(error) => error.into(),
            IntakeError::Incomplete(_) | IntakeError::Unstored(_) | IntakeError::Query(_) => Self::Unstored,
        }
    }
}

/// The action that a notice requires.
enum Meaning {
    Fact(Box<RecordProviderFact>),
    Message(Box<Received>),
    /// Nobody knows; why.
    Nothing(String),
}

/// A message that came in.
struct Received {
    message: ReceiveMessage,
    files: Vec<ArrivedFile>,
    tenant: TenantId,
    /// What it says of a message of ours, if a machine wrote it.
    reported: Option<RecordProviderFact>,
}

impl Intake {
    /// Over all accounts; `tenant` is the one that accounts without their own tenant serve.
    #[must_use]
    pub fn new(app: App, reads: Reads, accounts: Accounts, tenant: TenantId) -> Self {
        Self { app, reads, accounts, tenant }
    }

    /// Takes in one request to an account's webhook.
    ///
    /// # Errors
    /// If who speaks is not proved, nothing is stored; if storing fails, the provider should send it again.
    pub async fn take(
        &self,
        provider: &str,
        path: &WebhookPath,
        request: &WebhookRequest,
    ) -> Result<(Answered, Taken), IntakeError> {
        let began = Instant::now();
        let account = self.accounts.by_webhook_path(provider, path).filter(|account| account.webhook.is_some());
        let label = AccountLabel::of(account.as_deref());
        let mut tally = Tally::default();
        let taken = match &account {
            None => Err(IntakeError::Unknown),
            Some(account) => self.take_in(account, request, &mut tally).await,
        };
        let metrics = self.accounts.metrics();
        match &taken {
            Ok(_) => metrics.taken(&label, tally, began.elapsed()),
            Err(error) => metrics.refused(&label, error.into()),
        }
        taken
    }

    /// Whether an account has webhooks under this path.
    #[must_use]
    pub fn has_webhook(&self, provider: &str, path: &WebhookPath) -> bool {
        self.accounts.by_webhook_path(provider, path).is_some_and(|account| account.webhook.is_some())
    }

    /// Counts a request that was refused before anybody looked at what it says.
    pub fn count_refused(&self, provider: &str, path: &WebhookPath, why: Refused) {
        self.accounts
            .metrics()
            .refused(&AccountLabel::of(self.accounts.by_webhook_path(provider, path).as_deref()), why);
    }

    async fn take_in(
        &self,
        account: &Account,
        request: &WebhookRequest,
        tally: &mut Tally,
    ) -> Result<(Answered, Taken), IntakeError> {
        let webhook = account.webhook.as_ref().ok_or(IntakeError::Unknown)?;
        webhook.prepare(request).await?;
        webhook.verify(request, self.app.ambient().now())?;
        let taken = self.hear(account, webhook.as_ref(), request, tally).await?;
        let usual = webhook.answer();
        let own = webhook.answer_to(request).await.map(Cow::Owned);
        Ok((Answered { content_type: usual.content_type, body: own.unwrap_or(usual.body.into()) }, taken))
    }

    /// Takes in a mail out of an account's own mailbox. Its server has proved itself, so that nothing is verified; what the
    /// mail says is believed as little as if it had been posted.
    pub async fn take_mail(&self, account: &Account, mail: Bytes) -> Result<Taken, IntakeError> {
        let began = Instant::now();
        let webhook = account.webhook.as_ref().ok_or(IntakeError::Unknown)?;
        let request = WebhookRequest {
            method: "POST".to_owned(),
            headers: vec![("content-type".to_owned(), Bytes::from_static(b"message/rfc822"))],
            body: mail,
            ..WebhookRequest::default()
        };
        let (label, mut tally) = (AccountLabel::of(Some(account)), Tally::default());
        let taken = self.hear(account, webhook.as_ref(), &request, &mut tally).await;
        let metrics = self.accounts.metrics();
        match &taken {
            Ok(_) => metrics.taken(&label, tally, began.elapsed()),
            Err(error) => metrics.refused(&label, error.into()),
        }
        taken
    }

    /// Takes apart what was verified, and records it.
    async fn hear(
        &self,
        account: &Account,
        webhook: &dyn Webhook,
        request: &WebhookRequest,
        tally: &mut Tally,
    ) -> Result<Taken, IntakeError> {
        let now = self.app.ambient().now();
        let (whole, told) = match webhook.complete(request).await {
            Ok(whole) => {
                let told = webhook.parse(&whole, now).await;
                (whole, told)
            }
            Err(Incomplete::Never(why)) => {
                (Cow::Borrowed(request), vec![Notice::incomplete(&webhook.part(request, ""), why)])
            }
            Err(later @ Incomplete::Later(_)) => return Err(later.into()),
        };
        let request = &*whole;
        let mut results = futures::stream::iter(told.into_iter().map(|told| async move {
            let kind = metrics::kind(&told.kind);
            (kind, self.record(account, request, told, now).await)
        }))
        .buffer_unordered(AT_ONCE);
        let (mut taken, mut failed) = (Taken::default(), None);
        while let Some((kind, result)) = results.next().await {
            match result {
                Ok(Recorded { kept: false, repeated }) => {
                    taken.recorded += 1;
                    tally.recorded(kind, repeated);
                }
                Ok(Recorded { kept: true, repeated }) => {
                    taken.kept += 1;
                    tally.kept(repeated);
                }
                Err(error) => failed = Some(error),
            }
        }
        match failed {
            None => Ok(taken),
            Some(error) => Err(error),
        }
    }

    /// Records one thing, or keeps it for later.
    async fn record(
        &self,
        account: &Account,
        request: &WebhookRequest,
        told: Notice,
        now: DateTime<Utc>,
    ) -> Result<Recorded, IntakeError> {
        let unrecorded = Unrecorded::of(&told, now);
        match self.act_on(account, told, now).await? {
            Ok(repeated) => Ok(Recorded { kept: false, repeated }),
            Err(why) => Ok(Recorded { kept: true, repeated: self.keep(account, request, unrecorded, why).await? }),
        }
    }

    /// Records one thing; whether it came before. Otherwise why it cannot be recorded.
    async fn act_on(
        &self,
        account: &Account,
        told: Notice,
        now: DateTime<Utc>,
    ) -> Result<Result<bool, String>, IntakeError> {
        let actor = format!("provider:{}", account.route().provider);
        let refusal = match self.meaning(account, told, now).await? {
            Meaning::Fact(fact) => {
                let tenant = fact.correlation.tenant;
                match self.app.record_provider_fact(&Caller::new(tenant, actor.as_str()), *fact).await? {
                    Outcome::Done(done) => return Ok(Ok(done.repeated)),
                    Outcome::Refused(refusal) => refusal,
                }
            }
            Meaning::Message(received) => {
                let Received { message, files, tenant, reported } = *received;
                let caller = Caller::new(tenant, actor.as_str());
                if let Some(fact) = reported {
                    // A refusal means that the customer has since been forgotten: then the mail is refused, too.
                    let _ = self.app.record_provider_fact(&caller, fact).await?;
                }
                match self.app.receive_with_files(&caller, message, files).await? {
                    Outcome::Done(done) => return Ok(Ok(done.repeated)),
                    Outcome::Refused(refusal) => refusal,
                }
            }
            Meaning::Nothing(why) => return Ok(Err(why)),
        };
        Ok(Err(refusal.code.to_owned()))
    }

    async fn meaning(&self, account: &Account, told: Notice, now: DateTime<Utc>) -> Result<Meaning, IntakeError> {
        let raw = told.raw;
        Ok(match told.kind {
            NoticeKind::Report { token, provider_message_id, occurred_at, provider_event_id, report, .. } => {
                let correlation = match self.correlated(account, token.as_deref()).await? {
                    Named::Known(correlation) => *correlation,
                    Named::NotYet => return Ok(Meaning::Nothing(UNSEEN.to_owned())),
                    Named::Unknown => match self.by_provider_id(account, provider_message_id.as_deref()).await? {
                        Some(row) => match correlation_of(account, &row) {
                            Some(correlation) => correlation,
                            None => return Ok(Meaning::Nothing("its message has an unknown channel".to_owned())),
                        },
                        None => {
                            let why = "no message of ours is known by its token or id";
                            return Ok(Meaning::Nothing(why.to_owned()));
                        }
                    },
                };
                let occurred_at = occurred_at.unwrap_or(now);
                Meaning::Fact(Box::new(RecordProviderFact {
                    correlation,
                    occurred_at,
                    provider_event_id,
                    report,
                    raw: Some(raw),
                }))
            }
            NoticeKind::Resubscribed { token, occurred_at, provider_event_id, group, .. } => {
                let Some(group) = group else {
                    return Ok(Meaning::Nothing("a resubscription names no group".to_owned()));
                };
                match self.correlated(account, token.as_deref()).await? {
                    Named::Unknown => Meaning::Nothing("a resubscription names no message of ours".to_owned()),
                    Named::NotYet => Meaning::Nothing(UNSEEN.to_owned()),
                    Named::Known(correlation) => Meaning::Fact(Box::new(RecordProviderFact {
                        correlation: *correlation,
                        occurred_at: occurred_at.unwrap_or(now),
                        provider_event_id,
                        report: Report::OptedIn { method: "provider".to_owned(), topic: group_topic(&group) },
                        raw: Some(raw),
                    })),
                }
            }
            NoticeKind::Inbound(inbound) => self.inbound(account, *inbound, now).await?,
            NoticeKind::Unclear { reason } => Meaning::Nothing(reason),
        })
    }
}
