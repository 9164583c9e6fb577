//! Tests of decisions: given what happened, when a command is given, then this happens.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::domain::address::decide::AddressRef;
use crate::domain::consent::event::{ConsentChanged, ConsentState};
use crate::domain::customer::event::{
    CustomerAddressAdded, CustomerAddressAddedPersonal, CustomerEvent, CustomerRegistered, CustomerRegisteredPersonal,
    PersonalProfile, Profile, Source,
};
use crate::domain::customer::state::Customer;
use crate::domain::decision::{Context, Decision, Meta, Policy};
use crate::domain::refusal::Refusal;
use crate::domain::value::{AddressKind, Channel};
use crate::ids::{AddressId, CustomerId, EventId, ImportId, TenantSecret};

/// A customer in the tests.
pub(crate) const ADA: CustomerId = CustomerId(Uuid::from_u128(0xada));
/// An import in the tests.
pub(crate) const IMPORT: ImportId = ImportId(Uuid::from_u128(0x1));

/// The moment of every command.
pub(crate) fn noon() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::hours(12)
}

/// Runs `test` with a context of fixed time and secret, and running ids.
pub(crate) fn with_context<T>(policy: &Policy, test: impl FnOnce(&Context<'_>) -> T) -> T {
    let drawn = std::cell::Cell::new(1_000_u128);
    let new_id = || {
        drawn.set(drawn.get() + 1);
        Uuid::from_u128(drawn.get())
    };
    let secret = TenantSecret::new([7; 32]);
    test(&Context { now: noon(), new_id: &new_id, secret: &secret, policy })
}

/// The id of an address as text.
pub(crate) fn address_id(kind: AddressKind, address: &str) -> AddressId {
    with_context(&Policy::default(), |context| {
        AddressRef::Text { kind, address: address.to_owned() }.id(context).expect("an address")
    })
}

/// What happened before.
pub(crate) struct Given {
    pub state: Customer,
    policy: Policy,
}

/// Given these events of a customer's stream.
pub(crate) fn given(events: impl IntoIterator<Item = CustomerEvent>) -> Given {
    let mut state = Customer::default();
    for (version, event) in (1..).zip(events) {
        state.apply(&event, Meta { id: EventId(Uuid::from_u128(u128::from(version))), version, occurred_at: noon() });
    }
    Given { state, policy: Policy::default() }
}

impl Given {
    /// And this policy.
    pub fn under(self, policy: Policy) -> Self {
        Self { policy, ..self }
    }

    /// When this is decided.
    pub fn when(&self, decide: impl FnOnce(&Customer, &Context<'_>) -> Decision<CustomerEvent>) -> Then {
        Then(
            with_context(&self.policy, |context| decide(&self.state, context))
                .map(|events| events.into_iter().map(|decided| decided.event).collect()),
        )
    }
}

/// What was decided.
#[derive(Debug)]
pub(crate) struct Then(Result<Vec<CustomerEvent>, Refusal>);

impl Then {
    /// The events.
    #[track_caller]
    pub fn events(self) -> Vec<CustomerEvent> {
        self.0.expect("something happens")
    }

    /// Then events of these types happen.
    #[track_caller]
    pub fn happens(self, types: &[&str]) {
        let events = self.events();
        assert_eq!(events.iter().map(|event| event.encode().event_type).collect::<Vec<_>>(), types);
    }

    /// Then it is refused with this code.
    #[track_caller]
    pub fn refused_with(self, code: &str) {
        assert_eq!(self.0.expect_err("it is refused").code, code);
    }

    /// Then it is refused because of this field.
    #[track_caller]
    pub fn refused_for(self, field: &str) {
        assert_eq!(self.0.expect_err("it is refused").field.as_deref(), Some(field));
    }
}

/// The customer was registered.
pub(crate) fn registered() -> CustomerEvent {
    registered_by(None)
}

/// The customer was registered by an import.
pub(crate) fn registered_by(import_id: Option<ImportId>) -> CustomerEvent {
    let profile = PersonalProfile { name: Some("Ada Lovelace".to_owned()), ..PersonalProfile::default() };
    CustomerRegistered {
        source: Source::Api,
        anonymous: false,
        import_id,
        profile: Profile::default(),
        personal: Some(CustomerRegisteredPersonal { profile }),
    }
    .into()
}

/// The customer got a mailbox.
pub(crate) fn mailbox(address: &str, primary: bool) -> CustomerEvent {
    CustomerAddressAdded {
        address_id: address_id(AddressKind::Email, address),
        kind: AddressKind::Email,
        primary,
        import_id: None,
        personal: Some(CustomerAddressAddedPersonal { address: address.to_owned(), label: None }),
    }
    .into()
}

/// The customer said something about email.
pub(crate) fn said(topic: &str, state: ConsentState) -> CustomerEvent {
    ConsentChanged {
        channel: Channel::Email,
        topic: topic.to_owned(),
        state,
        source: Source::Api,
        method: "form".to_owned(),
        message_id: None,
        campaign_id: None,
        variant: None,
        import_id: None,
        personal: None,
    }
    .into()
}
