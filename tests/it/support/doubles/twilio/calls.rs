//! The Calls resource, and what is reported of calls.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use url::{Url, form_urlencoded};

use super::super::{Act, Answered, Signed, json};
use super::{ACCOUNT, NUMBER, Shared, TwilioDouble, error, refused, signed};

/// What may stand in the form that creates a call.
const KNOWN: &[&str] = &[
    "To",
    "From",
    "Twiml",
    "StatusCallback",
    "StatusCallbackEvent",
    "MachineDetection",
    "AsyncAmd",
    "AsyncAmdStatusCallback",
    "Record",
    "Timeout",
];

/// A call that was taken.
#[derive(Debug, Clone)]
pub(crate) struct TwilioCall {
    pub(crate) sid: String,
    pub(crate) form: Vec<(String, String)>,
    pub(crate) created: DateTime<Utc>,
    /// As the list tells it.
    pub(crate) status: String,
    pub(crate) answered_by: Option<String>,
    pub(crate) price: Option<String>,
}

impl TwilioCall {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The URL to which a pressed key is reported.
    pub(crate) fn action(&self) -> Option<String> {
        let (_, rest) = self.field("Twiml")?.split_once(" action=\"")?;
        let (url, _) = rest.split_once('"')?;
        Some(url.replace("&amp;", "&"))
    }

    /// Our token, out of the callback's URL.
    pub(crate) fn token(&self) -> Option<String> {
        let url = Url::parse(self.field("StatusCallback")?).ok()?;
        url.query_pairs().find(|(key, _)| key == "token").map(|(_, token)| token.into_owned())
    }

    fn resource(&self) -> Value {
        json!({
            "sid": self.sid,
            "account_sid": ACCOUNT,
            "to": self.field("To"),
            "from": self.field("From"),
            "direction": "outbound-api",
            "status": self.status,
            "answered_by": self.answered_by,
            "duration": null,
            "price": self.price,
            "price_unit": "USD",
            "date_created": self.created.to_rfc2822(),
            "start_time": null,
            "uri": format!("/2010-04-01/Accounts/{ACCOUNT}/Calls/{}.json", self.sid),
        })
    }
}

impl TwilioDouble {
    /// How the next calls that create calls are answered.
    pub(crate) fn script_calls(&self, acts: impl IntoIterator<Item = Act>) {
        self.shared.calls.script(acts);
    }

    /// How many requests to create a call were made.
    pub(crate) fn calls_made(&self) -> usize {
        self.shared.calls.calls()
    }

    /// Every call that was taken, in order.
    pub(crate) fn calls_taken(&self) -> Vec<TwilioCall> {
        self.shared.calls.taken()
    }

    /// The most often that a call with one token was taken.
    pub(crate) fn most_calls_per_token(&self) -> usize {
        self.shared.calls.most_per_token()
    }

    /// The calls that were ended by a request.
    pub(crate) fn calls_ended(&self) -> Vec<String> {
        self.shared.ended.lock().expect("no panic before").clone()
    }

    /// Puts a call into the list that nobody made through this double.
    pub(crate) fn plant_call(&self, call: TwilioCall) {
        self.shared.calls.take(call.token().as_deref(), call);
    }

    /// A status callback about a call, signed. `more` are further fields, such as `AnsweredBy`.
    pub(crate) fn call_status(call: &TwilioCall, status: &str, more: &[(&'static str, &str)]) -> Signed {
        let url = call.field("StatusCallback").expect("the call asks for callbacks");
        let mut form = about(call, status);
        form.push(("CallbackSource", "call-progress-events".to_owned()));
        form.push(("SequenceNumber", "1".to_owned()));
        form.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
        signed(url, form)
    }

    /// The verdict on who picked up, while the call is under way, signed.
    pub(crate) fn verdict(call: &TwilioCall, answered_by: &str) -> Signed {
        let url = call.field("AsyncAmdStatusCallback").expect("the call asks who picks up");
        let form = vec![
            ("CallSid", call.sid.clone()),
            ("AccountSid", ACCOUNT.to_owned()),
            ("AnsweredBy", answered_by.to_owned()),
            ("MachineDetectionDuration", "4120".to_owned()),
        ];
        signed(url, form)
    }

    /// A key that was pressed, signed.
    pub(crate) fn pressed(call: &TwilioCall, digits: &str) -> Signed {
        let url = call.action().expect("the call waits for keys");
        let mut form = about(call, "in-progress");
        form.push(("Digits", digits.to_owned()));
        form.push(("FinishedOnKey", String::new()));
        signed(&url, form)
    }
}

fn about(call: &TwilioCall, status: &str) -> Vec<(&'static str, String)> {
    let field = |name: &str| call.field(name).unwrap_or_default().to_owned();
    vec![
        ("CallSid", call.sid.clone()),
        ("AccountSid", ACCOUNT.to_owned()),
        ("From", field("From")),
        ("To", field("To")),
        ("Caller", field("From")),
        ("Called", field("To")),
        ("Direction", "outbound-api".to_owned()),
        ("ApiVersion", "2010-04-01".to_owned()),
        ("CallStatus", status.to_owned()),
    ]
}

pub(super) async fn create(
    State(shared): State<Arc<Shared>>,
    Path(account): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Answered {
    if let Some(refused) = refused(&headers, &account) {
        return Ok(refused);
    }
    let act = shared.calls.next_act();
    let form: Vec<(String, String)> = form_urlencoded::parse(&body).into_owned().collect();
    if let Err((code, message)) = check(&form) {
        return Ok(error(400, code, message));
    }
    let sid = format!("CA{}", shared.ambient.uuid().simple());
    let (created, status) = (shared.ambient.now(), "queued".to_owned());
    let call = TwilioCall { sid, form, created, status, answered_by: None, price: None };
    let usual = json(201, &call.resource());
    if act.takes() {
        shared.calls.take(call.token().as_deref(), call);
    }
    Ok(act.spoil(usual).await)
}

fn check(form: &[(String, String)]) -> Result<(), (u32, &'static str)> {
    let one = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    if form.iter().any(|(key, _)| !KNOWN.contains(&key.as_str())) {
        return Err((20001, "Unknown parameter"));
    }
    let repeated = |name: &&&str| form.iter().filter(|(key, _)| key == **name).count() > 1;
    if KNOWN.iter().filter(|name| **name != "StatusCallbackEvent").any(|name| repeated(&name)) {
        return Err((20001, "A parameter is repeated"));
    }
    let is_number = |text: &str| text.strip_prefix('+').is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit()));
    match (one("To"), one("From")) {
        (None, _) => return Err((21201, "No 'To' number is specified")),
        (Some(to), _) if !is_number(to) => return Err((21211, "Invalid 'To' Phone Number")),
        (_, None | Some("")) => return Err((21213, "'From' phone number is required")),
        (_, Some(from)) if from != NUMBER => return Err((21210, "Source phone number not yet verified")),
        _ => {}
    }
    let Some(document) = one("Twiml") else { return Err((21205, "Url parameter is required")) };
    if document.chars().count() > 4_000 {
        return Err((32018, "The Twiml is too long"));
    }
    if !document.starts_with("<?xml") || !document.ends_with("</Response>") || document.contains("<Say language=\"\"") {
        return Err((12100, "Document parse failure"));
    }
    match (one("MachineDetection"), one("AsyncAmd"), one("AsyncAmdStatusCallback")) {
        (None | Some("DetectMessageEnd"), None, None) => Ok(()),
        (Some("Enable" | "DetectMessageEnd"), Some("true"), Some(url)) if Url::parse(url).is_ok() => Ok(()),
        _ => Err((21234, "Invalid machine detection")),
    }
}

pub(super) async fn update(
    State(shared): State<Arc<Shared>>,
    Path((account, call)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Answered {
    if let Some(refused) = refused(&headers, &account) {
        return Ok(refused);
    }
    let sid = call.strip_suffix(".json").unwrap_or_default().to_owned();
    let Some(known) = shared.calls.taken().into_iter().find(|known| known.sid == sid) else {
        return Ok(error(404, 20404, "The requested resource was not found"));
    };
    if &body[..] != b"Status=completed" {
        return Ok(error(400, 20001, "Only a status is changed"));
    }
    let mut ended = shared.ended.lock().expect("no panic before");
    if ended.contains(&sid) {
        return Ok(error(400, 21220, "Call is not in-progress. Cannot redirect."));
    }
    ended.push(sid);
    Ok(json(200, &known.resource()))
}

pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    Path(account): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Answered {
    if let Some(refused) = refused(&headers, &account) {
        return Ok(refused);
    }
    let query: Vec<(String, String)> =
        form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect();
    let to = query.iter().find(|(key, _)| key == "To").map(|(_, value)| value.as_str());
    let calls: Vec<_> = shared.calls.taken();
    let calls = calls.iter().filter(|call| to.is_none() || call.field("To") == to);
    let calls: Vec<_> = calls.map(TwilioCall::resource).collect();
    Ok(json(200, &json!({ "calls": calls, "page": 0, "page_size": 50, "next_page_uri": null })))
}
