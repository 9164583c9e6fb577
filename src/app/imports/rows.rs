//! The three kinds of files.

use std::collections::BTreeMap;

use crate::app::imports::chunk::{Part, Row};
use crate::app::imports::of_import;
use crate::app::{App, AppError, Caller};
use crate::domain::customer::decide::{AddressInput, ProfileInput, id_of_address, id_of_anonymous, id_of_external};
use crate::domain::customer::event::CustomerEvent;
use crate::domain::customer::state::Customer;
use crate::domain::decision::{Context, Decided, Meta};
use crate::domain::import::decide::{
    ConsentRow, CustomerOptions, CustomerRow, ImportRun, ImportedChunk, MessageOptions, MessageRow, OrderOptions,
    OrderRow,
};
use crate::domain::import::rows;
use crate::domain::refusal::Refusal;
use crate::domain::value::address::Address;
use crate::ids::{CustomerId, ImportId, TenantSecret};

impl App {
    /// Takes in orders, a chunk at a time. Customers that are not known are registered by their external id.
    pub async fn import_orders(
        &self,
        caller: &Caller,
        run: &ImportRun,
        options: &OrderOptions,
        rows: Vec<OrderRow>,
    ) -> Result<ImportedChunk, AppError> {
        let region = self.policy(caller.tenant).await?.default_region.clone();
        let rows =
            rows.into_iter().map(|row| Owned { anonymous: options.anonymous, region: region.clone(), row }).collect();
        let import_id = run.import_id;
        self.take_in(&of_import(caller, import_id), rows, |state, id, Owned { row, .. }: Owned<OrderRow>, context| {
            let newcomer = Newcomer {
                external_id: row.customer.clone(),
                addresses: row.addresses.clone(),
                consents: row.consents.clone(),
                attributes: row.customer_attributes.clone(),
            };
            with_customer(state, newcomer, import_id, context, |state| rows::order(state, id, row, import_id, context))
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
    ) -> Result<ImportedChunk, AppError> {
        let import_id = run.import_id;
        let region = self.policy(caller.tenant).await?.default_region.clone();
        let rows = rows.into_iter().map(|row| Dedupe { region: region.clone(), row }).collect();
        self.take_in(&of_import(caller, import_id), rows, |state, id, Dedupe { row, .. }, context| {
            let events = rows::customer(state, id, row, options, import_id, context)?;
            Ok(vec![Part { decided: true, events }])
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
    ) -> Result<ImportedChunk, AppError> {
        let region = self.policy(caller.tenant).await?.default_region.clone();
        let rows =
            rows.into_iter().map(|row| Owned { anonymous: options.anonymous, region: region.clone(), row }).collect();
        let import_id = run.import_id;
        self.take_in(&of_import(caller, import_id), rows, |state, id, Owned { row, .. }: Owned<MessageRow>, context| {
            let newcomer = Newcomer {
                external_id: row.customer.clone(),
                addresses: sender(&row).into_iter().collect(),
                consents: vec![],
                attributes: BTreeMap::new(),
            };
            with_customer(state, newcomer, import_id, context, |state| rows::message(state, id, row, run, context))
        })
        .await
    }
}

/// What a row of orders or messages says about its customer.
struct Newcomer {
    external_id: Option<String>,
    addresses: Vec<AddressInput>,
    consents: Vec<ConsentRow>,
    attributes: BTreeMap<String, serde_json::Value>,
}

/// The address that a message came from.
fn sender(row: &MessageRow) -> Option<AddressInput> {
    let kind = row.channel.address_kind();
    let from = row.from.as_deref().map(str::trim).filter(|from| !from.is_empty())?;
    Some(AddressInput { kind, address: from.to_owned(), region: None, label: None, primary: false })
}

/// A fact, and before it the registration of a customer that is not known yet.
fn with_customer(
    state: &Customer,
    newcomer: Newcomer,
    import_id: ImportId,
    context: &Context<'_>,
    fact: impl FnOnce(&Customer) -> Result<Vec<Decided<CustomerEvent>>, Refusal>,
) -> Result<Vec<Part>, Refusal> {
    let Newcomer { external_id, addresses, consents, attributes } = newcomer;
    if !rows::needs_registration(state) {
        let said = rows::consents(state, consents, import_id, context)?;
        return Ok(vec![Part { decided: true, events: said }, Part { decided: true, events: fact(state)? }]);
    }
    let anonymous = external_id.is_none() && addresses.is_empty();
    let attributes = if anonymous { BTreeMap::new() } else { attributes };
    let profile = ProfileInput { external_id, attributes, ..ProfileInput::default() };
    let mut registered = rows::registration(state, profile, addresses, anonymous, import_id, context)?;
    let mut after = state.clone();
    let apply = |after: &mut Customer, decided: &Decided<CustomerEvent>| {
        after.apply(&decided.event, Meta { id: decided.id, version: 0, occurred_at: decided.occurred_at });
    };
    registered.iter().for_each(|decided| apply(&mut after, decided));
    if !anonymous {
        let said = rows::consents(&after, consents, import_id, context)?;
        said.iter().for_each(|decided| apply(&mut after, decided));
        registered.extend(said);
    }
    let facts = fact(&after)?;
    Ok(vec![Part { decided: true, events: registered }, Part { decided: true, events: facts }])
}

/// A row that belongs to a customer, or to the anonymous one if that is allowed.
#[derive(Clone)]
struct Owned<R> {
    anonymous: bool,
    region: Option<String>,
    row: R,
}

impl<R> Owned<R> {
    /// The customer of an external id; otherwise of the first address; otherwise the anonymous one.
    fn owner(
        &self,
        external_id: Option<&String>,
        address: Option<&AddressInput>,
        secret: &TenantSecret,
    ) -> Result<CustomerId, Refusal> {
        if let Some(id) = external_id.map(|id| id.trim()).filter(|id| !id.is_empty()) {
            return Ok(id_of_external(secret, id));
        }
        match address {
            Some(address) => of_address(address, self.region.as_deref(), secret),
            None if self.anonymous => Ok(id_of_anonymous(secret)),
            None => {
                let message = "the line names no customer; lines without one can go to the anonymous customer";
                Err(Refusal { code: "NO_CUSTOMER", message: message.to_owned(), field: Some("customer".to_owned()) })
            }
        }
    }
}

fn of_address(input: &AddressInput, region: Option<&str>, secret: &TenantSecret) -> Result<CustomerId, Refusal> {
    let address =
        Address::parse(input.kind, &input.address, region).map_err(|invalid| Refusal::of_value("address", &invalid))?;
    Ok(id_of_address(secret, address.id(secret)))
}

impl Row for Owned<OrderRow> {
    fn lines(&self) -> (u64, u64) {
        (self.row.line, self.row.file_lines)
    }

    fn customer(&self, secret: &TenantSecret) -> Result<CustomerId, Refusal> {
        self.owner(self.row.customer.as_ref(), self.row.addresses.first(), secret)
    }
}

impl Row for Owned<MessageRow> {
    fn lines(&self) -> (u64, u64) {
        (self.row.line, 1)
    }

    fn customer(&self, secret: &TenantSecret) -> Result<CustomerId, Refusal> {
        // Who may be anonymous is, rather than be refused for a sender that is not an address.
        let sender = sender(&self.row).filter(|_| !self.anonymous);
        self.owner(self.row.customer.as_ref(), sender.as_ref(), secret)
    }
}

/// A customer's row: identified by external id, otherwise by its first address.
#[derive(Clone)]
struct Dedupe {
    region: Option<String>,
    row: CustomerRow,
}

impl Row for Dedupe {
    fn is_about_person(&self) -> bool {
        true
    }

    fn lines(&self) -> (u64, u64) {
        (self.row.line, 1)
    }

    fn customer(&self, secret: &TenantSecret) -> Result<CustomerId, Refusal> {
        let external_id = self.row.profile.external_id.as_deref().map(str::trim).filter(|id| !id.is_empty());
        if let Some(id) = external_id {
            return Ok(id_of_external(secret, id));
        }
        let Some(first) = self.row.addresses.first() else {
            let message = "the line has neither an external id nor an address to know the customer by";
            return Err(Refusal::new("NO_DEDUPE_KEY", message));
        };
        of_address(first, self.region.as_deref(), secret)
    }
}
