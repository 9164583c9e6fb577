//! The API over real HTTP: a server on loopback, a real HTTP client, a real WebSocket client.

mod schema;
