//! A node as those see it who send from a desk, and the providers that call it back.

use commlog::ids::{CustomerId, Position};
use commlog::log::{Personal, ReadLimit};
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::story::PUBLIC;
use crate::support::app::{Actor, TestApp, http_client};
use crate::support::doubles::Signed;

/// What is sent in every story.
pub(crate) const WORDS: &str = "A new vintage is in.";

#[derive(Clone, Copy)]
pub(crate) struct Desk<'a> {
    pub(crate) app: &'a TestApp,
    pub(crate) agent: &'a Actor,
}

impl Desk<'_> {
    /// A customer with addresses.
    pub(crate) async fn customer(&self, name: &str, addresses: &[(&str, &str)]) -> CustomerId {
        let mutation = "mutation($input: CustomerInput!) { registerCustomer(input: $input) { customerId } }";
        let addresses: Vec<_> =
            addresses.iter().map(|(kind, address)| json!({ "kind": kind, "address": address })).collect();
        let input = json!({ "name": name, "addresses": addresses });
        let data = self.agent.data(mutation, json!({ "input": input })).await;
        data["registerCustomer"]["customerId"]
            .as_str()
            .and_then(|id| id.strip_prefix("Customer:")?.parse().ok())
            .expect("an id")
    }

    /// Sends; the message's id, and the rule that keeps it back, if one does. `more` are further fields of the input.
    pub(crate) async fn send(
        &self,
        customer: CustomerId,
        channel: &str,
        class: &str,
        more: Value,
    ) -> (String, Option<String>) {
        let mutation = "mutation($input: SendMessageInput!) { sendMessage(input: $input) \
            { messageId decision rule refusal { code message } } }";
        let mut input = json!({
            "customerId": customer.to_string(), "channel": channel, "class": class, "topic": "news",
            "subject": if channel == "EMAIL" { Some("A new vintage") } else { None }, "body": WORDS,
        });
        if let (Some(input), Value::Object(more)) = (input.as_object_mut(), more) {
            input.extend(more);
        }
        let data = self.agent.data(mutation, json!({ "input": input })).await;
        let answer = &data["sendMessage"];
        let id = answer["messageId"].as_str().unwrap_or_else(|| panic!("{data:#}")).to_owned();
        (id, answer["rule"].as_str().map(str::to_owned))
    }

    /// Hands a callback to the node as the provider would.
    pub(crate) async fn answer(&self, signed: &Signed) -> reqwest::Response {
        let path = signed.url.strip_prefix(PUBLIC).expect("our public URL");
        let method = signed.method.parse().expect("a method");
        let url = format!("http://{}{path}", self.app.address());
        let request = http_client().request(method, url).body(signed.body.clone());
        let request = signed.headers.iter().fold(request, |request, (name, value)| request.header(name, value));
        request.send().await.expect("the node answers")
    }

    /// The same; only the status.
    pub(crate) async fn call(&self, signed: &Signed) -> StatusCode {
        self.answer(signed).await.status()
    }

    /// Hands over what must be taken.
    pub(crate) async fn take(&self, signed: &Signed) {
        let status = self.call(signed).await;
        assert!(status.is_success(), "{status}");
    }

    /// What the read tables say of a message once they show all that is in the log.
    pub(crate) async fn message(&self, id: &str) -> Value {
        self.app.visible(self.app.head().await).await;
        let query = "query($id: ID!) { message(id: $id) { state opens { total human machine } clicks { total } \
            decisions { rule outcome inputs } conversation { state unread } } }";
        self.agent.data(query, json!({ "id": id })).await["message"].take()
    }

    /// The events of a type in the whole log: what they say, and their personal parts.
    pub(crate) async fn events(&self, name: &str) -> Vec<(Value, Value)> {
        let events = self.app.stores().journal.read_all(Position::START, ReadLimit::events(10_000)).await;
        let json = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).expect("JSON");
        let of_type = events.expect("the log answers").into_iter().filter(|event| event.envelope.event_type == name);
        let both = of_type.map(|event| match &event.personal {
            Personal::Clear(personal) => (json(&event.data), json(personal)),
            Personal::None | Personal::Erased => (json(&event.data), Value::Null),
        });
        both.collect()
    }
}
