//! The subprotocol `graphql-transport-ws`, as its specification says it
//! (<https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md>): what a client may say, and what it is told.

use async_graphql::{Request, Response, ServerError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::graphql::engine::gateway::is_refused;

/// The subprotocol's name in the handshake.
pub const NAME: &str = "graphql-transport-ws";

/// What a client says.
#[derive(Debug)]
pub enum ClientMessage {
    /// Who it is.
    ConnectionInit(Value),
    /// Are you there?
    Ping,
    /// I am here.
    Pong,
    /// Begin an operation.
    Subscribe {
        /// The client's name for the operation.
        id: String,
        /// What to execute.
        request: Box<Request>,
    },
    /// End an operation.
    Complete {
        /// The client's name for the operation.
        id: String,
    },
}

#[derive(Deserialize)]
struct Raw {
    r#type: String,
    id: Option<Value>,
    payload: Option<Value>,
}

impl ClientMessage {
    /// Reads a message; the error is the reason to close the connection with (4400).
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let raw: Raw =
            serde_json::from_slice(bytes).map_err(|_| "Message is not a JSON object with a type".to_owned())?;
        let id = |raw: &Raw| match &raw.id {
            Some(Value::String(id)) if !id.is_empty() => Ok(id.clone()),
            _ => Err(format!("\"{}\" message needs an id, a text that is not empty", raw.r#type)),
        };
        match raw.r#type.as_str() {
            "connection_init" => match raw.payload {
                None | Some(Value::Null) => Ok(Self::ConnectionInit(Value::Null)),
                Some(payload @ Value::Object(_)) => Ok(Self::ConnectionInit(payload)),
                Some(_) => Err("The payload of \"connection_init\" must be an object".to_owned()),
            },
            "ping" | "pong" if !matches!(raw.payload, None | Some(Value::Null | Value::Object(_))) => {
                Err(format!("The payload of \"{}\" must be an object", raw.r#type))
            }
            "ping" => Ok(Self::Ping),
            "pong" => Ok(Self::Pong),
            "subscribe" => {
                let id = id(&raw)?;
                let Some(payload @ Value::Object(_)) = raw.payload else {
                    return Err("The payload of \"subscribe\" must be an object".to_owned());
                };
                if !payload["query"].is_string() {
                    return Err("The payload of \"subscribe\" needs a query".to_owned());
                }
                let request = serde_json::from_value(payload)
                    .map_err(|error| format!("The payload of \"subscribe\" is not a request: {error}"))?;
                Ok(Self::Subscribe { id, request: Box::new(request) })
            }
            "complete" => Ok(Self::Complete { id: id(&raw)? }),
            _ => Err("Unknown type of message".to_owned()),
        }
    }
}

/// What a client is told.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerMessage<'a> {
    /// The client is known.
    ConnectionAck,
    /// I am here.
    Pong,
    /// An answer of an operation.
    Next {
        /// The operation.
        id: &'a str,
        /// The answer.
        payload: &'a Response,
    },
    /// An operation was refused before it began; nothing follows.
    Error {
        /// The operation.
        id: &'a str,
        /// Why.
        payload: &'a [ServerError],
    },
    /// An operation has ended.
    Complete {
        /// The operation.
        id: &'a str,
    },
}

impl<'a> ServerMessage<'a> {
    /// An answer; what was refused before anything was executed is an error, after which nothing follows.
    #[must_use]
    pub fn of(id: &'a str, response: &'a Response) -> Self {
        if is_refused(response) {
            Self::Error { id, payload: &response.errors }
        } else {
            Self::Next { id, payload: response }
        }
    }
}

/// A reason to close a connection: the protocol's code and words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closing {
    /// The close code.
    pub code: u16,
    /// The reason, for people.
    pub reason: String,
}

impl Closing {
    fn new(code: u16, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into() }
    }

    /// A message that is not of the protocol.
    #[must_use]
    pub fn bad_message(reason: String) -> Self {
        Self::new(4400, reason)
    }

    /// An operation before the client said who it is.
    #[must_use]
    pub fn unauthorized() -> Self {
        Self::new(4401, "Unauthorized")
    }

    /// A key that is missing, unknown or revoked.
    #[must_use]
    pub fn forbidden(reason: &str) -> Self {
        Self::new(4403, format!("Forbidden: {reason}"))
    }

    /// No `connection_init` in time.
    #[must_use]
    pub fn late() -> Self {
        Self::new(4408, "Connection initialisation timeout")
    }

    /// An operation under an id that another one still has.
    #[must_use]
    pub fn id_in_use(id: &str) -> Self {
        Self::new(4409, format!("Subscriber for {id} already exists"))
    }

    /// A second `connection_init`.
    #[must_use]
    pub fn initialised_twice() -> Self {
        Self::new(4429, "Too many initialisation requests")
    }

    /// The key has as many WebSockets as it may have.
    #[must_use]
    pub fn too_many(most: usize) -> Self {
        Self::new(4429, format!("this API key has {most} WebSockets open, the maximum"))
    }

    /// The server stops.
    #[must_use]
    pub fn stopping() -> Self {
        Self::new(1001, "the server is stopping")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_the_protocol_are_read() {
        let reads = |text: &str| ClientMessage::read(text.as_bytes()).is_ok();
        assert!(reads(r#"{"type":"connection_init"}"#));
        assert!(reads(r#"{"type":"connection_init","payload":{"Authorization":"Bearer x"}}"#));
        assert!(reads(r#"{"type":"ping","payload":{"at":1}}"#));
        assert!(reads(
            r#"{"type":"subscribe","id":"1","payload":{"query":"{ a }","variables":null,"operationName":null}}"#
        ));
        assert!(reads(r#"{"type":"complete","id":"1"}"#));
    }

    #[test]
    fn what_is_not_of_the_protocol_is_refused_with_a_reason() {
        for text in [
            "",
            "7",
            "[]",
            "{}",
            r#"{"type":"start","id":"1"}"#,
            r#"{"type":"connection_init","payload":"x"}"#,
            r#"{"type":"ping","payload":1}"#,
            r#"{"type":"subscribe","payload":{"query":"{ a }"}}"#,
            r#"{"type":"subscribe","id":"","payload":{"query":"{ a }"}}"#,
            r#"{"type":"subscribe","id":1,"payload":{"query":"{ a }"}}"#,
            r#"{"type":"subscribe","id":"1"}"#,
            r#"{"type":"subscribe","id":"1","payload":{}}"#,
            r#"{"type":"subscribe","id":"1","payload":{"query":"{ a }","variables":7}}"#,
            r#"{"type":"complete"}"#,
        ] {
            let reason = ClientMessage::read(text.as_bytes()).expect_err(text);
            assert!(!reason.is_empty() && reason.len() < 200, "{text}: {reason}");
        }
    }
}
