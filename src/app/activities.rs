//! Commands on business activity.

use crate::app::customers::customer_stream;
use crate::app::{App, AppError, Caller, Outcome};
use crate::domain::activity::decide::{self, RecordActivity};
use crate::domain::activity::event::ActivityEvent;
use crate::domain::customer::event::CustomerEvent;
use crate::domain::customer::state::Customer;
use crate::domain::decision::Context;
use crate::ids::ActivityId;

impl App {
    /// Records an order, invoice, payment, shipment, appointment or anything else.
    pub async fn record_activity(
        &self,
        caller: &Caller,
        command: RecordActivity,
    ) -> Result<Outcome<ActivityId>, AppError> {
        let stream = customer_stream(caller.tenant, command.customer_id);
        let decide = |state: &Customer, command, context: &Context<'_>| decide::record(state, command, None, context);
        self.run(caller, stream, command, decide, |made| {
            made.events.iter().find_map(|decided| match &decided.event {
                CustomerEvent::Activity(ActivityEvent::ActivityRecorded(activity)) => Some(activity.activity_id),
                _ => None,
            })
        })
        .await
    }
}
