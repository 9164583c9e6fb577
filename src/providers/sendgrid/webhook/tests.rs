//! Who is believed: each of the two webhooks has a proof of its own, and neither opens the other.

use bytes::Bytes;
use proptest::prelude::*;

use super::super::settings::tests::settings;
use super::*;

const SECRET: &str = "a-secret-of-the-url";
const KEY: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNN\
    RaINXvVpiglSI8eNEc6wEA3F+g==";

fn webhook() -> SendgridWebhook {
    let mut settings = settings();
    settings.inbound_secret = Some(Secret::new(SECRET));
    SendgridWebhook::try_new(&settings).expect("valid settings")
}

fn request(url: &str, headers: &[(&str, &str)]) -> WebhookRequest {
    let headers =
        headers.iter().map(|(name, value)| ((*name).to_owned(), Bytes::copy_from_slice(value.as_bytes()))).collect();
    let url = format!("https://crm.example.com/hooks/sendgrid/main{url}");
    WebhookRequest { method: "POST".to_owned(), url, headers, body: Bytes::new() }
}

fn check(webhook: &SendgridWebhook, request: &WebhookRequest) -> Result<(), SignatureError> {
    webhook.verify(request, DateTime::UNIX_EPOCH)
}

#[test]
fn incoming_mail_is_believed_with_the_secret_of_its_url() {
    let form = ("content-type", "multipart/form-data; boundary=x");
    let cases = [
        (request(&format!("?secret={SECRET}"), &[form]), Ok(())),
        (request(&format!("?a=b&secret={SECRET}"), &[form]), Ok(())),
        (request("?secret=another-secret-now", &[form]), Err(SignatureError::Forged)),
        (request("?secret=", &[form]), Err(SignatureError::Forged)),
        (request("", &[form]), Err(SignatureError::Missing)),
        (request("", &[form, ("authorization", "Basic !!!")]), Err(SignatureError::Missing)),
    ];
    for (request, expected) in cases {
        assert_eq!(check(&webhook(), &request), expected, "{}", request.url);
    }
    let basic = format!("Basic {}", STANDARD.encode(format!("sendgrid:{SECRET}")));
    assert_eq!(check(&webhook(), &request("", &[form, ("Authorization", &basic)])), Ok(()));
}

#[test]
fn without_a_secret_no_mail_is_believed_and_without_a_key_no_event() {
    let bare = SendgridWebhook::try_new(&settings()).expect("valid settings");
    let form = ("content-type", "multipart/form-data; boundary=x");
    assert_eq!(check(&bare, &request("?secret=", &[form])), Err(SignatureError::Missing));
    let signed =
        [("x-twilio-email-event-webhook-signature", "AAAA"), ("x-twilio-email-event-webhook-timestamp", "1600112502")];
    assert_eq!(check(&bare, &request("", &signed)), Err(SignatureError::Missing));
}

#[test]
fn the_secret_of_incoming_mail_proves_no_events() {
    let json = ("content-type", "application/json");
    assert_eq!(check(&webhook(), &request(&format!("?secret={SECRET}"), &[json])), Err(SignatureError::Missing));
}

proptest! {
    #[test]
    fn nothing_makes_it_panic_and_nothing_is_believed(
        url in ".{0,80}",
        kind in "multipart/form-data; boundary=x|multipart/form-data|application/json|.{0,20}",
        headers in proptest::collection::vec((
            "x-twilio-email-event-webhook-(signature|timestamp)|authorization|content-type", ".{0,60}"), 0..4),
        body in any::<Vec<u8>>(),
    ) {
        let mut headers: Vec<_> = headers.into_iter().map(|(name, value)| (name, Bytes::from(value))).collect();
        headers.push(("content-type".to_owned(), kind.into()));
        let request = WebhookRequest { method: "POST".to_owned(), url, headers, body: body.into() };
        let mut settings = settings();
        settings.inbound_secret = Some(Secret::new(SECRET));
        settings.event_public_keys = vec![KEY.to_owned()];
        let webhook = SendgridWebhook::try_new(&settings).expect("valid settings");
        prop_assert!(check(&webhook, &request).is_err());
        futures::executor::block_on(webhook.parse(&request, DateTime::UNIX_EPOCH));
    }
}
