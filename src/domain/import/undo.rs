//! Taking back what an import brought to one customer. What somebody else has said stays, and nobody is opted in.

use std::collections::HashSet;

use uuid::Uuid;

use crate::domain::activity::event::ActivityEvent;
use crate::domain::activity::event::ActivityRetracted;
use crate::domain::consent::event::{ConsentChanged, ConsentState};
use crate::domain::consent::state::{Standing, UNDONE};
use crate::domain::customer::event::{
    CustomerAddressRemoved, CustomerEvent, CustomerProfileChanged, CustomerProfileChangedPersonal, CustomerRetracted,
    ExternalIdReleased, PersonalProfile, Profile, Source,
};
use crate::domain::customer::state::{Customer, Existence};
use crate::domain::decision::{Context, Decided};
use crate::domain::import::recorded::has_identity;
use crate::domain::message::event::MessageEvent;
use crate::domain::message::event::MessageRetracted;
use crate::ids::{ImportId, Label};

/// The retraction of an activity or a message, as a fact: its id derives from the one that it takes back.
#[must_use]
pub fn retraction(
    fact: &Decided<CustomerEvent>,
    import_id: ImportId,
    context: &Context<'_>,
) -> Option<Decided<CustomerEvent>> {
    let event: CustomerEvent = match &fact.event {
        CustomerEvent::Activity(ActivityEvent::ActivityRecorded(e)) => ActivityRetracted {
            activity_id: e.activity_id,
            kind: e.kind,
            amount_micros: e.amount_micros,
            currency: e.currency,
            import_id,
        }
        .into(),
        CustomerEvent::Message(MessageEvent::MessageReceived(e)) => {
            MessageRetracted { key: e.key.clone(), import_id }.into()
        }
        CustomerEvent::Message(MessageEvent::MessageQueued(e)) => {
            MessageRetracted { key: e.key.clone(), import_id }.into()
        }
        CustomerEvent::Profile(_)
        | CustomerEvent::Identity(_)
        | CustomerEvent::Note(_)
        | CustomerEvent::Activity(ActivityEvent::ActivityRetracted(_))
        | CustomerEvent::Consent(_)
        | CustomerEvent::Conversation(_)
        | CustomerEvent::Message(_) => return None,
    };
    let derived = context.derived(fact.occurred_at, Label::RetractionEvent, &[fact.id.0.as_bytes()], event);
    Some(Decided { occurred_at: context.now, ..derived })
}

/// The order or message that an event records, if another event can correct it.
#[must_use]
pub fn identity(event: &CustomerEvent) -> Option<Uuid> {
    if let CustomerEvent::Activity(ActivityEvent::ActivityRecorded(e)) = event {
        return has_identity(e).then_some(e.activity_id.0);
    }
    if let CustomerEvent::Message(MessageEvent::MessageReceived(e)) = event {
        return e.import_id.map(|_| e.key.message_id.0);
    }
    None
}

/// The order or message that an event takes back.
#[must_use]
pub fn corrected(event: &CustomerEvent) -> Option<Uuid> {
    if let CustomerEvent::Activity(ActivityEvent::ActivityRetracted(e)) = event {
        return Some(e.activity_id.0);
    }
    if let CustomerEvent::Message(MessageEvent::MessageRetracted(e)) = event {
        return Some(e.key.message_id.0);
    }
    None
}

/// Records again what an import had corrected, unless something stands in its place.
#[must_use]
pub fn restoration(
    state: &Customer,
    former: &Decided<CustomerEvent>,
    context: &Context<'_>,
) -> Vec<Decided<CustomerEvent>> {
    let Some(id) =
        identity(&former.event).filter(|id| state.must_be_known().is_ok() && state.recorded.get(*id).is_none())
    else {
        return vec![];
    };
    let label = match &former.event {
        CustomerEvent::Activity(_) => Label::ActivityEvent,
        CustomerEvent::Message(_)
        | CustomerEvent::Profile(_)
        | CustomerEvent::Identity(_)
        | CustomerEvent::Note(_)
        | CustomerEvent::Consent(_)
        | CustomerEvent::Conversation(_) => Label::ImportedMessageEvent,
    };
    let retractions = state.retractions(id).to_be_bytes();
    vec![context.derived(former.occurred_at, label, &[id.as_bytes(), &retractions], former.event.clone())]
}

/// The profile that a customer had before an import changed it, and the one that the import made of it.
#[derive(Debug, Clone, PartialEq)]
pub struct ProfileChange {
    /// Before.
    pub before: (Profile, PersonalProfile),
    /// After.
    pub after: (Profile, PersonalProfile),
}

/// What else is taken back, once the retractions are in: the customer itself if there is nothing more to it, otherwise
/// what the import added and nobody has changed since. `undone` are the imports that were undone before.
#[must_use]
pub fn take_back(
    state: &Customer,
    import_id: ImportId,
    undone: &HashSet<ImportId>,
    change: Option<&ProfileChange>,
    context: &Context<'_>,
) -> Vec<Decided<CustomerEvent>> {
    if state.assigned.is_some_and(|assigned| assigned.import_id == import_id) {
        return vec![context.now(ExternalIdReleased { import_id })];
    }
    if !matches!(state.existence, Existence::Registered | Existence::Merged) {
        return vec![];
    }
    if state.is_only_of(import_id) {
        return vec![context.now(CustomerRetracted { import_id })];
    }
    let mut events = vec![];
    if let Some(restored) = change.and_then(|change| restored(state, change)) {
        let (profile, personal, changed) = restored;
        events.push(context.now(CustomerProfileChanged {
            source: Source::Import,
            import_id: Some(import_id),
            changed,
            profile,
            personal: Some(CustomerProfileChangedPersonal { profile: personal }),
        }));
    }
    let mut left = state.addresses.clone();
    for own in state.addresses.iter().filter(|own| own.import_id == Some(import_id)) {
        left.retain(|other| other.address_id != own.address_id);
        let mut others = left.iter().filter(|other| other.kind == own.kind);
        let primary =
            others.clone().find(|other| other.primary).or_else(|| others.next()).map(|other| other.address_id);
        left.iter_mut().filter(|other| other.kind == own.kind).for_each(|o| o.primary = Some(o.address_id) == primary);
        events.push(context.now(CustomerAddressRemoved {
            address_id: own.address_id,
            kind: own.kind,
            primary,
            import_id: Some(import_id),
        }));
    }
    for standing in state.consents.all() {
        let is_undone = standing.before.is_some() && standing.import_id == Some(import_id);
        if standing.import_id == Some(import_id) && (is_undone || standing.state != ConsentState::None) {
            // What stood before: an opt-in comes back only if it was said by somebody else, before the import.
            let stands = |below: &&Standing| below.import_id.is_none_or(|id| id != import_id && !undone.contains(&id));
            let before = standing.below().find(stands);
            let restored = ConsentChanged {
                channel: standing.channel,
                topic: standing.topic.clone(),
                state: before.map_or(ConsentState::None, |before| before.state),
                source: Source::Import,
                method: UNDONE.to_owned(),
                message_id: None,
                campaign_id: None,
                variant: None,
                import_id: before.map_or(Some(import_id), |before| before.import_id),
                personal: None,
            };
            // In place of what is undone: whatever was said later than that, and is heard of later, still holds.
            events.push(context.at(standing.said_at, restored));
        }
    }
    events
}

/// The profile with every field put back that still has the value which the import gave it.
fn restored(state: &Customer, change: &ProfileChange) -> Option<(Profile, PersonalProfile, Vec<String>)> {
    let mut profile = state.profile.clone();
    let mut personal = state.personal.clone();
    let mut changed = vec![];
    let ((before, before_personal), (after, after_personal)) = (&change.before, &change.after);
    macro_rules! restore {
        ($now:ident, $before:ident, $after:ident: $($field:ident)*) => {$(
            if $before.$field != $after.$field && $now.$field == $after.$field {
                $now.$field = $before.$field.clone();
                changed.push(stringify!($field).to_owned());
            }
        )*};
    }
    restore!(profile, before, after:
        territory account_type priority owner lead_score industry locale time_zone preferred_hours tags);
    restore!(personal, before_personal, after_personal: name external_id);
    let mut attributes = personal.attributes.clone();
    for (name, value) in &after_personal.attributes {
        let old = before_personal.attributes.get(name);
        if old != Some(value) && attributes.get(name) == Some(value) {
            match old {
                Some(old) => attributes.insert(name.clone(), old.clone()),
                None => attributes.remove(name),
            };
        }
    }
    if attributes != personal.attributes {
        personal.attributes = attributes;
        changed.push("attributes".to_owned());
    }
    (!changed.is_empty()).then_some((profile, personal, changed))
}
