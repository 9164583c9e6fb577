//! What a provider reports, as events. They need no state, so they can be appended in any order.

use crate::domain::address::event::{AddressEvent, AddressSuppressed, SuppressionReason};
use crate::domain::address::outcomes::{AddressOutcome, Outcome};
use crate::domain::consent::event::{ConsentChanged, ConsentState};
use crate::domain::customer::event::{CustomerEvent, Source};
use crate::domain::decision::{Context, Decided};
use crate::domain::message::decide::RecordProviderFact;
use crate::domain::message::event::{
    CallEnded, MessageBounced, MessageBouncedPersonal, MessageClicked, MessageClickedPersonal, MessageComplained,
    MessageDeferred, MessageDeferredPersonal, MessageDelivered, MessageDismissed, MessageFailed, MessageFailedPersonal,
    MessageOpened, MessageOpenedPersonal, MessageSent,
};
use crate::domain::text;
use crate::domain::value::message::{BounceKind, Report, RetryClass};
use crate::domain::value::token;
use crate::domain::value::{ALL_TOPICS, Channel};
use crate::ids::{AddressId, Label};

/// The method of an opt-out that concerns consent only, not the address: transactional messages may still be sent.
pub const ONE_CLICK: &str = "one_click";
/// The method of an opt-out of which only the provider knows how it was said.
const PROVIDER: &str = "provider";

/// What a report tells of an address, for the address's own stream.
pub type AboutAddress = (AddressId, Decided<AddressEvent>);

/// The events of a report: for the customer's stream, and for the address's. Their ids derive from what is reported.
/// `message_topic` is that of the message, where it is known.
#[must_use]
pub fn events(
    fact: &RecordProviderFact,
    message_topic: Option<&str>,
    context: &Context<'_>,
) -> (Vec<Decided<CustomerEvent>>, Option<AboutAddress>) {
    let name = fact.report.name();
    let told = identity(fact);
    let known_from = fact.correlation.called_at;
    let parts = [
        fact.correlation.key.message_id.0.as_bytes().as_slice(),
        fact.correlation.route.provider.as_bytes(),
        fact.correlation.route.account.as_bytes(),
        name.as_bytes(),
        told.as_bytes(),
    ];
    let mut events = vec![];
    if let Some(event) = message_event(fact, context) {
        events.push(Decided {
            occurred_at: fact.occurred_at,
            ..context.derived(known_from, Label::ReportEvent, &parts, event)
        });
    }
    for changed in consents(fact, message_topic) {
        let parts: Vec<&[u8]> = parts.iter().copied().chain([changed.topic.as_bytes()]).collect();
        let derived = context.derived(known_from, Label::ReportConsentEvent, &parts, changed.clone());
        events.push(Decided { occurred_at: fact.occurred_at, ..derived });
    }
    // Who blocks us on WhatsApp has said nothing of texts and calls at the same number.
    let is_block = fact.correlation.key.channel == Channel::Whatsapp && fact.report.opt_out() == Some(PROVIDER);
    let suppression = fact.report.suppression().filter(|_| !is_block);
    let suppression = fact.correlation.address_id.zip(suppression).map(|(address_id, reason)| {
        let event = AddressSuppressed {
            address_id,
            kind: fact.correlation.key.channel.address_kind(),
            reason,
            message_id: Some(fact.correlation.key.message_id),
            customer_id: Some(fact.correlation.customer_id),
            source: Source::Provider,
        };
        let derived = context.derived(known_from, Label::ReportSuppressionEvent, &parts, event);
        (address_id, Decided { occurred_at: fact.occurred_at, ..derived })
    });
    (events, suppression)
}

/// What a report says about whether mail still arrives at the address.
#[must_use]
pub fn outcome(fact: &RecordProviderFact) -> Option<AddressOutcome> {
    let delivered = match &fact.report {
        Report::Delivered => true,
        Report::Bounced { bounce: BounceKind::Soft, .. } => false,
        _ => return None,
    };
    Some(AddressOutcome {
        address_id: fact.correlation.address_id?,
        kind: fact.correlation.key.channel.address_kind(),
        customer_id: fact.correlation.customer_id,
        outcome: Outcome { at: fact.occurred_at, message_id: fact.correlation.key.message_id, delivered },
    })
}

impl Report {
    /// The name that tells it from other reports about the same message.
    const fn name(&self) -> &'static str {
        match self {
            Self::Sent { .. } => "sent",
            Self::Delivered => "delivered",
            Self::Deferred { .. } => "deferred",
            Self::Bounced { .. } => "bounced",
            Self::Failed { .. } => "failed",
            Self::Opened { .. } => "opened",
            Self::Clicked { .. } => "clicked",
            Self::Dismissed => "dismissed",
            Self::Complained { .. } => "complained",
            Self::CallEnded { .. } => "call_ended",
            Self::OptedOut { .. } => "opted_out",
            Self::OptedIn { .. } => "opted_in",
        }
    }

    /// How the receiver opted out, if that is what it reports.
    fn opt_out(&self) -> Option<&str> {
        match self {
            Self::OptedOut { method, .. } => Some(method),
            Self::Failed { class: RetryClass::OptedOut, .. } => Some(PROVIDER),
            _ => None,
        }
    }

    /// Why nothing may be sent to the address from now on.
    fn suppression(&self) -> Option<SuppressionReason> {
        match self {
            Self::Bounced { bounce: BounceKind::Hard, .. } => Some(SuppressionReason::HardBounce),
            Self::Complained { .. } => Some(SuppressionReason::Complaint),
            Self::OptedOut { topic: Some(_), .. }
            | Self::Bounced { bounce: BounceKind::Soft, .. }
            | Self::Sent { .. }
            | Self::Delivered
            | Self::Deferred { .. }
            | Self::Opened { .. }
            | Self::Clicked { .. }
            | Self::Dismissed
            | Self::CallEnded { .. }
            | Self::OptedIn { .. } => None,
            Self::OptedOut { topic: None, .. } | Self::Failed { .. } => {
                self.opt_out().filter(|method| *method != ONE_CLICK).map(|_| SuppressionReason::Stop)
            }
        }
    }
}

/// What tells a report from others of its kind about the same message. Providers give one open or click another id when
/// they report it again (sendgrid/sendgrid-nodejs#1435), so these are told apart by what they say.
fn identity(fact: &RecordProviderFact) -> String {
    let (ip, user_agent, url) = match &fact.report {
        Report::Opened { ip, user_agent, .. } => (ip.as_deref(), user_agent.as_deref(), None),
        Report::Clicked { ip, user_agent, url, .. } => (ip.as_deref(), user_agent.as_deref(), url.as_deref()),
        _ => (None, None, None),
    };
    if ip.is_some() || user_agent.is_some() || url.is_some() {
        let parts = [ip, user_agent, url].map(Option::unwrap_or_default);
        return format!("{}\n{}", fact.occurred_at.timestamp(), parts.join("\n"));
    }
    fact.provider_event_id.clone().unwrap_or_else(|| fact.occurred_at.timestamp_micros().to_string())
}

/// What a report says about messages to its receiver. An opt-out of a provider's group is one of the message's own topic
/// as well, which is what the receiver had before their eyes; a return to the group says nothing of other topics.
fn consents(fact: &RecordProviderFact, message_topic: Option<&str>) -> Vec<ConsentChanged> {
    let out = |topic: &str, method: &str| changed(fact, topic, method, ConsentState::OptedOut);
    match &fact.report {
        Report::OptedOut { method, topic: Some(group) } => {
            let topics = [Some(group.as_str()), message_topic.filter(|topic| topic != group)];
            topics.into_iter().flatten().map(|topic| out(topic, method)).collect()
        }
        Report::OptedIn { method, topic } => vec![changed(fact, topic, method, ConsentState::OptedIn)],
        report => report.opt_out().map(|method| out(ALL_TOPICS, method)).into_iter().collect(),
    }
}

fn changed(fact: &RecordProviderFact, topic: &str, method: &str, state: ConsentState) -> ConsentChanged {
    ConsentChanged {
        channel: fact.correlation.key.channel,
        topic: topic.to_owned(),
        state,
        source: Source::Provider,
        method: method.to_owned(),
        message_id: Some(fact.correlation.key.message_id),
        campaign_id: fact.correlation.key.campaign_id,
        variant: fact.correlation.key.variant.clone(),
        import_id: None,
        personal: None,
    }
}

fn message_event(fact: &RecordProviderFact, context: &Context<'_>) -> Option<CustomerEvent> {
    let (key, route) = (fact.correlation.key.clone(), fact.correlation.route.clone());
    // Providers' words are kept as far as an event holds them: a callback is never lost for its length.
    let words = |words: &Option<String>| {
        words.as_ref().map(|words| words.replace('\0', "\u{FFFD}").chars().take(text::LONG).collect::<String>())
    };
    let code = words;
    Some(match &fact.report {
        Report::Sent { provider_message_id, segments, cost_micros, currency, mail_id } => MessageSent {
            key,
            route,
            provider_message_id: provider_message_id.clone(),
            segments: *segments,
            cost_micros: *cost_micros,
            currency: *currency,
            // One that holds a token of ours says by itself which message it is.
            mail_id: mail_id
                .as_deref()
                .filter(|id| token::reply_token_in_mail_id(id).is_none())
                .map(|id| token::mail_id_fingerprint(id, context.secret)),
        }
        .into(),
        Report::Delivered => MessageDelivered { key, route }.into(),
        Report::Deferred { code: given, detail } => MessageDeferred {
            key,
            route,
            code: code(given),
            personal: Some(MessageDeferredPersonal { detail: words(detail) }),
        }
        .into(),
        Report::Bounced { bounce, code: given, diagnostic } => MessageBounced {
            key,
            route,
            bounce: *bounce,
            code: code(given),
            personal: Some(MessageBouncedPersonal { diagnostic: words(diagnostic) }),
        }
        .into(),
        Report::Failed { class, code: given, detail } => MessageFailed {
            key,
            route,
            class: *class,
            code: code(given),
            personal: Some(MessageFailedPersonal { detail: words(detail) }),
        }
        .into(),
        Report::Opened { class, rule, flagged, ip, user_agent } => MessageOpened {
            key,
            route,
            class: *class,
            rule: rule.clone(),
            flagged: *flagged,
            personal: Some(MessageOpenedPersonal { ip: words(ip), user_agent: words(user_agent) }),
        }
        .into(),
        Report::Clicked { class, rule, flagged, url, ip, user_agent } => MessageClicked {
            key,
            route,
            class: *class,
            rule: rule.clone(),
            flagged: *flagged,
            personal: Some(MessageClickedPersonal { url: words(url), ip: words(ip), user_agent: words(user_agent) }),
        }
        .into(),
        Report::Dismissed => MessageDismissed { key, route }.into(),
        Report::CallEnded { result, seconds, answered_by, cost_micros, currency } => CallEnded {
            key,
            route,
            result: *result,
            seconds: *seconds,
            answered_by: words(answered_by),
            cost_micros: *cost_micros,
            currency: *currency,
        }
        .into(),
        Report::Complained { kind } => MessageComplained { key, route, kind: words(kind) }.into(),
        Report::OptedOut { .. } | Report::OptedIn { .. } => return None,
    })
}
