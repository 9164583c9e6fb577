//! Forgetting a customer.

use crate::app::{App, AppError, Caller, Outcome, pending};
use crate::domain::customer::decide::ForgetCustomer;
use crate::ids::CustomerId;

impl App {
    /// Forgets a customer: the key is destroyed when this returns; a process completes the rest.
    pub async fn forget_customer(
        &self,
        caller: &Caller,
        command: ForgetCustomer,
    ) -> Result<Outcome<CustomerId>, AppError> {
        pending(self, caller, command).await
    }
}
