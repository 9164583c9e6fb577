//! `GET /graphql` as a WebSocket: subscriptions over the protocol `graphql-transport-ws` (graphql-ws).
//!
//! Browsers cannot set headers on a WebSocket, so the API key comes with the handshake: `connection_init` with the
//! payload `{ "Authorization": "Bearer clk_…" }`. A header on the upgrade works too, and so does the cookie of somebody who
//! signed in with this browser.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_graphql::Response as Answer;
use axum::extract::FromRequestParts;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::stream::{self, AbortHandle, BoxStream, SelectAll};
use futures::{SinkExt, StreamExt};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::auth::{bearer, check};
use super::body::refusal;
use super::protocol::{ClientMessage, Closing, NAME, ServerMessage};
use super::server::Seat;
use super::session;
use crate::graphql::engine::acting::{ACTOR, ActingUser};
use crate::graphql::engine::failure::refused;
use crate::graphql::{Gateway, Principal};
use crate::ids::ApiKeyId;

/// How long a client may take to say who it is (the protocol's close code 4408).
const HANDSHAKE: Duration = Duration::from_secs(10);

/// How often a silent client is asked whether it is there; one that stays silent for twice as long is gone.
const KEEP_ALIVE: Duration = Duration::from_secs(20);

/// How often the key of an open connection is checked again.
const RECHECK: Duration = Duration::from_secs(5);

/// The open WebSockets of each key. Cheap to clone.
#[derive(Clone, Default)]
pub struct Sockets(Arc<Mutex<HashMap<ApiKeyId, usize>>>);

/// One of a key's WebSockets, counted until it is dropped.
struct Counted(Sockets, ApiKeyId);

impl Sockets {
    /// Counts one more, unless the key has `most` already.
    fn open(&self, key: ApiKeyId, most: usize) -> Option<Counted> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(key).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Counted(self.clone(), key))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut open = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.1) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.1);
            }
        }
    }
}

/// Upgrades to a WebSocket.
pub async fn upgrade(gateway: Gateway, shutdown: CancellationToken, mut parts: Parts) -> Response {
    let offered = parts.headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
    if !offered.flat_map(|value| value.split(',')).any(|protocol| protocol.trim() == NAME) {
        let message = "the WebSocket must offer the subprotocol graphql-transport-ws";
        return refusal(StatusCode::BAD_REQUEST, "SUBPROTOCOL", message);
    }
    let header = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
    // Whoever opens it from another site is to send a key, as without a cookie.
    let session = session::token(&parts.headers).filter(|_| session::is_of_our_page(&parts.headers));
    let header = header.or_else(|| session.map(|token| format!("Bearer {token}")));
    match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
        Ok(upgrade) => {
            let most = gateway.api().limits.body_bytes;
            let sockets = parts.extensions.get::<Sockets>().cloned().unwrap_or_default();
            // The connection's place is given back only when the WebSocket ends.
            let seat = parts.extensions.get::<Seat>().cloned();
            upgrade.max_message_size(most).max_frame_size(most).protocols([NAME]).on_upgrade(async move |socket| {
                serve(Conversation::new(gateway, header, sockets), socket, shutdown).await;
                drop(seat);
            })
        }
        Err(rejection) => rejection.into_response(),
    }
}

/// Who a connection belongs to, once the client said so.
struct Peer {
    token: String,
    principal: Principal,
    /// The user whom the key acts for.
    user: Option<ActingUser>,
}

/// What one connection has open.
struct Conversation {
    gateway: Gateway,
    /// The header `Authorization` of the upgrade, or what stands for it in the cookie.
    header: Option<String>,
    sockets: Sockets,
    /// Its count, once the client said who it is.
    counted: Option<Counted>,
    peer: Option<Peer>,
    running: HashMap<String, AbortHandle>,
    answers: SelectAll<BoxStream<'static, (String, Option<Answer>)>>,
}

impl Conversation {
    fn new(gateway: Gateway, header: Option<String>, sockets: Sockets) -> Self {
        let (running, answers) = (HashMap::new(), SelectAll::new());
        Self { gateway, header, sockets, counted: None, peer: None, running, answers }
    }

    /// Takes a client's message; what it is answered at once, if anything.
    async fn take(&mut self, message: ClientMessage) -> Result<Option<Message>, Closing> {
        match message {
            ClientMessage::ConnectionInit(_) if self.peer.is_some() => Err(Closing::initialised_twice()),
            ClientMessage::ConnectionInit(payload) => {
                self.introduce(&payload).await?;
                Ok(Some(text(&ServerMessage::ConnectionAck)))
            }
            ClientMessage::Ping => Ok(Some(text(&ServerMessage::Pong))),
            ClientMessage::Pong => Ok(None),
            ClientMessage::Subscribe { id, request } => {
                let Some(peer) = &self.peer else { return Err(Closing::unauthorized()) };
                if self.running.contains_key(&id) {
                    return Err(Closing::id_in_use(&id));
                }
                let most = self.gateway.api().limits.subscriptions;
                if self.running.len() >= most {
                    let reason = format!("this connection runs {most} operations already");
                    let errors = [refused("TOO_MANY_SUBSCRIPTIONS", reason)];
                    return Ok(Some(text(&ServerMessage::Error { id: &id, payload: &errors })));
                }
                let request = match &peer.user {
                    Some(user) => request.data(user.clone()),
                    None => *request,
                };
                let answers = self.gateway.follow(peer.principal, request).map(Some).chain(stream::iter([None]));
                let (answers, handle) = stream::abortable(answers);
                self.running.insert(id.clone(), handle);
                self.answers.push(answers.map(move |answer| (id.clone(), answer)).boxed());
                Ok(None)
            }
            ClientMessage::Complete { id } => {
                // An operation that has ended already is completed by both sides at once, which is fine.
                if let Some(handle) = self.running.remove(&id) {
                    handle.abort();
                }
                Ok(None)
            }
        }
    }

    async fn introduce(&mut self, payload: &serde_json::Value) -> Result<(), Closing> {
        let entry = |wanted: &str| {
            let mut entries = payload.as_object()?.iter();
            entries.find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value)
        };
        let given = entry("authorization").and_then(serde_json::Value::as_str).or(self.header.as_deref());
        let token = given.and_then(bearer).ok_or_else(|| Closing::forbidden("an API key is needed"))?;
        let principal = check(&self.gateway, token).await;
        let principal = principal.map_err(|_| Closing::forbidden("this API key is unknown or was revoked"))?;
        let user = match entry(ACTOR) {
            None | Some(serde_json::Value::Null) => None,
            Some(serde_json::Value::String(text)) => Some(ActingUser::read(principal, text)),
            // An object, as in the header's JSON.
            Some(value) => Some(ActingUser::read(principal, &value.to_string())),
        };
        let user = user.transpose().map_err(|error| Closing::forbidden(&error.to_string()))?;
        let most = self.gateway.api().limits.sockets;
        self.counted = Some(self.sockets.open(principal.key, most).ok_or_else(|| Closing::too_many(most))?);
        self.peer = Some(Peer { token: token.to_owned(), principal, user });
        Ok(())
    }

    /// What the next answer of a running operation is told as; [`None`] for what is not running any more.
    fn message_of(&mut self, id: &str, answer: Option<&Answer>) -> Option<Message> {
        let handle = self.running.get(id)?;
        let message = answer.map_or(ServerMessage::Complete { id }, |answer| ServerMessage::of(id, answer));
        let told = text(&message);
        if matches!(message, ServerMessage::Error { .. } | ServerMessage::Complete { .. }) {
            handle.abort();
            self.running.remove(id);
        }
        Some(told)
    }

    /// Whether the connection's key is known to be no longer good. A read model that does not answer is no reason to cut
    /// anybody off.
    async fn is_revoked(&mut self) -> bool {
        let Some(Peer { token, .. }) = &self.peer else { return false };
        let api = self.gateway.api();
        matches!(api.keys.check(&api.reads, &api.app, token).await, Ok(None))
    }
}

async fn serve(mut conversation: Conversation, socket: WebSocket, shutdown: CancellationToken) {
    let (mut sink, mut source) = socket.split();
    let mut late = std::pin::pin!(tokio::time::sleep(HANDSHAKE));
    let mut recheck = tokio::time::interval(RECHECK);
    let mut keep_alive = tokio::time::interval(KEEP_ALIVE);
    let mut heard = Instant::now();
    loop {
        let told = tokio::select! {
            message = source.next() => {
                heard = Instant::now();
                match message {
                    Some(Ok(Message::Text(text))) => read(&mut conversation, text.as_bytes()).await,
                    Some(Ok(Message::Binary(bytes))) => read(&mut conversation, &bytes).await,
                    // The library answers pings and closes.
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(None),
                    Some(Ok(Message::Close(_)) | Err(_)) | None => break,
                }
            }
            Some((id, answer)) = conversation.answers.next() => Ok(conversation.message_of(&id, answer.as_ref())),
            _ = recheck.tick() => {
                if conversation.is_revoked().await { Err(Closing::forbidden("this API key was revoked")) } else { Ok(None) }
            }
            _ = keep_alive.tick() => {
                if heard.elapsed() > 2 * KEEP_ALIVE { break }
                Ok(Some(Message::Ping(Bytes::new())))
            }
            () = shutdown.cancelled() => Err(Closing::stopping()),
            () = &mut late, if conversation.peer.is_none() => Err(Closing::late()),
        };
        let message = match told {
            Ok(None) => continue,
            Ok(Some(message)) => message,
            Err(Closing { code, reason }) => close(code, reason),
        };
        let ends = matches!(message, Message::Close(_));
        if sink.send(message).await.is_err() || ends {
            break;
        }
    }
}

async fn read(conversation: &mut Conversation, bytes: &[u8]) -> Result<Option<Message>, Closing> {
    let message = ClientMessage::read(bytes).map_err(Closing::bad_message)?;
    conversation.take(message).await
}

/// A message of the protocol as a frame. One that cannot be written is a fault of the server.
fn text(message: &ServerMessage<'_>) -> Message {
    match serde_json::to_string(message) {
        Ok(text) => Message::Text(text.into()),
        Err(error) => {
            tracing::error!(%error, "a message could not be written to a WebSocket");
            close(1011, "the server failed".to_owned())
        }
    }
}

fn close(code: u16, mut reason: String) -> Message {
    // A close frame carries at most 123 bytes of reason (RFC 6455, section 5.5).
    let mut end = reason.len().min(123);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    reason.truncate(end);
    Message::Close(Some(CloseFrame { code, reason: reason.into() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_a_limited_number_of_sockets_until_one_ends() {
        let (sockets, key) = (Sockets::default(), ApiKeyId(uuid::Uuid::nil()));
        let first = sockets.open(key, 2);
        let second = sockets.open(key, 2);
        assert!(first.is_some() && second.is_some());
        assert!(sockets.open(key, 2).is_none());
        assert!(sockets.open(ApiKeyId(uuid::Uuid::max()), 2).is_some(), "another key has its own");
        drop(first);
        assert!(sockets.open(key, 2).is_some());
    }
}
