//! What providers report: forms, batches, whole mails. Nobody signed it, and it is taken apart all the same.

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use chrono::DateTime;
use commlog::clock::Ambient;
use commlog::http::filename;
use commlog::providers::kind::{Kind, Reach, Setup};
use commlog::providers::kit::client::HttpClient;
use commlog::providers::kit::settings::Settings;
use commlog::providers::{NoticeKind, Webhook, WebhookRequest};
use tokio::runtime::{Builder, Runtime};

use super::harness::{Target, fuzz};

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";
const FORM_OF_PARTS: &str = "multipart/form-data; boundary=x";

/// Nothing listens there: what would be fetched is not.
const NOWHERE: &str = "http://127.0.0.1:1";

type Account = LazyLock<Arc<dyn Webhook>>;

static TWILIO: Account = LazyLock::new(|| {
    let settings = [
        ("account_sid", "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
        ("auth_token", "0123456789abcdef0123456789abcdef"),
        ("from", "+14155550100"),
    ];
    webhook("twilio", &settings)
});
static VONAGE: Account = LazyLock::new(|| {
    let settings = [("api_key", "abcd1234"), ("api_secret", "0123456789abcdef"), ("from", "+14155550100")];
    webhook("vonage", &settings)
});
static MESSAGEBIRD: Account = LazyLock::new(|| {
    webhook("messagebird", &[("access_key", "live_0123456789abcdefghijklmno"), ("from", "+14155550100")])
});
static BIRD: Account =
    LazyLock::new(|| webhook("bird", &[("api_key", "bk_eu1_0123456789abcdef"), ("from", "+14155550100")]));
static SENDGRID: Account =
    LazyLock::new(|| webhook("sendgrid", &[("api_key", "SG.aaaaaaaa.bbbbbbbb"), ("from", "news@shop.example")]));
static MAILGUN: Account = LazyLock::new(|| {
    let settings = [("api_key", "key-0123456789abcdef"), ("domain", "shop.example"), ("from", "news@shop.example")];
    webhook("mailgun", &settings)
});
static RESEND: Account = LazyLock::new(|| {
    webhook("resend", &[("api_key", "re_0123456789abcdef"), ("from", "news@shop.example"), ("base_url", NOWHERE)])
});
static SES: Account = LazyLock::new(|| {
    let settings = [
        ("from", "news@shop.example"),
        ("access_key_id", "AKIAIOSFODNN7EXAMPLE"),
        ("secret_access_key", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
        ("region", "eu-west-1"),
        ("topic_arns", "arn:aws:sns:eu-west-1:123456789012:ses"),
    ];
    webhook("ses", &settings)
});
static FCM: Account =
    LazyLock::new(|| webhook("fcm", &[("service_account", include_str!("../support/doubles/fcm_key.json"))]));
static SMTP: Account = LazyLock::new(|| {
    let settings = [
        ("host", "127.0.0.1"),
        ("security", "none"),
        ("from", "news@shop.example"),
        ("inbound_secret", "0123456789abcdef"),
    ];
    webhook("smtp", &settings)
});

targets! {
    twilio: twilio_form, [
        "MessageSid=SM1", "&MessageStatus=delivered", "&SmsStatus=received", "&Body=", "STOP", "&From=%2B14155550100", "&NumMedia=",
        "&MediaUrl0=", "&ErrorCode=30003", "&OptOutType=STOP", "&ProfileName=", "whatsapp%3A", "%", "+", "=", "&Latitude=91",
        "&EventType=READ", "&NumSegments=", "CallSid=CA1", "&CallStatus=completed", "&AnsweredBy=machine_start", "&Digits=9",
        "&CallDuration=", "&Timestamp=", "&Direction=inbound",
    ];
    vonage: vonage_any, [
        "msisdn=14155550100", "&to=14155550101", "&messageId=0A", "&status=delivered", "&err-code=6", "&price=0.0333", "&scts=2001011400",
        "&client-ref=", "&text=STOP", "&type=unicode", "&concat=true", "&concat-ref=1&concat-total=3&concat-part=2", "&sig=00", "&timestamp=",
        "{\"message_uuid\":\"", "\"status\":\"rejected\",", "\"error\":{\"title\":\"1170\"},", "\"channel\":\"sms\"", "\"usage\":{\"price\":\"",
        "{", "}", "[", "]", "null",
    ];
    messagebird: messagebird_any, [
        "id=1", "&reference=a", "&recipient=14155550100", "&status=delivered", "&statusErrorCode=103", "&statusDatetime=2026-01-01T00%3A00%3A00%2B00%3A00",
        "&originator=14155550101", "&body=STOP", "&createdDatetime=", "&mediaUrls=", "&price%5Bamount%5D=0.07", "%", "=", "&", "{\"payload\":\"",
    ];
    bird: bird_events, [
        "{\"type\":\"sms.delivered\",", "\"timestamp\":\"2026-01-01T00:00:00Z\",", "\"data\":{\"sms_id\":\"", "\"metadata\":{", "\"commlog_token\":\"",
        "\"error\":{\"code\":\"recipient_opted_out\"}", "\"type\":\"sms.received\",", "\"from\":\"+14155550100\",", "\"text\":\"STOP\"",
        "{", "}", "[", "]", "null", "1e5",
    ];
    sendgrid_events: sendgrid_batch, [
        "[{\"event\":\"delivered\",", "\"email\":\"a@example.org\",", "\"timestamp\":1600000000,", "\"sg_event_id\":\"e\",",
        "\"sg_message_id\":\"m.f\",", "\"token\":", "\"event\":\"bounce\",\"type\":\"blocked\",", "\"asm_group_id\":1,", "\"useragent\":",
        "\"smtp-id\":\"<a@b>\",", "{", "}", "[", "]", "\"url\":", "\"reason\":",
    ];
    sendgrid_forms: sendgrid_form, [
        "--x\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\n", "--x--\r\n", "--x", "name=\"html\"", "name=\"headers\"",
        "name=\"envelope\"", "name=\"charsets\"", "{\"to\":\"UTF-7\"}", "name=\"attachment1\"; filename=\"", "name=\"attachment-info\"",
        "<table><tr><td>", "<div>", "<blockquote>", "<style>", "<!--", "&#x110000;", "Content-Type: text/calendar", "In-Reply-To: <",
        "BEGIN:VCALENDAR\r\n", "multipart/report; report-type=delivery-status",
    ];
    mailgun: mailgun_event, [
        "{\"signature\":{\"timestamp\":\"1700000000\",\"token\":\"a\",\"signature\":\"b\"},", "\"event-data\":{\"event\":\"failed\",",
        "\"severity\":\"permanent\",", "\"reason\":\"suppress-bounce\",", "\"delivery-status\":{\"code\":550,\"message\":\"", "\"id\":\"e\",",
        "\"user-variables\":{\"commlog_token\":\"", "\"recipient\":\"a@example.org\",", "\"client-info\":{\"bot\":\"apple\"}", "\"timestamp\":1e99,",
        "\"message\":{\"headers\":{\"message-id\":\"", "{", "}", "[", "]", "null",
    ];
    resend: resend_event, [
        "{\"type\":\"email.bounced\",", "\"created_at\":\"2026-01-01T00:00:00.000Z\",", "\"data\":{\"email_id\":\"", "\"to\":[\"a@example.org\"],",
        "\"bounce\":{\"type\":\"Permanent\",\"subType\":\"", "\"tags\":{\"commlog_token\":\"", "\"click\":{\"link\":\"", "\"type\":\"email.received\",",
        "\"failed\":{\"reason\":\"", "{", "}", "[", "]", "null", "\"\"",
    ];
    ses: ses_message, [
        "{\"Type\":\"Notification\",", "\"TopicArn\":\"arn:aws:sns:eu-west-1:123456789012:ses\",", "\"Message\":\"{", "\\\"eventType\\\":\\\"Bounce\\\",",
        "\\\"notificationType\\\":\\\"Received\\\",", "\\\"mail\\\":{\\\"messageId\\\":\\\"1\\\",\\\"tags\\\":{", "\\\"bounce\\\":{\\\"bounceType\\\":\\\"Permanent\\\",",
        "\\\"bouncedRecipients\\\":[{\\\"emailAddress\\\":\\\"a@example.org\\\"}]", "\\\"content\\\":\\\"", "\"Type\":\"SubscriptionConfirmation\",\"Token\":\"",
        "{", "}", "[", "]", "\\\"", "null",
    ];
    fcm: fcm_report, [
        "{\"event\":\"opened\",", "\"event\":\"dismissed\",", "\"token\":\"t\",", "\"url\":\"https://shop.example/\"", "\"at\":1700000000",
        "{", "}", "[", "]", "null",
    ];
    mails: mail, [
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n", "--b--\r\n", "Content-Type: message/rfc822\r\n\r\n",
        "Content-Transfer-Encoding: base64\r\n", "Content-Transfer-Encoding: quoted-printable\r\n", "=?utf-8?Q?=41?=", "=?iso-2022-jp?B?GyRC?=",
        "Subject: ", "From: ", "\"a\" <a@b.example>,", "(((", ")))", "charset=\"utf-16\"", "name*0*=utf-8''%41", "filename=",
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n", "Final-Recipient: rfc822; a@b\r\nStatus: 5.1.1\r\n",
        "Content-Type: text/html\r\n\r\n<p>", "Auto-Submitted: auto-replied\r\n", "BEGIN:VCALENDAR\r\nMETHOD:REPLY\r\n",
        "Original-Envelope-Id: ", "X-Original-To: bounce+a@shop.example\r\n", "From MAILER-DAEMON Mon Jan  1 00:00:00 2026\n",
    ];
}

fn webhook(provider: &str, settings: &[(&str, &str)]) -> Arc<dyn Webhook> {
    let kind = Kind::of(provider).expect("a provider");
    let values = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let settings = Settings::try_new(kind, values).expect("settings");
    let client = HttpClient::new(Default::default()).expect("a client");
    let webhook_url = "https://crm.example.com/webhooks/x/main".parse().ok();
    let reach = Reach::Anywhere;
    let setup = Setup { account: "main", webhook_url, settings, reach, client, ambient: Ambient::system() };
    (kind.build)(setup).expect("an account").webhook
}

/// Hears a request, keeps each part as the log would, and hears the parts again.
fn hear(webhook: &Arc<dyn Webhook>, content_type: &str, body: Vec<u8>) {
    static RUNTIME: LazyLock<Runtime> =
        LazyLock::new(|| Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime"));
    let request = WebhookRequest {
        method: "POST".to_owned(),
        url: "https://crm.example.com/webhooks/x/main".to_owned(),
        headers: vec![("content-type".to_owned(), Bytes::copy_from_slice(content_type.as_bytes()))],
        body: body.into(),
    };
    let now = DateTime::from_timestamp(1_700_000_000, 0).expect("a time");
    assert!(webhook.verify(&request, now).is_err(), "nobody signed it");
    for notice in RUNTIME.block_on(webhook.parse(&request, now)) {
        if let NoticeKind::Inbound(inbound) = &notice.kind {
            for name in inbound.media.iter().filter_map(|media| media.name.as_deref()) {
                assert!(name.chars().count() <= 2_000 && !name.contains('\0'), "{name:?}");
                assert_eq!(filename::read(&filename::write(name)).as_deref(), Some(name));
            }
        }
        assert!(notice.raw.len() <= 1024 * 1024, "{} bytes", notice.raw.len());
        let part = webhook.part(&request, &notice.raw);
        RUNTIME.block_on(webhook.parse(&part, now));
    }
}

fn twilio_form(input: &[u8]) {
    hear(&TWILIO, FORM, input.to_vec());
}

/// Receipts come as forms or as JSON, as the account is set up.
fn vonage_any(input: &[u8]) {
    hear(&VONAGE, FORM, input.to_vec());
    hear(&VONAGE, JSON, input.to_vec());
}

fn messagebird_any(input: &[u8]) {
    hear(&MESSAGEBIRD, FORM, input.to_vec());
    hear(&MESSAGEBIRD, JSON, input.to_vec());
}

fn bird_events(input: &[u8]) {
    hear(&BIRD, JSON, input.to_vec());
}

fn sendgrid_batch(input: &[u8]) {
    hear(&SENDGRID, JSON, input.to_vec());
}

fn sendgrid_form(input: &[u8]) {
    hear(&SENDGRID, FORM_OF_PARTS, input.to_vec());
}

fn mailgun_event(input: &[u8]) {
    hear(&MAILGUN, JSON, input.to_vec());
}

fn resend_event(input: &[u8]) {
    hear(&RESEND, JSON, input.to_vec());
}

fn ses_message(input: &[u8]) {
    hear(&SES, "text/plain; charset=UTF-8", input.to_vec());
}

fn fcm_report(input: &[u8]) {
    hear(&FCM, JSON, input.to_vec());
}

/// A whole mail, as Inbound Parse posts it in raw mode, and as a pipe does.
pub(super) fn mail(input: &[u8]) {
    let mut body = b"--x\r\nContent-Disposition: form-data; name=\"email\"\r\n\r\n".to_vec();
    body.extend_from_slice(input);
    body.extend_from_slice(
        b"\r\n--x\r\nContent-Disposition: form-data; name=\"to\"\r\n\r\nb@shop.example\r\n--x--\r\n",
    );
    hear(&SENDGRID, FORM_OF_PARTS, body);
    hear(&SMTP, "message/rfc822", input.to_vec());
}
