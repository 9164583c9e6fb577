//! Files of customers, orders and messages.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::app::imports::chunk::{Ground, Part, Row, Subject};
use crate::app::imports::of_import;
use crate::app::imports::subject::Who;
use crate::app::{App, AppError, Caller};
use crate::domain::activity;
use crate::domain::customer::decide::{
    AddressInput, ProfileInput, Registration, id_of_address, id_of_anonymous, id_of_external,
};
use crate::domain::customer::event::CustomerEvent;
use crate::domain::customer::state::Customer;
use crate::domain::decision::{Context, Decided, Meta};
use crate::domain::import::decide::{
    ConsentRow, CustomerOptions, CustomerRow, ImportRun, ImportedChunk, MessageOptions, MessageRow, OrderOptions,
    OrderRow,
};
use crate::domain::import::rows;
use crate::domain::message::decide::sender;
use crate::domain::refusal::Refusal;
use crate::domain::value::AddressKind;
use crate::domain::value::address::Address;
use crate::ids::{AddressId, CustomerId, ImportId, TenantSecret};

impl App {
    /// Takes in orders, a chunk at a time. Customers that are not known are registered.
    pub async fn import_orders(
        &self,
        caller: &Caller,
        run: &ImportRun,
        options: &OrderOptions,
        rows: Vec<OrderRow>,
        ground: Ground<'_>,
    ) -> Result<ImportedChunk, AppError> {
        let region = self.policy(caller.tenant).await?.default_region.clone();
        let rows =
            rows.into_iter().map(|row| Order { anonymous: options.anonymous, region: region.clone(), row }).collect();
        let import_id = run.import_id;
        self.take_in(&of_import(caller, import_id), import_id, rows, ground, |subject, Order { row, .. }, context| {
            let newcomer = Newcomer {
                external_id: row.customer.clone(),
                addresses: row.addresses.clone(),
                consents: row.consents.clone(),
                attributes: row.customer_attributes.clone(),
                senders: false,
            };
            with_customer(subject, newcomer, import_id, context, |holder, id| {
                rows::order(holder, id, row, import_id, context)
            })
        })
        .await
    }

    /// Takes in customers, a chunk at a time.
    pub async fn import_customers(
        &self,
        caller: &Caller,
        run: &ImportRun,
        options: &CustomerOptions,
        rows: Vec<CustomerRow>,
        ground: Ground<'_>,
    ) -> Result<ImportedChunk, AppError> {
        let import_id = run.import_id;
        let region = self.policy(caller.tenant).await?.default_region.clone();
        let rows = rows.into_iter().map(|row| Profile { region: region.clone(), row }).collect();
        self.take_in(&of_import(caller, import_id), import_id, rows, ground, |subject, Profile { row, .. }, context| {
            let events = rows::customer(subject.person, subject.person_id, row, options, import_id, context)?;
            Ok(vec![Part { on: subject.person_id, events, said_from: None }])
        })
        .await
    }

    /// Takes in inbound messages, a chunk at a time.
    pub async fn import_messages(
        &self,
        caller: &Caller,
        run: &ImportRun,
        options: &MessageOptions,
        rows: Vec<MessageRow>,
        ground: Ground<'_>,
    ) -> Result<ImportedChunk, AppError> {
        let region = self.policy(caller.tenant).await?.default_region.clone();
        let rows = rows
            .into_iter()
            .map(|row| Message { anonymous: options.anonymous, region: region.clone(), run, row })
            .collect();
        let import_id = run.import_id;
        self.take_in(&of_import(caller, import_id), import_id, rows, ground, |subject, message, context| {
            let row = message.row;
            let newcomer = Newcomer {
                external_id: row.customer.clone(),
                addresses: sent_from(&row).into_iter().collect(),
                consents: vec![],
                attributes: BTreeMap::new(),
                senders: true,
            };
            let from = row.from.as_deref().and_then(|from| sender(row.channel, from, context));
            let message_id = rows::message_id(subject.holder_id, &row, run, context.secret);
            let said = rows::said(subject.person, &row, message_id, import_id, context);
            let mut parts = with_customer(subject, newcomer, import_id, context, |holder, id| {
                rows::message(holder, id, row, run, context)
            })?;
            // What the log knew already says nothing new.
            if parts.iter().any(|part| !part.events.is_empty()) {
                let said_from = from.map(|from| from.id(context.secret));
                parts.extend(said.map(|said| Part { on: subject.person_id, events: vec![said], said_from }));
            }
            Ok(parts)
        })
        .await
    }
}

/// What a row says about its customer.
pub(super) struct Newcomer {
    pub external_id: Option<String>,
    pub addresses: Vec<AddressInput>,
    pub consents: Vec<ConsentRow>,
    pub attributes: BTreeMap<String, serde_json::Value>,
    /// The addresses are those that messages came from.
    pub senders: bool,
}

/// The address that a message came from.
fn sent_from(row: &MessageRow) -> Option<AddressInput> {
    let kind = row.channel.address_kind();
    let from = row.from.as_deref().map(str::trim).filter(|from| !from.is_empty())?;
    Some(AddressInput { kind, address: from.to_owned(), region: None, label: None, primary: false })
}

/// A fact, and before it the registration of a customer that is not known yet. What the row says about consent is said by
/// the person; the fact stands in the stream of the record that holds it.
pub(super) fn with_customer(
    subject: &Subject<'_>,
    newcomer: Newcomer,
    import_id: ImportId,
    context: &Context<'_>,
    fact: impl FnOnce(&Customer, CustomerId) -> Result<Vec<Decided<CustomerEvent>>, Refusal>,
) -> Result<Vec<Part>, Refusal> {
    let Newcomer { external_id, addresses, consents, attributes, senders } = newcomer;
    let part = |on, events| Part { on, events, said_from: None };
    let (person, person_id) = (subject.person, subject.person_id);
    if !rows::needs_registration(person) {
        let mut said = rows::named(person, person_id, external_id, import_id, context)?;
        said.extend(rows::consents(person, consents, import_id, context)?);
        return Ok(vec![part(person_id, said), part(subject.holder_id, fact(subject.holder, subject.holder_id)?)]);
    }
    let anonymous = external_id.is_none() && addresses.is_empty();
    let attributes = if anonymous { BTreeMap::new() } else { attributes };
    let profile = ProfileInput { external_id, attributes, ..ProfileInput::default() };
    let registration = Registration { import_id: Some(import_id), anonymous, senders };
    let mut registered = rows::registration(person, profile, addresses, registration, context)?;
    let mut after = person.clone();
    let apply = |after: &mut Customer, decided: &Decided<CustomerEvent>| {
        after.apply(&decided.event, Meta { id: decided.id, version: 0, occurred_at: decided.occurred_at });
    };
    registered.iter().for_each(|decided| apply(&mut after, decided));
    if !anonymous {
        let said = rows::consents(&after, consents, import_id, context)?;
        said.iter().for_each(|decided| apply(&mut after, decided));
        registered.extend(said);
    }
    let facts = fact(&after, person_id)?;
    Ok(vec![part(person_id, registered), part(person_id, facts)])
}

/// An order's row.
#[derive(Clone)]
struct Order {
    anonymous: bool,
    region: Option<String>,
    row: OrderRow,
}

/// A message's row.
#[derive(Clone)]
struct Message<'a> {
    anonymous: bool,
    region: Option<String>,
    run: &'a ImportRun,
    row: MessageRow,
}

/// A customer's row.
#[derive(Clone)]
struct Profile {
    region: Option<String>,
    row: CustomerRow,
}

/// An id that is not blank.
pub(super) fn given(external_id: Option<&String>) -> Option<String> {
    external_id.map(|id| id.trim()).filter(|id| !id.is_empty()).map(str::to_owned)
}

/// Who a row is about: by its external id, otherwise by its first address, otherwise the anonymous one.
pub(super) fn who(
    external_id: Option<String>,
    name: Option<String>,
    addresses: Vec<AddressId>,
    nobody: impl FnOnce() -> Result<CustomerId, Refusal>,
    secret: &TenantSecret,
) -> Result<Who, Refusal> {
    let own = match (&external_id, addresses.first()) {
        (Some(id), _) => id_of_external(secret, id),
        (None, Some(first)) => id_of_address(secret, *first),
        (None, None) => nobody()?,
    };
    Ok(Who { own, external_id, name, addresses })
}

/// The addresses of a row.
pub(super) fn read(
    inputs: &[AddressInput],
    region: Option<&str>,
    secret: &TenantSecret,
) -> Result<Vec<AddressId>, Refusal> {
    let read = |input: &AddressInput| {
        let region = input.region.as_deref().or(region);
        let address = Address::parse(input.kind, &input.address, region);
        address.map(|address| address.id(secret)).map_err(|invalid| Refusal::of_value("address", &invalid))
    };
    inputs.iter().map(read).collect()
}

fn anonymous(is_allowed: bool, secret: &TenantSecret) -> Result<CustomerId, Refusal> {
    if is_allowed {
        return Ok(id_of_anonymous(secret));
    }
    let message = "the line names no customer; lines without one can go to the anonymous customer";
    Err(Refusal { code: "NO_CUSTOMER", message: message.to_owned(), field: Some("customer".to_owned()) })
}

impl Row for Order {
    fn lines(&self) -> (u64, u64) {
        (self.row.line, self.row.file_lines)
    }

    fn who(&self, secret: &TenantSecret) -> Result<Who, Refusal> {
        let addresses = read(&self.row.addresses, self.region.as_deref(), secret)?;
        let nobody = || anonymous(self.anonymous, secret);
        who(given(self.row.customer.as_ref()), None, addresses, nobody, secret)
    }

    fn fact(&self, customer: CustomerId, secret: &TenantSecret) -> Option<Uuid> {
        Some(activity::decide::order_id(secret, customer, &self.row.reference).0)
    }
}

impl Row for Message<'_> {
    fn lines(&self) -> (u64, u64) {
        (self.row.line, 1)
    }

    fn who(&self, secret: &TenantSecret) -> Result<Who, Refusal> {
        let kind = self.row.channel.address_kind();
        let from = self.row.from.as_deref().and_then(|from| Address::of_sender(kind, from, self.region.as_deref()));
        // Who may be anonymous is, rather than be known by a sender that is not an address.
        let is_address = |from: &Address| kind != AddressKind::Phone || from.text().starts_with('+');
        let from = from.filter(|from| !self.anonymous || is_address(from));
        let addresses = from.into_iter().map(|from| from.id(secret)).collect();
        who(given(self.row.customer.as_ref()), None, addresses, || anonymous(self.anonymous, secret), secret)
    }

    fn fact(&self, customer: CustomerId, secret: &TenantSecret) -> Option<Uuid> {
        Some(rows::message_id(customer, &self.row, self.run, secret).0)
    }
}

impl Row for Profile {
    fn lines(&self) -> (u64, u64) {
        (self.row.line, 1)
    }

    fn who(&self, secret: &TenantSecret) -> Result<Who, Refusal> {
        let addresses = read(&self.row.addresses, self.region.as_deref(), secret)?;
        let profile = &self.row.profile;
        let nobody = || {
            let message = "the line has neither an external id nor an address to know the customer by";
            Err(Refusal::new("NO_DEDUPE_KEY", message))
        };
        who(given(profile.external_id.as_ref()), profile.name.clone(), addresses, nobody, secret)
    }
}
