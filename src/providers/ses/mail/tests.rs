//! Mails as they are written, read back by the reader of incoming mail.

use bytes::Bytes;

use super::*;
use crate::domain::value::Channel;
use crate::domain::value::message::MessageKey;
use crate::providers::Content;
use crate::providers::kit::mime::{self, Mail};
use crate::providers::ses::settings::tests::settings;

const ID: &str = "<reply+abc@shop.example>";

fn message() -> OutboundMessage {
    let nil = uuid::Uuid::nil();
    let key = MessageKey {
        message_id: nil.into(),
        channel: Channel::Email,
        campaign_id: None,
        variant: None,
        conversation_id: None,
    };
    let content = Content::of(Channel::Email, None, String::new());
    OutboundMessage::new(nil.into(), nil.into(), key, "ada@example.org".to_owned(), content)
}

fn email() -> EmailContent {
    EmailContent { subject: Some("News".to_owned()), text: "Hello".to_owned(), ..EmailContent::default() }
}

fn written(email: &EmailContent) -> String {
    let now = DateTime::from_timestamp(1_790_000_000, 0).expect("a time");
    let bytes = super::write(&settings(), &message(), email, now).expect("a mail");
    let text = String::from_utf8(bytes).expect("text");
    assert!(text.is_ascii() && text.split("\r\n").all(|line| line.len() <= LONGEST_LINE && !line.contains('\n')));
    text
}

fn read(email: &EmailContent) -> Mail {
    mime::parse(written(email).as_bytes())
}

fn file(name: &str, content_id: Option<&str>) -> Attachment {
    Attachment {
        name: name.to_owned(),
        content_type: "image/png".to_owned(),
        content_id: content_id.map(str::to_owned),
        content: Bytes::from_static(b"\x89PNG\r\n\0"),
    }
}

#[test]
fn a_plain_mail_has_its_headers_and_nothing_else() {
    let mut email = email();
    email.reply_to = Some("Shop <reply+abc@replies.shop.example>".to_owned());
    email.headers = vec![
        ("Message-ID".to_owned(), ID.to_owned()),
        ("List-Unsubscribe".to_owned(), format!("<https://crm.example/u/{}>", "x".repeat(300))),
        ("List-Unsubscribe-Post".to_owned(), "List-Unsubscribe=One-Click".to_owned()),
        ("Feedback-ID".to_owned(), "none:none:marketing:0123456789ab".to_owned()),
    ];
    let expected = format!(
        "Date: Mon, 21 Sep 2026 14:13:20 +0000\r\nFrom: Shop <news@shop.example>\r\nTo: ada@example.org\r\n\
         Reply-To: Shop <reply+abc@replies.shop.example>\r\nSubject: News\r\nMessage-ID: {ID}\r\n\
         List-Unsubscribe: <https://crm.example/u/{}>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n\
         References: {ID}\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\
         Content-Transfer-Encoding: 7bit\r\n\r\nHello\r\n",
        "x".repeat(300)
    );
    assert_eq!(written(&email), expected);
}

#[test]
fn an_answer_names_the_mails_that_it_answers_and_its_own_id() {
    let mut email = email();
    email.headers = vec![
        ("references".to_owned(), "<1@example.org>  <2@example.org>".to_owned()),
        ("In-Reply-To".to_owned(), "<2@example.org>".to_owned()),
        ("Message-ID".to_owned(), ID.to_owned()),
    ];
    let mail = read(&email);
    assert_eq!(mail.headers.ids("references"), ["<1@example.org>", "<2@example.org>", ID]);
    assert_eq!(mail.headers.ids("in-reply-to"), ["<2@example.org>"]);
}

#[test]
fn letters_of_all_languages_arrive() {
    let mut email = email();
    email.subject = Some("Grüße – 你好 ".repeat(20));
    email.text = "Grüße\n.\n你好".to_owned();
    email.html = Some(format!("<p>Grüße {}</p>", "x".repeat(3_000)));
    email.reply_to = Some("Müller, Jörg <reply@replies.shop.example>".to_owned());
    let mail = read(&email);
    assert_eq!(mail.headers.get("subject"), email.subject.as_deref().map(str::trim));
    assert_eq!(mail.headers.get("reply-to").and_then(texts::name_in).as_deref(), Some("Müller, Jörg"));
    assert_eq!(mail.text.as_deref().map(str::trim_end), Some("Grüße\r\n.\r\n你好"));
    assert_eq!(mail.html.as_deref().map(str::trim_end), email.html.as_deref());
}

#[test]
fn pictures_stand_beside_the_html_that_shows_them_and_files_around_it() {
    let mut email = email();
    email.html = Some("<img src=\"cid:logo\">".to_owned());
    email.attachments = vec![file("Grüße.png", None), file("logo.png", Some("logo"))];
    let mail = read(&email);
    let names: Vec<_> = mail.files.iter().map(|file| (file.name.as_deref(), file.content_id.as_deref())).collect();
    assert_eq!(names, [(Some("logo.png"), Some("logo")), (Some("Grüße.png"), None)]);
    assert!(mail.files.iter().all(|file| file.content.as_deref() == Some(&b"\x89PNG\r\n\0"[..])));
    let text = written(&email);
    let place = |part: &str| text.find(part).unwrap_or_else(|| panic!("{part} in {text}"));
    let order =
        ["multipart/mixed", "multipart/alternative", "text/plain", "multipart/related", "text/html", "logo.png"];
    assert!(order.windows(2).all(|pair| place(pair[0]) < place(pair[1])));
    email.html = None;
    assert_eq!(read(&email).files.len(), 2, "a picture is a file where no HTML shows it");
}

#[test]
fn html_may_stand_alone_and_types_may_be_odd() {
    let mut email = EmailContent { html: Some("<p>Hello</p>".to_owned()), ..EmailContent::default() };
    let mail = read(&email);
    assert_eq!((mail.text, mail.html.as_deref().map(str::trim_end)), (None, Some("<p>Hello</p>")));
    email.attachments = vec![Attachment { content_type: "no type\r\nBcc: x".to_owned(), ..file("a\r\nb", None) }];
    let mail = read(&email);
    assert_eq!(mail.files[0].content_type.as_deref(), Some("application/octet-stream"));
    assert_eq!(mail.files[0].name.as_deref(), Some("a  b"));
    email.attachments = vec![Attachment { content: Bytes::from_static(b"a\nb\r\n\n"), ..file("a.txt", None) }];
    assert_eq!(read(&email).files[0].content.as_deref(), Some(&b"a\nb\r\n\n"[..]), "not a byte is changed");
}

type Change = fn(&mut OutboundMessage, &mut EmailContent);

#[test]
fn no_header_brings_another_one_along() {
    let refused = |change: Change| {
        let (mut message, mut email) = (message(), email());
        change(&mut message, &mut email);
        match super::write(&settings(), &message, &email, DateTime::UNIX_EPOCH).expect_err("refused") {
            SendError::Refused { class, code, .. } => (class, code.unwrap_or_default()),
            ambiguous @ SendError::Ambiguous { .. } => panic!("{ambiguous}"),
        }
    };
    let cases: [Change; 8] = [
        |_, email| email.headers = vec![("X\r\nBcc".to_owned(), "a".to_owned())],
        |_, email| email.headers = vec![("X-A".to_owned(), "a\r\nBcc: b@example.org".to_owned())],
        |_, email| email.headers = vec![("Bcc".to_owned(), "b@example.org".to_owned())],
        |_, email| email.headers = vec![("Content-Type".to_owned(), "text/html".to_owned())],
        |_, email| email.headers = vec![("X-SES-CONFIGURATION-SET".to_owned(), "other".to_owned())],
        |_, email| email.headers = vec![(String::new(), "a".to_owned())],
        |_, email| email.headers = vec![("X:Y".to_owned(), "a".to_owned())],
        |message, _| message.to = "a@example.org\r\nBcc: b@example.org".to_owned(),
    ];
    for change in cases {
        assert_eq!(refused(change), (RetryClass::ContentRefused, "header".to_owned()));
    }
    let reply_to = refused(|_, email| email.reply_to = Some("nobody".to_owned()));
    assert_eq!(reply_to, (RetryClass::ContentRefused, "reply_to".to_owned()));
    let from = refused(|message, _| message.from = Some("nobody".to_owned()));
    assert_eq!(from, (RetryClass::Configuration, "from".to_owned()));
}
