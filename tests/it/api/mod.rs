//! The API over real HTTP: a node on loopback, a real HTTP client, a real WebSocket client.

mod acting;
mod auth;
mod bounds;
mod canned;
mod changed;
mod commands;
mod customer_lists;
mod evidence;
mod hostile;
mod identity;
mod imports;
mod inbox;
mod links;
mod lists;
mod live;
mod merging;
mod policy;
mod reading;
mod resuming;
mod schema;
mod sign_in;
mod socket;
mod specification;
mod templates;
mod tenants;
mod web;
