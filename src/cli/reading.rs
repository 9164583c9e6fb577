//! What is recorded of personal data that a command shows or writes.

use crate::boot::{ReadStore, Stores};
use crate::cli::Session;
use crate::cli::failure::{Failure, Outcome};
use crate::domain::tenant::decide::RecordPersonalRead;
use crate::ids::CustomerId;
use crate::queries::customers;

/// A read of some customers' data, by the command's name.
pub fn of_customers(what: &str, customers: &[CustomerId]) -> RecordPersonalRead {
    let (count, customer_ids) = (customers.len() as u64, customers.to_vec());
    RecordPersonalRead { what: what.to_owned(), count, customer_ids, filter: None }
}

/// A read of one person's data, where the customer is not known by id.
pub fn of_one(what: &str, filter: impl Into<String>) -> RecordPersonalRead {
    of_many(what, 1, filter)
}

/// A read of many people's data, with what was asked for.
pub fn of_many(what: &str, count: u64, filter: impl Into<String>) -> RecordPersonalRead {
    RecordPersonalRead { what: what.to_owned(), count, customer_ids: Vec::new(), filter: Some(filter.into()) }
}

/// Records a read that reaches the data of everybody, of all tenants, in each tenant's stream.
pub async fn record_of_all(session: &Session, stores: &Stores, reads: &ReadStore, what: &str, filter: &str) -> Outcome {
    for tenant in stores.journal.backend().tenants().await? {
        let everybody = customers::CustomerFilter::default();
        let count = customers::count(&reads.db(), tenant, &everybody).await.map_err(Failure::unavailable)?;
        session.record_read(stores, &session.caller_of(tenant), of_many(what, count, filter)).await?;
    }
    Ok(())
}
