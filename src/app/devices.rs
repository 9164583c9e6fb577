//! Devices for push notifications: a token belongs to one installation of an app, and so to whoever is signed in there.

use crate::app::addresses::address_stream;
use crate::app::{App, AppError, Caller, Outcome};
use crate::domain::address::state::Address as State;
use crate::domain::customer::decide::{AddAddress, AddressInput, RemoveAddress};
use crate::domain::value::AddressKind;
use crate::domain::value::address::Address;
use crate::ids::{AddressId, CustomerId};

impl App {
    /// Registers a device as a customer's, as the primary one: the device that registered last is in use. `replaces` is the token
    /// that it had before. Others who were signed in on it lose it, so that nobody reads their notifications.
    pub async fn register_device(
        &self,
        caller: &Caller,
        customer_id: CustomerId,
        token: String,
        replaces: Option<String>,
    ) -> Result<Outcome<AddressId>, AppError> {
        let address = AddressInput {
            kind: AddressKind::PushToken,
            address: token.clone(),
            region: None,
            label: None,
            primary: true,
        };
        let added = self.add_address(caller, AddAddress { customer_id, address }).await?;
        let Outcome::Done(done) = &added else { return Ok(added) };
        if let Some(before) = replaces.filter(|before| before.trim() != token.trim()) {
            // A refusal: the customer had no such device.
            self.remove_device(caller, customer_id, &before).await?;
        }
        let stream = address_stream(caller.tenant, done.value);
        let claims = self.read_state::<State, _>(stream, |loaded| loaded.state.claims.clone()).await?;
        let own = self.person_ids(caller, customer_id).await?;
        for other in claims.into_iter().filter(|other| !own.contains(other)) {
            let command = RemoveAddress { customer_id: other, address_id: done.value };
            // A refusal: they lost it since.
            self.remove_address(caller, command).await?;
        }
        Ok(added)
    }

    /// Takes a device from a customer who signed out.
    pub async fn remove_device(
        &self,
        caller: &Caller,
        customer_id: CustomerId,
        token: &str,
    ) -> Result<Outcome<AddressId>, AppError> {
        let secret = self.basis(caller).await?.secret;
        let address_id = match Address::parse(AddressKind::PushToken, token, None) {
            Ok(address) => address.id(&secret),
            Err(error) => return Ok(Outcome::Refused(crate::domain::refusal::Refusal::of_value("token", &error))),
        };
        self.remove_address(caller, RemoveAddress { customer_id, address_id }).await
    }
}
