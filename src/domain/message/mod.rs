//! Messages, in and out: their states are a lattice, so callbacks may arrive in any order.

pub mod decide;
pub mod event;
