//! A customer's page or app, as it talks to the node: with a token of the customer's, and nothing else.

use commlog::ids::CustomerId;
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use crate::support::app::{Actor, http_client};

/// What is asked of an inbox.
pub(super) const FIELDS: &str = "unread messages { id title body isUnread seenAt clickedAt }";

/// A page that holds a token.
#[derive(Clone)]
pub(super) struct CustomersPage {
    pub(super) url: String,
    pub(super) token: String,
}

impl CustomersPage {
    /// Opens a page for a customer, whose token the tenant's back end asks for.
    pub(super) async fn open(backend: &Actor, customer: CustomerId, minutes: i32) -> Self {
        let query = "query($id: ID!, $minutes: Int!) { customerAccess(customerId: $id, minutes: $minutes) { token } }";
        let data = backend.data(query, json!({ "id": customer.to_string(), "minutes": minutes })).await;
        let token = data["customerAccess"]["token"].as_str().expect("a token").to_owned();
        Self { url: backend.url("/in-app/graphql"), token }
    }

    async fn post(&self, query: &str, variables: &Value, accept: &str) -> Response {
        let body = json!({ "query": query, "variables": variables });
        let request = http_client().post(&self.url).bearer_auth(&self.token).header("accept", accept).json(&body);
        request.send().await.expect("the node answers")
    }

    /// The status that an operation is answered with.
    pub(super) async fn status(&self, query: &str) -> StatusCode {
        self.post(query, &json!({}), "application/json").await.status()
    }

    /// The only field of an operation that must succeed.
    pub(super) async fn ask(&self, query: &str, variables: Value) -> Value {
        let response = self.post(query, &variables, "application/json").await;
        assert_eq!(response.status(), StatusCode::OK);
        let mut answer: Value = response.json().await.expect("JSON");
        assert!(answer.get("errors").is_none(), "{answer:#}");
        let fields = answer["data"].as_object_mut().expect("an object");
        fields.values_mut().next().expect("a field").take()
    }

    /// The inbox as it stands.
    pub(super) async fn inbox(&self) -> Value {
        self.ask(&format!("{{ inbox {{ {FIELDS} }} }}"), json!({})).await
    }

    /// Reports something of messages; the inbox after it.
    pub(super) async fn report(&self, mutation: &str, ids: &[&str]) -> Value {
        self.ask(&format!("mutation($ids: [ID!]!) {{ {mutation}(ids: $ids) {{ {FIELDS} }} }}"), json!({ "ids": ids }))
            .await
    }

    /// Follows the inbox.
    pub(super) async fn follow(&self) -> Followed {
        let query = format!("subscription {{ inbox {{ {FIELDS} }} }}");
        let response = self.post(&query, &json!({}), "text/event-stream").await;
        assert_eq!(response.status(), StatusCode::OK);
        Followed { response, text: String::new() }
    }
}

/// A stream of inboxes.
pub(super) struct Followed {
    response: Response,
    text: String,
}

impl Followed {
    /// The next event: its name and data; nothing once the stream has ended.
    async fn next(&mut self) -> Option<(String, String)> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| {
                    let line = event.lines().find_map(|line| line.strip_prefix(name));
                    line.map(|value| value.trim_start().to_owned())
                };
                let found = field("event:").zip(field("data:").or_else(|| Some(String::new())));
                self.text = rest.to_owned();
                if found.is_some() {
                    return found;
                }
                continue;
            }
            let chunk = self.response.chunk().await.expect("the stream goes on")?;
            self.text.push_str(std::str::from_utf8(&chunk).expect("UTF-8"));
        }
    }

    /// The next inbox that meets a condition.
    pub(super) async fn until(&mut self, met: impl Fn(&Value) -> bool) -> Value {
        loop {
            let (name, data) = self.next().await.expect("the stream goes on");
            assert_eq!(name, "next");
            let mut told: Value = serde_json::from_str(&data).expect("JSON");
            assert!(told.get("errors").is_none(), "{told:#}");
            let inbox = told["data"]["inbox"].take();
            if met(&inbox) {
                return inbox;
            }
        }
    }

    /// Whether the stream ends in order, whatever comes before.
    pub(super) async fn ends(&mut self) -> bool {
        while let Some((name, _)) = self.next().await {
            if name == "complete" {
                return true;
            }
        }
        false
    }
}
