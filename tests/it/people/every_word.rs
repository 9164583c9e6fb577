//! Of every request that was taken, each word can be read again from the log or the blob store.

use commlog::app::Caller;
use commlog::clock::Ambient;
use commlog::ids::{AttachmentId, CustomerId, Position};
use commlog::log::{Personal, ReadLimit};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use super::mailroom::Mailroom;
use crate::sending::story::{MAILBOX, PHONE, PUBLIC};
use crate::support::app::Engine;
use crate::support::doubles::Signed;
use crate::support::doubles::sendgrid::{SendgridDouble, SendgridMail};
use crate::support::doubles::twilio::TwilioDouble;

/// What a request is made of; each word becomes one that no other request has.
#[derive(Debug, Clone)]
struct Shape {
    kind: u8,
    from: usize,
    machine: usize,
    /// Which of the fields it has.
    fields: u16,
    files: usize,
    padding: usize,
}

fn shapes() -> impl Strategy<Value = Shape> {
    let padding = prop_oneof![3 => Just(0_usize), 1 => 60_000..140_000_usize];
    let files = prop_oneof![4 => 0..3_usize, 1 => 19..24_usize];
    (0..4_u8, 0..5_usize, 0..4_usize, any::<u16>(), files, padding)
        .prop_map(|(kind, from, machine, fields, files, padding)| Shape { kind, from, machine, fields, files, padding })
}

const MACHINES: [&str; 4] = [
    "",
    "Auto-Submitted: auto-replied\r\n",
    "Subject: Undelivered Mail\r\nReturn-Path: <>\r\n",
    "List-Id: <l.example>\r\n",
];

/// Hands out words, and remembers them.
struct Words(Vec<String>);

impl Words {
    fn next(&mut self) -> String {
        self.0.push(format!("zq{}qz", self.0.len()));
        self.0[self.0.len() - 1].clone()
    }
}

impl Shape {
    fn has(&self, bit: u16) -> bool {
        self.fields & (1 << bit) != 0
    }

    fn request(&self, words: &mut Words, room: &Mailroom, letter: &SendgridMail) -> Signed {
        match self.kind {
            0 => self.form(words),
            1 => self.mail(words),
            2 => self.text(words),
            _ => self.event(words, room, letter),
        }
    }

    fn form(&self, words: &mut Words) -> Signed {
        let from =
            ["ada@example.org", "Nora <nora@bricks.example>", "nobody", "", "MAILER-DAEMON@mx.example"][self.from];
        let from = format!("{from} {}", if self.from == 2 { words.next() } else { String::new() });
        let headers = format!("{}X-Word: {}\r\n", MACHINES[self.machine], words.next());
        let mut fields: Vec<(&str, String)> = vec![("headers", headers), ("from", from.trim().to_owned())];
        let names =
            ["to", "cc", "subject", "text", "html", "spam_report", "sender_ip", "x-field-of-tomorrow", "text", "SPF"];
        for (bit, name) in (0..).zip(names) {
            if self.has(bit) {
                let padding = if name == "text" { "pad ".repeat(self.padding / 4) } else { String::new() };
                fields.push((name, format!("{padding}{}", words.next())));
            }
        }
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let mut signed = SendgridDouble::form(&Mailroom::hook(), &fields);
        let mut files = String::new();
        for number in 1..=self.files {
            let (name, content) = (words.next(), words.next());
            files.push_str(&format!(
                "--xYzZY\r\nContent-Disposition: form-data; name=\"attachment{number}\"; filename=\"{name}.txt\"\r\n\
                 Content-Type: text/plain\r\n\r\n{content}\r\n"
            ));
        }
        let body = String::from_utf8(signed.body.to_vec()).expect("a text").replace("--xYzZY--\r\n", &files);
        signed.body = format!("{body}--xYzZY--\r\n").into();
        signed
    }

    fn mail(&self, words: &mut Words) -> Signed {
        let from = ["ada@example.org", "nora@bricks.example", "nobody", "", "MAILER-DAEMON@mx.example"][self.from];
        let mut mail = format!("From: {from}\r\n{}X-Word: {}\r\n", MACHINES[self.machine], words.next());
        mail.push_str("Content-Type: multipart/mixed; boundary=m\r\n\r\npreamble\r\n");
        let types = [
            "text/plain",
            "text/html",
            "message/rfc822",
            "application/pdf",
            "text/calendar",
            "message/delivery-status",
        ];
        for (bit, kind) in (0..).zip(types) {
            if self.has(bit) {
                let padding = "pad ".repeat(self.padding / 4);
                mail.push_str(&format!("--m\r\nContent-Type: {kind}\r\n\r\n{padding}{}\r\n", words.next()));
            }
        }
        mail.push_str(&format!("--m--\r\n{}\r\n", words.next()));
        SendgridDouble::raw(&Mailroom::hook(), from, "hello@reply.shop.example", &mail)
    }

    fn text(&self, words: &mut Words) -> Signed {
        let from = [PHONE, &format!("whatsapp:{PHONE}"), "messenger:12345", "62226", "SHOP"][self.from].to_owned();
        let names = ["ProfileName", "Latitude", "Address", "FromCity", "FieldOfTomorrow", "Label", "ButtonText"];
        let more: Vec<_> =
            (0..).zip(names).filter(|(bit, _)| self.has(*bit)).map(|(_, name)| (name, words.next())).collect();
        let more: Vec<_> = more.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let id = format!("SM{:0>32}", words.0.len());
        let body = format!("{}{}", "pad ".repeat(self.padding / 400), words.next());
        TwilioDouble::inbound(&format!("{PUBLIC}/webhooks/twilio/main"), &id, &from, &body, &more)
    }

    fn event(&self, words: &mut Words, room: &Mailroom, letter: &SendgridMail) -> Signed {
        let kind = ["delivered", "open", "vaporised", "deferred", "group_resubscribe"][self.from];
        let mut more = json!({ "response": words.next(), "field_of_tomorrow": words.next() });
        more["padding"] = Value::from("pad ".repeat(self.padding / 4 * usize::from(self.has(0))));
        let at = Ambient::system().now().timestamp();
        let mut event = letter.event(kind, &words.next(), at, more);
        if self.has(1) {
            event["commlog_token"] = json!(words.next());
            event["sg_message_id"] = json!(words.next());
        }
        room.wire.sendgrid.events(&Mailroom::hook(), &[event])
    }
}

/// All that the log and the blob store hold, as text.
async fn everything(room: &Mailroom) -> String {
    let stores = room.wire.app.stores();
    let caller = Caller::new(room.wire.app.tenant, "test");
    let events = stores.journal.read_all(Position::START, ReadLimit::events(100_000)).await.expect("the log answers");
    let mut all = String::new();
    for event in events {
        all.push_str(&String::from_utf8_lossy(&event.data));
        if let Personal::Clear(personal) = &event.personal {
            all.push_str(&String::from_utf8_lossy(personal));
        }
        let data: Value = serde_json::from_slice(&event.data).expect("JSON");
        let text = |name: &str| data[name].as_str().expect("a text").to_owned();
        match event.envelope.event_type.as_str() {
            "MessageAttached" => {
                let id = AttachmentId(text("attachment_id").parse().expect("an id"));
                let customer = CustomerId(event.envelope.stream.key);
                if let Some(file) = stores.app.read_file(&caller, customer, id).await.expect("the store answers") {
                    all.push_str(&String::from_utf8_lossy(&file.whole().await.expect("the file is read")));
                }
            }
            "CallbackKept" => {
                let (provider, account) = (text("provider"), text("account"));
                let content = stores.app.kept_content(&caller, &provider, &account, event.envelope.version).await;
                let content = content.expect("the log answers").expect("the callback is kept");
                all.push_str(&String::from_utf8_lossy(&content.body));
            }
            _ => {}
        }
    }
    all
}

async fn every_word_of_what_was_taken_can_be_read_again(engine: Engine) {
    let room = Mailroom::open(engine).await;
    let (_, _, letter) = room.ada_with_mail().await;
    assert_eq!(letter.to, MAILBOX);
    let mut runner = TestRunner::deterministic();
    let mut words = Words(vec![]);
    let mut taken = vec![];
    for _ in 0..60 {
        let shape = shapes().new_tree(&mut runner).expect("a shape").current();
        let first = words.0.len();
        room.take(&shape.request(&mut words, &room, &letter)).await;
        taken.push((shape, first..words.0.len()));
    }
    let all = everything(&room).await;
    for (shape, range) in taken {
        let lost: Vec<_> = words.0[range].iter().filter(|word| !all.contains(word.as_str())).collect();
        assert!(lost.is_empty(), "{lost:?} of {shape:?}");
    }
    room.wire.app.finish().await;
}

on_each_engine! {
    every_word_of_what_was_taken_can_be_read_again
}
