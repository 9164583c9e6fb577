//! What apps report: that a notification arrived, was opened or put away, or that its link was followed.
//!
//! A notification carries our correlation token and the URL of this webhook in its data. The app posts back
//! `{ "token": …, "event": "delivered" | "opened" | "clicked" | "dismissed", "url": …, "at": … }`, as JSON under any media type:
//! a service worker may then post as `text/plain`, which needs no preflight. `url` (where a click led) and `at` (milliseconds
//! since 1970, as `Date.now()`) may be left out.
//!
//! Devices have no secret to sign with, so what they repeat proves itself: behind the token stands a proof by a key that derives
//! from the service account's. Nobody who was not notified can report anything, and whoever was can only report of that
//! message. After the service account's key was replaced, reports of earlier notifications are refused.

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use ring::hmac;
use serde::Deserialize;
use subtle::ConstantTimeEq;
use url::Url;

use super::{FcmSettings, PROVIDER};
use crate::domain::value::Channel;
use crate::domain::value::engagement::{CURRENT, Signs};
use crate::domain::value::message::Report;
use crate::providers::kit::texts;
use crate::providers::{Answer, Notice, NoticeKind, SignatureError, Webhook, WebhookRequest};

/// The keys of our data in a notification: the message's id, the token that reports it, and where to.
pub(super) const MESSAGE: &str = "commlog_message";
pub(super) const TOKEN: &str = "commlog_token";
pub(super) const URL: &str = "commlog_url";

/// A token has some 250 letters, a link at most a few thousand.
const MAX_BODY: usize = 8 * 1024;
/// 128 bits, which nobody guesses: a notification has little room.
const PROOF_BYTES: usize = 16;

/// The token with its proof behind it, as an app posts it.
pub(super) fn proved(token: &str, key: &hmac::Key) -> String {
    let tag = hmac::sign(key, token.as_bytes());
    format!("{token}.{}", URL_SAFE_NO_PAD.encode(&tag.as_ref()[..PROOF_BYTES]))
}

/// The webhook of one account.
pub struct FcmWebhook {
    account: String,
    key: hmac::Key,
}

#[derive(Deserialize)]
struct Told {
    token: String,
    event: String,
    url: Option<String>,
    at: Option<i64>,
}

impl FcmWebhook {
    /// Over settings that were checked.
    #[must_use]
    pub fn new(settings: &FcmSettings) -> Self {
        Self { account: settings.account_name.clone(), key: settings.key.reports() }
    }

    /// The token, if the proof behind it is ours.
    fn proved<'a>(&self, told: &'a Told) -> Result<&'a str, SignatureError> {
        let (token, proof) = told.token.rsplit_once('.').ok_or(SignatureError::Missing)?;
        let proof = URL_SAFE_NO_PAD.decode(proof).map_err(|_| SignatureError::Malformed)?;
        let tag = hmac::sign(&self.key, token.as_bytes());
        let is_ours = bool::from(tag.as_ref()[..PROOF_BYTES].ct_eq(proof.as_slice()));
        if is_ours { Ok(token) } else { Err(SignatureError::Forged) }
    }
}

fn read(request: &WebhookRequest) -> Option<Told> {
    let is_report = request.method == "POST" && request.body.len() <= MAX_BODY;
    is_report.then(|| serde_json::from_slice(&request.body).ok()).flatten()
}

/// What an event means; [`None`] for what we have no word for.
fn report(told: &Told, user_agent: Option<&str>) -> Option<Report> {
    let signs = Signs { user_agent, ip: None, is_flagged: false };
    let (class, rule) = ((CURRENT.class)(signs), CURRENT.name.to_owned());
    let user_agent = user_agent.and_then(texts::short);
    Some(match told.event.as_str() {
        "delivered" => Report::Delivered,
        "opened" => Report::Opened { class, rule, flagged: None, ip: None, user_agent },
        "clicked" => {
            let is_link = |url: &&str| url.len() <= 2_000 && Url::parse(url).is_ok();
            let url = told.url.as_deref().filter(is_link).and_then(texts::short);
            Report::Clicked { class, rule, flagged: None, url, ip: None, user_agent }
        }
        "dismissed" => Report::Dismissed,
        _ => return None,
    })
}

#[async_trait]
impl Webhook for FcmWebhook {
    fn provider(&self) -> &str {
        PROVIDER
    }

    fn account(&self) -> &str {
        &self.account
    }

    fn verify(&self, request: &WebhookRequest, _now: DateTime<Utc>) -> Result<(), SignatureError> {
        let told = read(request).ok_or(SignatureError::Missing)?;
        self.proved(&told).map(|_| ())
    }

    async fn parse(&self, request: &WebhookRequest, now: DateTime<Utc>) -> Vec<Notice> {
        let raw = texts::raw(&request.body);
        let Some(told) = read(request) else { return vec![Notice::unclear(raw, "the report cannot be read")] };
        let Ok(token) = self.proved(&told) else {
            return vec![Notice::unclear(raw, "the report is not proved")];
        };
        let Some(report) = report(&told, request.header("user-agent")) else { return vec![] };
        let kind = NoticeKind::Report {
            token: Some(token.to_owned()),
            provider_message_id: None,
            to: None,
            channel: Channel::Push,
            occurred_at: texts::plausible(told.at.and_then(DateTime::from_timestamp_millis), now),
            // A device opens a notification once, and follows each link of it once: an app that reports again tells nothing new.
            provider_event_id: Some(told.event),
            report,
        };
        vec![Notice { raw, kind }]
    }

    fn part(&self, request: &WebhookRequest, raw: &str) -> WebhookRequest {
        WebhookRequest { body: Bytes::from(raw.to_owned()), ..request.bare() }
    }

    fn answer(&self) -> Answer {
        Answer { content_type: "text/plain", body: "" }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::value::message::EngagementClass;
    use crate::providers::fcm::settings::tests::settings;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000, 0).expect("a time")
    }

    fn webhook() -> FcmWebhook {
        FcmWebhook::new(&settings())
    }

    fn ours() -> String {
        proved("a-token_of-ours", &settings().key.reports())
    }

    fn posted(body: &Value) -> WebhookRequest {
        let agent = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/120 Mobile";
        let headers = vec![("User-Agent".to_owned(), Bytes::from_static(agent.as_bytes()))];
        WebhookRequest { method: "POST".to_owned(), url: String::new(), headers, body: Bytes::from(body.to_string()) }
    }

    #[tokio::test]
    async fn an_app_reports_what_became_of_a_notification() {
        let request = posted(&json!({
            "token": ours(), "event": "clicked", "url": "https://shop.example/wine", "at": 1_789_999_990_500_i64,
        }));
        assert_eq!(webhook().verify(&request, now()), Ok(()));
        let notices = webhook().parse(&request, now()).await;
        let [Notice { kind: NoticeKind::Report { token, occurred_at, report, .. }, .. }] = &notices[..] else {
            panic!("{notices:?}")
        };
        assert_eq!(token.as_deref(), Some("a-token_of-ours"));
        assert_eq!(*occurred_at, DateTime::from_timestamp_millis(1_789_999_990_500));
        let Report::Clicked { class: EngagementClass::Human, url, .. } = report else { panic!("{report:?}") };
        assert_eq!(url.as_deref(), Some("https://shop.example/wine"));
    }

    #[tokio::test]
    async fn the_time_of_a_wrong_clock_and_a_link_that_is_none_are_left_out() {
        let request = posted(&json!({ "token": ours(), "event": "clicked", "url": "wine", "at": 1 }));
        let notices = webhook().parse(&request, now()).await;
        let [Notice { kind: NoticeKind::Report { occurred_at: None, report, .. }, .. }] = &notices[..] else {
            panic!("{notices:?}")
        };
        assert!(matches!(report, Report::Clicked { url: None, .. }));
    }

    #[test]
    fn nobody_reports_of_a_message_that_they_were_not_sent() {
        let other = proved("a-token_of-ours", &hmac::Key::new(hmac::HMAC_SHA256, b"another"));
        let moved = ours().replace("of-ours", "of-other");
        let cases = [
            (json!({ "token": other, "event": "opened" }), SignatureError::Forged),
            (json!({ "token": moved, "event": "opened" }), SignatureError::Forged),
            (json!({ "token": "a-token_of-ours", "event": "opened" }), SignatureError::Missing),
            (json!({ "token": "a-token_of-ours.?", "event": "opened" }), SignatureError::Malformed),
            (json!({ "token": "a-token_of-ours.", "event": "opened" }), SignatureError::Forged),
            (json!({ "event": "opened" }), SignatureError::Missing),
            (json!([]), SignatureError::Missing),
            (json!({ "token": ours(), "event": "opened", "x": "y".repeat(MAX_BODY) }), SignatureError::Missing),
        ];
        for (body, expected) in cases {
            assert_eq!(webhook().verify(&posted(&body), now()), Err(expected));
        }
        let got = WebhookRequest { method: "GET".to_owned(), ..posted(&json!({ "token": ours(), "event": "opened" })) };
        assert_eq!(webhook().verify(&got, now()), Err(SignatureError::Missing));
    }

    #[tokio::test]
    async fn what_we_have_no_word_for_is_not_kept_and_a_kept_report_is_read_again() {
        let unknown = posted(&json!({ "token": ours(), "event": "shaken" }));
        assert_eq!(webhook().parse(&unknown, now()).await, vec![]);
        let opened = posted(&json!({ "token": ours(), "event": "opened" }));
        let first = webhook().parse(&opened, now()).await;
        let again = WebhookRequest { method: "POST".to_owned(), ..webhook().part(&opened, &first[0].raw) };
        assert_eq!(webhook().parse(&again, now()).await.len(), 1);
    }

    proptest! {
        #[test]
        fn nothing_that_others_write_is_believed_or_makes_it_panic(
            body in any::<Vec<u8>>(), token in ".{0,300}", at in any::<i64>()
        ) {
            let raw = WebhookRequest { body: Bytes::from(body), ..posted(&json!({})) };
            let shaped = posted(&json!({ "token": token, "event": "clicked", "url": token, "at": at }));
            for request in [raw, shaped] {
                prop_assert!(webhook().verify(&request, now()).is_err());
                let told = futures::executor::block_on(webhook().parse(&request, now()));
                let is_unclear = |notice: &Notice| matches!(notice.kind, NoticeKind::Unclear { .. });
                prop_assert!(told.iter().all(is_unclear));
            }
        }
    }
}
