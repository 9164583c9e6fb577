//! Commands on consent and suppression.

use crate::app::{App, AppError, Caller, Outcome, pending};
use crate::domain::consent::decide::{LiftSuppression, SetConsent, SuppressAddress};
use crate::domain::consent::event::ConsentState;
use crate::ids::AddressId;

impl App {
    /// Records what a customer agreed to.
    pub async fn set_consent(&self, caller: &Caller, command: SetConsent) -> Result<Outcome<ConsentState>, AppError> {
        pending(self, caller, command).await
    }

    /// Forbids sending to an address, whoever has it.
    pub async fn suppress_address(
        &self,
        caller: &Caller,
        command: SuppressAddress,
    ) -> Result<Outcome<AddressId>, AppError> {
        pending(self, caller, command).await
    }

    /// Allows sending to an address again.
    pub async fn lift_suppression(
        &self,
        caller: &Caller,
        command: LiftSuppression,
    ) -> Result<Outcome<AddressId>, AppError> {
        pending(self, caller, command).await
    }
}
