//! A client of the protocol graphql-transport-ws, and how connections begin and end.

use std::time::Duration;

use commlog::domain::tenant::event::Role;
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::support::app::{Actor, TestApp};

/// One connection.
pub(crate) struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

/// What a server says.
#[derive(Debug)]
pub(crate) enum Said {
    Json(Value),
    Closed(u16, String),
}

impl Socket {
    /// A connection that has not said yet who it is.
    pub(crate) async fn open(actor: &Actor) -> Self {
        let mut request = actor.url("/graphql").replace("http://", "ws://").into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", "graphql-transport-ws".parse().unwrap());
        let (socket, response) = connect_async(request).await.unwrap();
        assert_eq!(response.headers()["sec-websocket-protocol"], "graphql-transport-ws");
        Self(socket)
    }

    /// A connection after its handshake.
    pub(crate) async fn connect(actor: &Actor) -> Self {
        let mut socket = Self::open(actor).await;
        let authorization = format!("Bearer {}", actor.token);
        socket.say(json!({ "type": "connection_init", "payload": { "Authorization": authorization } })).await;
        assert_eq!(socket.json().await["type"], "connection_ack");
        socket
    }

    pub(crate) async fn say(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    /// Starts an operation.
    pub(crate) async fn start(&mut self, id: &str, query: &str, variables: Value) {
        self.say(json!({ "id": id, "type": "subscribe", "payload": { "query": query, "variables": variables } })).await;
    }

    pub(crate) async fn hear(&mut self) -> Said {
        loop {
            let message = tokio::time::timeout(Duration::from_secs(20), self.0.next()).await;
            match message.expect("the server says something").expect("the connection is open").unwrap() {
                Message::Text(text) => return Said::Json(serde_json::from_str(&text).unwrap()),
                Message::Close(Some(frame)) => return Said::Closed(frame.code.into(), frame.reason.to_string()),
                Message::Close(None) => return Said::Closed(1005, String::new()),
                _ => {}
            }
        }
    }

    pub(crate) async fn json(&mut self) -> Value {
        match self.hear().await {
            Said::Json(value) => value,
            Said::Closed(code, reason) => panic!("closed: {code} {reason}"),
        }
    }

    /// The next data of an operation.
    pub(crate) async fn next(&mut self, id: &str) -> Value {
        let mut said = self.json().await;
        assert_eq!((&said["type"], &said["id"]), (&json!("next"), &json!(id)), "{said:#}");
        assert!(said["payload"].get("errors").is_none(), "{said:#}");
        said["payload"]["data"].take()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_has_two_hundred_sockets_and_each_is_counted_as_a_connection() {
    let app = TestApp::sqlite().await;
    let (agent, other) = (app.actor(Role::Agent).await, app.actor(Role::Agent).await);
    let mut sockets = Vec::new();
    for _ in 0..200 {
        sockets.push(Socket::connect(&agent).await);
    }
    let mut refused = Socket::open(&agent).await;
    let authorization = format!("Bearer {}", agent.token);
    let hello = json!({ "type": "connection_init", "payload": { "Authorization": authorization } });
    refused.say(hello.clone()).await;
    assert!(matches!(refused.hear().await, Said::Closed(4429, _)));
    Socket::connect(&other).await;
    let metrics = agent.get("/metrics").await.text().await.unwrap();
    let open = metrics.lines().find_map(|line| line.strip_prefix("commlog_http_connections ")).unwrap();
    assert!(open.parse::<u32>().unwrap() >= 200, "{open} connections");
    // One that ends makes room for another, once the server has seen it.
    drop(sockets.pop());
    loop {
        let mut socket = Socket::open(&agent).await;
        socket.say(hello.clone()).await;
        match socket.hear().await {
            Said::Json(said) => break assert_eq!(said["type"], "connection_ack"),
            Said::Closed(code, reason) => assert_eq!(code, 4429, "{reason}"),
        }
    }
    drop(sockets);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_without_a_good_key_is_closed_as_forbidden() {
    let app = TestApp::sqlite().await;
    let agent = app.actor(Role::Agent).await;
    for payload in
        [json!(null), json!({}), json!({ "Authorization": "Bearer clk_00_00" }), json!({ "authorization": 7 })]
    {
        let mut socket = Socket::open(&agent).await;
        socket.say(json!({ "type": "connection_init", "payload": payload })).await;
        assert!(matches!(socket.hear().await, Said::Closed(4403, _)), "{payload}");
    }
    let mut hasty = Socket::open(&agent).await;
    hasty.start("1", "{ viewer { role } }", json!({})).await;
    assert!(matches!(hasty.hear().await, Said::Closed(4401, _)));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queries_and_refusals_work_over_a_socket_too() {
    let app = TestApp::sqlite().await;
    let agent = app.actor(Role::Agent).await;
    let mut socket = Socket::connect(&agent).await;
    socket.start("q", "{ viewer { role } }", json!({})).await;
    assert_eq!(socket.next("q").await["viewer"]["role"], "AGENT");
    assert_eq!(socket.json().await, json!({ "type": "complete", "id": "q" }));
    socket.say(json!({ "type": "ping" })).await;
    assert_eq!(socket.json().await["type"], "pong");
    socket.start("bad", "subscription { nothing }", json!({})).await;
    let said = socket.json().await;
    assert_eq!((&said["type"], &said["id"]), (&json!("error"), &json!("bad")));
    assert!(said["payload"][0]["message"].as_str().is_some_and(|message| message.contains("nothing")), "{said}");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socket_that_talks_nonsense_is_closed_and_the_server_stays_up() {
    let app = TestApp::sqlite().await;
    let agent = app.actor(Role::Agent).await;
    for nonsense in
        ["{ nonsense", "7", r#"{"type":"start"}"#, r#"{"type":"subscribe","id":"1"}"#, r#"{"type":"complete"}"#]
    {
        let mut socket = Socket::connect(&agent).await;
        socket.0.send(Message::text(nonsense)).await.unwrap();
        assert!(matches!(socket.hear().await, Said::Closed(4400, _)), "{nonsense}");
    }
    let mut twice = Socket::connect(&agent).await;
    let authorization = format!("Bearer {}", agent.token);
    twice.say(json!({ "type": "connection_init", "payload": { "Authorization": authorization } })).await;
    assert!(matches!(twice.hear().await, Said::Closed(4429, _)));
    assert_eq!(agent.get("/healthz").await.status(), 200);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_id_is_of_one_operation_at_a_time() {
    let app = TestApp::sqlite().await;
    let agent = app.actor(Role::Agent).await;
    let mut socket = Socket::connect(&agent).await;
    let follow = "subscription { projectionLag { name } }";
    socket.start("s", follow, json!({})).await;
    socket.next("s").await;
    socket.say(json!({ "type": "complete", "id": "s" })).await;
    // What was completed may be begun again under the same id.
    socket.start("s", follow, json!({})).await;
    socket.next("s").await;
    socket.start("s", follow, json!({})).await;
    loop {
        match socket.hear().await {
            Said::Json(said) => assert_eq!(said["type"], "next", "{said}"),
            Said::Closed(code, reason) => {
                assert_eq!((code, reason.as_str()), (4409, "Subscriber for s already exists"));
                break;
            }
        }
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_key_loses_its_open_connection() {
    let app = TestApp::sqlite().await;
    let admin = app.actor(Role::Admin).await;
    let agent = app.actor(Role::Agent).await;
    let mut socket = Socket::connect(&agent).await;
    let key = agent.data("{ viewer { keyId } }", json!({})).await["viewer"]["keyId"].take();
    let revoke = "mutation($id: ID!) { revokeApiKey(keyId: $id) { refusal { code } } }";
    admin.data(revoke, json!({ "id": key })).await;
    assert!(matches!(socket.hear().await, Said::Closed(4403, _)));
    app.finish().await;
}
