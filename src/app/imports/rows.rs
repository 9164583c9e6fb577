//! The three kinds of files.

use std::collections::BTreeMap;

use crate::app::imports::chunk::{Part, Row};
use crate::app::imports::of_import;
use crate::app::{App, AppError, Caller};
use crate::domain::customer::decide::{ProfileInput, id_of_address, id_of_anonymous, id_of_external};
use crate::domain::customer::event::CustomerEvent;
use crate::domain::customer::state::Customer;
use crate::domain::decision::{Context, Decided, Meta};
use crate::domain::import::decide::{
    CustomerOptions, CustomerRow, ImportRun, ImportedChunk, MessageOptions, MessageRow, OrderOptions, OrderRow,
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
        let rows = rows.into_iter().map(|row| Owned { anonymous: options.anonymous, row }).collect();
        let import_id = run.import_id;
        self.take_in(&of_import(caller, import_id), rows, |state, id, Owned { row, .. }: Owned<OrderRow>, context| {
            let attributes = row.customer_attributes.clone();
            with_customer(state, row.customer.clone(), attributes, import_id, context, |state| {
                rows::order(state, id, row, import_id, context)
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
        let rows = rows.into_iter().map(|row| Owned { anonymous: options.anonymous, row }).collect();
        let import_id = run.import_id;
        self.take_in(&of_import(caller, import_id), rows, |state, id, Owned { row, .. }: Owned<MessageRow>, context| {
            with_customer(state, row.customer.clone(), BTreeMap::new(), import_id, context, |state| {
                rows::message(state, id, row, run, context)
            })
        })
        .await
    }
}

/// A fact, and before it the registration of a customer that is not known yet.
fn with_customer(
    state: &Customer,
    external_id: Option<String>,
    attributes: BTreeMap<String, serde_json::Value>,
    import_id: ImportId,
    context: &Context<'_>,
    fact: impl FnOnce(&Customer) -> Result<Vec<Decided<CustomerEvent>>, Refusal>,
) -> Result<Vec<Part>, Refusal> {
    if !rows::needs_registration(state) {
        return Ok(vec![Part { decided: false, events: fact(state)? }]);
    }
    let anonymous = external_id.is_none();
    let attributes = if anonymous { BTreeMap::new() } else { attributes };
    let profile = ProfileInput { external_id, attributes, ..ProfileInput::default() };
    let registered = rows::registration(state, profile, anonymous, import_id, context)?;
    let mut after = state.clone();
    for decided in &registered {
        after.apply(&decided.event, Meta { id: decided.id, version: 0, occurred_at: decided.occurred_at });
    }
    let facts = fact(&after)?;
    Ok(vec![Part { decided: true, events: registered }, Part { decided: false, events: facts }])
}

/// A row that belongs to a customer, or to the anonymous one if that is allowed.
#[derive(Clone)]
struct Owned<R> {
    anonymous: bool,
    row: R,
}

impl<R> Owned<R> {
    fn owner(&self, external_id: Option<&String>, secret: &TenantSecret) -> Result<CustomerId, Refusal> {
        match external_id.map(|id| id.trim()).filter(|id| !id.is_empty()) {
            Some(id) => Ok(id_of_external(secret, id)),
            None if self.anonymous => Ok(id_of_anonymous(secret)),
            None => {
                let message = "the line names no customer; lines without one can go to the anonymous customer";
                Err(Refusal { code: "NO_CUSTOMER", message: message.to_owned(), field: Some("customer".to_owned()) })
            }
        }
    }
}

impl Row for Owned<OrderRow> {
    fn lines(&self) -> (u64, u64) {
        (self.row.line, self.row.file_lines)
    }

    fn customer(&self, secret: &TenantSecret) -> Result<CustomerId, Refusal> {
        self.owner(self.row.customer.as_ref(), secret)
    }
}

impl Row for Owned<MessageRow> {
    fn lines(&self) -> (u64, u64) {
        (self.row.line, 1)
    }

    fn customer(&self, secret: &TenantSecret) -> Result<CustomerId, Refusal> {
        self.owner(self.row.customer.as_ref(), secret)
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
        let address = Address::parse(first.kind, &first.address, self.region.as_deref())
            .map_err(|invalid| Refusal::of_value("address", &invalid))?;
        Ok(id_of_address(secret, address.id(secret)))
    }
}
