//! Commands on business activity.

use crate::app::{App, AppError, Caller, Outcome, pending};
use crate::domain::activity::decide::RecordActivity;
use crate::ids::ActivityId;

impl App {
    /// Records an order, invoice, payment, shipment, appointment or anything else.
    pub async fn record_activity(
        &self,
        caller: &Caller,
        command: RecordActivity,
    ) -> Result<Outcome<ActivityId>, AppError> {
        pending(self, caller, command).await
    }
}
