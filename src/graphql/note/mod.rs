//! Private notes on customers.

pub mod mutation;
