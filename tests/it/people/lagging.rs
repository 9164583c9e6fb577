//! What comes in while the read tables are behind the log finds its message all the same: it waits, or is completed later.

use chrono::TimeDelta;
use commlog::clock::Ambient;
use serde_json::{Value, json};

use super::mailroom::Mailroom;
use crate::sending::story::{MAILBOX, count};
use crate::support::app::Engine;
use crate::support::doubles::sendgrid::{SendgridDouble, SendgridMail};

const TO: &str = "hello@reply.shop.example";

/// A node whose read tables stand still, with a mail to Ada that they do not show.
async fn held_back(engine: Engine) -> (Mailroom, String, SendgridMail) {
    let mut room = Mailroom::open(engine).await;
    let ada = room.wire.ada().await;
    room.wire.app = room.wire.app.restart_as("api,processes").await;
    room.wire.agent = room.wire.agent.at(&room.wire.app);
    let (sent, _) = room.wire.send(ada, "EMAIL", "TRANSACTIONAL").await;
    room.wire.app.until(ada, |types| count(types, "MessageSent") == 1).await;
    let letter = room.wire.sendgrid.taken().pop().expect("SendGrid took it");
    (room, sent, letter)
}

/// Lets the read tables follow, has what was kept looked at, and returns the message that was sent.
async fn caught_up(room: &Mailroom, sent: &str) -> Value {
    let projector = room.wire.app.beside("projector").await;
    projector.visible(room.wire.app.head().await).await;
    let since = Ambient::system().now() - TimeDelta::hours(1);
    for _ in 0..2 {
        room.wire.app.intake().retry_kept(since).await.expect("the log answers");
    }
    projector.visible(room.wire.app.head().await).await;
    let message = room.message(sent).await;
    projector.finish().await;
    message
}

/// A mail of Ada's that names ours by the id that the provider gave it alone.
fn answer(letter: &SendgridMail) -> crate::support::doubles::Signed {
    let headers = format!("Message-ID: <a1@mail.example>\nIn-Reply-To: {}\n", letter.mail_id());
    SendgridDouble::inbound(&Mailroom::hook(), MAILBOX, TO, "The red one, please.", &headers)
}

async fn a_reply_whose_message_cannot_be_read_yet_is_kept_and_completed(engine: Engine) {
    let (room, sent, letter) = held_back(engine).await;
    for _ in 0..2 {
        room.take(&answer(&letter)).await;
    }
    assert_eq!((room.events("MessageReceived").await.len(), room.events("CallbackKept").await.len()), (0, 1));
    assert_eq!(caught_up(&room, &sent).await["state"], "REPLIED");
    let received = room.events("MessageReceived").await;
    assert_eq!((received.len(), &received[0].0["in_reply_to"]), (1, &json!(sent.trim_start_matches("Message:"))));
    assert_eq!((room.events("CallbackResolved").await.len(), room.customers().await), (1, 1));
    room.wire.app.finish().await;
}

async fn a_bounce_and_a_report_whose_message_cannot_be_read_yet_are_completed(engine: Engine) {
    let (room, sent, letter) = held_back(engine).await;
    // Without our token: only the provider's id names the message.
    let mut delivered = letter.event("delivered", "e1", Ambient::system().now().timestamp(), json!({}));
    let token = letter.token().expect("a token").to_owned();
    if let Some(fields) = delivered.as_object_mut() {
        fields.retain(|_, value| *value != token);
    }
    room.take(&room.wire.sendgrid.events(&Mailroom::hook(), &[delivered])).await;
    let bounce = format!(
        "From: MAILER-DAEMON@mx.example\r\nSubject: Undelivered Mail\r\nMessage-ID: <d1@mx.example>\r\n\
         X-Failed-Recipients: {MAILBOX}\r\n\r\n{MAILBOX}\r\n  550 5.1.1 User unknown\r\n\r\n\
         ------ This is a copy of the message. ------\r\nMessage-ID: {}\r\n",
        letter.mail_id()
    );
    room.take(&SendgridDouble::raw(&Mailroom::hook(), "", TO, &bounce)).await;
    assert_eq!(room.events("CallbackKept").await.len(), 2);
    assert_eq!(caught_up(&room, &sent).await["state"], "BOUNCED");
    assert_eq!((room.events("MessageDelivered").await.len(), room.events("MessageBounced").await.len()), (1, 1));
    assert_eq!((room.events("CallbackResolved").await.len(), room.customers().await), (2, 1));
    room.wire.app.finish().await;
}

async fn a_reply_waits_for_tables_that_are_about_to_follow(engine: Engine) {
    let (room, sent, letter) = held_back(engine).await;
    let request = answer(&letter);
    let (status, projector) = tokio::join!(room.wire.call(&request), room.wire.app.beside("projector"));
    assert!(status.is_success(), "{status}");
    projector.visible(room.wire.app.head().await).await;
    assert_eq!(room.events("CallbackKept").await.len(), 0, "it waited");
    assert_eq!(room.message(&sent).await["state"], "REPLIED");
    projector.finish().await;
    room.wire.app.finish().await;
}

on_each_engine! {
    a_reply_whose_message_cannot_be_read_yet_is_kept_and_completed
    a_bounce_and_a_report_whose_message_cannot_be_read_yet_are_completed
    a_reply_waits_for_tables_that_are_about_to_follow
}
