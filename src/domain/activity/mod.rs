//! Business activity: orders, invoices, payments, shipments, appointments and whatever else a tenant records.

pub mod decide;
pub mod event;

#[cfg(test)]
mod tests;
