//! A machine's mail is kept and marked: it is no reply, opens no conversation and makes nobody a customer.

use serde_json::json;

use super::mailroom::Mailroom;
use crate::support::app::Engine;
use crate::support::doubles::sendgrid::SendgridDouble;

/// Headers of a mail of Ada's, and the kind of machine that wrote it.
const MACHINES: &[(&str, &str)] = &[
    ("Auto-Submitted: auto-replied\n", "REPLY"),
    ("Auto-Submitted: auto-generated\nX-Auto-Response-Suppress: All\n", "REPLY"),
    ("Auto-Submitted: auto-replied (vacation)\nPrecedence: bulk\n", "REPLY"),
    ("X-Autoreply: yes\n", "REPLY"),
    ("X-Autorespond: away\n", "REPLY"),
    ("Precedence: auto_reply\n", "REPLY"),
    ("Return-Path: <>\n", "REPLY"),
    ("Subject: Automatic reply: A new vintage\n", "REPLY"),
    ("Subject: =?utf-8?Q?Automatische_Antwort=3A_A_new_vintage?=\n", "REPLY"),
    ("Subject: Abwesenheitsnotiz: A new vintage\n", "REPLY"),
    ("Subject: =?utf-8?B?UsOpcG9uc2UgYXV0b21hdGlxdWUgOiBBIG5ldyB2aW50YWdl?=\n", "REPLY"),
    ("Subject: =?utf-8?B?UmVzcHVlc3RhIGF1dG9tw6F0aWNhOiBB?=\n", "REPLY"),
    ("Subject: =?utf-8?B?6Ieq5YuV5b+c562UOiBB?=\n", "REPLY"),
    ("Precedence: bulk\nList-Id: Bricks <bricks.lists.example>\n", "LIST"),
    ("List-Unsubscribe: <mailto:off@lists.example>\n", "LIST"),
];

async fn what_a_machine_writes_is_no_reply_and_reopens_nothing(engine: Engine) {
    let room = Mailroom::open(engine).await;
    let (_, sent, letter) = room.ada_with_mail().await;
    room.take(&Mailroom::from_ada(&letter, "Message-ID: <p1@mail.example>\n", "Thank you")).await;
    let person = room.received().await.remove(0);
    assert_eq!((&person["isAutomatic"], &person["inReplyTo"]), (&json!(false), &json!(sent)));
    let found = room.wire.agent.data("{ conversations(first: 5) { nodes { id customerId } } }", json!({})).await;
    let conversation = &found["conversations"]["nodes"][0];
    let resolve = "mutation($customer: ID!, $id: ID!) { updateConversation(customerId: $customer, conversationId: $id, \
        changes: { state: RESOLVED }) { refusal { message } } }";
    let variables = json!({ "customer": conversation["customerId"], "id": conversation["id"] });
    let resolved = room.wire.agent.data(resolve, variables).await;
    assert!(resolved["updateConversation"]["refusal"].is_null(), "{resolved:#}");
    let before = room.received().await.remove(0)["conversation"].take();
    assert_eq!(before["state"], "RESOLVED");
    for (number, (headers, _)) in MACHINES.iter().enumerate() {
        let headers = format!("Message-ID: <m{number}@mail.example>\n{headers}");
        room.take(&Mailroom::from_ada(&letter, &headers, "I am away until Monday.")).await;
    }
    let received = room.received().await;
    assert_eq!(received.len(), MACHINES.len() + 1);
    for (message, (headers, kind)) in received[1..].iter().zip(MACHINES) {
        assert_eq!((&message["automatic"], &message["isAutomatic"]), (&json!(kind), &json!(true)), "{headers}");
        assert!(message["inReplyTo"].is_null(), "{headers}");
        assert_eq!(message["customerId"], person["customerId"], "{headers}");
        assert_eq!(message["conversation"], before, "{headers}");
    }
    let state = room.message(&sent).await["state"].take();
    assert_eq!(state, "REPLIED", "by the person");
    assert_eq!(room.customers().await, 1);
    room.wire.app.finish().await;
}

async fn what_only_machines_answer_is_not_replied_to(engine: Engine) {
    let room = Mailroom::open(engine).await;
    let (_, sent, letter) = room.ada_with_mail().await;
    for (number, (headers, _)) in MACHINES.iter().enumerate() {
        let headers = format!("Message-ID: <m{number}@mail.example>\n{headers}");
        room.take(&Mailroom::from_ada(&letter, &headers, "STOP")).await;
    }
    assert_eq!(room.message(&sent).await["state"], "SENT");
    assert_eq!(room.events("ConversationChanged").await.len(), 0);
    assert_eq!(room.events("ConsentChanged").await.len(), 0, "a machine opts nobody out");
    room.wire.app.finish().await;
}

async fn a_machine_makes_nobody_a_customer_and_is_kept(engine: Engine) {
    let room = Mailroom::open(engine).await;
    let to = "hello@reply.shop.example";
    let froms = ["MAILER-DAEMON@mx.example", "postmaster@mx.example", "nora@bricks.example", "news@lists.example"];
    let headers = [
        "Return-Path: <>\nSubject: Undelivered Mail Returned to Sender\n",
        "Auto-Submitted: auto-generated (failure)\n",
        "Auto-Submitted: auto-replied\n",
        "List-Id: <news.lists.example>\n",
    ];
    for (number, (from, headers)) in froms.into_iter().zip(headers).enumerate() {
        let headers = format!("Message-ID: <n{number}@mx.example>\n{headers}");
        room.take(&SendgridDouble::inbound(&Mailroom::hook(), from, to, "From a machine.", &headers)).await;
    }
    assert_eq!((room.customers().await, room.events("MessageReceived").await.len()), (0, 0));
    let kept = room.events("CallbackKept").await;
    assert_eq!(kept.len(), 4);
    for (data, personal) in kept {
        assert!(data["reason"].as_str().is_some_and(|reason| reason.starts_with("an automatic mail (")), "{data:#}");
        assert!(personal["raw"].as_str().is_some_and(|raw| raw.contains("From a machine.")), "{personal:#}");
    }
    room.wire.app.finish().await;
}

async fn people_who_write_like_machines_are_people(engine: Engine) {
    let room = Mailroom::open(engine).await;
    let (_, sent, letter) = room.ada_with_mail().await;
    for (number, headers) in [
        "Auto-Submitted: no\n",
        "Subject: Out of office next week?\n",
        "Subject: Re: Automatic reply: your offer\n",
        "Subject: returned mail from me\n",
        "X-Auto-Response-Suppress: OOF\n",
    ]
    .into_iter()
    .enumerate()
    {
        let headers = format!("Message-ID: <q{number}@mail.example>\n{headers}");
        room.take(&Mailroom::from_ada(&letter, &headers, "I wrote this myself.")).await;
        let message = room.received().await.remove(number);
        assert_eq!((&message["isAutomatic"], &message["inReplyTo"]), (&json!(false), &json!(sent)), "{headers}");
    }
    room.wire.app.finish().await;
}

on_each_engine! {
    what_a_machine_writes_is_no_reply_and_reopens_nothing
    what_only_machines_answer_is_not_replied_to
    a_machine_makes_nobody_a_customer_and_is_kept
    people_who_write_like_machines_are_people
}
