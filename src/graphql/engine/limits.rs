//! What a request may cost at most.

use std::time::Duration;

use crate::queries::page::PAGE;

/// Limits of the interface. The defaults fit a front end's queries with room to spare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a request's body; more is answered with 413 before anything is parsed.
    pub body_bytes: usize,
    /// Bytes of a GraphQL document.
    pub document_bytes: usize,
    /// How deep selections, lists and input objects may nest in a document, and lists and objects in a variable.
    pub depth: usize,
    /// How deep selection sets may nest once fragments are spread out, those of fragments counted too.
    pub nesting: usize,
    /// Aliases in a document, each counted as often as its fragment is used.
    pub aliases: usize,
    /// Directives in a document.
    pub directives: usize,
    /// Fields that are selected once fragments are spread out.
    pub selections: usize,
    /// Counts of whole lists (`totalCount`) in a document: each reads as much as its list is long.
    pub counts: usize,
    /// Fields that would be resolved if every page were full.
    pub complexity: usize,
    /// Entries of one list in a query's or subscription's arguments: each becomes a parameter of a statement.
    pub list: usize,
    /// How long a query may wait for a position (`waitFor`).
    pub wait_for: Duration,
    /// How long headers may take to arrive.
    pub header_time: Duration,
    /// How long a body may take to arrive.
    pub body_time: Duration,
    /// How long a request may be worked on.
    pub request_time: Duration,
    /// Headers of a request.
    pub headers: usize,
    /// Bytes of a request's head.
    pub header_bytes: usize,
    /// Connections that are served at a time; further ones wait.
    pub connections: usize,
    /// Operations that run at a time on one WebSocket.
    pub subscriptions: usize,
    /// WebSockets that one API key may have open.
    pub sockets: usize,
    /// How long a checked API key is trusted without asking the read model again.
    pub key_trust: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 2 * 1024 * 1024,
            document_bytes: 64 * 1024,
            depth: 24,
            nesting: 48,
            aliases: 60,
            directives: 60,
            selections: 2_000,
            counts: 20,
            complexity: 20_000,
            list: PAGE.largest,
            wait_for: Duration::from_secs(10),
            header_time: Duration::from_secs(10),
            body_time: Duration::from_secs(30),
            request_time: Duration::from_secs(30),
            headers: 64,
            header_bytes: 32 * 1024,
            connections: 4_096,
            subscriptions: 100,
            sockets: 200,
            key_trust: Duration::from_secs(2),
        }
    }
}
