//! Rows of files, as events of customers.

use chrono::{DateTime, Utc};

use crate::domain::activity::decide::RecordActivity;
use crate::domain::activity::event::ActivityKind;
use crate::domain::consent::event::{ConsentChanged, ConsentState};
use crate::domain::consent::keywords;
use crate::domain::consent::state::Standing;
use crate::domain::customer::decide::{
    AddressInput, ChangeProfile, Patch, ProfileInput, ProfilePatch, RegisterCustomer, Registration, change_profile,
    register,
};
use crate::domain::customer::event::{CustomerEvent, Source};
use crate::domain::customer::state::{Customer, Existence};
use crate::domain::decision::{Context, Decided, Decision};
use crate::domain::import::decide::{
    Collision, ConsentRow, CustomerOptions, CustomerRow, ImportRun, MessageRow, OrderRow,
};
use crate::domain::import::recorded;
use crate::domain::message::decide::{ReceiveMessage, received, sender};
use crate::domain::message::event::MessageRetracted;
use crate::domain::refusal::Refusal;
use crate::domain::text;
use crate::domain::value::ALL_TOPICS;
use crate::domain::value::Keyword;
use crate::domain::value::message::MessageKey;
use crate::domain::{activity, customer};
use crate::ids::{CustomerId, ImportId, Label, MessageId, TenantSecret};

/// The method of a word that was said with a message.
const KEYWORD: &str = "keyword";

/// True if the customer must be registered before facts about it make sense.
#[must_use]
pub fn needs_registration(state: &Customer) -> bool {
    matches!(state.existence, Existence::Unknown | Existence::Retracted)
}

/// Registers a customer that a file names.
pub fn registration(
    state: &Customer,
    profile: ProfileInput,
    addresses: Vec<AddressInput>,
    registration: Registration,
    context: &Context<'_>,
) -> Decision<CustomerEvent> {
    let command = RegisterCustomer { profile, addresses, source: Source::Import };
    register(state, command, registration, context)
}

/// Gives a customer who was known by an address alone the id that a file has for them.
pub fn named(
    state: &Customer,
    customer_id: CustomerId,
    external_id: Option<String>,
    import_id: ImportId,
    context: &Context<'_>,
) -> Decision<CustomerEvent> {
    let Some(external_id) = external_id.filter(|_| state.personal.external_id.is_none() && !state.anonymous) else {
        return Ok(vec![]);
    };
    let patch = ProfilePatch { external_id: Patch::Set(external_id), ..ProfilePatch::default() };
    let change = ChangeProfile { customer_id, patch, source: Source::Import, import_id: Some(import_id) };
    change_profile(state, change, context)
}

/// Records an order. Customer and number say which one it is: another time, status, amount or other lines correct it.
pub fn order(
    state: &Customer,
    customer_id: CustomerId,
    row: OrderRow,
    import_id: ImportId,
    context: &Context<'_>,
) -> Decision<CustomerEvent> {
    let command = RecordActivity {
        customer_id,
        kind: ActivityKind::Order,
        name: None,
        reference: Some(text::required("reference", row.reference, text::SHORT)?),
        status: row.status,
        occurred_at: Some(row.occurred_at),
        amount_micros: row.amount_micros,
        currency: Some(row.currency),
        lines: row.lines,
        due_at: None,
        message_id: None,
        title: None,
        attributes: row.attributes,
        source: Source::Import,
    };
    activity::decide::record(state, command, Some(import_id), context)
}

/// The id of an imported message in a customer's stream: by the id that the file gives it, otherwise by file and line.
#[must_use]
pub fn message_id(customer_id: CustomerId, row: &MessageRow, run: &ImportRun, secret: &TenantSecret) -> MessageId {
    let customer = customer_id.0.as_bytes().as_slice();
    let reference = row.reference.as_deref().map(str::trim).filter(|reference| !reference.is_empty());
    MessageId(match reference {
        Some(reference) => secret.derive(Label::ImportedMessageId, &[customer, b"reference", reference.as_bytes()]),
        None => {
            let line = row.line.to_be_bytes();
            secret.derive(Label::ImportedMessageId, &[customer, b"line", run.file_digest.as_bytes(), &line])
        }
    })
}

/// Takes in a message of the past: it opens no conversation, since nobody waits for an answer. What it says about being
/// written to is said by the `person`, of whom the customer may be a part.
pub fn message(
    state: &Customer,
    customer_id: CustomerId,
    row: MessageRow,
    run: &ImportRun,
    context: &Context<'_>,
) -> Decision<CustomerEvent> {
    state.must_be_known()?;
    Refusal::unless_bounded("occurred_at", row.occurred_at)?;
    let message_id = message_id(customer_id, &row, run, context.secret);
    let reference = text::optional("reference", row.reference, text::SHORT)?;
    let has_time = row.occurred_at.is_some();
    let occurred_at = row.occurred_at.unwrap_or(run.started_at);
    let key = MessageKey { message_id, channel: row.channel, campaign_id: None, variant: None, conversation_id: None };
    let command = ReceiveMessage {
        customer_id: Some(customer_id),
        channel: row.channel,
        from: row.from,
        to: row.to,
        subject: row.subject,
        body: row.body,
        occurred_at: Some(occurred_at),
        in_reply_to: None,
        provider: "import".to_owned(),
        provider_message_id: reference,
        hint: None,
        source: Source::Import,
        arrival: None,
    };
    let sender = command.from.as_deref().and_then(|from| sender(command.channel, from, context));
    let event = received(key, command, sender.as_ref(), Some(run.import_id), context)?;
    let mut events: Vec<Decided<CustomerEvent>> = vec![];
    let mut retractions = state.retractions(message_id.0);
    if let Some(entry) = state.recorded.get(message_id.0) {
        // A line without a time has the time of its import's start, which is no news.
        let is_new_time = has_time && entry.at_micros != occurred_at.timestamp_micros();
        if entry.content == recorded::content_of_message(&event) && !is_new_time {
            return Ok(vec![]);
        }
        events.push(context.now(MessageRetracted { key: event.key.clone(), import_id: run.import_id }));
        retractions += 1;
    }
    let parts = [message_id.0.as_bytes().as_slice(), &retractions.to_be_bytes()];
    events.push(context.derived(occurred_at, Label::ImportedMessageEvent, &parts, event));
    Ok(events)
}

/// What a person said about being written to with a message of the past: STOP or START, at its time. It counts unless
/// something was said later, and START only against what imports brought: no import lifts an opt-out that was said here.
/// A message without a time does not count against what the person agreed to outside of imports.
#[must_use]
pub fn said(
    person: &Customer,
    row: &MessageRow,
    message_id: MessageId,
    import_id: ImportId,
    context: &Context<'_>,
) -> Option<Decided<CustomerEvent>> {
    let state = match keywords::of_message(row.channel, &row.body, None)? {
        Keyword::Stop => ConsentState::OptedOut,
        Keyword::Start => ConsentState::OptedIn,
        Keyword::Help => return None,
    };
    let standing = person.consents.of(row.channel, ALL_TOPICS);
    let counts = match (state, standing) {
        _ if person.anonymous => false,
        (ConsentState::OptedOut, None) => true,
        (ConsentState::OptedOut, Some(own)) => match row.occurred_at {
            Some(at) => own.said_at < at,
            None => !is_settled(own),
        },
        (_, Some(own)) => own.source == Source::Import && row.occurred_at.is_some_and(|at| own.said_at < at),
        (_, None) => row.occurred_at.is_some(),
    };
    let changed = ConsentChanged {
        channel: row.channel,
        topic: ALL_TOPICS.to_owned(),
        state,
        source: Source::Import,
        method: KEYWORD.to_owned(),
        message_id: Some(message_id),
        campaign_id: None,
        variant: None,
        import_id: Some(import_id),
        personal: None,
    };
    counts.then(|| context.at(row.occurred_at.unwrap_or(context.now), changed))
}

/// Whether something stands that a STOP of unknown time does not change.
fn is_settled(own: &Standing) -> bool {
    match own.state {
        ConsentState::OptedOut => true,
        ConsentState::OptedIn => own.source != Source::Import,
        ConsentState::Pending | ConsentState::None => false,
    }
}

/// Registers a customer, or merges a row into one by the collision rules. A row that brings nothing new changes nothing.
pub fn customer(
    state: &Customer,
    customer_id: CustomerId,
    row: CustomerRow,
    options: &CustomerOptions,
    import_id: ImportId,
    context: &Context<'_>,
) -> Decision<CustomerEvent> {
    let mut events = if needs_registration(state) {
        let command = RegisterCustomer { profile: row.profile, addresses: row.addresses, source: Source::Import };
        register(state, command, Registration { import_id: Some(import_id), ..Registration::default() }, context)?
    } else {
        state.must_exist()?;
        merged(state, customer_id, row.profile, row.addresses, options, import_id, context)?
    };
    events.extend(consents(state, row.consents, import_id, context)?);
    Ok(events)
}

/// What a file says about a customer's consent.
pub fn consents(
    state: &Customer,
    rows: Vec<ConsentRow>,
    import_id: ImportId,
    context: &Context<'_>,
) -> Decision<CustomerEvent> {
    let mut events = vec![];
    for row in rows {
        events.extend(consented(state, row, import_id, context)?);
    }
    Ok(events)
}

/// An import never overwrites an opt-out, of the topic or of everything, and says nothing that is known already. An opt-out
/// that only other imports have said is said again, so that it stands when they are undone; so is one that is dated later than
/// the one that stands.
fn consented(
    state: &Customer,
    row: ConsentRow,
    import_id: ImportId,
    context: &Context<'_>,
) -> Result<Option<Decided<CustomerEvent>>, Refusal> {
    let topic = text::word("topic", &row.topic)?;
    let is_out = |standing: &Standing| standing.state == ConsentState::OptedOut;
    let own = state.consents.of(row.channel, &topic);
    let effective = state.consents.effective(row.channel, &topic);
    let repeated = effective.filter(|standing| {
        row.state == ConsentState::OptedOut && standing.is_opt_out_of_other_imports(Some(import_id))
    });
    if let Some(repeated) = repeated {
        // It holds at least as long as the one that it repeats; without a time it says nothing newer.
        let said_at = row.said_at.map_or(repeated.said_at, |said_at| said_at.min(context.now).max(repeated.said_at));
        return Ok(Some(consent_changed(row, topic, said_at, import_id, context)));
    }
    // Said again later: it outlasts an opt-in from in between that comes to be known after it.
    let again = row.said_at.filter(|said_at| {
        let is_outlasted = |standing: &Standing| is_out(standing) && standing.said_at < *said_at;
        row.state == ConsentState::OptedOut && *said_at < context.now && effective.is_some_and(is_outlasted)
    });
    if let Some(said_at) = again {
        return Ok(Some(consent_changed(row, topic, said_at, import_id, context)));
    }
    if row.state == ConsentState::None
        || own.is_some_and(|own| own.state == row.state || is_out(own) || own.state == ConsentState::Pending)
        || effective.is_some_and(is_out)
    {
        return Ok(None);
    }
    let said_at = row.said_at.filter(|said_at| *said_at < context.now).unwrap_or(context.now);
    if own.is_some_and(|own| own.said_at > said_at) {
        return Ok(None);
    }
    Ok(Some(consent_changed(row, topic, said_at, import_id, context)))
}

fn consent_changed(
    row: ConsentRow,
    topic: String,
    said_at: DateTime<Utc>,
    import_id: ImportId,
    context: &Context<'_>,
) -> Decided<CustomerEvent> {
    context.at(
        said_at,
        ConsentChanged {
            channel: row.channel,
            topic,
            state: row.state,
            source: Source::Import,
            method: "import".to_owned(),
            message_id: None,
            campaign_id: None,
            variant: None,
            import_id: Some(import_id),
            personal: None,
        },
    )
}

fn merged(
    state: &Customer,
    customer_id: CustomerId,
    row: ProfileInput,
    addresses: Vec<AddressInput>,
    options: &CustomerOptions,
    import_id: ImportId,
    context: &Context<'_>,
) -> Decision<CustomerEvent> {
    let rule = |field: &str| options.by_field.get(field).copied().unwrap_or(options.collision);
    let wins = |field: &str, is_blank: bool| match rule(field) {
        Collision::Never => false,
        Collision::IfBlank => is_blank,
        Collision::Overwrite => true,
    };
    macro_rules! patch {
        ($before:expr, $field:ident) => {
            match row.$field {
                Some(value) if wins(stringify!($field), $before.$field.is_none()) => Patch::Set(value),
                _ => Patch::Keep,
            }
        };
    }
    let (profile, personal) = (&state.profile, &state.personal);
    let tags = (!row.tags.is_empty() && wins("tags", profile.tags.is_empty())).then_some(row.tags);
    let attribute_wins = |name: &String| {
        let own = options.by_field.get(&format!("attributes.{name}")).copied();
        match own.unwrap_or_else(|| rule("attributes")) {
            Collision::Never => false,
            Collision::IfBlank => !personal.attributes.contains_key(name),
            Collision::Overwrite => true,
        }
    };
    let attributes = row.attributes.into_iter().filter(|(name, value)| !value.is_null() && attribute_wins(name));
    let patch = ProfilePatch {
        name: patch!(personal, name),
        // Not a matter of taste: a row that reached this customer by another id is theirs all the same.
        external_id: match row.external_id {
            Some(id) if personal.external_id.is_none() => Patch::Set(id),
            _ => Patch::Keep,
        },
        territory: patch!(profile, territory),
        account_type: patch!(profile, account_type),
        priority: patch!(profile, priority),
        owner: patch!(profile, owner),
        lead_score: patch!(profile, lead_score),
        industry: patch!(profile, industry),
        locale: patch!(profile, locale),
        time_zone: patch!(profile, time_zone),
        preferred_hours: patch!(profile, preferred_hours),
        tags,
        attributes: attributes.collect(),
        ..ProfilePatch::default()
    };
    let change = ChangeProfile { customer_id, patch, source: Source::Import, import_id: Some(import_id) };
    let mut events = change_profile(state, change, context)?;
    let mut owned = state.addresses.clone();
    for address in addresses {
        let is_blank = !owned.iter().any(|own| own.kind == address.kind);
        if !wins("addresses", is_blank) {
            continue;
        }
        if let Some(added) = customer::address::add(&owned, address, Some(import_id), context)? {
            customer::address::remember(&mut owned, &added);
            events.push(context.now(added));
        }
    }
    Ok(events)
}
