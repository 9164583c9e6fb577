//! Business activity: orders, invoices, payments, shipments, appointments.

pub mod mutation;
pub mod object;
pub mod query;
