//! What somebody wrote is kept as it came and as it was understood, whatever its form.

use serde_json::json;

use super::mailroom::{Mailroom, reply_to};
use crate::sending::story::{MAILBOX, PHONE, PUBLIC, count};
use crate::support::app::Engine;
use crate::support::doubles::sendgrid::SendgridDouble;
use crate::support::doubles::twilio::TwilioDouble;

const TO: &str = "hello@reply.shop.example";

async fn a_mail_of_html_alone_has_its_words_and_its_html(engine: Engine) {
    let room = Mailroom::open(engine).await;
    let html =
        "<html><style>p { color: red }</style><body><p>Please <b>cancel</b> my order &amp; call.</p></body></html>";
    let envelope = format!("{{\"to\":[\"{TO}\"],\"from\":\"{MAILBOX}\"}}");
    let form = |id: &str, text: Option<&'static str>| {
        let headers = format!("Message-ID: <{id}@mail.example>\n");
        let fields =
            [("headers", headers.as_str()), ("from", MAILBOX), ("to", TO), ("html", html), ("envelope", &envelope)];
        let fields: Vec<_> = fields.into_iter().chain(text.map(|text| ("text", text))).collect();
        SendgridDouble::form(&Mailroom::hook(), &fields)
    };
    room.take(&form("h1", None)).await;
    room.take(&form("h2", Some("\r\n"))).await;
    let mail = format!(
        "From: {MAILBOX}\r\nMessage-ID: <h3@mail.example>\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{html}\r\n"
    );
    room.take(&SendgridDouble::raw(&Mailroom::hook(), MAILBOX, TO, &mail)).await;
    let received = room.received().await;
    assert_eq!(received.len(), 3);
    for message in received {
        let body = message["body"].as_str().expect("a text");
        assert!(body.contains("Please cancel my order & call.") && !body.contains("color"), "{body}");
        assert_eq!(message["received"]["isTextOfHtml"], true);
        assert!(message["received"]["html"].as_str().is_some_and(|kept| kept.trim() == html), "{message:#}");
    }
    room.wire.app.finish().await;
}

async fn the_name_copies_and_checks_of_a_mail_are_kept_with_its_ids_and_the_form_itself(engine: Engine) {
    let room = Mailroom::open(engine).await;
    let envelope = format!("{{\"to\":[\"{TO}\",\"sales@reply.shop.example\"],\"from\":\"nora@bricks.example\"}}");
    let fields = [
        ("headers", "Message-ID: <c1@bricks.example>\nX-Odd: kept too\n"),
        ("from", "\"Varga, Nora\" <nora@bricks.example>"),
        ("to", TO),
        ("cc", "Ilya <ilya@bricks.example>, \"Boss, The\" <boss@bricks.example>"),
        ("text", "Forty bricks, please."),
        ("envelope", &envelope),
        ("SPF", "softfail"),
        ("dkim", "{@bricks.example : pass}"),
        ("spam_score", "1.25"),
        ("x-field-of-tomorrow", "unheard of"),
    ];
    room.take(&SendgridDouble::form(&Mailroom::hook(), &fields)).await;
    let message = room.only().await;
    let received = &message["received"];
    assert_eq!(received["senderName"], "Varga, Nora");
    assert_eq!(received["cc"], json!(["Ilya <ilya@bricks.example>", "\"Boss, The\" <boss@bricks.example>"]));
    assert_eq!(received["receivers"], json!([TO, "sales@reply.shop.example"]));
    assert_eq!(received["mailId"], "<c1@bricks.example>");
    let checks = [&received["spf"], &received["dkim"], &received["spamScore"]];
    assert_eq!(checks, ["softfail", "{@bricks.example : pass}", "1.25"]);
    assert_eq!(message["account"], "main");
    assert!(message["providerMessageId"].as_str().is_some_and(|id| id.contains("<c1@bricks.example>")), "{message:#}");
    let (_, personal) = room.events("MessageReceived").await.remove(0);
    let original: serde_json::Value = serde_json::from_str(personal["raw"].as_str().expect("the form")).expect("JSON");
    for (name, value) in fields {
        assert_eq!(original[name], value, "{name}");
    }
    // A customer that is registered by a mail has the name that the mail gives.
    let query = "{ customers(first: 5) { nodes { name } } }";
    assert_eq!(room.wire.agent.data(query, json!({})).await["customers"]["nodes"], json!([{ "name": "Varga, Nora" }]));
    room.wire.app.finish().await;
}

async fn a_mail_that_is_too_long_is_marked_as_cut_and_kept_whole_as_a_file(engine: Engine) {
    let room = Mailroom::open(engine).await;
    room.wire.ada().await;
    let text = format!("{}the last words", "word ".repeat(21_000));
    room.take(&SendgridDouble::inbound(&Mailroom::hook(), MAILBOX, TO, &text, "Message-ID: <l1@mail.example>\n")).await;
    let message = room.only().await;
    assert_eq!(message["received"]["isCut"], true);
    assert_eq!(message["body"].as_str().map(|body| body.chars().count()), Some(100_000));
    assert_eq!(message["attachments"][0]["name"], "original.txt");
    assert!(message["attachments"][0]["size"].as_u64().is_some_and(|size| size > 105_000), "{message:#}");
    room.wire.app.finish().await;
}

async fn a_location_a_profile_and_fields_unknown_to_us_are_kept(engine: Engine) {
    let room = Mailroom::open(engine).await;
    let hook = format!("{PUBLIC}/webhooks/twilio/main");
    let more = [
        ("ProfileName", "Ana Lima"),
        ("Latitude", "-23.5505"),
        ("Longitude", "-46.6333"),
        ("Address", "Praça da Sé"),
        ("Label", "Catedral"),
        ("FieldOfTomorrow", "unheard of"),
    ];
    let id = "SMcccccccccccccccccccccccccccccc01";
    room.take(&TwilioDouble::inbound(&hook, id, &format!("whatsapp:{PHONE}"), "", &more)).await;
    let message = room.only().await;
    assert_eq!((&message["providerMessageId"], &message["account"]), (&json!(id), &json!("main")));
    assert_eq!(message["received"]["senderName"], "Ana Lima");
    let place =
        json!({ "latitude": "-23.5505", "longitude": "-46.6333", "address": "Praça da Sé", "label": "Catedral" });
    assert_eq!(message["received"]["location"], place);
    assert!(message["body"].as_str().is_some_and(|body| body.contains("Catedral") && body.contains("-23.5505")));
    let (_, personal) = room.events("MessageReceived").await.remove(0);
    assert!(personal["raw"].as_str().is_some_and(|raw| raw.contains("FieldOfTomorrow=unheard+of")), "{personal:#}");
    room.wire.app.finish().await;
}

async fn a_text_that_looks_like_base64_stays_as_it_was_written(engine: Engine) {
    let room = Mailroom::open(engine).await;
    let hook = format!("{PUBLIC}/webhooks/twilio/main");
    for (number, text) in
        ["VGhpcyBpcyBteSBzZWNyZXQgdG9rZW4sIGtlZXAgaXQ=", "aGVsbG8=", "Zm9vIGJhcg"].into_iter().enumerate()
    {
        let id = format!("SMcccccccccccccccccccccccccccccc1{number}");
        room.take(&TwilioDouble::inbound(&hook, &id, PHONE, text, &[])).await;
        assert_eq!(room.received().await[number]["body"], text);
    }
    room.wire.app.finish().await;
}

async fn a_reply_without_a_subject_gets_that_of_the_mail_that_it_answers(engine: Engine) {
    let room = Mailroom::open(engine).await;
    let ada = room.wire.ada().await;
    let cases = [("Opening hours", "Re: Opening hours"), ("RE: your offer", "RE: your offer"), ("Aw: x", "Re: Aw: x")];
    for (number, (subject, expected)) in cases.into_iter().enumerate() {
        let id = format!("<s{number}@mail.example>");
        let envelope = format!("{{\"to\":[\"{TO}\"],\"from\":\"{MAILBOX}\"}}");
        let headers = format!("Message-ID: {id}\n");
        let fields = [
            ("headers", headers.as_str()),
            ("from", MAILBOX),
            ("to", TO),
            ("subject", subject),
            ("text", subject),
            ("envelope", &envelope),
        ];
        room.take(&SendgridDouble::form(&Mailroom::hook(), &fields)).await;
        let answered = room.received().await.pop().expect("a mail")["id"].take();
        let mutation =
            "mutation($input: SendMessageInput!) { sendMessage(input: $input) { messageId refusal { code field } } }";
        let input = json!({
            "customerId": ada.to_string(), "channel": "EMAIL", "class": "TRANSACTIONAL", "topic": "service",
            "body": "At nine.", "inReplyTo": answered,
        });
        let sent = room.wire.agent.data(mutation, json!({ "input": input })).await;
        assert!(sent["sendMessage"]["refusal"].is_null(), "{sent:#}");
        room.wire.app.until(ada, |types| count(types, "MessageSent") == number + 1).await;
        let mail = room.wire.sendgrid.taken().pop().expect("SendGrid took it");
        assert_eq!(mail.request["subject"], expected);
        assert!(reply_to(&mail).ends_with("@reply.shop.example"));
    }
    room.wire.app.finish().await;
}

on_each_engine! {
    a_mail_of_html_alone_has_its_words_and_its_html
    the_name_copies_and_checks_of_a_mail_are_kept_with_its_ids_and_the_form_itself
    a_mail_that_is_too_long_is_marked_as_cut_and_kept_whole_as_a_file
    a_location_a_profile_and_fields_unknown_to_us_are_kept
    a_text_that_looks_like_base64_stays_as_it_was_written
    a_reply_without_a_subject_gets_that_of_the_mail_that_it_answers
}
