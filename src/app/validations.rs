//! What checks found of addresses. The checks themselves are made outside: nothing here calls anybody.

use crate::app::addresses::address_stream;
use crate::app::engine::error::Stop;
use crate::app::{App, AppError, Caller, Done, Outcome};
use crate::domain::address::state::Address;
use crate::domain::address::validation::{RecordValidation, Validation, record};
use crate::ids::AddressId;

impl App {
    /// Records what a check found of an address; from then on the rules go by it.
    pub async fn record_validation(
        &self,
        caller: &Caller,
        command: RecordValidation,
    ) -> Result<Outcome<AddressId>, AppError> {
        Stop::outcome(self.try_record_validation(caller, command).await)
    }

    async fn try_record_validation(&self, caller: &Caller, command: RecordValidation) -> Result<Done<AddressId>, Stop> {
        let address_id = self.address_id(caller, &command.address).await?;
        let stream = address_stream(caller.tenant, address_id);
        self.try_run(caller, stream, command, record, |_| Some(address_id)).await
    }

    /// What was found of an address, as long as it counts: then nobody needs to be asked, and paid, again.
    pub async fn counting_validation(
        &self,
        caller: &Caller,
        address_id: AddressId,
    ) -> Result<Option<Validation>, AppError> {
        let (stream, now) = (address_stream(caller.tenant, address_id), self.ambient().now());
        let found = self.read_fresh_state::<Address, _>(stream, |loaded| loaded.state.validation.clone()).await?;
        Ok(found.filter(|found| found.counts_at(now)))
    }
}
