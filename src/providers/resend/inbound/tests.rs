//! A mail as the API has taken it apart. What is fetched, and what if that fails, is tested against the double.

use serde_json::json;

use super::super::api::tests::api;
use super::*;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).expect("a time")
}

#[test]
fn a_mail_is_read_from_the_fields_of_the_api() {
    let said = json!({
        "object": "email", "id": "5676", "from": "Sender Name <from@example.com>",
        "to": ["recipient@example.org", "other@example.org"], "cc": ["cc@example.org"], "subject": "Testing Resend inbound",
        "html": "<p>Hello, world!</p>", "text": null,
        "headers": {
            "Received": ["by mx1.example.com; ...", "from smtp.example.com; ..."],
            "In-Reply-To": "<ours@shop.example>", "Date": "Thu, 22 Feb 2024 23:41:11 +0000"
        },
        "message_id": "<ABCDE12345@mail.example.com>",
        "attachments": [
            { "id": "2a0c-31", "filename": "avatar.png", "content_type": "image/png", "content_id": "<img001>" },
            { "id": "../../domains", "filename": "x" },
            { "filename": "without an id" }
        ]
    });
    let mail = of_fields(&said, "5676", &api()).inbound("5676".to_owned(), now()).expect("a mail");
    assert_eq!((mail.from.as_str(), mail.sender_name.as_deref()), ("from@example.com", Some("Sender Name")));
    assert_eq!((mail.to.as_deref(), mail.cc), (Some("recipient@example.org"), vec!["cc@example.org".to_owned()]));
    assert_eq!((mail.text.as_str(), mail.hints.is_text_of_html), ("Hello, world!", true));
    assert_eq!(mail.message_id.as_deref(), Some("<ABCDE12345@mail.example.com>"));
    assert_eq!(mail.in_reply_to.as_deref(), Some("<ours@shop.example>"));
    assert_eq!(mail.occurred_at, DateTime::from_timestamp(1_708_645_271, 0));
    let [file] = &mail.media[..] else { panic!("{:?}", mail.media) };
    assert_eq!(file.url.as_deref(), Some("https://api.resend.com/emails/receiving/5676/attachments/2a0c-31"));
    assert_eq!((file.name.as_deref(), file.content_id.as_deref()), (Some("avatar.png"), Some("img001")));
}

#[test]
fn odd_fields_harm_nobody() {
    for odd in [json!(null), json!([1]), json!({ "a": [{}] }), json!("x"), json!(1)] {
        let said = json!({ "from": odd, "to": odd, "headers": odd, "attachments": odd, "text": odd, "subject": odd });
        let mail = of_fields(&said, "5676", &api()).inbound("5676".to_owned(), now());
        assert!(mail.is_none(), "{odd}");
    }
}

#[tokio::test]
async fn an_event_without_an_id_asks_for_nothing() {
    for id in [json!(null), json!(""), json!("../domains"), json!("a b")] {
        let told = fetch(&json!({ "email_id": id }), &api(), now()).await;
        assert_eq!(told, Err("a mail that came in without an id".to_owned()), "{id}");
    }
}
