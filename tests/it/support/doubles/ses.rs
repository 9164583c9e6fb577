//! A strict Amazon SES, with the SNS and the S3 beside it: checks every signature, signs what it tells.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, Method, Response, Uri};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use chrono::{SecondsFormat, TimeDelta};
use commlog::clock::Ambient;
use commlog::providers::Secret;
use commlog::providers::ses::{SesCredentials, SesSettings};
use ring::hmac;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use url::Url;

use super::{Act, Answered, Book, Description, Server, Signed, text};

pub(crate) const DOMAIN: &str = "shop.example";
pub(crate) const REGION: &str = "eu-west-1";
pub(crate) const TOPIC: &str = "arn:aws:sns:eu-west-1:123456789012:events";
pub(crate) const BUCKET: &str = "mail.shop";
pub(crate) const WEBHOOK_SECRET: &str = "a-secret-of-the-double";

const ACCESS_KEY: &str = "AKIDOUBLE";
pub(crate) const SECRET_KEY: &str = "a/secret+key/of/the/double";
const CONFIGURATION_SET: &str = "news";
/// A key that signs for this double only; the certificate says that it is SNS's, and nobody vouches for it.
const KEY: &str = include_str!("ses/key.pem");
const CERTIFICATE: &str = include_str!("ses/certificate.pem");
const MAX_BYTES: usize = 40_000_000;

/// A mail that was taken.
#[derive(Debug, Clone)]
pub(crate) struct SesMail {
    /// As the answer said.
    pub(crate) id: String,
    pub(crate) to: String,
    pub(crate) tags: Map<String, Value>,
    /// The request without the mail.
    pub(crate) request: Value,
    /// The mail as it was written.
    pub(crate) mail: String,
}

impl SesMail {
    /// Our token, out of as many tags as it fills.
    pub(crate) fn token(&self) -> String {
        let names = std::iter::once("commlog_token".to_owned()).chain((2..20).map(|n| format!("commlog_token_{n}")));
        names.map_while(|name| self.tags.get(&name)?[0].as_str()).collect()
    }

    /// A header, unfolded.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        headers(&self.mail).into_iter().find(|(given, _)| given.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// An event of the configuration set about it; `object` is what its kind says.
    pub(crate) fn event(&self, kind: &str, name: &str, object: &Value) -> Value {
        let mut event = json!({ "eventType": kind, "mail": self.as_events_show_it() });
        event["mail"]["tags"] = Value::Object(self.tags.clone());
        event[name] = object.clone();
        event
    }

    /// A notification of the identity about it, which has no tags.
    pub(crate) fn notification(&self, kind: &str, name: &str, object: &Value) -> Value {
        let mut event = json!({ "notificationType": kind, "mail": self.as_events_show_it() });
        event[name] = object.clone();
        event
    }

    fn as_events_show_it(&self) -> Value {
        json!({
            "timestamp": "2026-09-21T14:13:20.000Z",
            "source": format!("news@{DOMAIN}"),
            "sendingAccountId": "123456789012",
            "messageId": self.id,
            "destination": [self.to],
            "headersTruncated": false,
        })
    }
}

struct Shared {
    mails: Book<SesMail>,
    /// Calls of SNS and S3; what is taken are the tokens of confirmed subscriptions.
    others: Book<String>,
    objects: Mutex<HashMap<String, Bytes>>,
    account: Mutex<Value>,
    ambient: Ambient,
}

/// The server.
pub(crate) struct SesDouble {
    shared: Arc<Shared>,
    server: Server,
    key: RsaKeyPair,
}

impl SesDouble {
    pub(crate) async fn start(ambient: Ambient) -> Self {
        let account = json!({
            "SendingEnabled": true,
            "ProductionAccessEnabled": true,
            "EnforcementStatus": "HEALTHY",
            "SendQuota": { "Max24HourSend": 50_000.0, "MaxSendRate": 14.0, "SentLast24Hours": 0.0 },
        });
        let shared = Arc::new(Shared {
            mails: Book::new(),
            others: Book::new(),
            objects: Mutex::default(),
            account: Mutex::new(account),
            ambient,
        });
        let router = Router::new()
            .route("/v2/email/outbound-emails", post(send))
            .route("/v2/email/account", get(account_of))
            .route("/", get(confirm))
            .route("/{name}", get(certificate))
            .route("/{bucket}/{*key}", get(object))
            .with_state(Arc::clone(&shared));
        let pem: String = KEY.lines().filter(|line| !line.starts_with("-----")).collect();
        let key = RsaKeyPair::from_pkcs8(&STANDARD.decode(pem).expect("base64")).expect("a key");
        Self { shared, server: Server::described(router, Description::Ses).await, key }
    }

    /// Settings that it accepts, and that believe it.
    pub(crate) fn settings(&self) -> SesSettings {
        let credentials = SesCredentials {
            access_key_id: ACCESS_KEY.to_owned(),
            secret_access_key: Secret::new(SECRET_KEY),
            session_token: None,
        };
        let from = format!("Shop <news@{DOMAIN}>").parse().expect("a mailbox");
        let mut settings = SesSettings::new("main", credentials, REGION, from);
        let url = Url::parse(&format!("http://{}/", self.server.address)).ok();
        (settings.base_url, settings.sns_url, settings.s3_url) = (url.clone(), url.clone(), url);
        settings.configuration_set = Some(CONFIGURATION_SET.to_owned());
        settings.topic_arns = vec![TOPIC.to_owned()];
        settings.inbound_bucket = Some(BUCKET.to_owned());
        settings
    }

    /// What an account here is set up with, by the names of settings. Its messages come by raw delivery: what signs
    /// them otherwise lies at Amazon, wherever the API is.
    pub(crate) fn account(&self) -> Vec<(&'static str, String)> {
        vec![
            ("base_url", format!("http://{}/", self.server.address)),
            ("access_key_id", ACCESS_KEY.to_owned()),
            ("secret_access_key", SECRET_KEY.to_owned()),
            ("region", REGION.to_owned()),
            ("from", format!("news@{DOMAIN}")),
            ("topic_arns", TOPIC.to_owned()),
            ("webhook_secret", WEBHOOK_SECRET.to_owned()),
        ]
    }

    /// How the next calls to send are answered.
    pub(crate) fn script(&self, acts: impl IntoIterator<Item = Act>) {
        self.shared.mails.script(acts);
    }

    /// How the next calls of SNS and S3 are answered.
    pub(crate) fn script_others(&self, acts: impl IntoIterator<Item = Act>) {
        self.shared.others.script(acts);
    }

    /// What it says of the account.
    pub(crate) fn change_account(&self, name: &str, value: Value) {
        self.shared.account.lock().expect("no panic before")[name] = value;
    }

    /// Every mail that was taken, in order.
    pub(crate) fn taken(&self) -> Vec<SesMail> {
        self.shared.mails.taken()
    }

    /// How many calls to send were made.
    pub(crate) fn calls(&self) -> usize {
        self.shared.mails.calls()
    }

    /// How many calls of SNS and S3 were made.
    pub(crate) fn other_calls(&self) -> usize {
        self.shared.others.calls()
    }

    /// How often the mail with a token was taken.
    pub(crate) fn times(&self, token: &str) -> usize {
        self.shared.mails.times(token)
    }

    /// The tokens of the subscriptions that were confirmed.
    pub(crate) fn confirmed(&self) -> Vec<String> {
        self.shared.others.taken()
    }

    /// Puts a mail in the bucket.
    pub(crate) fn store(&self, key: &str, mail: &str) {
        let path = format!("{BUCKET}/{key}");
        self.shared.objects.lock().expect("no panic before").insert(path, Bytes::from(mail.to_owned()));
    }

    /// A message of the topic, signed.
    pub(crate) fn published(&self, url: &str, message: &str) -> Signed {
        self.signed(url, "Notification", message, &[])
    }

    /// What SNS posts when a URL is subscribed.
    pub(crate) fn confirmation(&self, url: &str, token: &str) -> Signed {
        let subscribe = format!("https://sns.{REGION}.amazonaws.com/?Action=ConfirmSubscription&Token={token}");
        let more = [("SubscribeURL", subscribe.as_str()), ("Token", token)];
        self.signed(url, "SubscriptionConfirmation", "You have chosen to subscribe to the topic.", &more)
    }

    fn signed(&self, url: &str, kind: &str, message: &str, more: &[(&str, &str)]) -> Signed {
        let id = uuid::Uuid::from_bytes(self.shared.ambient.bytes()).to_string();
        let timestamp = self.shared.ambient.now().to_rfc3339_opts(SecondsFormat::Millis, true);
        let fields =
            [("Message", message), ("MessageId", &id), ("Timestamp", &timestamp), ("TopicArn", TOPIC), ("Type", kind)];
        let mut fields: Vec<_> = fields.iter().chain(more).copied().collect();
        // The order of what is signed is that of the alphabet.
        fields.sort_unstable();
        let text: String = fields.iter().flat_map(|(name, value)| [name, "\n", value, "\n"]).collect();
        let mut signature = vec![0; self.key.public().modulus_len()];
        self.key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature).expect("a signature");
        let mut body: Map<String, Value> =
            fields.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        body.insert("SignatureVersion".to_owned(), json!("2"));
        body.insert("Signature".to_owned(), json!(STANDARD.encode(signature)));
        let certificate = format!("https://sns.{REGION}.amazonaws.com/SimpleNotificationService-double.pem");
        body.insert("SigningCertURL".to_owned(), json!(certificate));
        let headers = vec![
            ("content-type".to_owned(), "text/plain; charset=UTF-8".to_owned()),
            ("x-amz-sns-message-type".to_owned(), kind.to_owned()),
            ("x-amz-sns-message-id".to_owned(), id),
            ("x-amz-sns-topic-arn".to_owned(), TOPIC.to_owned()),
        ];
        Signed { method: "POST", url: url.to_owned(), headers, body: Bytes::from(Value::Object(body).to_string()) }
    }

    /// A message as raw message delivery posts it: no envelope, no signature.
    pub(crate) fn raw(url: &str, message: &Value) -> Signed {
        let headers = vec![
            ("content-type".to_owned(), "text/plain; charset=UTF-8".to_owned()),
            ("x-amz-sns-topic-arn".to_owned(), TOPIC.to_owned()),
            ("x-amz-sns-rawdelivery".to_owned(), "true".to_owned()),
        ];
        let url = format!("{url}?secret={WEBHOOK_SECRET}");
        Signed { method: "POST", url, headers, body: Bytes::from(message.to_string()) }
    }

    /// The notification of a received mail, by the action that a rule takes: with the mail inside, or where it was put.
    pub(crate) fn received(to: &str, content: Result<&str, &str>) -> Value {
        let verdict = json!({ "status": "PASS" });
        let mut received = json!({
            "notificationType": "Received",
            "receipt": {
                "timestamp": "2026-09-21T14:13:20.000Z",
                "recipients": [to],
                "spamVerdict": verdict, "virusVerdict": verdict, "spfVerdict": verdict, "dkimVerdict": verdict,
                "action": { "type": "SNS", "topicArn": TOPIC },
            },
            "mail": { "messageId": "d6iitobk75ur44p8kdnnp7g2n800", "source": "ada@example.org", "destination": [to] },
        });
        match content {
            Ok(mail) => received["content"] = json!(mail),
            Err(key) => {
                received["receipt"]["action"] =
                    json!({ "type": "S3", "topicArn": TOPIC, "bucketName": BUCKET, "objectKey": key });
            }
        }
        received
    }
}

fn error(status: u16, kind: &str, message: &str) -> Response<Body> {
    let mut answer = super::json(status, &json!({ "message": message }));
    let kind = format!("{kind}:http://internal.amazon.com/coral/com.amazonaws.sesv2/");
    answer.headers_mut().insert("x-amzn-errortype", kind.parse().expect("a header"));
    answer
}

/// Signature Version 4, as AWS documents it, written once more.
fn is_signed(shared: &Shared, method: &Method, uri: &Uri, headers: &HeaderMap, body: &[u8], service: &str) -> bool {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().trim();
    let field = |name: &str| {
        let (_, rest) = header("authorization").split_once(&format!("{name}="))?;
        rest.split(',').next()
    };
    let (Some(credential), Some(signed), Some(signature)) =
        (field("Credential"), field("SignedHeaders"), field("Signature"))
    else {
        return false;
    };
    let (date, now) = (header("x-amz-date"), shared.ambient.now());
    let at = chrono::NaiveDateTime::parse_from_str(date, "%Y%m%dT%H%M%SZ").map(|at| at.and_utc()).unwrap_or_default();
    let digest = hex::encode(Sha256::digest(body));
    let is_fresh = (now - at).abs() < TimeDelta::minutes(5);
    let is_digest =
        service != "s3" || header("x-amz-content-sha256") == digest && signed.contains("x-amz-content-sha256");
    let is_covered = ["host", "x-amz-date"].iter().all(|name| signed.split(';').any(|given| given == *name));
    let day = date.get(..8).unwrap_or_default();
    let scope = format!("{day}/{REGION}/{service}/aws4_request");
    if !is_fresh || !is_digest || !is_covered || credential != format!("{ACCESS_KEY}/{scope}") {
        return false;
    }
    let lines: String = signed.split(';').map(|name| format!("{name}:{}\n", header(name))).collect();
    let canonical =
        format!("{method}\n{}\n{}\n{lines}\n{signed}\n{digest}", uri.path(), uri.query().unwrap_or_default());
    let canonical = hex::encode(Sha256::digest(canonical));
    let to_sign = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{canonical}");
    let parts = [day, REGION, service, "aws4_request", &to_sign];
    let last = parts.iter().fold(format!("AWS4{SECRET_KEY}").into_bytes(), |key, part| {
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), part.as_bytes()).as_ref().to_vec()
    });
    hex::encode(last) == signature
}

async fn account_of(State(shared): State<Arc<Shared>>, method: Method, uri: Uri, headers: HeaderMap) -> Answered {
    if !is_signed(&shared, &method, &uri, &headers, b"", "ses") {
        return Ok(error(403, "SignatureDoesNotMatch", "The request signature we calculated does not match."));
    }
    Ok(super::json(200, &shared.account.lock().expect("no panic before")))
}

async fn send(State(shared): State<Arc<Shared>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Answered {
    if !is_signed(&shared, &Method::POST, &uri, &headers, &body, "ses") {
        return Ok(error(403, "SignatureDoesNotMatch", "The request signature we calculated does not match."));
    }
    let act = shared.mails.next_act();
    let mut mail = match check(&body) {
        Ok(mail) => mail,
        Err((kind, message)) => return Ok(error(if kind == "NotFoundException" { 404 } else { 400 }, kind, &message)),
    };
    mail.id = format!("0102{}-000000", hex::encode(shared.ambient.bytes::<12>()));
    let answer = super::json(200, &json!({ "MessageId": mail.id }));
    if act.takes() {
        shared.mails.take(Some(&mail.token()), mail);
    }
    Ok(act.spoil(answer).await)
}

type Wrong = (&'static str, String);

fn check(body: &[u8]) -> Result<SesMail, Wrong> {
    let bad = |message: &str| ("BadRequestException", message.to_owned());
    let mut request: Value = serde_json::from_slice(body).map_err(|_| bad("malformed JSON"))?;
    let known = ["Destination", "Content", "ConfigurationSetName", "EmailTags", "TenantName"];
    if request.as_object().is_none_or(|fields| fields.keys().any(|name| !known.contains(&name.as_str()))) {
        return Err(bad("unknown field"));
    }
    let to = request["Destination"]["ToAddresses"][0].as_str().unwrap_or_default().to_owned();
    if to.split_once('@').is_none_or(|(local, domain)| local.is_empty() || !domain.contains('.')) {
        return Err(bad("Missing final '@domain'"));
    }
    if !to.is_ascii() {
        return Err(bad("Local address contains non-ASCII characters"));
    }
    if request.get("ConfigurationSetName").is_some_and(|name| name != CONFIGURATION_SET) {
        return Err(("NotFoundException", "Configuration set <other> does not exist.".to_owned()));
    }
    let mut tags = Map::new();
    for tag in request["EmailTags"].as_array().into_iter().flatten() {
        for text in [&tag["Name"], &tag["Value"]] {
            let text = text.as_str().unwrap_or_default();
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
            if text.is_empty() || text.len() > 256 || !text.bytes().all(is_plain) {
                return Err(bad(&format!(
                    "Invalid tag value <{text}>: only alphanumeric ASCII characters, '_', and '-'"
                )));
            }
        }
        tags.insert(tag["Name"].as_str().unwrap_or_default().to_owned(), json!([tag["Value"]]));
    }
    let data = request["Content"]["Raw"]["Data"].take();
    let mail = STANDARD.decode(data.as_str().unwrap_or_default()).map_err(|_| bad("the mail is not base64"))?;
    if mail.len() > MAX_BYTES {
        return Err(bad("Message length is more than 41943040 bytes long"));
    }
    // What SES would damage when it tracks opens and clicks is refused here.
    let mail =
        String::from_utf8(mail).ok().filter(|mail| mail.is_ascii()).ok_or_else(|| bad("content is not ASCII"))?;
    if mail.split("\r\n").any(|line| line.len() > 998 || line.contains(['\n', '\r'])) {
        return Err(bad("content has a line that is too long, or ends oddly"));
    }
    let headers = headers(&mail);
    let mut seen: Vec<_> = headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
    seen.sort_unstable();
    if seen.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(bad("Duplicate header."));
    }
    let find = |name: &str| headers.iter().find(|(given, _)| given == name).map_or("", |(_, value)| value);
    if find("MIME-Version") != "1.0" || find("Date").is_empty() || find("To") != to {
        return Err(bad("Missing required header"));
    }
    if !find("From").trim_end_matches('>').ends_with(&format!("@{DOMAIN}")) {
        let message =
            format!("Email address is not verified. The following identities failed the check in region {REGION}");
        return Err(("MessageRejected", message));
    }
    Ok(SesMail { id: String::new(), to, tags, request, mail })
}

/// The headers of a mail, unfolded.
fn headers(mail: &str) -> Vec<(String, String)> {
    let (block, _) = mail.split_once("\r\n\r\n").unwrap_or((mail, ""));
    let unfolded = block.replace("\r\n ", " ").replace("\r\n\t", " ");
    let lines = unfolded.split("\r\n").filter_map(|line| line.split_once(':'));
    lines.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect()
}

async fn certificate(State(shared): State<Arc<Shared>>, Path(name): Path<String>) -> Answered {
    let act = shared.others.next_act();
    let usual = match name.as_str() {
        "SimpleNotificationService-double.pem" => text(200, "application/x-pem-file", CERTIFICATE),
        _ => text(403, "application/xml", "<Error><Code>AccessDenied</Code></Error>"),
    };
    Ok(act.spoil(usual).await)
}

async fn confirm(State(shared): State<Arc<Shared>>, Query(query): Query<HashMap<String, String>>) -> Answered {
    let act = shared.others.next_act();
    let given = |name: &str| query.get(name).map_or("", String::as_str);
    if given("Action") != "ConfirmSubscription" || given("TopicArn") != TOPIC || given("Token").is_empty() {
        return Ok(text(
            400,
            "text/xml",
            "<ErrorResponse><Error><Code>InvalidParameter</Code></Error></ErrorResponse>",
        ));
    }
    if act.takes() {
        shared.others.take(None, given("Token").to_owned());
    }
    Ok(act.spoil(text(200, "text/xml", "<ConfirmSubscriptionResponse/>")).await)
}

async fn object(State(shared): State<Arc<Shared>>, method: Method, uri: Uri, headers: HeaderMap) -> Answered {
    let act = shared.others.next_act();
    if !is_signed(&shared, &method, &uri, &headers, b"", "s3") {
        return Ok(text(403, "application/xml", "<Error><Code>SignatureDoesNotMatch</Code></Error>"));
    }
    let object = shared.objects.lock().expect("no panic before").get(uri.path().trim_start_matches('/')).cloned();
    let usual = match object {
        Some(content) => Response::builder().status(200).body(Body::from(content)).expect("an answer"),
        None => text(404, "application/xml", "<Error><Code>NoSuchKey</Code></Error>"),
    };
    Ok(act.spoil(usual).await)
}
