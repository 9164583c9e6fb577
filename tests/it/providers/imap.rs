//! The mailbox of an SMTP account against its double: everything is read once, and nothing that goes wrong loses a mail.

use std::time::{Duration, Instant};

use commlog::providers::smtp::{ImapSettings, Smtp};
use commlog::providers::{Mailbox, MailboxError, Provider, Secret};

use super::{ambient, class_of, client};
use crate::support::doubles::imap::{ImapDouble, Manner};
use crate::support::doubles::smtp::{Offers, SmtpDouble};

const TLS: Manner =
    Manner { is_tls: true, can_move: true, forgets_marks: false, sleeps_at: None, hangs_up_at: None, greeting: None };

struct Setting {
    mailbox: std::sync::Arc<dyn Mailbox>,
    provider: Smtp,
    _mail_server: SmtpDouble,
}

async fn mailbox_of(double: &ImapDouble, change: impl FnOnce(&mut ImapSettings)) -> Setting {
    let mail_server = SmtpDouble::start(Offers::default()).await;
    let mut settings = mail_server.settings();
    let (mut imap, authority) = double.settings();
    change(&mut imap);
    settings.imap = Some(imap);
    settings.authority = Some(authority);
    let provider = Smtp::try_new(settings, client(), ambient(1)).expect("valid settings");
    Setting { mailbox: provider.mailbox().expect("a mailbox"), provider, _mail_server: mail_server }
}

/// What a look brings, each mail taken in.
async fn look(mailbox: &dyn Mailbox) -> Result<Vec<String>, MailboxError> {
    let mut open = mailbox.open().await?;
    let mut mails = vec![];
    while let Some(mail) = open.next().await? {
        mails.push(String::from_utf8_lossy(&mail).into_owned());
        open.taken().await?;
    }
    open.close().await;
    Ok(mails)
}

#[tokio::test]
async fn what_is_unseen_is_read_once_in_order_and_marked() {
    for manner in [TLS, Manner { is_tls: false, ..TLS }] {
        let double = ImapDouble::start(manner).await;
        let setting = mailbox_of(&double, |_| {}).await;
        assert_eq!(setting.provider.check().await, Ok(()));
        assert!(look(&*setting.mailbox).await.expect("a look").is_empty());
        let odd = format!("Subject: two\n\n)\n* 3 FETCH (UID 1)\n{}\u{e9}", "x".repeat(100_000));
        for mail in ["Subject: one\n\n1", &odd, ""] {
            double.deliver(mail);
        }
        let mails = look(&*setting.mailbox).await.expect("a look");
        assert_eq!(mails, ["Subject: one\r\n\r\n1", &odd.replace('\n', "\r\n"), ""]);
        assert!(double.folder("INBOX").iter().all(|held| held.is_seen));
        double.deliver("Subject: four\n\n4");
        assert_eq!(look(&*setting.mailbox).await.expect("a look").len(), 1);
        assert!(double.said().iter().all(|line| !line.contains("\\Deleted") && !line.contains("EXPUNGE")));
    }
}

#[tokio::test]
async fn what_is_taken_in_is_moved_where_a_folder_is_named() {
    for can_move in [true, false] {
        let double = ImapDouble::start(Manner { can_move, ..TLS }).await;
        let setting = mailbox_of(&double, |imap| imap.move_to = Some("Done".to_owned())).await;
        double.deliver("Subject: one\n\n1");
        assert_eq!(look(&*setting.mailbox).await.expect("a look").len(), 1);
        assert_eq!(look(&*setting.mailbox).await.expect("a look").len(), 0);
        // A server that cannot move gets a copy, and marks what stays.
        assert_eq!(double.folder("Done").len(), 1);
        assert_eq!(double.folder("INBOX").len(), usize::from(!can_move));
        let nowhere = mailbox_of(&double, |imap| imap.move_to = Some("Nowhere".to_owned())).await;
        double.deliver("Subject: two\n\n2");
        assert!(matches!(look(&*nowhere.mailbox).await, Err(MailboxError::Refused(_))));
    }
}

#[tokio::test]
async fn what_was_not_taken_in_comes_again_and_what_was_does_not() {
    let double = ImapDouble::start(TLS).await;
    let setting = mailbox_of(&double, |_| {}).await;
    double.deliver("Subject: one\n\n1");
    double.deliver("Subject: two\n\n2");
    let mut open = setting.mailbox.open().await.expect("opens");
    assert!(open.next().await.expect("a mail").is_some());
    drop(open);
    assert!(double.folder("INBOX").iter().all(|held| !held.is_seen), "reading marks nothing");
    // After an interruption nothing is missing, however much came (chatwoot/chatwoot#6604).
    double.behave(Manner { hangs_up_at: Some("BODY.PEEK"), ..TLS });
    assert!(matches!(look(&*setting.mailbox).await, Err(MailboxError::Unreachable(_))));
    double.behave(TLS);
    assert_eq!(look(&*setting.mailbox).await.expect("a look").len(), 2);
    // A server that does not keep its marks is not read again and again.
    double.behave(Manner { forgets_marks: true, ..TLS });
    double.deliver("Subject: three\n\n3");
    assert_eq!(look(&*setting.mailbox).await.expect("a look").len(), 1);
    assert_eq!(look(&*setting.mailbox).await.expect("a look").len(), 0);
}

#[tokio::test]
async fn a_server_that_hangs_or_hangs_up_is_given_up_in_time() {
    for at in ["GREETING", "LOGIN", "SELECT", "SEARCH", "RFC822.SIZE", "STORE"] {
        let double = ImapDouble::start(Manner { sleeps_at: Some(at), ..TLS }).await;
        let setting = mailbox_of(&double, |imap| imap.timeout = Duration::from_millis(300)).await;
        double.deliver("Subject: one\n\n1");
        let began = Instant::now();
        assert!(matches!(look(&*setting.mailbox).await, Err(MailboxError::Late)), "{at}");
        assert!(began.elapsed() < Duration::from_secs(5), "{at}");
        double.behave(Manner { hangs_up_at: Some(at), ..TLS });
        double.deliver("Subject: two\n\n2");
        if at != "GREETING" {
            assert!(matches!(look(&*setting.mailbox).await, Err(MailboxError::Unreachable(_))), "{at}");
        }
    }
}

#[tokio::test]
async fn a_mailbox_that_cannot_be_looked_into_says_why() {
    let double = ImapDouble::start(TLS).await;
    let wrong = mailbox_of(&double, |imap| imap.password = Some(Secret::new("wrong"))).await;
    assert!(matches!(look(&*wrong.mailbox).await, Err(MailboxError::Refused("the sign-in"))));
    let refused = wrong.provider.check().await.expect_err("refused");
    assert_eq!(class_of(&refused), Some(commlog::domain::value::message::RetryClass::Configuration));
    let nowhere = mailbox_of(&double, |imap| imap.folder = "Nowhere".to_owned()).await;
    assert!(matches!(look(&*nowhere.mailbox).await, Err(MailboxError::Refused("the folder"))));
    double.behave(Manner { greeting: Some("220 mx.example ESMTP\r\n"), ..TLS });
    let other = mailbox_of(&double, |_| {}).await;
    assert!(look(&*other.mailbox).await.is_err());
    double.behave(Manner { greeting: Some("* BYE too many connections\r\n"), hangs_up_at: Some(""), ..TLS });
    assert!(look(&*other.mailbox).await.is_err());
}
