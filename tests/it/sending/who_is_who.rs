//! Who writes and who is written to, as providers spell them: one person stays one, a number stays the number it is, and a
//! sender who has none is still a sender.

use commlog::clock::Ambient;
use serde_json::{Value, json};

use super::story::{PUBLIC, Wire, count};
use crate::support::app::Engine;
use crate::support::doubles::sendgrid::SendgridDouble;
use crate::support::doubles::twilio::TwilioDouble;

fn sid() -> String {
    format!("SM{}", Ambient::system().uuid().simple())
}

/// A text to our number.
async fn text(wire: &Wire, from: &str, body: &str) {
    let signed = TwilioDouble::inbound(&format!("{PUBLIC}/webhooks/twilio/main"), &sid(), from, body, &[]);
    assert!(wire.call(&signed).await.is_success(), "{from}: {body}");
}

/// A mail to one of our mailboxes.
async fn mail(wire: &Wire, from: &str, to: &str, headers: &str, text: &str) {
    let signed = SendgridDouble::inbound(&format!("{PUBLIC}/webhooks/sendgrid/main"), from, to, text, headers);
    assert!(wire.call(&signed).await.is_success(), "{from}: {text}");
}

/// Everybody who wrote, with what they wrote, oldest first.
async fn conversations(wire: &Wire) -> Vec<(String, Vec<String>)> {
    wire.app.visible(wire.app.head().await).await;
    let query =
        "{ conversations(first: 50) { nodes { customerId messages(first: 20) { nodes { direction body } } } } }";
    let data = wire.agent.data(query, json!({})).await;
    let nodes = data["conversations"]["nodes"].as_array().expect("nodes").clone();
    let mut all: Vec<_> = nodes
        .iter()
        .map(|node| {
            let messages = node["messages"]["nodes"].as_array().expect("nodes");
            let inbound = messages.iter().filter(|message| message["direction"] == "INBOUND");
            let bodies = inbound.map(|message| message["body"].as_str().expect("a text").to_owned()).collect();
            (node["customerId"].as_str().expect("an id").to_owned(), bodies)
        })
        .collect();
    all.sort();
    all
}

async fn customers(wire: &Wire) -> Vec<Value> {
    wire.app.visible(wire.app.head().await).await;
    let query = "{ customers(first: 50) { nodes { id name anonymous addresses { kind address addressId } } } }";
    wire.agent.data(query, json!({})).await["customers"]["nodes"].as_array().expect("nodes").clone()
}

/// The address under which a customer is registered with a mailbox or number; the refusal's field and message otherwise.
async fn registered(wire: &Wire, kind: &str, address: &str) -> Result<String, String> {
    let mutation = "mutation($input: CustomerInput!) { registerCustomer(input: $input) \
        { customerId refusal { message field } } }";
    let input = json!({ "name": "N", "addresses": [{ "kind": kind, "address": address }] });
    let data = wire.agent.data(mutation, json!({ "input": input })).await;
    let answer = &data["registerCustomer"];
    if let Some(message) = answer["refusal"]["message"].as_str() {
        return Err(message.to_owned());
    }
    wire.app.visible(wire.app.head().await).await;
    let query = "query($id: ID!) { customer(id: $id) { addresses { addressId } } }";
    let data = wire.agent.data(query, json!({ "id": answer["customerId"] })).await;
    Ok(data["customer"]["addresses"][0]["addressId"].as_str().expect("an address").to_owned())
}

async fn networks_spell_a_mobile_number_their_own_way(engine: Engine) {
    let wire = Wire::start(engine).await;
    let people = [
        ("Ximena", "+525512345678", "+5215512345678", "STOP"),
        ("Bruna", "+5511981234567", "+551181234567", "SAIR"),
        ("Amparo", "+541123456789", "+5491123456789", "BAJA"),
    ];
    for (name, registered, spelled, stop) in people {
        let id = wire.customer(name, &[("PHONE", registered)]).await;
        text(&wire, spelled, "hola").await;
        text(&wire, spelled, stop).await;
        assert_eq!(
            wire.app.until(id, |types| count(types, "MessageReceived") == 2).await.last().unwrap(),
            "ConsentChanged"
        );
        let (_, rule) = wire.send(id, "SMS", "TRANSACTIONAL").await;
        assert_eq!(rule.as_deref(), Some("suppressed_address"), "{name}");
    }
    assert_eq!(customers(&wire).await.len(), 3, "nobody was registered beside them");
    wire.app.finish().await;
}

async fn a_sender_without_a_number_is_still_a_sender(engine: Engine) {
    let wire = Wire::start(engine).await;
    let senders = ["22395", "AMAZON", "+266696687", "Anonymous", "+22507080910", "MyBank24"];
    for sender in senders {
        text(&wire, sender, &format!("from {sender}")).await;
        text(&wire, sender, "once more").await;
    }
    let mailboxes = ["hana..ko@docomo.ne.jp", "taro.@ezweb.ne.jp", "\"ha..na\"@docomo.ne.jp"];
    for mailbox in mailboxes {
        mail(&wire, mailbox, "hello@reply.shop.example", "Subject: Hi\n", &format!("from {mailbox}")).await;
    }
    let all = conversations(&wire).await;
    assert_eq!(all.len(), senders.len() + mailboxes.len(), "{all:#?}");
    for sender in senders {
        let told = vec!["once more".to_owned(), format!("from {sender}")];
        let found = all.iter().filter(|(_, bodies)| {
            let mut bodies = bodies.clone();
            bodies.sort_by_key(|body| body.starts_with("from"));
            bodies == told
        });
        assert_eq!(found.count(), 1, "{sender}: {all:#?}");
    }
    wire.app.finish().await;
}

async fn a_mailbox_answers_in_another_case_and_is_the_same(engine: Engine) {
    let wire = Wire::start(engine).await;
    let anna = wire.customer("Anna", &[("EMAIL", "Anna.Case@Example.net")]).await;
    let (sent, _) = wire.send(anna, "EMAIL", "MARKETING").await;
    wire.app.until(anna, |types| count(types, "MessageSent") == 1).await;
    let letter = wire.sendgrid.taken().pop().expect("SendGrid took it");
    assert_eq!(letter.to, "Anna.Case@example.net", "the spelling of her mailbox is kept for sending");
    let reply_to = letter.request["reply_to"]["email"].as_str().expect("an address for replies").to_owned();
    let headers = format!("Subject: Re: A new vintage\nIn-Reply-To: {}\n", letter.mail_id());
    mail(&wire, "Anna <anna.case@EXAMPLE.net>", &reply_to, &headers, "Two, please").await;
    assert_eq!(wire.message(&sent).await["state"], "REPLIED");
    assert_eq!(customers(&wire).await.len(), 1);

    // What she says of her mailbox holds for whoever has it in whatever case.
    let at = Ambient::system().now().timestamp();
    let unsubscribed = letter.event("unsubscribe", "u1", at, json!({}));
    let hook = format!("{PUBLIC}/webhooks/sendgrid/main");
    assert!(wire.call(&wire.sendgrid.events(&hook, &[unsubscribed])).await.is_success());
    let again = wire.customer("A. Case", &[("EMAIL", "ANNA.CASE@example.NET")]).await;
    assert!(wire.send(again, "EMAIL", "MARKETING").await.1.is_some(), "the mailbox opted out");
    wire.app.finish().await;
}

async fn two_senders_of_one_message_id_wrote_two_mails(engine: Engine) {
    let wire = Wire::start(engine).await;
    let headers = "Subject: Hi\nMessage-ID: <same@mailer.example>\n";
    for _ in 0..2 {
        mail(&wire, "nora@x.example", "hello@reply.shop.example", headers, "from Nora").await;
        mail(&wire, "ilya@x.example", "hello@reply.shop.example", headers, "from Ilya").await;
    }
    let mut bodies: Vec<_> = conversations(&wire).await.into_iter().map(|(_, bodies)| bodies).collect();
    bodies.sort();
    assert_eq!(bodies, [["from Ilya"], ["from Nora"]], "each once, however often it is handed over");
    wire.app.finish().await;
}

async fn a_number_with_its_country_code_stays_that_number_in_every_region(engine: Engine) {
    let wire = Wire::start(engine).await;
    let policy =
        "mutation($region: String!) { updatePolicy(changes: { defaultRegion: $region }) { refusal { message } } }";
    let numbers = [
        ("US", ["+4915220337000", "+8619380615850", "+60142631212", "+431252691868"]),
        ("GB", ["+390394023218", "+33142685300", "+5511981234567", "+39335123456"]),
    ];
    for (region, numbers) in numbers {
        let data = wire.agent.data(policy, json!({ "region": region })).await;
        assert!(data["updatePolicy"]["refusal"].is_null(), "{data:#}");
        for number in numbers {
            text(&wire, number, &format!("from {number}")).await;
            let all = customers(&wire).await;
            let writer = all.iter().find(|customer| customer["addresses"][0]["address"] == *number);
            let writer = writer.unwrap_or_else(|| panic!("{number} in {region}: {all:#?}"));
            let id = writer["id"].as_str().and_then(|id| id.strip_prefix("Customer:")?.parse().ok()).expect("an id");
            wire.send(id, "SMS", "TRANSACTIONAL").await;
            wire.app.until(id, |types| count(types, "MessageSent") == 1).await;
            let answer = wire.twilio.taken().pop().expect("Twilio took it");
            assert_eq!(answer.field("To"), Some(number), "the answer goes to who wrote");
        }
    }
    wire.app.finish().await;
}

async fn pasted_spellings_of_a_mailbox_are_one_and_what_reaches_nobody_is_refused(engine: Engine) {
    let wire = Wire::start(engine).await;
    let plain = registered(&wire, "EMAIL", "nora@x.example").await.expect("a mailbox");
    let spellings = [
        "NORA@X.example",
        "\u{200b}nora@x.example",
        "no\u{200b}ra@x.example",
        "no\u{ad}ra@x.example",
        "nora@x.example\u{200b}",
        "\u{feff}nora@x.example",
        "\u{202a}nora@x.example\u{202c}",
        "\u{a0}nora@x.example",
        "mailto:nora@x.example",
        "<nora@x.example>",
        "“nora@x.example”",
        "(nora@x.example)",
        "'nora@x.example'",
    ];
    for spelling in spellings {
        assert_eq!(registered(&wire, "EMAIL", spelling).await.as_deref(), Ok(plain.as_str()), "{spelling:?}");
    }
    let nobody = [
        "(anna)@example.com",
        "[anna]@example.com",
        "anna:x@example.com",
        "anna@exa%6dple.com",
        "test(comment)test@iana.org",
        "anna@",
        "@example.com",
        "anna@@example.com",
    ];
    for spelling in nobody {
        let refusal = registered(&wire, "EMAIL", spelling).await.expect_err(spelling);
        assert!(!refusal.is_empty(), "{spelling:?}");
    }
    wire.app.finish().await;
}

/// STOP as people write it, in the languages of the providers' lists, each from a number of its own.
async fn a_stop_is_heeded_in_whatever_dress_and_never_taken_from_a_sentence(engine: Engine) {
    let wire = Wire::start(engine).await;
    let stops = [
        "STOP",
        "stop.",
        "\"STOP\"",
        "“Stop”",
        "*STOP*",
        "(stop)",
        "«STOP»",
        "STOP 🛑",
        "Stop 🙏🏽",
        "¡BAJA!",
        "Opt‑out",
        "stop-all",
        "-stop",
        "STOP>",
        "STOP\n\nSent from my iPhone",
        "Stop, thank you",
        "please stop",
        "stop pls!",
        "ARRÊTER",
        "СТОП",
        "停止",
        "退订",
        "해지",
        "הסר",
        "ALTO",
        "SLUTA",
        "WYPISZ",
        "İPTAL",
    ];
    let sentences =
        ["don't stop", "the end", "cancel my order", "Please stop by tomorrow", "cancel, thank you", "stop. music"];
    for (number, body) in stops.iter().chain(&sentences).enumerate() {
        let from = format!("+4474005550{number:02}");
        let id = wire.customer(body, &[("PHONE", &from)]).await;
        text(&wire, &from, body).await;
        let (_, rule) = wire.send(id, "SMS", "TRANSACTIONAL").await;
        let is_stop = number < stops.len();
        assert_eq!(rule.as_deref() == Some("suppressed_address"), is_stop, "{body:?}: {rule:?}");
    }
    wire.app.finish().await;
}

on_each_engine! {
    networks_spell_a_mobile_number_their_own_way
    a_sender_without_a_number_is_still_a_sender
    a_mailbox_answers_in_another_case_and_is_the_same
    two_senders_of_one_message_id_wrote_two_mails
    a_number_with_its_country_code_stays_that_number_in_every_region
    pasted_spellings_of_a_mailbox_are_one_and_what_reaches_nobody_is_refused
    a_stop_is_heeded_in_whatever_dress_and_never_taken_from_a_sentence
}
