//! Events with ordinary contents, to be changed where a test cares.

use std::collections::BTreeMap;

use commlog::domain::activity::event::{
    ActivityKind, ActivityRecorded, ActivityRecordedPersonal, ActivityRetracted, LineItem,
};
use commlog::domain::consent::event::{ConsentChanged, ConsentChangedPersonal, ConsentState};
use commlog::domain::conversation::event::{ConversationCause, ConversationChanged, ConversationState};
use commlog::domain::customer::event::{
    CustomerAddressAdded, CustomerAddressAddedPersonal, CustomerEvent, CustomerForgotten, CustomerProfileChanged,
    CustomerProfileChangedPersonal, CustomerRegistered, CustomerRegisteredPersonal, NoteAdded, NoteAddedPersonal,
    PersonalProfile, Profile, Source,
};
use commlog::domain::message::event::MessageEvent;
use commlog::domain::message::event::{
    BounceKind, CallEnded, CallResult, DispatchFailed, DispatchFailedPersonal, DispatchInDoubt, DispatchStarted,
    EngagementClass, MessageBounced, MessageBouncedPersonal, MessageCancelled, MessageClass, MessageClicked,
    MessageComplained, MessageDeferred, MessageDeferredPersonal, MessageDelivered, MessageFailed,
    MessageFailedPersonal, MessageHeld, MessageKey, MessageOpened, MessageQueued, MessageQueuedPersonal,
    MessageReceived, MessageReceivedPersonal, MessageReleased, MessageRetracted, MessageSent, MessageSuppressed,
    RetryClass, Route,
};
use commlog::domain::value::engagement::Rule;
use commlog::domain::value::{AddressKind, Channel};
use commlog::ids::{ActivityId, AddressId, ConversationId, ImportId, MessageId, NoteId};

use super::story::{address, minute};

pub(crate) fn registered(name: &str) -> CustomerRegistered {
    CustomerRegistered {
        source: Source::Api,
        anonymous: false,
        import_id: None,
        profile: Profile { territory: Some("north".to_owned()), ..Profile::default() },
        personal: Some(CustomerRegisteredPersonal {
            profile: PersonalProfile {
                name: Some(name.to_owned()),
                external_id: Some("crm-1".to_owned()),
                attributes: [("vip".to_owned(), true.into())].into(),
            },
        }),
    }
}

pub(crate) fn profile_changed(name: &str, profile: Profile) -> CustomerProfileChanged {
    CustomerProfileChanged {
        source: Source::Api,
        import_id: None,
        changed: vec![],
        profile,
        personal: Some(CustomerProfileChangedPersonal {
            profile: PersonalProfile { name: Some(name.to_owned()), ..PersonalProfile::default() },
        }),
    }
}

pub(crate) fn address_added(id: AddressId, text: &str, primary: bool) -> CustomerAddressAdded {
    let kind = if text.contains('@') { AddressKind::Email } else { AddressKind::Phone };
    CustomerAddressAdded {
        address_id: id,
        kind,
        primary,
        import_id: None,
        personal: Some(CustomerAddressAddedPersonal { address: text.to_owned(), label: Some("work".to_owned()) }),
    }
}

pub(crate) fn forgotten() -> CustomerForgotten {
    CustomerForgotten { reason: "request".to_owned(), addresses: vec![] }
}

/// An order in GBP with one line.
pub(crate) fn order(id: ActivityId, micros: i64, import_id: Option<ImportId>) -> ActivityRecorded {
    ActivityRecorded {
        activity_id: id,
        kind: ActivityKind::Order,
        name: None,
        reference: Some("536365".to_owned()),
        status: None,
        amount_micros: Some(micros),
        currency: Some("GBP".parse().expect("a currency")),
        lines: vec![LineItem {
            sku: "85123A".to_owned(),
            description: None,
            quantity_milli: 1000,
            unit_price_micros: micros,
        }],
        due_at: None,
        message_id: None,
        source: Source::Import,
        import_id,
        personal: Some(ActivityRecordedPersonal { title: Some("A lantern".to_owned()), attributes: [].into() }),
    }
}

pub(crate) fn retracted(of: &ActivityRecorded) -> ActivityRetracted {
    ActivityRetracted {
        activity_id: of.activity_id,
        kind: of.kind,
        amount_micros: of.amount_micros,
        currency: of.currency,
        import_id: of.import_id.expect("only what was imported is taken back"),
    }
}

pub(crate) fn note_added(id: NoteId, text: &str) -> NoteAdded {
    NoteAdded {
        note_id: id,
        pinned: false,
        conversation_id: None,
        personal: Some(NoteAddedPersonal { text: text.to_owned() }),
    }
}

pub(crate) fn consent(channel: Channel, topic: &str, state: ConsentState) -> ConsentChanged {
    ConsentChanged {
        channel,
        topic: topic.to_owned(),
        state,
        source: Source::Api,
        method: "form".to_owned(),
        message_id: None,
        campaign_id: None,
        variant: None,
        import_id: None,
        personal: Some(ConsentChangedPersonal {
            wording: Some("I agree".to_owned()),
            ip: Some("192.0.2.1".to_owned()),
            user_agent: None,
        }),
    }
}

pub(crate) fn conversation_changed(
    id: ConversationId,
    state: ConversationState,
    cause: ConversationCause,
    unread: u32,
) -> ConversationChanged {
    ConversationChanged {
        conversation_id: id,
        channel: Channel::Sms,
        state,
        snoozed_until: None,
        assignee: None,
        team: None,
        priority: "normal".to_owned(),
        cause,
        message_id: None,
        unread,
    }
}

/// A message by email, outside of any campaign.
pub(crate) fn key(id: MessageId) -> MessageKey {
    MessageKey { message_id: id, channel: Channel::Email, campaign_id: None, variant: None, conversation_id: None }
}

pub(crate) fn route() -> Route {
    Route { provider: "simulator".to_owned(), account: "main".to_owned(), domain: Some("mail.example.com".to_owned()) }
}

pub(crate) fn queued(key: &MessageKey) -> MessageQueued {
    MessageQueued {
        key: key.clone(),
        class: MessageClass::Marketing,
        topic: "news".to_owned(),
        address_id: Some(address(1)),
        instead_of: None,
        send_at: None,
        in_reply_to: None,
        canned_reply: None,
        template: None,
        timing: None,
        import_id: None,
        personal: Some(MessageQueuedPersonal {
            to: Some("ann@example.com".to_owned()),
            subject: Some("Hello".to_owned()),
            body: "Dear Ann".to_owned(),
            html: None,
            variables: BTreeMap::new(),
            form: None,
        }),
    }
}

pub(crate) fn received(key: &MessageKey, body: &str) -> MessageReceived {
    MessageReceived {
        key: key.clone(),
        address_id: Some(address(1)),
        in_reply_to: None,
        provider: "simulator".to_owned(),
        keyword: None,
        import_id: None,
        account: None,
        automatic: None,
        about: None,
        personal: Some(MessageReceivedPersonal {
            from: Some("ann@example.com".to_owned()),
            to: None,
            subject: None,
            body: body.to_owned(),
            details: Box::default(),
            raw: None,
        }),
    }
}

pub(crate) fn taken_back(of: &MessageReceived) -> MessageRetracted {
    MessageRetracted { key: of.key.clone(), import_id: of.import_id.expect("only what was imported is taken back") }
}

pub(crate) fn held(key: &MessageKey, until: i64) -> CustomerEvent {
    let inputs = serde_json::json!({"zone": "Europe/London"});
    MessageHeld { key: key.clone(), until: minute(until), rule: "quiet_hours".to_owned(), inputs }.into()
}

pub(crate) fn released(key: &MessageKey) -> CustomerEvent {
    MessageReleased { key: key.clone(), rule: "quiet_hours".to_owned() }.into()
}

pub(crate) fn suppressed(key: &MessageKey) -> CustomerEvent {
    let inputs = serde_json::json!({"state": "opted_out"});
    MessageSuppressed { key: key.clone(), rule: "consent".to_owned(), inputs }.into()
}

pub(crate) fn cancelled(key: &MessageKey) -> CustomerEvent {
    MessageCancelled { key: key.clone(), reason: "by_agent".to_owned() }.into()
}

pub(crate) fn dispatch_started(key: &MessageKey, attempt: u32) -> CustomerEvent {
    DispatchStarted {
        key: key.clone(),
        route: route(),
        attempt,
        address_version: 1,
        content_hash: "0".repeat(64),
        choice: None,
    }
    .into()
}

pub(crate) fn dispatch_failed(key: &MessageKey, attempt: u32, retry: Option<i64>) -> CustomerEvent {
    DispatchFailed {
        key: key.clone(),
        route: route(),
        attempt,
        class: if retry.is_some() { RetryClass::Transient } else { RetryClass::Permanent },
        code: Some("451".to_owned()),
        retry_at: retry.map(minute),
        personal: Some(DispatchFailedPersonal { detail: "try later, ann@example.com".to_owned() }),
    }
    .into()
}

pub(crate) fn in_doubt(key: &MessageKey, attempt: u32) -> CustomerEvent {
    DispatchInDoubt { key: key.clone(), route: route(), attempt, cause: "timeout".to_owned() }.into()
}

pub(crate) fn sent(key: &MessageKey) -> CustomerEvent {
    sent_for(key, 700)
}

pub(crate) fn sent_for(key: &MessageKey, cost_micros: i64) -> CustomerEvent {
    MessageSent {
        key: key.clone(),
        route: route(),
        provider_message_id: Some("p-1".to_owned()),
        segments: 1,
        cost_micros: Some(cost_micros),
        currency: Some("EUR".parse().expect("a currency")),
        mail_id: None,
    }
    .into()
}

pub(crate) fn delivered(key: &MessageKey) -> CustomerEvent {
    MessageDelivered { key: key.clone(), route: route() }.into()
}

pub(crate) fn call_ended(key: &MessageKey, result: CallResult, cost_micros: i64) -> CustomerEvent {
    CallEnded {
        key: key.clone(),
        route: route(),
        result,
        seconds: Some(49),
        answered_by: Some("human".to_owned()),
        cost_micros: Some(cost_micros),
        currency: Some("EUR".parse().expect("a currency")),
    }
    .into()
}

pub(crate) fn deferred(key: &MessageKey) -> CustomerEvent {
    let personal = Some(MessageDeferredPersonal { detail: Some("try again later".to_owned()) });
    MessageDeferred { key: key.clone(), route: route(), code: Some("4.2.2".to_owned()), personal }.into()
}

pub(crate) fn bounced(key: &MessageKey, bounce: BounceKind) -> CustomerEvent {
    MessageBounced {
        key: key.clone(),
        route: route(),
        bounce,
        code: Some("5.1.1".to_owned()),
        personal: Some(MessageBouncedPersonal { diagnostic: Some("no such user: ann".to_owned()) }),
    }
    .into()
}

pub(crate) fn failed(key: &MessageKey) -> CustomerEvent {
    MessageFailed {
        key: key.clone(),
        route: route(),
        class: RetryClass::Permanent,
        code: Some("30005".to_owned()),
        personal: Some(MessageFailedPersonal { detail: Some("unknown handset".to_owned()) }),
    }
    .into()
}

pub(crate) fn opened(key: &MessageKey, class: EngagementClass) -> CustomerEvent {
    let rule = "engagement/1".to_owned();
    MessageOpened { key: key.clone(), route: route(), class, rule, flagged: None, personal: None }.into()
}

pub(crate) fn clicked(key: &MessageKey, class: EngagementClass) -> CustomerEvent {
    let rule = "engagement/1".to_owned();
    MessageClicked { key: key.clone(), route: route(), class, rule, flagged: None, personal: None }.into()
}

/// An open or click of which the provider said whether a machine made it; anything else stays as it is.
pub(crate) fn flagged(mut event: CustomerEvent, flag: bool) -> CustomerEvent {
    match &mut event {
        CustomerEvent::Message(MessageEvent::MessageOpened(open)) => open.flagged = Some(flag),
        CustomerEvent::Message(MessageEvent::MessageClicked(click)) => click.flagged = Some(flag),
        _ => {}
    }
    event
}

/// The same open or click, classed as the provider said.
pub(crate) fn classed_by_flag(mut event: CustomerEvent) -> CustomerEvent {
    let class = |flag: Option<bool>| BY_FLAG_CLASSES[usize::from(flag == Some(true))];
    match &mut event {
        CustomerEvent::Message(MessageEvent::MessageOpened(open)) => open.class = class(open.flagged),
        CustomerEvent::Message(MessageEvent::MessageClicked(click)) => click.class = class(click.flagged),
        _ => {}
    }
    event
}

const BY_FLAG_CLASSES: [EngagementClass; 2] = [EngagementClass::Human, EngagementClass::Machine];

/// Believes the provider's flag.
pub(crate) const BY_FLAG: Rule = Rule { name: "test/1", class: |signs| BY_FLAG_CLASSES[usize::from(signs.is_flagged)] };

/// Believes the contrary.
pub(crate) const AGAINST_FLAG: Rule =
    Rule { name: "test/2", class: |signs| BY_FLAG_CLASSES[usize::from(!signs.is_flagged)] };

pub(crate) fn complained(key: &MessageKey) -> CustomerEvent {
    MessageComplained { key: key.clone(), route: route(), kind: Some("abuse".to_owned()) }.into()
}

/// An opt-out that a message led to.
pub(crate) fn opted_out_by(key: &MessageKey) -> CustomerEvent {
    ConsentChanged {
        message_id: Some(key.message_id),
        campaign_id: key.campaign_id,
        variant: key.variant.clone(),
        ..consent(key.channel, "all", ConsentState::OptedOut)
    }
    .into()
}
