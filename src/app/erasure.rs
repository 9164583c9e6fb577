//! Forgetting a customer, in steps that can be taken again after a crash: `CustomerForgotten`, keys destroyed, read
//! tables purged (by the projector), `ErasureCompleted`.

use crate::app::addresses::address;
use crate::app::customers::customer;
use crate::app::deciding::Order;
use crate::app::{App, AppError, Caller, Outcome};
use crate::domain::consent::state::Address;
use crate::domain::customer::decide::{self, ForgetCustomer};
use crate::domain::customer::state::Customer;
use crate::ids::{AddressId, CustomerId};

impl App {
    /// Forgets a customer: when this returns, the keys are destroyed. [`Self::complete_erasure`] ends it, once the read
    /// tables are purged.
    pub async fn forget_customer(
        &self,
        caller: &Caller,
        command: ForgetCustomer,
    ) -> Result<Outcome<CustomerId>, AppError> {
        let basis = self.basis(caller).await?;
        let key = match Self::command_key(caller, &basis, "forget_customer", &command) {
            Ok(key) => key,
            Err(refusal) => return Ok(Outcome::Refused(refusal)),
        };
        let id = command.customer_id;
        let stream = customer(caller.tenant, id);
        let only_theirs = self.addresses_of_nobody_else(caller, id).await?;
        let decided = self
            .decide::<Customer>(&Order::new(caller, stream, key), &basis, |state, context| {
                decide::forget(state, &command, &only_theirs, context)
            })
            .await?;
        match decided {
            Err(refusal) => Ok(Outcome::Refused(refusal)),
            Ok(made) => {
                self.destroy_keys(caller, id).await?;
                self.done(&made, |_| Some(id)).await
            }
        }
    }

    /// Destroys the keys of a customer who asked to be forgotten, and releases the addresses. May be repeated.
    pub async fn destroy_keys(&self, caller: &Caller, id: CustomerId) -> Result<(), AppError> {
        let stream = customer(caller.tenant, id);
        let (forgetting, addresses) = self
            .look::<Customer, _>(stream, |loaded| {
                let addresses: Vec<_> = loaded.state.addresses.iter().map(|own| own.address_id).collect();
                (loaded.state.forgetting.clone(), addresses)
            })
            .await?;
        let Some(forgetting) = forgetting else { return Ok(()) };
        self.shared.journal.destroy_key(id.into()).await?;
        for &address_id in &forgetting.addresses {
            self.shared.journal.destroy_key(address_id.into()).await?;
        }
        self.shared.journal.backend().drop_snapshots(stream).await?;
        self.remove_files(caller, id).await?;
        self.release_addresses(caller, id, &addresses, (forgetting.event_id, forgetting.at)).await
    }

    /// Ends a forgetting: to be called when the read tables are purged. Takes the earlier steps again first, in case a
    /// crash came between.
    pub async fn complete_erasure(&self, caller: &Caller, id: CustomerId) -> Result<Outcome<CustomerId>, AppError> {
        self.destroy_keys(caller, id).await?;
        let stream = customer(caller.tenant, id);
        let decide = |state: &Customer, (), context: &crate::domain::decision::Context<'_>| {
            decide::complete_erasure(state, context)
        };
        self.run(caller, stream, ("complete_erasure", ()), decide, |_| Some(id)).await
    }

    async fn addresses_of_nobody_else(&self, caller: &Caller, id: CustomerId) -> Result<Vec<AddressId>, AppError> {
        let own = self
            .look::<Customer, _>(customer(caller.tenant, id), |loaded| {
                loaded.state.addresses.iter().map(|own| own.address_id).collect::<Vec<_>>()
            })
            .await?;
        let mut only_theirs = vec![];
        for address_id in own {
            let is_shared = self
                .look::<Address, _>(address(caller.tenant, address_id), |loaded| {
                    loaded.state.claims.iter().any(|claim| *claim != id)
                })
                .await?;
            if !is_shared {
                only_theirs.push(address_id);
            }
        }
        Ok(only_theirs)
    }
}
