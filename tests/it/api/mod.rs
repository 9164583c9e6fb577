//! The API over real HTTP: a node on loopback, a real HTTP client, a real WebSocket client.

mod auth;
mod commands;
mod evidence;
mod hostile;
mod inbox;
mod links;
mod live;
mod policy;
mod reading;
mod schema;
mod socket;
mod tenants;
mod web;
