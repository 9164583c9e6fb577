//! SMTP and IMAP against a real Postfix and a real Dovecot: sent, bounced by a mail server, and read back.

use std::time::Duration;

use bytes::Bytes;
use commlog::domain::value::Channel;
use commlog::domain::value::inbound::Automatic;
use commlog::domain::value::message::{BounceKind, Report, RetryClass};
use commlog::domain::value::token::{mail_id, seal_reply};
use commlog::ids::MessageId;
use commlog::providers::smtp::{Smtp, SmtpSettings, SmtpWebhook};
use commlog::providers::{
    Attachment, Content, Inbound, Mailbox, NoticeKind, OutboundMessage, Provider, SendError, Webhook, WebhookRequest,
};
use uuid::Uuid;

use super::{ambient, client, message, now, secret};
use crate::support::doubles::mail_servers::MailServers;

/// How long Postfix may take to give a mail back.
const PATIENCE: Duration = Duration::from_secs(60);

fn provider(settings: &SmtpSettings) -> Smtp {
    Smtp::try_new(settings.clone(), client(), ambient(1)).expect("valid settings")
}

fn mail(number: u128, to: &str) -> OutboundMessage {
    let mut message = message(Channel::Email, number);
    let token = seal_reply(message.tenant, MessageId(Uuid::from_u128(number)), &secret());
    message.to = to.to_owned();
    let Content::Email(email) = &mut message.content else { panic!("no mail") };
    email.headers = vec![("Message-ID".to_owned(), mail_id(&token, "shop.test"))];
    email.text = "Grüße aus dem Laden\n.\n..".to_owned();
    email.html = Some("<p>Grüße</p>".to_owned());
    email.attachments = vec![Attachment {
        name: "Übersicht.txt".to_owned(),
        content_type: "text/plain".to_owned(),
        content_id: None,
        content: Bytes::from_static(b"\x00\xff hello"),
    }];
    message
}

/// The next mail that comes into the mailbox, taken in.
async fn next(mailbox: &dyn Mailbox, webhook: &SmtpWebhook) -> Inbound {
    let look = async {
        let mut pause = tokio::time::interval(Duration::from_millis(100));
        loop {
            pause.tick().await;
            let mut open = mailbox.open().await.expect("Dovecot lets us in");
            let Some(body) = open.next().await.expect("Dovecot answers") else { continue };
            open.taken().await.expect("it is marked");
            open.close().await;
            let request = WebhookRequest { method: "POST".to_owned(), body, ..WebhookRequest::default() };
            match webhook.parse(&request, now()).await.remove(0).kind {
                NoticeKind::Inbound(inbound) => return *inbound,
                other => panic!("{other:?}"),
            }
        }
    };
    tokio::time::timeout(PATIENCE, look).await.expect("the mail comes")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mail_is_sent_bounced_by_a_real_server_and_read_back() {
    let Some(servers) = MailServers::start() else {
        eprintln!("not tried: Postfix and Dovecot are missing, or this is not root (sh .ci/mail)");
        return;
    };
    let settings = servers.settings();
    let smtp = provider(&settings);
    assert_eq!(smtp.check().await, Ok(()));
    let mailbox = smtp.mailbox().expect("a mailbox");
    let webhook = SmtpWebhook::try_new(&settings).expect("valid settings");

    // Delivered as it was written.
    let sent = smtp.send(mail(9, "news@shop.test")).await.expect("Postfix takes it");
    let read = next(&*mailbox, &webhook).await;
    assert_eq!(read.message_id, sent.provider_message_id);
    assert_eq!(read.text.replace("\r\n", "\n"), "Grüße aus dem Laden\n.\n..");
    assert_eq!((read.from.as_str(), read.sender_name.as_deref()), ("news@shop.test", Some("Shop")));
    assert_eq!(read.media[0].name.as_deref(), Some("Übersicht.txt"));
    assert_eq!(read.media[0].content.as_deref(), Some(&b"\x00\xff hello"[..]));
    assert_eq!(read.hints.automatic, None);

    // Taken, refused by the next server, and come back to the address of this message.
    let sent = smtp.send(mail(10, "gone+x@elsewhere.test")).await.expect("Postfix takes it");
    let bounce = next(&*mailbox, &webhook).await;
    assert_eq!(bounce.hints.automatic, Some(Automatic::Bounce));
    let [told] = &bounce.hints.reports[..] else { panic!("{:?}", bounce.hints) };
    let Report::Bounced { bounce: BounceKind::Hard, code, .. } = &told.report else { panic!("{told:?}") };
    assert_eq!(code.as_deref(), Some("5.1.1"));
    assert!(told.mailboxes.contains(&"gone+x@elsewhere.test".to_owned()), "{told:?}");
    let token = seal_reply(message(Channel::Email, 10).tenant, MessageId(Uuid::from_u128(10)), &secret());
    assert_eq!(bounce.reply_token, Some(token));
    assert!(bounce.references.contains(&sent.provider_message_id.expect("an id")));
    assert!(bounce.original.contains("Original-Envelope-Id: ") && !bounce.original.contains("Gr=C3=BC=C3=9Fe"));

    // Refused at once.
    let SendError::Refused { class, code, .. } = smtp.send(mail(11, "nobody@shop.test")).await.expect_err("refused")
    else {
        panic!("a definite refusal")
    };
    assert_eq!((class, code.as_deref()), (RetryClass::Permanent, Some("no_such_address: 550 5.1.1")));

    // Another process finds nothing left.
    let other = provider(&settings).mailbox().expect("a mailbox");
    assert!(other.open().await.expect("Dovecot lets us in").next().await.expect("it answers").is_none());
}
