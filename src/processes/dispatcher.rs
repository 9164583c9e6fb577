//! Hands queued messages to providers: each at most once.
//!
//! `DispatchStarted` is in the log before the provider is called, and the outcome after it. Whatever stands between the
//! two when a process starts is in doubt: nobody heard the answer, so it is never sent again by itself.

use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::accounts::metrics::ProviderMetrics;
use crate::accounts::{Account, AccountSource, Accounts};
use crate::app::{App, AppError, Caller, DispatchDecision, DispatchSignal, Interest, Lane, Share, Ticket};
use crate::domain::campaign::event::PauseCause;
use crate::domain::message::attachment::StoredFile;
use crate::domain::message::dispatch::CallOutcome;
use crate::domain::value::Channel;
use crate::domain::value::message::{RetryClass, Route};
use crate::ids::Position;
use crate::processes::backlog::Waiting;
use crate::processes::content::{Files, content, is_kept_template};
use crate::processes::held::Common;
use crate::processes::lease::Tenure;
use crate::processes::work::{CampaignRoom, Job, Signals, Work};
use crate::processes::{choosing, gone, hold, tail, traced, tracking};
use crate::providers::{Accepted, Attachment, OutboundMessage, SendError};

/// The actor that its events name.
const ACTOR: &str = "process:dispatcher";
/// How long to leave a message alone after the log did not answer, or while no provider serves its channel.
pub(super) const PAUSE: TimeDelta = TimeDelta::seconds(10);

/// How long a provider's call may take.
pub(super) const CALL_TIMEOUT: Duration = Duration::from_secs(60);

/// How a dispatcher works.
#[derive(Debug, Clone)]
pub struct DispatcherOptions {
    /// The messages in work at once, each of which waits for the log, the key store or its provider.
    pub concurrency: usize,
    /// How long a call may take; after that, the message is in doubt.
    pub call_timeout: Duration,
    /// How long a timer sleeps at most: the clock may be set while it does.
    pub tick: Duration,
    /// No other process dispatches from this log: what stands in a call at the start is in doubt at once. Otherwise
    /// another node may be making that call, and [`super::doubts`] waits until it must have ended.
    pub alone: bool,
    /// Nothing real can be sent twice, so that a restored or copied log needs nobody's confirmation.
    pub unattended: bool,
    /// For how long this node may send.
    pub tenure: Tenure,
    /// Whose messages it dispatches.
    pub share: Share,
    /// What it has in common with the dispatchers of this node's other shares, which divide the messages in work.
    pub common: Common,
}

impl Default for DispatcherOptions {
    fn default() -> Self {
        Self {
            concurrency: 64,
            call_timeout: CALL_TIMEOUT,
            tick: Duration::from_secs(1),
            alone: true,
            unattended: false,
            tenure: Tenure::sole(),
            share: Share::WHOLE,
            common: Common::default(),
        }
    }
}

/// The dispatcher of a node.
pub struct Dispatcher {
    app: App,
    accounts: Accounts,
    options: DispatcherOptions,
    /// Campaigns leave room for messages of their own, however slowly their providers answer.
    room: CampaignRoom,
}

impl Dispatcher {
    /// A dispatcher over accounts.
    #[must_use]
    pub fn new(app: App, accounts: Accounts, options: DispatcherOptions) -> Self {
        let room = CampaignRoom::in_all(options.concurrency);
        Self { app, accounts, options, room }
    }

    /// Dispatches until `shutdown`, then finishes what is under way. `backlog` is what stood at position `from`, of all shares.
    ///
    /// If the log may be a copy, nothing is sent until an operator confirms it; nor anything of a tenant whose messages have
    /// been due for long.
    pub async fn run(self, from: Position, mut backlog: Vec<Waiting>, shutdown: CancellationToken) {
        let (mut work, share, now) = (Work::default(), self.options.share, self.app.ambient().now());
        // Another process may have used up what their rates allow, up to this moment.
        self.accounts.start_empty(now);
        // Of other shares, what is overdue says that a tenant's messages are to be held.
        backlog.retain(|waiting| share.has(waiting.customer_id) || hold::is_overdue(waiting, now));
        if !self.options.unattended {
            let Some(tenants) = hold::wait_until_confirmed(&self.app, &backlog, &shutdown).await else { return };
            work.held = tenants.into_keys().collect();
        }
        let overdue: Vec<Waiting> =
            backlog.iter().filter(|waiting| work.held.contains(&waiting.tenant)).copied().collect();
        let mut confirmed = std::pin::pin!(hold::confirmed(&self.app, &overdue));
        let now = self.app.ambient().now();
        for waiting in backlog.into_iter().filter(|waiting| share.has(waiting.customer_id)) {
            let Waiting { tenant, customer_id, message_id, channel, lane, stage, .. } = waiting;
            let job = Job { tenant, customer_id, message_id, channel, lane, since: now };
            if stage == DispatchSignal::Dispatching {
                if self.options.alone {
                    self.doubt(job).await;
                }
                // The read tables may not know that the call was refused and is to be made again: the log does.
                work.ready.push(job);
            } else {
                work.take(job, stage);
            }
        }
        let follow = |lane| tail::follow(self.app.clone(), Interest::Messages(lane, share), from, shutdown.clone());
        let mut signals = Signals { single: follow(Lane::Single), campaign: follow(Lane::Campaign) };
        let mut accounts = self.accounts.changed();
        let mut is_holding = !work.held.is_empty();
        let mut next_look = Instant::now() + hold::POLL_INTERVAL;
        while !shutdown.is_cancelled() {
            // A log can be replaced while this runs.
            let is_held = *self.app.watch_held().borrow();
            if is_held || !self.options.unattended && next_look <= Instant::now() {
                if hold::wait_until_confirmed(&self.app, &[], &shutdown).await.is_none() {
                    break;
                }
                next_look = Instant::now() + hold::POLL_INTERVAL;
            }
            self.start_what_is_due(&mut work);
            tokio::select! {
                () = self.wait(&mut work, &mut signals, &mut accounts, &shutdown) => continue,
                () = confirmed.as_mut(), if is_holding => {}
            }
            is_holding = false;
            work.held.clear();
            std::mem::take(&mut work.unconfirmed).into_iter().for_each(|job| work.ready.push(job));
        }
        while let Some(ended) = work.under_way.join_next().await {
            report_panic(&ended);
        }
    }

    /// Waits until something happened.
    async fn wait(
        &self,
        work: &mut Work,
        signals: &mut Signals,
        accounts: &mut watch::Receiver<()>,
        shutdown: &CancellationToken,
    ) {
        let pause = work.pause(self.app.ambient().now(), self.options.tick);
        tokio::select! {
            () = shutdown.cancelled() => {}
            Some(ended) = work.under_way.join_next(), if !work.under_way.is_empty() => {
                report_panic(&ended);
                if let Ok(Some((at, job))) = ended {
                    work.later.push(Reverse((at, job)));
                }
            }
            found = signals.next(&work.ready) => match found {
                Some(found) => work.note(found, self.app.ambient().now()),
                // The log is closed: the process is shutting down.
                None => shutdown.cancelled().await,
            },
            Ok(()) = accounts.changed() => work.serve_again(),
            () = tokio::time::sleep(pause) => {}
        }
    }

    fn start_what_is_due(&self, work: &mut Work) {
        let now = self.app.ambient().now();
        for waiting in [&mut work.later, &mut work.unserved] {
            while let Some(&Reverse((at, job))) = waiting.peek()
                && at <= now
            {
                waiting.pop();
                work.ready.push(job);
            }
        }
        let DispatcherOptions { concurrency, common, .. } = &self.options;
        let most_of_campaigns = common.part(self.room.most(self.app.is_campaign_deciding()));
        while work.under_way.len() < common.part(*concurrency)
            && let Some((job, place)) = work.ready.pop(|| self.room.take(most_of_campaigns))
        {
            if work.held.contains(&job.tenant) {
                work.unconfirmed.push(job);
                continue;
            }
            let serving = self.accounts.serving(job.tenant, job.channel, now);
            let reserved = match &serving[..] {
                [] => Err(now + PAUSE),
                // The usual case: nothing is to be known of the message.
                [only, ..] if choosing::is_reserved(&serving) => choosing::reserve(only, now),
                // Which one takes it depends on the message, and reserves then.
                _ => Ok(()),
            };
            match reserved {
                Ok(()) => {
                    let app = self.app.clone();
                    let run = dispatch(app, serving, job, self.options.clone(), self.accounts.metrics().clone());
                    let run = run.instrument(traced::look(&job));
                    work.under_way.spawn(async move {
                        let again = run.await;
                        drop(place);
                        again
                    });
                }
                Err(at) => work.unserved.push(Reverse((at, job))),
            }
        }
    }

    async fn doubt(&self, job: Job) {
        let caller = Caller::new(job.tenant, ACTOR);
        let now = self.app.ambient().now();
        match self.app.doubt_dispatch(&caller, job.customer_id, job.message_id, now).await {
            Ok(true) => tracing::warn!(message_id = %job.message_id, "a message is in doubt since the last run"),
            Ok(false) => {}
            Err(error) => tracing::error!(message_id = %job.message_id, %error, "a message in doubt was not recorded"),
        }
    }
}

fn report_panic(ended: &Result<Option<(DateTime<Utc>, Job)>, tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a dispatch ended unexpectedly; its message is in doubt");
    }
}

/// Looks at one message; returns when to look again, if that is needed.
async fn dispatch(
    app: App,
    serving: Vec<Arc<Account>>,
    job: Job,
    options: DispatcherOptions,
    metrics: ProviderMetrics,
) -> Option<(DateTime<Utc>, Job)> {
    let caller = Caller::new(job.tenant, ACTOR);
    // This node may not have heard yet that the tenant has an account of its own: the log knows, and nothing that was
    // meant to reach somebody may be simulated.
    if serving.iter().any(|account| account.terms.source == AccountSource::Simulator) {
        match app.has_real_account(job.tenant).await {
            Ok(false) => {}
            Ok(true) => return Some((app.ambient().now() + PAUSE, job)),
            Err(error) => {
                tracing::warn!(message_id = %job.message_id, %error, "a message cannot be dispatched yet");
                return Some((app.ambient().now() + PAUSE, job));
            }
        }
    }
    let (serving, choice) = match choosing::choose(&app, &caller, &job, serving).await {
        Ok(chosen) => chosen,
        Err(at) => return Some((at, job)),
    };
    // Room for files comes first: a message for which a provider is about to be called waits for nothing any more.
    let is_heavy =
        job.channel == Channel::Email && app.has_files(&caller, job.customer_id, job.message_id).await.unwrap_or(true);
    let heavy = &options.common.heavy;
    let room = if is_heavy { Arc::clone(heavy).acquire_owned().await.ok() } else { None };
    let tenure = &options.tenure;
    if tenure.is_over() {
        return None;
    }
    let routes: Vec<Route> = serving.iter().map(|account| account.route().clone()).collect();
    let begun = app.begin_dispatch(&caller, job.customer_id, job.message_id, &routes, choice.as_ref()).await;
    traced::decided(&begun);
    let mut ticket = match begun {
        Ok(DispatchDecision::Go(ticket)) => *ticket,
        Ok(DispatchDecision::NotBefore(at)) => return Some((at, job)),
        Ok(DispatchDecision::Nothing) => return None,
        Err(error) => {
            tracing::warn!(message_id = %job.message_id, %error, "a message cannot be dispatched yet");
            return Some((app.ambient().now() + PAUSE, job));
        }
    };
    let account = serving.iter().find(|account| *account.route() == ticket.attempt.route)?;
    if !hold::permit(&app, account, &ticket, tenure).await {
        // It may be tried again once the log is confirmed, or the key store is back.
        let detail = "the dispatch was not marked in the key store, so the provider was not called";
        not_called(&app, &caller, ticket, "not_marked", detail).await;
        return None;
    }
    tracking::track(&app, &caller, account, &mut ticket).await;
    let waited = (app.ambient().now() - job.since).to_std().unwrap_or_default();
    let files = files(&app, &caller, account, &ticket).await;
    // The last look before the call: the process may have been stopped since it began, for longer than the lease lasts.
    if tenure.is_over() {
        let detail = "another node may send by now, so the provider was not called";
        not_called(&app, &caller, ticket, "lease_over", detail).await;
        return None;
    }
    let outcome = match files {
        Ok(files) => call(account, &job, &ticket, files, options.call_timeout).await,
        Err(refused) => refused,
    };
    drop(room);
    metrics.called(account, waited, ticket.attempt.number, &outcome);
    account.called(&outcome, app.ambient().now());
    match &outcome {
        CallOutcome::Accepted { segments, .. } => account.charge(*segments),
        // It may be the template that has to be mended, and the account is well: other messages will show that it is not.
        CallOutcome::Refused { class: RetryClass::Configuration, code, .. } if is_kept_template(&ticket) => {
            pause_campaign(&app, &caller, &ticket, code.as_deref().unwrap_or("no code")).await;
        }
        CallOutcome::Refused { class: RetryClass::Configuration, code, detail, .. } => {
            account.suspend(app.ambient().now(), code.clone().unwrap_or_else(|| detail.clone()));
        }
        CallOutcome::Refused { .. } | CallOutcome::Unknown { .. } => {}
    }
    let gone = gone::removal(account, &ticket, &outcome);
    if let Err(error) = finish(&app, &caller, ticket, outcome).await {
        tracing::error!(message_id = %job.message_id, %error, "an outcome was not recorded; its message is in doubt");
    }
    gone::remove(&app, &caller, gone).await;
    None
}

/// Notes that a provider was not called although that was decided: the message was certainly not sent, and is tried again.
async fn not_called(app: &App, caller: &Caller, ticket: Ticket, code: &str, detail: &str) {
    let message_id = ticket.attempt.key.message_id;
    if let Err(error) = finish(app, caller, ticket, refused(RetryClass::Transient, code, detail, false)).await {
        tracing::error!(%message_id, %error, "an outcome was not recorded; its message is in doubt");
    }
}

/// Pauses the campaign of a message, as all others of it would be refused like this one.
async fn pause_campaign(app: &App, caller: &Caller, ticket: &Ticket, code: &str) {
    let Some(campaign_id) = ticket.attempt.key.campaign_id else { return };
    let reason = format!("the provider refused its template until that is mended: {code}");
    if let Err(error) = app.stop_campaign(caller, campaign_id, PauseCause::Failure, &reason, None).await {
        tracing::error!(%campaign_id, %error, "a campaign whose template was refused could not be paused");
    }
}

/// Gets a message's files as the account takes them; otherwise what comes of a call that is not made.
async fn files(app: &App, caller: &Caller, account: &Account, ticket: &Ticket) -> Result<Files, CallOutcome> {
    if ticket.files.is_empty() {
        return Ok(Files::default());
    }
    let channel = ticket.attempt.key.channel;
    if !account.provider.carries_files(channel) {
        // Another account may: it is asked at once.
        let class = if ticket.has_others { RetryClass::Transient } else { RetryClass::ContentRefused };
        return Err(refused(class, "files_not_carried", "the account's messages carry no files", ticket.has_others));
    }
    let mut files = Files::default();
    for file in &ticket.files {
        let found = get(app, caller, ticket, file, &mut files).await;
        match found {
            Ok(true) => {}
            Ok(false) => return Err(refused(RetryClass::Permanent, "file_missing", "a file is not there", false)),
            Err(error) => {
                tracing::warn!(attachment_id = %file.attachment_id, %error, "a file could not be read");
                return Err(refused(RetryClass::Transient, "file_unread", "a file could not be read", false));
            }
        }
    }
    Ok(files)
}

/// Adds one file; false if it is not there.
async fn get(
    app: &App,
    caller: &Caller,
    ticket: &Ticket,
    file: &StoredFile,
    files: &mut Files,
) -> Result<bool, AppError> {
    if ticket.attempt.key.channel != Channel::Email {
        let url = app.media_url(caller, ticket.customer_id, file).await?;
        files.media_urls.extend(url.clone());
        return Ok(url.is_some());
    }
    let Some(opening) = app.read_file(caller, ticket.customer_id, file.attachment_id).await? else { return Ok(false) };
    files.attachments.push(Attachment {
        name: file.name.clone().unwrap_or_else(|| "attachment".to_owned()),
        content_type: file.content_type.clone().unwrap_or_else(|| "application/octet-stream".to_owned()),
        content_id: None,
        content: opening.whole().await?,
    });
    Ok(true)
}

fn refused(class: RetryClass, code: &str, detail: &str, elsewhere: bool) -> CallOutcome {
    let (code, detail) = (Some(code.to_owned()), detail.to_owned());
    CallOutcome::Refused { class, code, detail, retry_after: None, elsewhere }
}

async fn call(account: &Account, job: &Job, ticket: &Ticket, files: Files, call_timeout: Duration) -> CallOutcome {
    let Some(to) = ticket.content.to.clone() else {
        return refused(RetryClass::Permanent, "no_address", "the message has no address", false);
    };
    let message = OutboundMessage {
        address_id: ticket.address_id,
        attempt: ticket.attempt.number,
        token: Some(ticket.token.clone()),
        ..OutboundMessage::new(
            job.tenant,
            job.customer_id,
            ticket.attempt.key.clone(),
            to,
            content(job.tenant, account, job.channel, ticket, files),
        )
    };
    let span = traced::send(ticket);
    let sending = account.provider.send(message).instrument(span.clone());
    let outcome = match tokio::time::timeout(call_timeout, sending).await {
        Ok(answer) => outcome(answer, ticket.has_others),
        Err(_) => CallOutcome::Unknown { cause: "timeout".to_owned() },
    };
    traced::sent(&span, &outcome);
    outcome
}

/// What a provider's answer means; `has_others` says whether another account could be asked.
#[must_use]
pub fn outcome(answer: Result<Accepted, SendError>, has_others: bool) -> CallOutcome {
    match answer {
        Ok(Accepted { provider_message_id, segments, cost }) => CallOutcome::Accepted {
            provider_message_id,
            segments,
            cost_micros: cost.map(|(micros, _)| micros),
            currency: cost.map(|(_, currency)| currency),
        },
        Err(SendError::Refused { class, code, detail, retry_after }) => {
            let retry_after = retry_after.map(|wait| u32::try_from(wait.as_secs()).unwrap_or(u32::MAX));
            CallOutcome::Refused { class, code, detail, retry_after, elsewhere: has_others }
        }
        Err(SendError::Ambiguous { cause }) => CallOutcome::Unknown { cause: cause.to_owned() },
    }
}

/// Notes the outcome; while the log does not answer, a few times more.
async fn finish(app: &App, caller: &Caller, ticket: Ticket, outcome: CallOutcome) -> Result<(), AppError> {
    let mut pause = Duration::from_millis(100);
    for _ in 0..5 {
        match app.finish_dispatch(caller, ticket.clone(), outcome.clone()).await {
            Err(AppError::Log(_)) => tokio::time::sleep(pause).await,
            result => return result,
        }
        pause *= 2;
    }
    app.finish_dispatch(caller, ticket, outcome).await
}
