//! The dispatcher's use cases: before and after a provider is called.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::app::addresses::address_stream;
use crate::app::campaigns::{OVER, Standing};
use crate::app::customers::customer_stream;
use crate::app::engine::deciding::{Attempted, CommandRun, MAX_ATTEMPTS};
use crate::app::engine::error::Stop;
use crate::app::engine::states::{StateAt, decode};
use crate::app::links::ListUnsubscribe;
use crate::app::persons::Thing;
use crate::app::{App, AppError, Caller, Outcome};
use crate::domain::address::state::Address;
use crate::domain::customer::event::CustomerEvent;
use crate::domain::customer::state::Customer;
use crate::domain::decision::Context;
use crate::domain::message::attachment::StoredFile;
use crate::domain::message::decide::{CancelMessage, RecordProviderFact, cancel};
use crate::domain::message::dispatch::{self, Attempt, CallOutcome, DispatchInputs, ResolveInDoubt};
use crate::domain::message::event::MessageEvent;
use crate::domain::message::event::MessageQueuedPersonal;
use crate::domain::message::routing::RouteChoice;
use crate::domain::message::state::{PendingMessage, Stage};
use crate::domain::refusal::Refusal;
use crate::domain::value::Channel;
use crate::domain::value::engagement::Tracks;
use crate::domain::value::message::{MessageKey, Route};
use crate::domain::value::token::{self, Correlation};
use crate::ids::{AddressId, CustomerId, MessageId, Position, TenantId};
use crate::log::{Precondition, ReadLimit, StreamId};

/// A message of a paused campaign is looked at again after this.
const PAUSED: TimeDelta = TimeDelta::seconds(2);

/// What came of wanting to dispatch a message.
#[derive(Debug, Clone, PartialEq)]
pub enum DispatchDecision {
    /// `DispatchStarted` is in the log: the provider is to be called, exactly once.
    Go(Box<Ticket>),
    /// Not before this time.
    NotBefore(DateTime<Utc>),
    /// It was suppressed, or there is nothing to do: it is settled, or in other hands.
    Nothing,
}

/// A message in doubt.
#[derive(Debug, Clone, PartialEq)]
pub struct InDoubt {
    /// The message, with its channel, campaign and conversation.
    pub key: MessageKey,
    /// The provider, account and sending domain.
    pub route: Route,
    /// Where it was to go.
    pub address_id: Option<AddressId>,
    /// What was to be sent.
    pub content: MessageQueuedPersonal,
    /// The token that the call carried.
    pub token: String,
}

/// The permission to call a provider once.
#[derive(Debug, Clone, PartialEq)]
pub struct Ticket {
    /// The customer.
    pub customer_id: CustomerId,
    /// The recipient's address; absent for a channel without one.
    pub address_id: Option<AddressId>,
    /// The message, the route, and the number of the attempt, from 1.
    pub attempt: Attempt,
    /// What is sent.
    pub content: MessageQueuedPersonal,
    /// The files that go with it.
    pub files: Vec<StoredFile>,
    /// What of it is tracked by us.
    pub tracked: Tracks,
    /// The position of the `DispatchStarted` that permits the call.
    pub position: Position,
    /// When the call was decided on.
    pub called_at: DateTime<Utc>,
    /// Names message and call wherever the provider echoes it.
    pub token: String,
    /// Names the message in the address that replies go to.
    pub reply_token: String,
    /// The `Message-ID`s of the mails that this one stands below, the answered one last.
    pub thread: Vec<String>,
    /// The headers with which mail programs offer to unsubscribe, for marketing.
    pub unsubscribe: Option<ListUnsubscribe>,
    /// Another account could be asked if this one refuses.
    pub has_others: bool,
}

impl App {
    /// Loads what the dispatch of messages looks at, all at once. Nothing depends on it but its speed.
    pub async fn warm_messages(&self, ready: &[(TenantId, CustomerId, MessageId)]) -> Result<(), AppError> {
        let streams = ready.iter().map(|(tenant, customer_id, _)| customer_stream(*tenant, *customer_id));
        self.warm::<Customer>(streams.collect()).await?;
        let mut addresses = Vec::with_capacity(ready.len());
        for (tenant, customer_id, message_id) in ready {
            let goes_to = |loaded: &StateAt<Customer>| loaded.state.pending.get(*message_id)?.address_id;
            let stream = customer_stream(*tenant, *customer_id);
            let address_id = self.read_state::<Customer, _>(stream, goes_to).await?;
            addresses.extend(address_id.map(|id| address_stream(*tenant, id)));
        }
        self.warm::<Address>(addresses).await
    }

    /// The address that a pending message goes to, as it is spelled.
    pub async fn receiver(
        &self,
        caller: &Caller,
        customer_id: CustomerId,
        message_id: MessageId,
    ) -> Result<Option<String>, AppError> {
        let receiver = |loaded: &StateAt<Customer>| {
            let address_id = loaded.state.pending.get(message_id)?.address_id?;
            loaded.state.address(address_id)?.address.clone()
        };
        self.read_state::<Customer, _>(customer_stream(caller.tenant, customer_id), receiver).await
    }

    /// Decides whether a provider may be called for a message now, on the customer's and the address's present state.
    /// An opt-out that comes in between makes it decide again: none stands before a later `DispatchStarted`. Where the
    /// customer is part of another one, that one's state decides, and everybody's messages count.
    pub async fn begin_dispatch(
        &self,
        caller: &Caller,
        customer_id: CustomerId,
        message_id: MessageId,
        routes: &[Route],
        choice: Option<&RouteChoice>,
    ) -> Result<DispatchDecision, AppError> {
        let basis = self.basis(caller).await?;
        let stream = customer_stream(caller.tenant, customer_id);
        for _ in 0..MAX_ATTEMPTS {
            let (pending, is_alone, version) = self
                .read_state::<Customer, _>(stream, |loaded| {
                    let pending = loaded.state.pending.get(message_id).cloned();
                    (pending, loaded.state.is_alone(), loaded.version)
                })
                .await?;
            let is_open = pending
                .as_ref()
                .is_some_and(|pending| !matches!(pending.stage, Stage::Dispatching { .. } | Stage::InDoubt { .. }));
            if !is_open && self.has_moved(stream, version).await? {
                // The log may have told of the message before the state in memory did: nobody would look at it again.
                self.forget_state(stream);
                continue;
            }
            let Some(pending) = pending else { return Ok(DispatchDecision::Nothing) };
            match pending.stage {
                Stage::Held { until: at, .. } | Stage::Retry { at } if at > self.shared.ambient.now() => {
                    return Ok(DispatchDecision::NotBefore(at));
                }
                Stage::Dispatching { .. } | Stage::InDoubt { .. } => return Ok(DispatchDecision::Nothing),
                Stage::Queued | Stage::Held { .. } | Stage::Retry { .. } => {}
            }
            if let Some(campaign_id) = pending.key.campaign_id {
                match self.standing_of(caller.tenant, campaign_id).await? {
                    Standing::Open => {}
                    Standing::Paused => return Ok(DispatchDecision::NotBefore(self.shared.ambient.now() + PAUSED)),
                    standing @ (Standing::Cancelled | Standing::Over) => {
                        let reason = if standing == Standing::Over { OVER } else { "the campaign was cancelled" };
                        let reason = reason.to_owned();
                        let command = CancelMessage { customer_id, message_id, reason };
                        let run = CommandRun::new(caller, stream, None);
                        let cancel = |state: &Customer, context: &Context<'_>| cancel(state, &command, context);
                        // A refusal: it is settled.
                        let _ = Stop::refusal(self.decide::<Customer>(&run, &basis, cancel).await)?;
                        return Ok(DispatchDecision::Nothing);
                    }
                }
            }
            // Another one than those that refused it; if all did, the first is asked again.
            let untried = routes.iter().find(|route| !pending.refused_by.contains(route));
            let Some(route) = untried.or(routes.first()) else { return Ok(DispatchDecision::Nothing) };
            let failover = choice.filter(|_| routes.first() != Some(route)).map(RouteChoice::after_refusals);
            let choice = failover.as_ref().or(choice);
            let (content, files) = self.content(caller, stream, &pending).await?;
            let (content, unmade) = match content {
                Some(Ok(content)) => match self.approved_now(caller, &pending, &content).await? {
                    Ok(()) => (Some(content), None),
                    Err(refusal) => (None, Some(refusal)),
                },
                Some(Err(refusal)) => (None, Some(refusal)),
                None => (None, None),
            };
            if let Some(refusal) = &unmade
                && self.pauses_for(caller, &pending, refusal).await?
            {
                return Ok(DispatchDecision::NotBefore(self.shared.ambient.now() + PAUSED));
            }
            let thread = match (pending.in_reply_to, route.domain.as_deref()) {
                (Some(answered), Some(domain)) if pending.key.channel == Channel::Email => {
                    self.thread(caller, customer_id, answered, domain).await?
                }
                _ => vec![],
            };
            let mut run = CommandRun::new(caller, stream, None);
            let (state, version) = match pending.address_id {
                None => (Address::default(), 0),
                Some(id) => {
                    let stream = address_stream(caller.tenant, id);
                    let judged =
                        self.read_state::<Address, _>(stream, |loaded| (loaded.state.clone(), loaded.version)).await?;
                    run.preconditions.push(Precondition { stream, version: judged.1 });
                    judged
                }
            };
            let rest = if is_alone { None } else { Some(self.other_records(caller, customer_id).await?) };
            run.preconditions.extend(rest.iter().flat_map(|rest| rest.preconditions.clone()));
            let judged = DispatchInputs {
                address: &state,
                address_version: version,
                content: content.as_ref(),
                unmade: unmade.as_ref(),
                files: &files,
                choice,
                person: None,
            };
            let mut overtaken = false;
            let tried = self
                .attempt::<Customer>(&run, &basis, |own, context| match &rest {
                    None if own.is_alone() => dispatch::begin(own, message_id, route, judged, context),
                    Some(rest) if rest.is_of(own) => {
                        let person = rest.root.as_ref().unwrap_or(own).with_messages_of(own, &rest.others);
                        let judged = DispatchInputs { person: Some(&person), ..judged };
                        dispatch::begin(own, message_id, route, judged, context)
                    }
                    _ => {
                        overtaken = true;
                        Ok(vec![])
                    }
                })
                .await?;
            let made = match tried {
                Attempted::Done(_) if overtaken => continue,
                Attempted::Done(made) => made,
                Attempted::Refused(_) => return Ok(DispatchDecision::Nothing),
                Attempted::Moved => continue,
            };
            let started = made.events.iter().find_map(|decided| match &decided.event {
                CustomerEvent::Message(MessageEvent::DispatchStarted(started)) => {
                    Some((started.attempt, decided.occurred_at))
                }
                _ => None,
            });
            return Ok(match (started, content, made.position) {
                (Some((number, called_at)), Some(content), Some(position)) => {
                    let correlation = correlation(caller, customer_id, &pending, route, called_at);
                    let others = routes.iter().filter(|other| *other != route && !pending.refused_by.contains(other));
                    DispatchDecision::Go(Box::new(Ticket {
                        customer_id,
                        address_id: pending.address_id,
                        position,
                        called_at,
                        token: token::seal(&correlation, &basis.secret),
                        reply_token: token::seal_reply(caller.tenant, message_id, &basis.secret),
                        has_others: others.count() > 0,
                        thread,
                        unsubscribe: self.list_unsubscribe(caller, customer_id, message_id).await?,
                        attempt: Attempt { key: pending.key, route: route.clone(), number },
                        content,
                        files,
                        tracked: Tracks::default(),
                    }))
                }
                _ => DispatchDecision::Nothing,
            });
        }
        Err(AppError::Contended { stream, attempts: MAX_ATTEMPTS })
    }

    /// Whether files go with a message that waits.
    pub async fn has_files(
        &self,
        caller: &Caller,
        customer_id: CustomerId,
        message_id: MessageId,
    ) -> Result<bool, AppError> {
        let stream = customer_stream(caller.tenant, customer_id);
        let has = |message: &PendingMessage| message.files > 0;
        self.read_state::<Customer, _>(stream, |loaded| loaded.state.pending.get(message_id).is_some_and(has)).await
    }

    /// What is to be sent, with its files; [`None`] if the customer was forgotten. What is made now may be refused.
    async fn content(
        &self,
        caller: &Caller,
        stream: StreamId,
        message: &PendingMessage,
    ) -> Result<(Option<Result<MessageQueuedPersonal, Refusal>>, Vec<StoredFile>), AppError> {
        if message.files == 0
            && let Some(content) = self.shared.queued.remove(&message.key.message_id)
        {
            return Ok((Some(Ok(Arc::unwrap_or_clone(content))), vec![]));
        }
        let count = 1 + usize::try_from(message.files).unwrap_or_default();
        let after = message.queued_version.saturating_sub(1);
        let (mut content, mut files) = (None, vec![]);
        for recorded in &self.shared.journal.read_stream(stream, after, ReadLimit::events(count)).await? {
            let decided = decode::<Customer>(recorded)?;
            match decided.event {
                CustomerEvent::Message(MessageEvent::MessageQueued(queued)) => {
                    content = self.text_of_queued(caller, CustomerId(stream.key), queued, decided.occurred_at).await?;
                }
                CustomerEvent::Message(MessageEvent::MessageAttached(attached)) => files.extend(attached.file()),
                _ => {}
            }
        }
        Ok((content, files))
    }

    /// Records what came of calling the provider. An opt-out that the provider reports counts at once, and so does an address
    /// that does not exist. That an attempt failed is not recorded once the message stands in a later one, as it would seem to
    /// be that one's end: a process may have been stopped while somebody resolved the message.
    pub async fn finish_dispatch(&self, caller: &Caller, ticket: Ticket, outcome: CallOutcome) -> Result<(), AppError> {
        let basis = self.basis(caller).await?;
        let report = dispatch::reported_by(&outcome);
        let [jitter] = self.shared.ambient.bytes::<1>();
        let (attempt, stream) = (ticket.attempt, customer_stream(caller.tenant, ticket.customer_id));
        if let Some(report) = report {
            let fact = RecordProviderFact {
                correlation: Correlation {
                    tenant: caller.tenant,
                    customer_id: ticket.customer_id,
                    key: attempt.key.clone(),
                    address_id: ticket.address_id,
                    route: attempt.route.clone(),
                    called_at: ticket.called_at,
                },
                occurred_at: self.shared.ambient.now(),
                provider_event_id: Some(format!("attempt {}", attempt.number)),
                report,
                raw: None,
            };
            self.record_provider_fact(caller, fact).await?;
        }
        if matches!(outcome, CallOutcome::Accepted { .. }) {
            let event = self.deciding(&basis, |context| dispatch::finish(attempt, outcome, jitter, context));
            self.append_fact::<Customer>(caller, stream, None, vec![event]).await?;
            return Ok(());
        }
        let run = CommandRun::new(caller, stream, None);
        let finish = |state: &Customer, context: &Context<'_>| {
            let is_past = dispatch::is_past(state, &attempt);
            let event = (!is_past).then(|| dispatch::finish(attempt.clone(), outcome.clone(), jitter, context));
            Ok(event.into_iter().collect())
        };
        // Never refused.
        let _ = Stop::refusal(self.decide::<Customer>(&run, &basis, finish).await)?;
        Ok(())
    }

    /// Records that nobody heard what came of a call that was made at or before a time: the process that made it is gone.
    /// False if it was heard, or made later.
    pub async fn doubt_dispatch(
        &self,
        caller: &Caller,
        customer_id: CustomerId,
        message_id: MessageId,
        called_by: DateTime<Utc>,
    ) -> Result<bool, AppError> {
        let basis = self.basis(caller).await?;
        let run = CommandRun::new(caller, customer_stream(caller.tenant, customer_id), None);
        let doubt = |state: &Customer, context: &crate::domain::decision::Context<'_>| {
            Ok(dispatch::doubt(state, message_id, called_by, context))
        };
        let made = Stop::refusal(self.decide::<Customer>(&run, &basis, doubt).await)?;
        Ok(made.is_ok_and(|made| !made.events.is_empty()))
    }

    /// Decides on a message in doubt by an operator's word.
    pub async fn resolve_in_doubt(&self, caller: &Caller, command: ResolveInDoubt) -> Result<Outcome<()>, AppError> {
        let id = command.message_id;
        let is_held_by = move |state: &Customer| state.pending.get(id).is_some();
        let thing = Thing { customer_id: command.customer_id, is_held_by };
        let decide = |state: &Customer, command: ResolveInDoubt, context: &crate::domain::decision::Context<'_>| {
            dispatch::resolve(state, command.message_id, command.resolution, context)
        };
        self.run_on_holder(caller, thing, command, decide, |_| Some(())).await
    }

    /// What a provider can be asked about a message in doubt; [`None`] if it is no longer in doubt, or was forgotten.
    pub async fn in_doubt(
        &self,
        caller: &Caller,
        customer_id: CustomerId,
        message_id: MessageId,
        called_at: DateTime<Utc>,
    ) -> Result<Option<InDoubt>, AppError> {
        let stream = customer_stream(caller.tenant, customer_id);
        // Another node may have called and another one put it in doubt, while this one has it in memory as one that waits.
        let pending = self
            .read_fresh_state::<Customer, _>(stream, |loaded| loaded.state.pending.get(message_id).cloned())
            .await?;
        let Some(pending) = pending else { return Ok(None) };
        let Stage::InDoubt { route } = pending.stage.clone() else { return Ok(None) };
        let (Some(Ok(mut content)), _) = self.content(caller, stream, &pending).await? else { return Ok(None) };
        self.track_as_sent(caller, customer_id, message_id, &mut content).await?;
        let basis = self.basis(caller).await?;
        let correlation = correlation(caller, customer_id, &pending, &route, called_at);
        let token = token::seal(&correlation, &basis.secret);
        Ok(Some(InDoubt { key: pending.key, route, address_id: pending.address_id, content, token }))
    }

    /// The account that was called for a message and of which it is not known yet what it did, by the log.
    pub async fn called_route(
        &self,
        tenant: TenantId,
        customer_id: CustomerId,
        message_id: MessageId,
    ) -> Result<Option<Route>, AppError> {
        let stream = customer_stream(tenant, customer_id);
        let called = |loaded: &StateAt<Customer>| {
            let stage = loaded.state.pending.get(message_id).map(|pending| &pending.stage);
            let route = match stage {
                Some(Stage::Dispatching { route, .. } | Stage::InDoubt { route }) => Some(route.clone()),
                Some(Stage::Queued | Stage::Held { .. } | Stage::Retry { .. }) | None => None,
            };
            (route, loaded.version)
        };
        let (route, version) = self.read_state::<Customer, _>(stream, called).await?;
        if route.is_some() || !self.has_moved(stream, version).await? {
            return Ok(route);
        }
        // The log may have told of the call before the state in memory did.
        self.forget_state(stream);
        Ok(self.read_state::<Customer, _>(stream, called).await?.0)
    }

    /// What a provider's echo of our token says; [`None`] if it is not one of ours.
    pub async fn open_token(&self, text: &str) -> Result<Option<Correlation>, AppError> {
        let Some(tenant) = token::tenant_of(text) else { return Ok(None) };
        if !self.is_tenant(tenant).await? {
            return Ok(None);
        }
        let basis = self.basis(&Caller::new(tenant, "token")).await?;
        Ok(token::open(text, &basis.secret))
    }

    /// What stands for `Message-ID`s in the log and the read tables.
    pub async fn mail_id_fingerprints(&self, caller: &Caller, mail_ids: &[&str]) -> Result<Vec<Uuid>, AppError> {
        let basis = self.basis(caller).await?;
        Ok(mail_ids.iter().map(|id| token::mail_id_fingerprint(id, &basis.secret)).collect())
    }

    /// The message that a reply's address names; [`None`] if it is not one of this tenant's.
    pub async fn open_reply_token(&self, caller: &Caller, text: &str) -> Result<Option<MessageId>, AppError> {
        let basis = self.basis(caller).await?;
        Ok(token::open_reply(text, caller.tenant, &basis.secret))
    }
}

/// What the token of a call says.
fn correlation(
    caller: &Caller,
    customer_id: CustomerId,
    message: &PendingMessage,
    route: &Route,
    called_at: DateTime<Utc>,
) -> Correlation {
    Correlation {
        tenant: caller.tenant,
        customer_id,
        key: message.key.clone(),
        address_id: message.address_id,
        route: route.clone(),
        called_at,
    }
}
