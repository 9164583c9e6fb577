//! What is recorded of personal data that a command shows or writes.

use crate::domain::tenant::decide::RecordPersonalRead;
use crate::ids::CustomerId;

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
