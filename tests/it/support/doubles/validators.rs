//! Strict services that check addresses: Twilio Lookup, NeverBounce and BriteVerify, on one port.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};
use url::Url;

use super::twilio::{ACCOUNT, TOKEN};
use super::{Act, Answered, Book, Description, Server};

pub(crate) const NEVERBOUNCE_KEY: &str = "secret_0123456789abcdef";
pub(crate) const BRITEVERIFY_KEY: &str = "01234567-89ab-cdef-0123-456789abcdef";

struct Shared {
    /// The addresses that were checked, each of which cost something.
    book: Book<String>,
    /// What is said of an address.
    known: Mutex<HashMap<String, Value>>,
}

/// The server.
pub(crate) struct ValidatorsDouble {
    shared: Arc<Shared>,
    server: Server,
}

impl ValidatorsDouble {
    pub(crate) async fn start() -> Self {
        let shared = Arc::new(Shared { book: Book::new(), known: Mutex::default() });
        let router = Router::new()
            .route("/v2/PhoneNumbers/{number}", get(lookup))
            .route("/v4.2/single/check", post(neverbounce))
            .route("/api/v1/fullverify", post(briteverify))
            .with_state(Arc::clone(&shared));
        Self { shared, server: Server::described(router, Description::TwilioLookup).await }
    }

    pub(crate) fn url(&self) -> Url {
        Url::parse(&format!("http://{}", self.server.address)).expect("a URL")
    }

    /// What is said of an address from now on: the service's answer, or members of it.
    pub(crate) fn know(&self, address: &str, said: Value) {
        self.shared.known.lock().expect("no panic before").insert(address.to_owned(), said);
    }

    /// How the next checks are answered.
    pub(crate) fn script(&self, acts: impl IntoIterator<Item = Act>) {
        self.shared.book.script(acts);
    }

    /// The addresses that were checked, in order.
    pub(crate) fn taken(&self) -> Vec<String> {
        self.shared.book.taken()
    }

    /// How many calls were let in.
    pub(crate) fn calls(&self) -> usize {
        self.shared.book.calls()
    }
}

impl Shared {
    /// Takes a check, and answers with `usual` and what is known of the address over it.
    async fn checked(&self, address: &str, mut usual: Value) -> Answered {
        let known = self.known.lock().expect("no panic before").get(address).cloned().unwrap_or_default();
        for (name, value) in known.as_object().into_iter().flatten() {
            usual[name] = value.clone();
        }
        let act = self.book.next_act();
        if act.takes() {
            self.book.take(None, address.to_owned());
        }
        Ok(act.spoil(super::json(200, &usual)).await)
    }
}

fn header<'h>(headers: &'h HeaderMap, name: &str) -> &'h str {
    headers.get(name).and_then(|given| given.to_str().ok()).unwrap_or_default()
}

async fn lookup(
    State(shared): State<Arc<Shared>>,
    Path(number): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Answered {
    let error = |status: u16, code: u32, message: &str| {
        super::json(status, &json!({ "code": code, "message": message, "more_info": "", "status": status }))
    };
    if header(&headers, "authorization") != format!("Basic {}", STANDARD.encode(format!("{ACCOUNT}:{TOKEN}"))) {
        return Ok(error(401, 20003, "Authenticate"));
    }
    // A number without + would be read as an American one.
    if !number.starts_with('+') || query.as_deref() != Some("Fields=line_type_intelligence") {
        return Ok(error(404, 20404, &format!("The requested resource /PhoneNumbers/{number} was not found")));
    }
    let usual = json!({
        "calling_country_code": "1",
        "country_code": "US",
        "phone_number": number,
        "national_format": "(415) 555-0101",
        "valid": true,
        "validation_errors": null,
        "line_type_intelligence": {
            "error_code": null,
            "mobile_country_code": "310",
            "mobile_network_code": "456",
            "carrier_name": "Example Mobile",
            "type": "mobile",
        },
        "url": format!("https://lookups.twilio.com/v2/PhoneNumbers/{number}"),
    });
    shared.checked(&number, usual).await
}

/// The members of a body of JSON, if there are no others than these.
fn members(headers: &HeaderMap, body: &Bytes, known: &[&str]) -> Option<Value> {
    let body: Value = serde_json::from_slice(body).ok().filter(Value::is_object)?;
    let is_known = body.as_object()?.keys().all(|name| known.contains(&name.as_str()));
    (is_known && header(headers, "content-type") == "application/json").then_some(body)
}

async fn neverbounce(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Answered {
    let failure = |status: &str, message: &str| {
        super::json(200, &json!({ "status": status, "message": message, "execution_time": 22 }))
    };
    let Some(body) = members(&headers, &body, &["key", "email", "timeout"]) else {
        return Ok(failure("general_failure", "Missing required parameter"));
    };
    if body["key"] != NEVERBOUNCE_KEY {
        return Ok(failure("auth_failure", "We were unable to authenticate your request"));
    }
    let Some(email) = body["email"].as_str().filter(|_| body["timeout"].is_u64()) else {
        return Ok(failure("general_failure", "Missing required parameter 'email'"));
    };
    let usual = json!({
        "status": "success",
        "result": "valid",
        "flags": ["has_dns", "has_dns_mx", "smtp_connectable"],
        "suggested_correction": "",
        "execution_time": 499,
    });
    shared.checked(email, usual).await
}

async fn briteverify(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Answered {
    if header(&headers, "authorization") != format!("ApiKey: {BRITEVERIFY_KEY}") {
        return Ok(super::json(401, &json!({ "error": "unauthorized" })));
    }
    let Some(body) = members(&headers, &body, &["email"]) else {
        return Ok(super::json(400, &json!({ "error": "bad request" })));
    };
    let email = body["email"].as_str().unwrap_or_default();
    let (account, domain) = email.rsplit_once('@').unwrap_or_default();
    let usual = json!({
        "email": {
            "address": email,
            "account": account,
            "domain": domain,
            "status": "valid",
            "connected": null,
            "disposable": false,
            "role_address": false,
        },
        "duration": 0.05,
    });
    shared.checked(email, usual).await
}
