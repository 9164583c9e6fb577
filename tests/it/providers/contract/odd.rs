//! Clauses about requests that nobody's provider writes.

use bytes::Bytes;
use commlog::providers::{Webhook, WebhookRequest};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::runtime::Handle;

use super::super::now;
use super::Subject;

/// How many odd requests are tried.
const CASES: u32 = 96;
/// The most that is kept of a notice, in bytes.
const MOST: usize = 1 << 20;

/// Where a request says what it says: in its body, or in its query if it has none.
fn said(request: &WebhookRequest) -> Vec<u8> {
    if request.body.is_empty() { request.query().as_bytes().to_vec() } else { request.body.to_vec() }
}

/// The same request, saying something else.
fn saying(request: &WebhookRequest, said: Vec<u8>) -> WebhookRequest {
    if request.body.is_empty() {
        let base = request.url.split('?').next().unwrap_or_default();
        WebhookRequest { url: format!("{base}?{}", String::from_utf8_lossy(&said)), ..request.clone() }
    } else {
        WebhookRequest { body: Bytes::from(said), ..request.clone() }
    }
}

/// Noise, and a genuine text that was cut, or damaged in one place.
fn oddities(genuine: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let (length, whole) = (genuine.len(), genuine.clone());
    let cut = (0..length).prop_map(move |end| genuine[..end].to_vec());
    let damaged = (0..length, any::<u8>()).prop_map(move |damage| {
        let mut text = whole.clone();
        text[damage.0] = damage.1;
        text
    });
    prop_oneof![prop::collection::vec(any::<u8>(), 0..512), cut, damaged]
}

async fn take_apart(webhook: &dyn Webhook, request: &WebhookRequest) {
    // Nobody believes it; what matters is that this is said in words.
    let _ = webhook.verify(request, now());
    for notice in webhook.parse(request, now()).await {
        assert!(notice.raw.len() <= MOST, "{} bytes are kept", notice.raw.len());
        webhook.part(request, &notice.raw);
    }
    webhook.answer_to(request).await;
}

pub(super) async fn odd_requests_never_make_a_webhook_panic(subject: &dyn Subject) {
    let webhook = subject.webhook(true).await;
    let genuine = subject.proved(&*webhook).await;
    let mut runner = TestRunner::new(Config { cases: CASES, failure_persistence: None, ..Config::default() });
    let outcome = tokio::task::block_in_place(|| {
        runner.run(&oddities(said(&genuine)), |odd| {
            Handle::current().block_on(take_apart(&*webhook, &saying(&genuine, odd)));
            Ok(())
        })
    });
    outcome.expect("no panic");
}

pub(super) async fn huge_requests_are_taken_apart_within_bounds(subject: &dyn Subject) {
    let webhook = subject.webhook(true).await;
    let genuine = subject.proved(&*webhook).await;
    let text = said(&genuine);
    let huge = [
        text.iter().copied().cycle().take(3 * MOST).collect(),
        b"[".repeat(MOST),
        b"{\"a\":".repeat(MOST / 5),
        b"a=b&".repeat(MOST / 4),
        vec![b' '; 3 * MOST],
        vec![0xff; MOST],
    ];
    for said in huge {
        take_apart(&*webhook, &saying(&genuine, said)).await;
    }
}
