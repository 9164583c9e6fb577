//! What people write through a list, such as a group that passes on what customers write to it.

use serde_json::json;

use super::mailroom::Mailroom;
use crate::sending::story::MAILBOX;
use crate::support::app::Engine;
use crate::support::doubles::sendgrid::SendgridDouble;

const GROUP: &str = "Precedence: list\nMailing-list: list support@shop.example; contact support+owners@shop.example\n\
    List-ID: <support.shop.example>\nX-Google-Group-Id: 712345\nList-Post: <https://groups.example/post>\n\
    List-Unsubscribe: <mailto:support+unsubscribe@shop.example>\n";
const TO: &str = "hello@reply.shop.example";

async fn a_reply_that_comes_through_a_group_is_a_persons_reply(engine: Engine) {
    let room = Mailroom::open(engine).await;
    let (ada, sent, letter) = room.ada_with_mail().await;
    let headers = format!("{GROUP}Message-ID: <g1@mail.example>\nIn-Reply-To: {}\n", letter.mail_id());
    room.take(&SendgridDouble::inbound(&Mailroom::hook(), MAILBOX, TO, "The red one, please.", &headers)).await;
    let message = room.only().await;
    assert_eq!((&message["isAutomatic"], &message["inReplyTo"]), (&json!(false), &json!(sent)));
    assert_eq!(message["customerId"], format!("Customer:{ada}"));
    assert_eq!((&message["conversation"]["state"], room.customers().await), (&json!("OPEN"), 1));
    assert_eq!(room.message(&sent).await["state"], "REPLIED");
    room.wire.app.finish().await;
}

async fn who_writes_to_a_group_of_ours_is_in_the_inbox_under_their_own_address(engine: Engine) {
    let room = Mailroom::open(engine).await;
    let ada = room.wire.ada().await;
    // The domain of the author forbids others to send for it, so that the group writes in its own name.
    let from = "'Ada Lovelace' via Support <support@shop.example>";
    for (number, author) in
        ["X-Original-From: Ada Lovelace <ada@example.org>", "Reply-To: <Ada@example.org>"].into_iter().enumerate()
    {
        let headers = format!("{GROUP}Message-ID: <g{number}@mail.example>\nFrom: {from}\n{author}\n");
        room.take(&SendgridDouble::inbound(&Mailroom::hook(), from, TO, "Are you open on Friday?", &headers)).await;
        let message = room.received().await.remove(number);
        assert_eq!(message["customerId"], format!("Customer:{ada}"), "{message:#}");
        assert_eq!((&message["isAutomatic"], &message["conversation"]["state"]), (&json!(false), &json!("OPEN")));
    }
    // Somebody new becomes a customer, as without a group.
    let headers = format!("{GROUP}Message-ID: <g9@mail.example>\n");
    room.take(&SendgridDouble::inbound(&Mailroom::hook(), "cleo@example.org", TO, "Hello", &headers)).await;
    assert_eq!(room.customers().await, 2);
    room.wire.app.finish().await;
}

async fn newsletters_and_notices_make_nobody_a_customer(engine: Engine) {
    let room = Mailroom::open(engine).await;
    let cases = [
        ("news@bricks.example", "List-Id: <news.bricks.example>\nList-Unsubscribe: <https://bricks.example/u>\n"),
        ("news@bricks.example", "Precedence: bulk\nIn-Reply-To: <x@y.example>\n"),
        ("news@bricks.example", "List-Id: <news.bricks.example>\nList-Post: NO\n"),
        (
            "noreply@forge.example",
            "Precedence: list\nList-Id: <repo.forge.example>\nList-Post: <mailto:r@forge.example>\n",
        ),
    ];
    for (number, (from, headers)) in cases.into_iter().enumerate() {
        let headers = format!("Message-ID: <n{number}@mail.example>\n{headers}");
        room.take(&SendgridDouble::inbound(&Mailroom::hook(), from, TO, "Read our news.", &headers)).await;
    }
    assert_eq!((room.customers().await, room.events("CallbackKept").await.len()), (0, cases.len()));
    room.wire.app.finish().await;
}

on_each_engine! {
    a_reply_that_comes_through_a_group_is_a_persons_reply
    who_writes_to_a_group_of_ours_is_in_the_inbox_under_their_own_address
    newsletters_and_notices_make_nobody_a_customer
}
