//! `GET /graphql` as a WebSocket: subscriptions over the protocol `graphql-transport-ws` (graphql-ws).
//!
//! Browsers cannot set headers on a WebSocket, so the API key comes with the handshake: `connection_init` with the
//! payload `{ "Authorization": "Bearer clk_…" }`. A header on the upgrade works too.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_graphql::http::{WebSocket as Protocol, WebSocketProtocols, WsMessage};
use async_graphql::{Data, Error};
use axum::Extension;
use axum::body::Body;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{FromRequestParts, State};
use axum::http::{Request, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use futures::{SinkExt, StreamExt};
use tokio_util::sync::CancellationToken;

use super::auth::{bearer, check};
use super::body::refusal;
use crate::graphql::{Gateway, Principal};

const PROTOCOL: &str = "graphql-transport-ws";

/// How long a client may take to say who it is (the protocol's close code 4408).
const HANDSHAKE: Duration = Duration::from_secs(10);

/// How often the key of an open connection is checked again.
const RECHECK: Duration = Duration::from_secs(5);

/// Upgrades to a WebSocket. A browser that opens the address by hand is shown the console.
pub async fn upgrade(
    State(gateway): State<Gateway>,
    Extension(shutdown): Extension<CancellationToken>,
    request: Request<Body>,
) -> Response {
    let (mut parts, _) = request.into_parts();
    let accepts = |media: &str| {
        parts.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).is_some_and(|all| all.contains(media))
    };
    if !parts.headers.contains_key(header::UPGRADE) {
        return if accepts("text/html") {
            Redirect::to("/").into_response()
        } else {
            let message = "send queries and mutations with POST; GET is for WebSockets (graphql-transport-ws)";
            refusal(StatusCode::METHOD_NOT_ALLOWED, "USE_POST", message)
        };
    }
    let offered = parts.headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
    if !offered.flat_map(|value| value.split(',')).any(|protocol| protocol.trim() == PROTOCOL) {
        let message = "the WebSocket must offer the subprotocol graphql-transport-ws";
        return refusal(StatusCode::BAD_REQUEST, "SUBPROTOCOL", message);
    }
    let header = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
    match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
        Ok(upgrade) => {
            let most = gateway.api().limits.body_bytes;
            upgrade
                .max_message_size(most)
                .max_frame_size(most)
                .protocols([PROTOCOL])
                .on_upgrade(move |socket| serve(gateway, socket, header, shutdown))
        }
        Err(rejection) => rejection.into_response(),
    }
}

/// Who is on the other end, once it said so.
#[derive(Clone, Default)]
struct Peer {
    token: Arc<OnceLock<String>>,
    principal: Arc<OnceLock<Principal>>,
}

impl Peer {
    async fn introduce(
        self,
        gateway: Gateway,
        header: Option<String>,
        payload: serde_json::Value,
    ) -> Result<Data, Error> {
        let given = payload
            .as_object()
            .and_then(|entries| entries.iter().find(|(name, _)| name.eq_ignore_ascii_case("authorization")))
            .and_then(|(_, value)| value.as_str().map(str::to_owned))
            .or(header);
        let token = given.as_deref().and_then(bearer).ok_or_else(|| Error::new("Forbidden: an API key is needed"))?;
        let principal = check(&gateway, token)
            .await
            .map_err(|_| Error::new("Forbidden: this API key is unknown or was revoked"))?;
        // The protocol has one handshake per connection.
        let _ = self.token.set(token.to_owned());
        let _ = self.principal.set(principal);
        Ok(Data::default())
    }

    /// Ends when the key is no longer good.
    async fn refused(&self, gateway: &Gateway) {
        loop {
            tokio::time::sleep(RECHECK).await;
            let Some(token) = self.token.get() else { continue };
            let api = gateway.api();
            // A read model that does not answer is no reason to cut anybody off.
            if matches!(api.keys.check(&api.reads.db(), token).await, Ok(None)) {
                return;
            }
        }
    }
}

async fn serve(gateway: Gateway, socket: WebSocket, header: Option<String>, shutdown: CancellationToken) {
    let (mut sink, source) = socket.split();
    let peer = Peer::default();
    let input = source
        .take_while(|message| std::future::ready(message.is_ok()))
        .filter_map(|message| std::future::ready(message.ok()))
        .filter(|message| std::future::ready(matches!(message, Message::Text(_) | Message::Binary(_))))
        .map(Message::into_data);
    let executor = gateway.connection(Arc::clone(&peer.principal));
    let introduce = {
        let (gateway, peer) = (gateway.clone(), peer.clone());
        move |payload| peer.introduce(gateway, header, payload)
    };
    let output = Protocol::new(executor, input, WebSocketProtocols::GraphQLWS).on_connection_init(introduce);
    let mut output = std::pin::pin!(output);
    let mut refused = std::pin::pin!(peer.refused(&gateway));
    let mut late = std::pin::pin!(tokio::time::sleep(HANDSHAKE));
    loop {
        let message = tokio::select! {
            message = output.next() => match message {
                Some(WsMessage::Text(text)) => Message::Text(text.into()),
                // The library closes a refused handshake with 1002; the protocol's code for it is 4403.
                Some(WsMessage::Close(1002, reason)) if reason.starts_with("Forbidden") => close(4403, reason),
                Some(WsMessage::Close(1011, reason)) => close(4401, reason),
                Some(WsMessage::Close(code, reason)) => close(code, reason),
                None => break,
            },
            () = &mut refused => close(4403, "Forbidden: this API key was revoked".to_owned()),
            () = shutdown.cancelled() => close(1001, "the server is stopping".to_owned()),
            () = &mut late, if peer.principal.get().is_none() => {
                close(4408, "Connection initialisation timeout".to_owned())
            }
        };
        let ends = matches!(message, Message::Close(_));
        if sink.send(message).await.is_err() || ends {
            break;
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
