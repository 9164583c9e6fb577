//! GraphQL over HTTP, for sections that measure more than one request.

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::Result;
use crate::load::{self, Request};

/// The API of a node.
pub struct Api {
    pub address: SocketAddr,
    pub token: String,
}

impl Api {
    pub fn request(&self, query: &str, variables: &Value) -> Request {
        Request::post("/graphql", &self.token, &json!({ "query": query, "variables": variables }).to_string())
    }

    pub async fn ask(&self, query: &str, variables: Value) -> Result<Value> {
        let answer: Value = serde_json::from_str(&load::once(self.address, &self.request(query, &variables)).await?)?;
        if answer["errors"].is_null() {
            return Ok(answer["data"].clone());
        }
        Err(format!("{answer}, asked with {variables}").into())
    }

    /// A mutation that has to be accepted; the payload.
    pub async fn mutate(&self, name: &str, mutation: &str, variables: Value) -> Result<Value> {
        let payload = self.ask(mutation, variables).await?[name].take();
        if payload["refusal"].is_null() { Ok(payload) } else { Err(format!("{name}: {payload}").into()) }
    }
}
