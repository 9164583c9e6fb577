//! Commands on customers.

use crate::app::{App, AppError, Caller, Outcome, pending};
use crate::domain::customer::decide::{AddAddress, AddNote, ChangeProfile, PinNote, RegisterCustomer, RemoveAddress};
use crate::ids::{AddressId, CustomerId, NoteId};

impl App {
    /// Registers a customer.
    pub async fn register_customer(
        &self,
        caller: &Caller,
        command: RegisterCustomer,
    ) -> Result<Outcome<CustomerId>, AppError> {
        pending(self, caller, command).await
    }

    /// Changes a customer's profile.
    pub async fn change_profile(
        &self,
        caller: &Caller,
        command: ChangeProfile,
    ) -> Result<Outcome<CustomerId>, AppError> {
        pending(self, caller, command).await
    }

    /// Adds an address, or changes its label, or makes it primary.
    pub async fn add_address(&self, caller: &Caller, command: AddAddress) -> Result<Outcome<AddressId>, AppError> {
        pending(self, caller, command).await
    }

    /// Removes an address.
    pub async fn remove_address(
        &self,
        caller: &Caller,
        command: RemoveAddress,
    ) -> Result<Outcome<AddressId>, AppError> {
        pending(self, caller, command).await
    }

    /// Adds a private note.
    pub async fn add_note(&self, caller: &Caller, command: AddNote) -> Result<Outcome<NoteId>, AppError> {
        pending(self, caller, command).await
    }

    /// Pins a note to the top of the timeline, or releases it.
    pub async fn pin_note(&self, caller: &Caller, command: PinNote) -> Result<Outcome<NoteId>, AppError> {
        pending(self, caller, command).await
    }
}
