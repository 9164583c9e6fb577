//! Which message of ours a mail answers, and whose it is: a table.

use commlog::clock::Ambient;
use commlog::ids::CustomerId;
use serde_json::json;

use super::story::{MAILBOX, PUBLIC, Wire, count};
use crate::support::app::Engine;
use crate::support::doubles::sendgrid::{SendgridDouble, SendgridMail};

const CLEO: &str = "cleo@example.org";
const BOB: &str = "bob@example.org";
const EVE: &str = "eve@example.org";
const NOBODY: &str = "hello@reply.shop.example";

/// Who got the newsletter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reader {
    Ada,
    Cleo,
    /// Has the same mailbox as Ada, who had it first.
    Dan,
}
use Reader::{Ada, Cleo, Dan};

/// What a mail can be threaded by.
struct Names {
    reply_to: String,
    /// The `Message-ID` that we gave it.
    ours: String,
    /// The one that the provider told that it has.
    providers: String,
}

struct Case {
    what: &'static str,
    from: &'static str,
    to: fn(&[Names; 3]) -> String,
    headers: fn(&[Names; 3]) -> String,
    /// Whose copy of the newsletter it is found to answer.
    answers: Option<Reader>,
    /// Who is found to have written it; nobody of the three: a customer of whom only the address is known.
    writer: Option<Reader>,
}

fn nobody(_: &[Names; 3]) -> String {
    NOBODY.to_owned()
}

fn nothing(_: &[Names; 3]) -> String {
    "Subject: Re: A new vintage\n".to_owned()
}

fn of_ada(names: &[Names; 3]) -> String {
    names[0].reply_to.clone()
}

fn many_ids(count: usize) -> String {
    (0..count).map(|number| format!(" <{number:04}@list.example.org>\n")).collect()
}

const CASES: &[Case] = &[
    Case { what: "a reply", from: MAILBOX, to: of_ada, headers: nothing, answers: Some(Ada), writer: Some(Ada) },
    Case {
        what: "a reply with another subject",
        from: MAILBOX,
        to: of_ada,
        headers: |_| "Subject: My invoice\n".to_owned(),
        answers: Some(Ada),
        writer: Some(Ada),
    },
    Case { what: "the subject alone", from: MAILBOX, to: nobody, headers: nothing, answers: None, writer: Some(Ada) },
    Case { what: "forwarded, by the address", from: BOB, to: of_ada, headers: nothing, answers: None, writer: None },
    Case { what: "somebody else, same subject", from: EVE, to: nobody, headers: nothing, answers: None, writer: None },
    Case {
        what: "headers alone, our id",
        from: MAILBOX,
        to: nobody,
        headers: |names| format!("In-Reply-To: {}\n", names[0].ours),
        answers: Some(Ada),
        writer: Some(Ada),
    },
    Case {
        what: "headers alone, the provider's id",
        from: MAILBOX,
        to: nobody,
        headers: |names| format!("Subject: What else?\nIn-Reply-To: {}\n", names[0].providers),
        answers: Some(Ada),
        writer: Some(Ada),
    },
    Case {
        what: "ours among other references",
        from: MAILBOX,
        to: nobody,
        headers: |names| format!("References: <a@x.example>\n {}\n\t<b@y.example>\n", names[0].providers),
        answers: Some(Ada),
        writer: Some(Ada),
    },
    Case {
        what: "forwarded, by its references",
        from: BOB,
        to: nobody,
        headers: |names| format!("In-Reply-To: {0}\nReferences: {0} {1}\n", names[0].ours, names[0].providers),
        answers: None,
        writer: None,
    },
    Case {
        what: "the other reader of the newsletter",
        from: CLEO,
        to: nobody,
        headers: |names| format!("References: {}\n", names[1].providers),
        answers: Some(Cleo),
        writer: Some(Cleo),
    },
    Case {
        what: "the other reader, to whom Ada forwarded hers",
        from: CLEO,
        to: of_ada,
        headers: |names| format!("In-Reply-To: {}\nReferences: {}\n", names[0].ours, names[1].ours),
        answers: Some(Cleo),
        writer: Some(Cleo),
    },
    Case {
        what: "whoever shares the mailbox and was written to",
        from: MAILBOX,
        to: nobody,
        headers: |names| format!("In-Reply-To: {}\n", names[2].ours),
        answers: Some(Dan),
        writer: Some(Dan),
    },
    Case {
        what: "ours at the end of 64 KB of references",
        from: MAILBOX,
        to: nobody,
        headers: |names| format!("References:\n{} {}\n", many_ids(2_600), names[0].ours),
        answers: Some(Ada),
        writer: Some(Ada),
    },
    Case {
        what: "64 KB of references to others",
        from: MAILBOX,
        to: nobody,
        headers: |_| format!("References:\n{}", many_ids(2_600)),
        answers: None,
        writer: Some(Ada),
    },
    Case {
        what: "64 KB without an id",
        from: MAILBOX,
        to: nobody,
        headers: |_| format!("In-Reply-To: {}\nReferences: {}\n", "<".repeat(65_536), ">".repeat(65_536)),
        answers: None,
        writer: Some(Ada),
    },
    Case {
        what: "garbage",
        from: MAILBOX,
        to: nobody,
        headers: |_| "In-Reply-To: <<>> \u{0} reply+@ <reply+x@y> \u{fffd}\nReferences: =?utf-8?B?????=\n".to_owned(),
        answers: None,
        writer: Some(Ada),
    },
    Case {
        what: "a token that was changed",
        from: MAILBOX,
        to: nobody,
        headers: |names| format!("In-Reply-To: {}\n", names[0].ours.replacen(['a', 'b', 'c', 'd', 'f'], "7", 1)),
        answers: None,
        writer: Some(Ada),
    },
];

/// Has SendGrid tell that it took a mail, under a `Message-ID` of its own; what the mail can be answered by.
async fn names(wire: &Wire, letter: &SendgridMail, number: usize) -> Names {
    let providers = format!("<p{number}@geopod-ismtpd-1>");
    let more = json!({ "smtp-id": providers });
    let at = Ambient::system().now().timestamp();
    let processed = letter.event("processed", &format!("p{number}"), at, more);
    let hook = format!("{PUBLIC}/webhooks/sendgrid/main");
    assert!(wire.call(&wire.sendgrid.events(&hook, &[processed])).await.is_success());
    let reply_to = letter.request["reply_to"]["email"].as_str().expect("an address for replies").to_owned();
    Names { reply_to, ours: letter.mail_id(), providers }
}

async fn replies_are_threaded_by_token_headers_and_contact_and_never_by_subject(engine: Engine) {
    let wire = Wire::start(engine).await;
    let readers: [CustomerId; 3] = [
        wire.ada().await,
        wire.customer("Cleo", &[("EMAIL", CLEO)]).await,
        wire.customer("Dan", &[("EMAIL", MAILBOX)]).await,
    ];
    let (mut mails, mut known) = (vec![], vec![]);
    for (number, &reader) in readers.iter().enumerate() {
        mails.push(wire.send(reader, "EMAIL", "MARKETING").await.0);
        wire.app.until(reader, |types| count(types, "MessageSent") == 1).await;
        let letter = wire.sendgrid.taken().pop().expect("SendGrid took it");
        assert!(letter.mail_id().ends_with("@shop.example>"), "{}", letter.mail_id());
        known.push(names(&wire, &letter, number).await);
    }
    let Ok(known) = <[Names; 3]>::try_from(known) else { panic!("three mails") };
    wire.app.visible(wire.app.head().await).await;
    let hook = format!("{PUBLIC}/webhooks/sendgrid/main");
    for (number, case) in CASES.iter().enumerate() {
        let headers = format!("Message-ID: <m{number}@mail.example.org>\n{}", (case.headers)(&known));
        let mail_in = SendgridDouble::inbound(&hook, case.from, &(case.to)(&known), case.what, &headers);
        assert!(wire.call(&mail_in).await.is_success(), "{}", case.what);
    }
    wire.app.visible(wire.app.head().await).await;
    let query = "query { conversations(first: 10) { totalCount nodes { messages(first: 50) \
        { nodes { body direction inReplyTo customerId } } } } }";
    let data = wire.agent.data(query, json!({})).await;
    // Ada, Cleo, Dan, Bob and Eve: one conversation each.
    assert_eq!(data["conversations"]["totalCount"], 5);
    let conversations = data["conversations"]["nodes"].as_array().expect("conversations");
    let messages: Vec<_> = conversations
        .iter()
        .flat_map(|conversation| conversation["messages"]["nodes"].as_array().into_iter().flatten())
        .collect();
    for case in CASES {
        let found: Vec<_> = messages
            .iter()
            .filter(|message| message["body"].as_str().is_some_and(|body| body.trim_end() == case.what))
            .collect();
        let [message] = found[..] else { panic!("{}: {data:#}", case.what) };
        let expected = case.answers.map(|reader| mails[reader as usize].as_str());
        assert_eq!(message["inReplyTo"].as_str(), expected, "{}", case.what);
        let writer = readers.iter().position(|id| message["customerId"] == format!("Customer:{id}"));
        assert_eq!(writer, case.writer.map(|reader| reader as usize), "{}", case.what);
    }
    wire.app.finish().await;
}

on_each_engine! {
    replies_are_threaded_by_token_headers_and_contact_and_never_by_subject
}
