//! A strict Twilio: the Messages and Calls resources, their errors, and its signed callbacks.

mod calls;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, Response};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use commlog::clock::Ambient;
use commlog::providers::Secret;
use commlog::providers::twilio::{TwilioAuth, TwilioSender, TwilioSettings, TwilioVoice, sign};
use serde_json::{Value, json};
use url::{Url, form_urlencoded};

pub(crate) use calls::TwilioCall;

use super::{Act, Answered, Book, Description, Server, Signed};

pub(crate) const ACCOUNT: &str = "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
pub(crate) const TOKEN: &str = "test_auth_token_0000000000000000";
pub(crate) const NUMBER: &str = "+12025550199";
/// The template that it knows.
pub(crate) const TEMPLATE: &str = "HX77777777777777777777777777777777";

/// What may stand in the form that creates a message; a real Twilio passes over others, and a typing error with them.
const KNOWN: &[&str] = &[
    "To",
    "From",
    "MessagingServiceSid",
    "Body",
    "MediaUrl",
    "StatusCallback",
    "ContentSid",
    "ContentVariables",
    "ValidityPeriod",
    "SendAt",
    "ScheduleType",
    "SmartEncoded",
];

/// A message that was taken.
#[derive(Debug, Clone)]
pub(crate) struct TwilioMessage {
    pub(crate) sid: String,
    pub(crate) form: Vec<(String, String)>,
    pub(crate) created: DateTime<Utc>,
    /// As the list tells it.
    pub(crate) status: String,
    pub(crate) price: Option<String>,
}

impl TwilioMessage {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Our token, out of the callback's URL.
    pub(crate) fn token(&self) -> Option<String> {
        let url = Url::parse(self.field("StatusCallback")?).ok()?;
        url.query_pairs().find(|(key, _)| key == "token").map(|(_, token)| token.into_owned())
    }

    fn resource(&self) -> Value {
        let is_service = self.field("MessagingServiceSid").is_some();
        json!({
            "sid": self.sid,
            "account_sid": ACCOUNT,
            "messaging_service_sid": self.field("MessagingServiceSid"),
            "to": self.field("To"),
            "from": self.field("From"),
            "body": self.field("Body").unwrap_or_default(),
            "direction": "outbound-api",
            "status": self.status,
            "num_segments": if is_service { "0" } else { "1" },
            "num_media": "0",
            "price": self.price,
            "price_unit": "USD",
            "error_code": null,
            "error_message": null,
            "date_created": self.created.to_rfc2822(),
            "date_sent": null,
            "api_version": "2010-04-01",
            "uri": format!("/2010-04-01/Accounts/{ACCOUNT}/Messages/{}.json", self.sid),
        })
    }
}

struct Shared {
    book: Book<TwilioMessage>,
    calls: Book<TwilioCall>,
    /// The calls that were ended by a request.
    ended: Mutex<Vec<String>>,
    opted_out: Mutex<HashSet<String>>,
    media: Mutex<HashMap<String, Media>>,
    ambient: Ambient,
}

/// What a media resource answers.
#[derive(Debug, Clone)]
pub(crate) enum Media {
    /// Its content.
    Content(Bytes),
    /// That it lies elsewhere.
    Elsewhere(String),
}

/// The server.
pub(crate) struct TwilioDouble {
    shared: Arc<Shared>,
    server: Server,
}

impl TwilioDouble {
    pub(crate) async fn start(ambient: Ambient) -> Self {
        let shared = Arc::new(Shared {
            book: Book::new(),
            calls: Book::new(),
            ended: Mutex::default(),
            opted_out: Mutex::default(),
            media: Mutex::default(),
            ambient,
        });
        let router = Router::new()
            .route("/2010-04-01/Accounts/{account}", get(account))
            .route("/2010-04-01/Accounts/{account}/Messages.json", get(list).post(create))
            .route("/2010-04-01/Accounts/{account}/Messages/{message}/Media/{media}", get(media))
            .route("/2010-04-01/Accounts/{account}/Calls.json", get(calls::list).post(calls::create))
            .route("/2010-04-01/Accounts/{account}/Calls/{call}", axum::routing::post(calls::update))
            .with_state(Arc::clone(&shared));
        Self { shared, server: Server::described(router, Description::Twilio).await }
    }

    /// Settings that it accepts.
    pub(crate) fn settings(&self, callback_url: &str) -> TwilioSettings {
        TwilioSettings {
            account_name: "main".to_owned(),
            account_sid: ACCOUNT.to_owned(),
            auth: TwilioAuth::Token(Secret::new(TOKEN)),
            sender: Some(TwilioSender::From(NUMBER.to_owned())),
            whatsapp: Some(TwilioSender::From(NUMBER.to_owned())),
            voice: Some(TwilioVoice {
                from: NUMBER.to_owned(),
                voice: None,
                language: "en-US".to_owned(),
                records: false,
            }),
            base_url: Url::parse(&format!("http://{}", self.server.address)).expect("a URL"),
            callback_url: Some(Url::parse(callback_url).expect("a URL")),
            webhook_tokens: vec![Secret::new(TOKEN)],
            can_send_media: true,
            media_hosts: vec![],
        }
    }

    /// What an account here is set up with, by the names of settings.
    pub(crate) fn account(&self) -> Vec<(&'static str, String)> {
        let base_url = format!("http://{}", self.server.address);
        let all = [
            ("base_url", &*base_url),
            ("account_sid", ACCOUNT),
            ("auth_token", TOKEN),
            ("from", NUMBER),
            ("whatsapp_from", NUMBER),
            ("voice_from", NUMBER),
        ];
        all.map(|(name, value)| (name, value.to_owned())).to_vec()
    }

    /// How the next calls that create messages are answered.
    pub(crate) fn script(&self, acts: impl IntoIterator<Item = Act>) {
        self.shared.book.script(acts);
    }

    /// Every message that was taken, in order.
    pub(crate) fn taken(&self) -> Vec<TwilioMessage> {
        self.shared.book.taken()
    }

    /// How many calls to create a message were made.
    pub(crate) fn calls(&self) -> usize {
        self.shared.book.calls()
    }

    /// How often the message with a token was taken.
    pub(crate) fn times(&self, token: &str) -> usize {
        self.shared.book.times(token)
    }

    /// The most often that one token was taken.
    pub(crate) fn most_per_token(&self) -> usize {
        self.shared.book.most_per_token()
    }

    /// From now on, messages to the number are refused with 21610.
    pub(crate) fn opt_out(&self, number: &str) {
        self.shared.opted_out.lock().expect("no panic before").insert(number.to_owned());
    }

    /// A file of an incoming message; the URL that the webhook names.
    pub(crate) fn host(&self, sid: &str, media: Media) -> String {
        self.shared.media.lock().expect("no panic before").insert(sid.to_owned(), media);
        format!("http://{}/2010-04-01/Accounts/{ACCOUNT}/Messages/MM1/Media/{sid}", self.server.address)
    }

    /// Puts a message into the list that nobody sent through this double.
    pub(crate) fn plant(&self, message: TwilioMessage) {
        self.shared.book.take(message.token().as_deref(), message);
    }

    /// A status callback about a message, signed.
    pub(crate) fn status(message: &TwilioMessage, status: &str, error_code: Option<u32>) -> Signed {
        let url = message.field("StatusCallback").expect("the message asks for callbacks");
        let mut form = vec![
            ("MessageSid", message.sid.clone()),
            ("SmsSid", message.sid.clone()),
            ("AccountSid", ACCOUNT.to_owned()),
            ("From", message.field("From").unwrap_or(NUMBER).to_owned()),
            ("To", message.field("To").unwrap_or_default().to_owned()),
            ("ApiVersion", "2010-04-01".to_owned()),
            ("MessageStatus", status.to_owned()),
            ("SmsStatus", status.to_owned()),
        ];
        form.extend(error_code.map(|code| ("ErrorCode", code.to_string())));
        signed(url, form)
    }

    /// A message from somebody, signed. `more` are further fields, such as `OptOutType`.
    pub(crate) fn inbound(url: &str, sid: &str, from: &str, body: &str, more: &[(&'static str, &str)]) -> Signed {
        let mut form = vec![
            ("MessageSid", sid.to_owned()),
            ("SmsSid", sid.to_owned()),
            ("SmsMessageSid", sid.to_owned()),
            ("AccountSid", ACCOUNT.to_owned()),
            ("From", from.to_owned()),
            ("To", NUMBER.to_owned()),
            ("Body", body.to_owned()),
            ("NumMedia", "0".to_owned()),
            ("NumSegments", "1".to_owned()),
            ("SmsStatus", "received".to_owned()),
            ("ApiVersion", "2010-04-01".to_owned()),
        ];
        form.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
        signed(url, form)
    }
}

fn signed(url: &str, form: Vec<(&'static str, String)>) -> Signed {
    let url = url.split('#').next().unwrap_or_default().to_owned();
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(&form).finish();
    let parameters: Vec<_> = form.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let signature = sign(&Secret::new(TOKEN), &url, &parameters);
    let headers = vec![
        ("content-type".to_owned(), "application/x-www-form-urlencoded; charset=UTF-8".to_owned()),
        ("x-twilio-signature".to_owned(), signature),
        ("i-twilio-idempotency-token".to_owned(), "6e6e6e6e-0000-4000-8000-000000000000".to_owned()),
    ];
    Signed { method: "POST", url, headers, body: Bytes::from(body) }
}

fn error(status: u16, code: u32, message: &str) -> Response<Body> {
    let more_info = format!("https://www.twilio.com/docs/errors/{code}");
    super::json(status, &json!({ "code": code, "message": message, "more_info": more_info, "status": status }))
}

fn refused(headers: &HeaderMap, account: &str) -> Option<Response<Body>> {
    let expected = format!("Basic {}", STANDARD.encode(format!("{ACCOUNT}:{TOKEN}")));
    if headers.get("authorization").and_then(|given| given.to_str().ok()) != Some(&expected) {
        return Some(error(401, 20003, "Authenticate"));
    }
    (account != ACCOUNT).then(|| error(404, 20404, "The requested resource was not found"))
}

async fn account(Path(account): Path<String>, headers: HeaderMap) -> Answered {
    let account = account.strip_suffix(".json").unwrap_or_default();
    Ok(refused(&headers, account)
        .unwrap_or_else(|| super::json(200, &json!({ "sid": ACCOUNT, "status": "active", "type": "Full" }))))
}

async fn media(
    State(shared): State<Arc<Shared>>,
    Path((account, _, sid)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Answered {
    if let Some(refused) = refused(&headers, &account) {
        return Ok(refused);
    }
    let found = shared.media.lock().expect("no panic before").get(&sid).cloned();
    Ok(match found {
        None => error(404, 20404, "The requested resource was not found"),
        Some(Media::Elsewhere(url)) => {
            let answer = Response::builder().status(307).header("location", url);
            answer.body(Body::empty()).expect("an answer")
        }
        Some(Media::Content(content)) => {
            let answer = Response::builder().header("content-type", "image/png");
            answer.body(Body::from(content)).expect("an answer")
        }
    })
}

async fn create(
    State(shared): State<Arc<Shared>>,
    Path(account): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Answered {
    if let Some(refused) = refused(&headers, &account) {
        return Ok(refused);
    }
    let act = shared.book.next_act();
    let content_type = headers.get("content-type").and_then(|given| given.to_str().ok()).unwrap_or_default();
    if !content_type.starts_with("application/x-www-form-urlencoded") {
        return Ok(error(400, 20001, "the body must be a form"));
    }
    let form: Vec<(String, String)> = form_urlencoded::parse(&body).into_owned().collect();
    if let Err((code, message)) = check(&form, &shared) {
        return Ok(error(400, code, message));
    }
    let now = shared.ambient.now();
    let sid = format!("SM{}", shared.ambient.uuid().simple());
    let message = TwilioMessage { sid, form, created: now, status: "queued".to_owned(), price: None };
    let usual = super::json(201, &message.resource());
    if act.takes() {
        shared.book.take(message.token().as_deref(), message);
    }
    Ok(act.spoil(usual).await)
}

fn check(form: &[(String, String)], shared: &Shared) -> Result<(), (u32, &'static str)> {
    let all =
        |name: &str| form.iter().filter(|(key, _)| key == name).map(|(_, value)| value.clone()).collect::<Vec<_>>();
    let one = |name: &str| all(name).pop().filter(|value| !value.is_empty());
    if form.iter().any(|(key, _)| !KNOWN.contains(&key.as_str())) {
        return Err((20001, "Unknown parameter"));
    }
    if KNOWN.iter().any(|name| *name != "MediaUrl" && all(name).len() > 1) {
        return Err((20001, "A parameter is repeated"));
    }
    let is_e164 = |number: &str| {
        let digits = number.strip_prefix('+').unwrap_or_default();
        (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0')
    };
    let to = one("To").ok_or((21604, "A 'To' phone number is required"))?;
    if !is_e164(to.strip_prefix("whatsapp:").unwrap_or(&to)) {
        return Err((21211, "Invalid 'To' Phone Number"));
    }
    let is_whatsapp = to.starts_with("whatsapp:");
    if is_whatsapp {
        check_whatsapp(&one, all("MediaUrl").len())?;
    } else if one("ContentSid").is_some() {
        return Err((21655, "The double's templates are of WhatsApp"));
    }
    match (one("From"), one("MessagingServiceSid")) {
        (None, None) => return Err((21603, "A 'From' phone number is required")),
        (_, Some(sid)) if !sid.starts_with("MG") || sid.len() != 34 => return Err((21701, "Invalid service")),
        (Some(from), _) if from.starts_with("whatsapp:") != is_whatsapp => {
            return Err((63007, "Twilio could not find a Channel with the specified From address"));
        }
        (Some(from), _) if from.contains('+') && from.trim_start_matches("whatsapp:") != NUMBER => {
            return Err((21606, "'From' is not yours"));
        }
        _ => {}
    }
    let (body, media) = (one("Body"), all("MediaUrl"));
    if body.is_none() && media.is_empty() && one("ContentSid").is_none() {
        return Err((21602, "Message body is required"));
    }
    if body.is_some_and(|body| body.chars().count() > 1600) {
        return Err((21617, "The concatenated message body exceeds the 1600 character limit"));
    }
    if media.len() > 10 {
        return Err((21623, "Number of media files exceeds allowed limit"));
    }
    if media.iter().any(|url| Url::parse(url).is_err()) {
        return Err((21620, "Invalid media URL(s)"));
    }
    if let Some(url) = one("StatusCallback") {
        let host = Url::parse(&url).ok().and_then(|url| url.host_str().map(str::to_owned));
        if host.is_none_or(|host| host.contains('_')) {
            return Err((21609, "Invalid 'StatusCallback' URL"));
        }
    }
    if shared.opted_out.lock().expect("no panic before").contains(&to) {
        return Err((21610, "Attempt to send to unsubscribed recipient"));
    }
    Ok(())
}

/// A template by a SID that is known, with nothing beside it; or words and one medium.
fn check_whatsapp(one: &dyn Fn(&str) -> Option<String>, media: usize) -> Result<(), (u32, &'static str)> {
    let Some(template) = one("ContentSid") else {
        if one("ContentVariables").is_some() {
            return Err((21656, "The ContentVariables parameter needs a ContentSid"));
        }
        return if media > 1 { Err((21623, "WhatsApp takes one medium")) } else { Ok(()) };
    };
    if template != TEMPLATE {
        return Err((21655, "The ContentSid is Invalid"));
    }
    if one("Body").is_some() || media > 0 {
        return Err((20001, "A template has nothing beside it"));
    }
    let Some(values) = one("ContentVariables") else { return Ok(()) };
    let values: HashMap<String, String> =
        serde_json::from_str(&values).map_err(|_| (21656, "The ContentVariables Parameter is invalid"))?;
    let is_fit = |(name, value): (&String, &String)| name.parse::<u32>().is_ok() && !value.trim().is_empty();
    if values.iter().all(is_fit) { Ok(()) } else { Err((21656, "The ContentVariables Parameter is invalid")) }
}

async fn list(
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
    let get = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    // The double's pages are small, so that following them is tried.
    let (size, page) = (2, get("Page").and_then(|page| page.parse::<usize>().ok()).unwrap_or_default());
    let wanted = get("To");
    let all: Vec<_> = shared.book.taken().into_iter().rev().collect();
    let matching: Vec<_> =
        all.iter().filter(|message| wanted.is_none() || message.field("To") == wanted.as_deref()).collect();
    let messages: Vec<_> = matching.iter().skip(page * size).take(size).map(|message| message.resource()).collect();
    let is_last = matching.len() <= (page + 1) * size;
    let next = (!is_last).then(|| {
        let to = wanted.map(|to| format!("To={}&", to.replace('+', "%2B"))).unwrap_or_default();
        format!("/2010-04-01/Accounts/{ACCOUNT}/Messages.json?{to}PageSize={size}&Page={}", page + 1)
    });
    Ok(super::json(200, &json!({ "messages": messages, "page": page, "page_size": size, "next_page_uri": next })))
}
