//! The addresses of one customer.

use crate::domain::customer::decide::AddressInput;
use crate::domain::customer::event::{CustomerAddressAdded, CustomerAddressAddedPersonal};
use crate::domain::customer::state::OwnAddress;
use crate::domain::decision::Context;
use crate::domain::refusal::Refusal;
use crate::domain::text;
use crate::domain::value::address::Address;
use crate::ids::ImportId;

/// How many addresses a customer has at most.
pub(super) const MAX: usize = 50;

/// Decides what happens when an address is entered: [`None`] if the customer has it just so.
pub fn add(
    owned: &[OwnAddress],
    input: AddressInput,
    import_id: Option<ImportId>,
    context: &Context<'_>,
) -> Result<Option<CustomerAddressAdded>, Refusal> {
    let address = input.read(context)?;
    add_read(owned, address, input, import_id, context)
}

/// As [`add`], with the address of somebody who wrote: it may not be one that can be written to.
pub fn add_sender(
    owned: &[OwnAddress],
    input: AddressInput,
    import_id: Option<ImportId>,
    context: &Context<'_>,
) -> Result<Option<CustomerAddressAdded>, Refusal> {
    let region = input.region(context);
    let address = Address::of_sender(input.kind, &input.address, region)
        .ok_or_else(|| Refusal::invalid("address", "must not be blank"))?;
    add_read(owned, address, input, import_id, context)
}

fn add_read(
    owned: &[OwnAddress],
    address: Address,
    input: AddressInput,
    import_id: Option<ImportId>,
    context: &Context<'_>,
) -> Result<Option<CustomerAddressAdded>, Refusal> {
    let address_id = address.id(context.secret);
    let label = text::optional("label", input.label, text::SHORT)?;
    let before = owned.iter().find(|own| own.address_id == address_id);
    let is_first = !owned.iter().any(|own| own.kind == input.kind && own.primary);
    let primary = input.primary || is_first || before.is_some_and(|own| own.primary);
    if let Some(own) = before {
        if own.primary == primary && (own.label == label || label.is_none()) {
            return Ok(None);
        }
    } else if owned.len() >= MAX {
        return Err(Refusal::new("TOO_MANY_ADDRESSES", format!("a customer has at most {MAX} addresses")));
    }
    Ok(Some(CustomerAddressAdded {
        address_id,
        kind: input.kind,
        primary,
        import_id,
        personal: Some(CustomerAddressAddedPersonal {
            address: address.text().to_owned(),
            label: label.or_else(|| before.and_then(|own| own.label.clone())),
        }),
    }))
}

impl AddressInput {
    /// The address that is meant.
    pub fn read(&self, context: &Context<'_>) -> Result<Address, Refusal> {
        Address::parse(self.kind, &self.address, self.region(context)).map_err(|e| Refusal::of_value("address", &e))
    }

    /// The region of a number without a country code: its own, or the tenant's.
    fn region<'a>(&'a self, context: &Context<'a>) -> Option<&'a str> {
        self.region.as_deref().or(context.policy.default_region.as_deref())
    }
}

/// Adds to a customer's addresses what an event says.
pub fn remember(owned: &mut Vec<OwnAddress>, event: &CustomerAddressAdded) {
    owned.retain(|own| own.address_id != event.address_id);
    if event.primary {
        owned.iter_mut().filter(|own| own.kind == event.kind).for_each(|own| own.primary = false);
    }
    owned.push(OwnAddress {
        address_id: event.address_id,
        kind: event.kind,
        primary: event.primary,
        address: event.personal.as_ref().map(|p| p.address.clone()),
        label: event.personal.as_ref().and_then(|p| p.label.clone()),
        import_id: event.import_id,
    });
}
