//! From queued to handed over: when a provider may be called, and what came of the call.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::domain::address::state::Address;
use crate::domain::customer::event::CustomerEvent;
use crate::domain::customer::state::Customer;
use crate::domain::decision::{Context, Decided, Decision};
use crate::domain::message::attachment::StoredFile;
use crate::domain::message::event::{
    DispatchFailed, DispatchFailedPersonal, DispatchInDoubt, DispatchStarted, MessageClass, MessageHeld,
    MessageQueuedPersonal, MessageReleased, MessageSent, MessageSuppressed,
};
use crate::domain::message::retry::retry_at;
use crate::domain::message::routing::RouteChoice;
use crate::domain::message::rules::{Asked, Reason, Verdict, judge};
use crate::domain::message::state::{PendingMessage, Stage};
use crate::domain::refusal::Refusal;
use crate::domain::value::Currency;
use crate::domain::value::message::{BounceKind, MessageKey, NO_SUCH_ADDRESS, Report, RetryClass, Route};
use crate::ids::{CustomerId, MessageId};

/// The refusal of a template that WhatsApp does not let be sent, at least not now.
pub const TEMPLATE_NOT_APPROVED: &str = "TEMPLATE_NOT_APPROVED";
/// A message of such a template is looked at again after this.
const APPROVAL_WAIT: TimeDelta = TimeDelta::minutes(30);

/// What the log says about a pending message when a dispatcher wants to take it.
#[derive(Debug, Clone, Copy)]
pub struct DispatchInputs<'a> {
    /// The fold of the address that it goes to.
    pub address: &'a Address,
    /// The version of the address's stream at which it was read.
    pub address_version: u64,
    /// What will be sent; absent if it cannot be read any more, or could not be made.
    pub content: Option<&'a MessageQueuedPersonal>,
    /// Why it could not be made of its template.
    pub unmade: Option<&'a Refusal>,
    /// The files that will be sent with it.
    pub files: &'a [StoredFile],
    /// Why it goes by this account, where several serve the channel.
    pub choice: Option<&'a RouteChoice>,
    /// The person, where the customer is not all that is known of it; see [`Customer::with_messages_of`].
    pub person: Option<&'a Customer>,
}

/// An operator's word on a message in doubt.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ResolveInDoubt {
    /// The customer's id.
    pub customer_id: CustomerId,
    /// The message's id.
    pub message_id: MessageId,
    /// The operator's word: sent, not sent, or to be sent once more.
    pub resolution: Resolution,
}

/// Decides whether a provider may be called now: `DispatchStarted` if so, `MessageHeld` until it may, `MessageSuppressed`
/// if never; nothing if the message is not due, not pending, or in another dispatcher's hands. A message whose hold has
/// ended is judged again by every rule, so another one may hold it again: always until a later moment.
pub fn begin(
    state: &Customer,
    message_id: MessageId,
    route: &Route,
    inputs: DispatchInputs<'_>,
    context: &Context<'_>,
) -> Decision<CustomerEvent> {
    let Some(message) = state.pending.get(message_id) else { return Ok(vec![]) };
    let mut events = vec![];
    match &message.stage {
        Stage::Queued => {}
        Stage::Held { until, rule } if *until <= context.now => {
            events.push(context.now(MessageReleased { key: message.key.clone(), rule: rule.clone() }));
        }
        Stage::Retry { at } if *at <= context.now => {}
        Stage::Held { .. } | Stage::Retry { .. } | Stage::Dispatching { .. } | Stage::InDoubt { .. } => {
            return Ok(vec![]);
        }
    }
    let asked = Asked {
        channel: message.key.channel,
        class: message.class,
        topic: &message.topic,
        address_id: message.address_id,
        is_template: message.template.is_some(),
        queued_version: Some(message.queued_version),
    };
    let key = message.key.clone();
    let decided: CustomerEvent =
        match (judge(inputs.person.unwrap_or(state), inputs.address, asked, context), inputs.content) {
            (Verdict::Suppress(Reason { rule, inputs }), _) => {
                MessageSuppressed { key, rule: rule.to_owned(), inputs }.into()
            }
            (Verdict::Hold { until, because: Reason { rule, inputs } }, _) => {
                MessageHeld { key, until, rule: rule.to_owned(), inputs }.into()
            }
            (Verdict::Send, Some(text)) => DispatchStarted {
                key,
                route: route.clone(),
                attempt: message.attempts + 1,
                address_version: inputs.address_version,
                content_hash: content_hash(text, inputs.files),
                choice: inputs.choice.cloned().map(Box::new),
            }
            .into(),
            (Verdict::Send, None) => match inputs.unmade {
                // The author or WhatsApp may bring it back, and the audience is still there.
                Some(Refusal { code: TEMPLATE_NOT_APPROVED, message, .. }) => {
                    let inputs = serde_json::json!({ "code": TEMPLATE_NOT_APPROVED, "message": message });
                    let until = context.now + APPROVAL_WAIT;
                    MessageHeld { key, until, rule: "template_approval".to_owned(), inputs }.into()
                }
                Some(Refusal { code, message, .. }) => {
                    let inputs = serde_json::json!({ "code": code, "message": message });
                    MessageSuppressed { key, rule: "template".to_owned(), inputs }.into()
                }
                None => MessageSuppressed { key, rule: "erased".to_owned(), inputs: serde_json::json!({}) }.into(),
            },
        };
    events.push(context.now(decided));
    Ok(events)
}

fn content_hash(content: &MessageQueuedPersonal, files: &[StoredFile]) -> String {
    let mut hash = Sha256::new();
    let texts = [content.subject.as_deref().unwrap_or_default(), content.body.as_str()];
    let form = content.form.as_ref().and_then(|form| serde_json::to_string(form).ok());
    let more = content.html.as_deref().into_iter().chain(form.as_deref());
    for part in texts.into_iter().chain(more).chain(files.iter().map(|file| file.mac.as_str())) {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hex::encode(hash.finalize())
}

/// What came of calling a provider.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum CallOutcome {
    /// It took the message.
    Accepted {
        /// Its id of the message.
        provider_message_id: Option<String>,
        /// SMS segments; 1 on other channels.
        segments: u32,
        /// What it cost, in micros of `currency`.
        cost_micros: Option<i64>,
        /// Of which currency.
        currency: Option<Currency>,
    },
    /// It definitely refused.
    Refused {
        /// What to do about it.
        class: RetryClass,
        /// The provider's error code.
        code: Option<String>,
        /// The provider's words, bounded.
        detail: String,
        /// For how many seconds it asked to be left alone.
        retry_after: Option<u32>,
        /// Another account serves the channel and has not refused this message: it is tried at once.
        elsewhere: bool,
    },
    /// Nobody knows.
    Unknown {
        /// `timeout`, `crash`, `connection_lost`.
        cause: String,
    },
}

/// A provider that asks for a longer pause is asked again after this one.
const LONGEST_WAIT: TimeDelta = TimeDelta::hours(6);

/// The call that an outcome belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The message's id, channel, campaign and conversation.
    pub key: MessageKey,
    /// The provider, account and sending domain.
    pub route: Route,
    /// From 1.
    pub number: u32,
}

/// The event that tells what came of a call. It needs no state: callbacks may have come before it.
#[must_use]
pub fn finish(attempt: Attempt, outcome: CallOutcome, jitter: u8, context: &Context<'_>) -> Decided<CustomerEvent> {
    let Attempt { key, route, number } = attempt;
    let event: CustomerEvent = match outcome {
        CallOutcome::Accepted { provider_message_id, segments, cost_micros, currency } => {
            MessageSent { key, route, provider_message_id, segments, cost_micros, currency, mail_id: None }.into()
        }
        CallOutcome::Refused { class, code, detail, retry_after, elsewhere } => DispatchFailed {
            key,
            route,
            attempt: number,
            class,
            code,
            retry_at: retry_at(class, number, context.now, jitter).map(|at| {
                let asked = TimeDelta::seconds(i64::from(retry_after.unwrap_or_default()));
                if elsewhere { context.now } else { at.max(context.now + asked.min(LONGEST_WAIT)) }
            }),
            personal: Some(DispatchFailedPersonal { detail }),
        }
        .into(),
        CallOutcome::Unknown { cause } => DispatchInDoubt { key, route, attempt: number, cause }.into(),
    };
    context.now(event)
}

/// Whether a message stands in a later attempt by now.
#[must_use]
pub fn is_past(state: &Customer, attempt: &Attempt) -> bool {
    state.pending.get(attempt.key.message_id).is_some_and(|message| message.attempts > attempt.number)
}

/// After a crash: a message that stands in a provider's call, made at or before a time, is in doubt, as nobody will hear
/// the answer.
#[must_use]
pub fn doubt(
    state: &Customer,
    message_id: MessageId,
    called_by: DateTime<Utc>,
    context: &Context<'_>,
) -> Vec<Decided<CustomerEvent>> {
    match state.pending.get(message_id) {
        Some(PendingMessage { key, attempts, stage: Stage::Dispatching { route, since }, .. })
            if *since <= called_by =>
        {
            vec![context.now(DispatchInDoubt {
                key: key.clone(),
                route: route.clone(),
                attempt: *attempts,
                cause: "crash".to_owned(),
            })]
        }
        _ => vec![],
    }
}

/// What a refusal says beyond the attempt: an opt-out, or an address that does not exist.
#[must_use]
pub fn reported_by(outcome: &CallOutcome) -> Option<Report> {
    let CallOutcome::Refused { class, code, detail, .. } = outcome else { return None };
    match class {
        RetryClass::OptedOut => Some(Report::OptedOut { method: "provider".to_owned(), topic: None }),
        RetryClass::Permanent => {
            let code = code.as_deref()?.strip_prefix(NO_SUCH_ADDRESS)?.trim_start_matches([':', ' ']);
            let code = (!code.is_empty()).then(|| code.to_owned());
            Some(Report::Bounced { bounce: BounceKind::Hard, code, diagnostic: Some(detail.clone()) })
        }
        _ => None,
    }
}

/// What an operator decides about a message of which nobody knows whether it was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Resolution {
    /// It was: the provider's own pages show it, or the receiver has it.
    Sent,
    /// It stays unsent.
    NotSent,
    /// It is sent once more, at the risk of a second copy. For transactional messages only.
    SendAgain,
}

/// Decides on a message in doubt by an operator's word.
pub fn resolve(
    state: &Customer,
    message_id: MessageId,
    resolution: Resolution,
    context: &Context<'_>,
) -> Decision<CustomerEvent> {
    state.must_be_known()?;
    let in_doubt = state.pending.get(message_id).and_then(|message| match &message.stage {
        Stage::InDoubt { route } => Some((message, route)),
        _ => None,
    });
    let Some((message, route)) = in_doubt else {
        return Err(Refusal::new("MESSAGE_NOT_IN_DOUBT", "this message is not in doubt"));
    };
    let (key, route) = (message.key.clone(), route.clone());
    let failed = |retry_at| DispatchFailed {
        key: key.clone(),
        route: route.clone(),
        attempt: message.attempts,
        class: RetryClass::Transient,
        code: Some("operator".to_owned()),
        retry_at,
        personal: None,
    };
    Ok(vec![match resolution {
        Resolution::Sent => context.now(MessageSent {
            key,
            route,
            provider_message_id: None,
            segments: 1,
            cost_micros: None,
            currency: None,
            mail_id: None,
        }),
        Resolution::NotSent => context.now(failed(None)),
        Resolution::SendAgain if message.class == MessageClass::Marketing => {
            return Err(Refusal::new("MARKETING_STAYS_UNSENT", "only a transactional message may be sent again"));
        }
        Resolution::SendAgain => context.now(failed(Some(context.now))),
    }])
}
