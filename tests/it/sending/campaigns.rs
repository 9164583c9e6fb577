//! Campaigns through the whole: planned over GraphQL, tried, run, paused, and what providers and customers got of them.

use std::collections::BTreeMap;

use commlog::domain::tenant::event::Role;
use commlog::ids::CustomerId;
use commlog::log::{Category, Personal, ReadLimit, StreamId};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::story::Wire;
use crate::support::app::Engine;

const CAMPAIGN: &str = "query($id: ID!) { campaign(campaignId: $id) { name state cause reason templates { code version } \
    progress { audienceChosen recipients decided queued held suppressed excluded suppressedBy { rule recipients } } \
    excluded(first: 200) { totalCount nodes { customerId reason } } metrics { totals { variant queued suppressed sent } } } }";
pub(super) const CREATE: &str = "mutation($input: CampaignInput!) { createCampaign(input: $input) \
    { campaignId campaign { state } refusal { code field message } } }";
pub(super) const START: &str = "mutation($id: ID!, $everybody: Boolean!) { startCampaign(campaignId: $id, everybody: $everybody) \
    { campaign { state startAt } refusal { code field message } } }";
pub(super) const DRY_RUN: &str = "query($id: ID!) { dryRunCampaign(campaignId: $id) \
    { dryRun { audience queued held suppressed excluded segments outcomes { outcome customers } } refusal { code message } } }";

impl Wire {
    /// A published template with a text for SMS and one for mail.
    pub(super) async fn text(&self, code: &str, words: &str) {
        let save = "mutation($input: TemplateInput!) { saveTemplate(input: $input) { refusal { message } } }";
        let page = format!(
            "<p>{words}, {{{{ customer_name }}}}</p><p><a href=\"{{{{ unsubscribe_url }}}}\">Unsubscribe</a></p>"
        );
        let input = json!({ "code": code, "title": code, "class": "MARKETING", "defaultLocale": "en", "contents": [
            { "locale": "en", "texts": { "email": { "subject": words, "markup": "HTML", "source": page } } },
            { "locale": "en", "texts": { "sms": { "body": format!("{words}, {{{{ customer_name }}}}") } } },
        ] });
        let saved = self.agent.data(save, json!({ "input": input })).await;
        assert!(saved["saveTemplate"]["refusal"].is_null(), "{saved:#}");
        let publish = "mutation($code: String!) { publishTemplate(code: $code) { refusal { message } } }";
        let published = self.agent.data(publish, json!({ "code": code })).await;
        assert!(published["publishTemplate"]["refusal"].is_null(), "{published:#}");
    }

    pub(super) async fn list_of(&self, name: &str, members: &[CustomerId]) -> String {
        let create = "mutation($name: String!) { createList(name: $name) { listId refusal { message } } }";
        let made = self.agent.data(create, json!({ "name": name })).await;
        let id = made["createList"]["listId"].as_str().unwrap_or_else(|| panic!("{made:#}")).to_owned();
        let add = "mutation($id: ID!, $who: [ID!]!) { addListMembers(listId: $id, customerIds: $who) { refusal { message } } }";
        for some in members.chunks(1_000) {
            let who: Vec<String> = some.iter().map(ToString::to_string).collect();
            let added = self.agent.data(add, json!({ "id": id, "who": who })).await;
            assert!(added["addListMembers"]["refusal"].is_null(), "{added:#}");
        }
        id
    }

    pub(super) async fn consents(&self, customer: CustomerId, state: &str) {
        let mutation = "mutation($id: ID!, $state: ConsentState!) { setConsent(input: { customerId: $id, channel: EMAIL, \
            topic: \"news\", state: $state, method: \"form\" }) { refusal { message } } }";
        let answer = self.agent.data(mutation, json!({ "id": customer.to_string(), "state": state })).await;
        assert!(answer["setConsent"]["refusal"].is_null(), "{answer:#}");
    }

    pub(super) async fn create(&self, input: Value) -> String {
        let made = self.agent.data(CREATE, json!({ "input": input })).await["createCampaign"].take();
        assert!(made["refusal"].is_null(), "{made:#}");
        assert_eq!(made["campaign"]["state"], "DRAFT");
        made["campaignId"].as_str().expect("an id").to_owned()
    }

    pub(super) async fn begin(&self, id: &str) {
        let started = self.agent.data(START, json!({ "id": id, "everybody": false })).await["startCampaign"].take();
        assert!(started["refusal"].is_null(), "{started:#}");
    }

    /// A campaign, with all that is recorded.
    pub(super) async fn campaign(&self, id: &str) -> Value {
        self.app.visible(self.app.head().await).await;
        self.agent.data(CAMPAIGN, json!({ "id": id })).await["campaign"].take()
    }

    /// Waits until a campaign meets a condition.
    pub(super) async fn campaign_until(&self, id: &str, met: impl Fn(&Value) -> bool) -> Value {
        let mut grown = self.app.stores().journal.backend().watch();
        loop {
            grown.mark_unchanged();
            let campaign = self.campaign(id).await;
            if met(&campaign) {
                return campaign;
            }
            grown.changed().await.expect("the log is open");
        }
    }

    /// How many mails each mailbox got, once so many were taken.
    pub(super) async fn mails(&self, campaign: &str, sent: u64) -> BTreeMap<String, usize> {
        let metrics = |campaign: &Value| {
            let totals = campaign["metrics"]["totals"].as_array().cloned().unwrap_or_default();
            totals.iter().filter_map(|row| row["sent"].as_u64()).sum::<u64>()
        };
        self.campaign_until(campaign, |campaign| metrics(campaign) == sent).await;
        let mut mails = BTreeMap::new();
        for letter in self.sendgrid.taken() {
            *mails.entry(letter.to).or_default() += 1;
        }
        mails
    }
}

pub(super) fn mail_to(lists: &[&str]) -> Value {
    json!({ "name": "Spring", "channel": "EMAIL", "topic": "news", "template": "spring",
        "audience": { "lists": lists }, "rate": { "messages": 0, "per": "SECOND" } })
}

/// The outcomes of a dry run, and of the run itself, in one form.
pub(super) fn outcomes_of_run(campaign: &Value) -> BTreeMap<String, i64> {
    let progress = &campaign["progress"];
    let mut all = BTreeMap::new();
    for name in ["queued", "held"] {
        all.insert(name.to_owned(), progress[name].as_i64().expect("a number"));
    }
    for row in progress["suppressedBy"].as_array().expect("rows") {
        all.insert(row["rule"].as_str().expect("a rule").to_owned(), row["recipients"].as_i64().expect("a number"));
    }
    for node in campaign["excluded"]["nodes"].as_array().expect("nodes") {
        *all.entry(node["reason"].as_str().expect("a reason").to_owned()).or_default() += 1;
    }
    all.retain(|_, customers| *customers > 0);
    all
}

pub(super) fn outcomes_of_dry_run(run: &Value) -> BTreeMap<String, i64> {
    let outcomes = run["outcomes"].as_array().expect("outcomes");
    outcomes
        .iter()
        .map(|row| (row["outcome"].as_str().expect("a name").to_owned(), row["customers"].as_i64().expect("a number")))
        .collect()
}

async fn everybody_gets_it_once_and_the_dry_run_says_who(engine: Engine) {
    let wire = Wire::start(engine).await;
    wire.text("spring", "Spring is here").await;
    let mut members = Vec::new();
    for number in 0..12 {
        let mailbox = format!("person{number}@example.org");
        members.push(wire.customer(&format!("Person {number}"), &[("EMAIL", &mailbox)]).await);
    }
    // The same mailbox in another spelling, at another customer.
    members.push(wire.customer("A second", &[("EMAIL", "PERSON0@EXAMPLE.ORG")]).await);
    let nowhere = wire.customer("No mailbox", &[("PHONE", "+447400123457")]).await;
    members.push(nowhere);
    wire.consents(members[1], "OPTED_OUT").await;
    let named = wire.list_of("Named", &members).await;
    // Overlaps with the first list.
    let also = wire.list_of("Also", &members[3..6]).await;
    let staff = wire.list_of("Staff", &members[2..4]).await;
    let mut input = mail_to(&[&named, &also]);
    input["audience"]["exclude"] = json!([staff]);
    let id = wire.create(input).await;

    let dry = wire.agent.data(DRY_RUN, json!({ "id": id })).await["dryRunCampaign"]["dryRun"].take();
    assert_eq!((&dry["audience"], &dry["queued"]), (&json!(14), &json!(9)), "{dry:#}");
    assert!(wire.sendgrid.taken().is_empty(), "a dry run sends nothing");

    wire.begin(&id).await;
    let campaign = wire.campaign_until(&id, |campaign| campaign["state"] == "COMPLETED").await;
    assert_eq!(outcomes_of_run(&campaign), outcomes_of_dry_run(&dry), "{campaign:#}");
    let expected = [("queued", 9), ("consent", 1), ("unknown_address", 1), ("list", 2), ("duplicate_address", 1)];
    let expected: BTreeMap<_, _> = expected.map(|(name, count)| (name.to_owned(), count)).into();
    assert_eq!(outcomes_of_run(&campaign), expected);
    assert_eq!(campaign["templates"], json!([{ "code": "spring", "version": 1 }]));

    let mails = wire.mails(&id, 9).await;
    assert_eq!(mails.len(), 9, "{mails:?}");
    assert!(mails.values().all(|count| *count == 1), "{mails:?}");
    assert!(
        ["person1@example.org", "person2@example.org", "person3@example.org"].iter().all(|to| !mails.contains_key(*to))
    );

    let compared = wire.app.reads().check(|_| {}).await.expect("tables are compared");
    assert!(compared.iter().all(|table| table.difference.is_none()), "{compared:?}");
    wire.app.finish().await;
}

async fn a_hold_out_gets_nothing_and_variants_get_their_texts(engine: Engine) {
    let wire = Wire::start(engine).await;
    wire.text("spring", "Spring is here").await;
    wire.text("short", "Spring").await;
    let mut members = Vec::new();
    for number in 0..40 {
        let mailbox = format!("person{number}@example.org");
        members.push(wire.customer(&format!("Person {number}"), &[("EMAIL", &mailbox)]).await);
    }
    let list = wire.list_of("All", &members).await;
    let mut input = mail_to(&[&list]);
    input["experiment"] = json!({ "holdOut": 2500, "variants": [
        { "name": "long", "share": 5000 }, { "name": "short", "share": 5000, "template": "short" },
    ] });
    let id = wire.create(input).await;
    let dry = wire.agent.data(DRY_RUN, json!({ "id": id })).await["dryRunCampaign"]["dryRun"].take();
    wire.begin(&id).await;
    let campaign = wire.campaign_until(&id, |campaign| campaign["state"] == "COMPLETED").await;
    assert_eq!(outcomes_of_run(&campaign), outcomes_of_dry_run(&dry));
    let held_out = outcomes_of_run(&campaign)["hold_out"];
    assert!((1..30).contains(&held_out), "{held_out} of 40");
    let sent = 40 - u64::try_from(held_out).expect("a number");
    wire.mails(&id, sent).await;
    let campaign = wire.campaign(&id).await;
    let by_variant = |name: &str| {
        let totals = campaign["metrics"]["totals"].as_array().expect("totals");
        totals.iter().find(|row| row["variant"] == name).and_then(|row| row["sent"].as_u64()).unwrap_or_default()
    };
    let subjects = |subject: &str| {
        wire.sendgrid.taken().iter().filter(|letter| letter.request["subject"] == subject).count() as u64
    };
    assert_eq!((by_variant("long"), by_variant("short")), (subjects("Spring is here"), subjects("Spring")));
    assert_eq!(by_variant("long") + by_variant("short"), sent);
    assert!(by_variant("long") > 0 && by_variant("short") > 0);
    wire.app.finish().await;
}

async fn values_of_the_campaign_stand_in_its_texts_and_what_is_missing_is_said_before(engine: Engine) {
    let wire = Wire::start(engine).await;
    wire.text("spring", "{{ offer }} for you").await;
    let ada = wire.ada().await;
    let list = wire.list_of("Ada", &[ada]).await;
    let id = wire.create(mail_to(&[&list])).await;
    let query =
        "query($id: ID!) { dryRunCampaign(campaignId: $id) { dryRun { queued outcomes { outcome refusal } } } }";
    let dry = wire.agent.data(query, json!({ "id": id })).await["dryRunCampaign"]["dryRun"].take();
    let outcome = &dry["outcomes"][0];
    assert_eq!((&dry["queued"], &outcome["outcome"]), (&json!(0), &json!("TEMPLATE_VALUE_MISSING")), "{dry:#}");
    assert!(outcome["refusal"].as_str().is_some_and(|said| said.contains("offer")), "{dry:#}");
    let mut input = mail_to(&[&list]);
    input["variables"] = json!({ "offer": "Wine" });
    let update = "mutation($id: ID!, $input: CampaignInput!) { updateCampaign(campaignId: $id, input: $input) \
        { campaign { plan { variables } } refusal { code message } } }";
    let updated = wire.agent.data(update, json!({ "id": id, "input": input })).await["updateCampaign"].take();
    assert_eq!(updated["campaign"]["plan"]["variables"], json!({ "offer": "Wine" }), "{updated:#}");
    wire.begin(&id).await;
    wire.mails(&id, 1).await;
    assert_eq!(wire.sendgrid.taken().pop().expect("a mail").request["subject"], "Wine for you");
    wire.app.finish().await;
}

async fn a_mail_is_made_when_it_is_sent_and_shown_as_it_was(engine: Engine) {
    let wire = Wire::start(engine).await;
    wire.text("spring", "{{ offer }} for you").await;
    let ada = wire.ada().await;
    let list = wire.list_of("Ada", &[ada]).await;
    let mut input = mail_to(&[&list]);
    input["variables"] = json!({ "offer": "Wine" });
    let id = wire.create(input).await;
    wire.begin(&id).await;
    wire.mails(&id, 1).await;
    let letter = wire.sendgrid.taken().pop().expect("a mail");
    let content = |number: usize| letter.request["content"][number]["value"].as_str().expect("a text").to_owned();
    assert!(content(0).contains("Wine for you, Ada Lovelace"), "{}", content(0));

    // The log keeps the template, its values and the hash of what was sent, and no page.
    let stream = StreamId::new(wire.app.tenant, Category::Customer, ada.0);
    let events =
        wire.app.stores().journal.read_stream(stream, 0, ReadLimit::events(100)).await.expect("the log answers");
    let event = |name: &str| events.iter().find(|event| event.envelope.event_type == name).expect("is recorded");
    let Personal::Clear(kept) = &event("MessageQueued").personal else { panic!("is not readable") };
    let kept: Value = serde_json::from_slice(kept).expect("JSON");
    let expected = (&json!("Wine for you"), &json!(""), &json!({ "offer": "Wine" }), &Value::Null);
    assert_eq!((&kept["subject"], &kept["body"], &kept["variables"], &kept["html"]), expected);
    let started: Value = serde_json::from_slice(&event("DispatchStarted").data).expect("JSON");
    let mut hash = Sha256::new();
    for part in ["Wine for you".to_owned(), content(0), content(1)] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    assert_eq!(started["content_hash"], hex::encode(hash.finalize()));

    let query = "query($id: ID!) { messages(filter: { campaignId: $id }) { nodes { subject body preview html \
        template { code version } } } }";
    let shown = wire.agent.data(query, json!({ "id": id })).await["messages"]["nodes"][0].take();
    assert_eq!(shown["html"], content(1), "{shown:#}");
    assert_eq!(
        (&shown["subject"], &shown["body"], &shown["preview"]),
        (&json!("Wine for you"), &Value::Null, &json!("Wine for you"))
    );
    assert_eq!(shown["template"], json!({ "code": "spring", "version": 1 }));
    wire.app.finish().await;
}

async fn what_a_campaign_changed_is_told_beside_those_who_were_held_out(engine: Engine) {
    let wire = Wire::start(engine).await;
    wire.text("spring", "Spring is here").await;
    let mut members = Vec::new();
    for number in 0..24 {
        let mailbox = format!("person{number}@example.org");
        members.push(wire.customer(&format!("Person {number}"), &[("EMAIL", &mailbox)]).await);
    }
    let list = wire.list_of("All", &members).await;
    let mut input = mail_to(&[&list]);
    input["experiment"] = json!({ "holdOut": 5000, "variants": [{ "name": "mail", "share": 10_000 }] });
    let id = wire.create(input).await;
    wire.begin(&id).await;
    let campaign = wire.campaign_until(&id, |campaign| campaign["state"] == "COMPLETED").await;
    let excluded = campaign["excluded"]["nodes"].as_array().expect("nodes");
    let held_out: Vec<&str> = excluded.iter().filter_map(|node| node["customerId"].as_str()).collect();
    assert!((1..24).contains(&held_out.len()), "{held_out:?}");
    // Everybody who got the mail orders for 10, one of the others for 4; one takes 3 back; one ordered before.
    let record = "mutation($input: ActivityInput!) { recordActivity(input: $input) { refusal { message } } }";
    let order = async |customer: &str, micros: i64, at: Option<&str>| {
        let input = json!({ "customerId": customer, "kind": "ORDER", "amountMicros": micros.to_string(),
            "currency": "EUR", "occurredAt": at });
        let done = wire.agent.data(record, json!({ "input": input })).await;
        assert!(done["recordActivity"]["refusal"].is_null(), "{done:#}");
    };
    let mailed: Vec<String> =
        members.iter().map(|id| format!("Customer:{id}")).filter(|id| !held_out.contains(&id.as_str())).collect();
    for customer in &mailed {
        order(customer, 10_000_000, None).await;
    }
    order(held_out[0], 4_000_000, None).await;
    order(&mailed[0], -3_000_000, None).await;
    order(held_out[held_out.len() - 1], 99_000_000, Some("2026-01-01T00:00:00Z")).await;
    wire.app.visible(wire.app.head().await).await;
    let query = "query($id: ID!) { campaign(campaignId: $id) { effects(metric: ORDERED) { verdict { winner } \
        groups { variant customers successes ordered revenue { micros currency } revenuePerCustomer \
        effect { difference lift pValue revenueDifference revenueInterval { low high } } } } } }";
    let effects = wire.agent.data(query, json!({ "id": id })).await["campaign"]["effects"].take();
    let (sent, out) = (mailed.len() as f64, held_out.len() as f64);
    let [group, base] = &effects["groups"].as_array().expect("groups")[..] else { panic!("{effects:#}") };
    assert_eq!((&group["variant"], &group["customers"]), (&json!("mail"), &json!(mailed.len())), "{effects:#}");
    assert_eq!(
        (&base["variant"], &base["customers"], &base["ordered"]),
        (&Value::Null, &json!(held_out.len()), &json!(1))
    );
    let revenue = mailed.len() as i64 * 10_000_000 - 3_000_000;
    assert_eq!(group["revenue"], json!({ "micros": revenue.to_string(), "currency": "EUR" }));
    let near = |value: &Value, expected: f64| {
        let value = value.as_f64().unwrap_or_else(|| panic!("{effects:#}"));
        assert!((value - expected).abs() <= expected.abs() * 1e-9, "{value} is not {expected}");
    };
    near(&group["effect"]["difference"], 1.0 - 1.0 / out);
    near(&group["effect"]["lift"], out - 1.0);
    near(&group["effect"]["revenueDifference"], revenue as f64 / sent - 4_000_000.0 / out);
    assert!(effects["verdict"].is_null(), "one variant is beaten by none");
    wire.app.finish().await;
}

async fn a_paused_campaign_stops_and_goes_on_where_it_stopped_also_after_a_restart(engine: Engine) {
    let wire = Wire::start(engine).await;
    wire.text("spring", "Spring is here").await;
    let mut members = Vec::new();
    for number in 0..30 {
        let mailbox = format!("person{number}@example.org");
        members.push(wire.customer(&format!("Person {number}"), &[("EMAIL", &mailbox)]).await);
    }
    let list = wire.list_of("All", &members).await;
    let mut input = mail_to(&[&list]);
    input["rate"] = json!({ "messages": 20, "per": "SECOND", "burst": 2 });
    let id = wire.create(input).await;
    wire.begin(&id).await;
    wire.campaign_until(&id, |campaign| campaign["metrics"]["totals"][0]["queued"].as_u64() >= Some(4)).await;
    let pause =
        "mutation($id: ID!) { pauseCampaign(campaignId: $id, reason: \"a wrong price\") { refusal { message } } }";
    let paused = wire.agent.data(pause, json!({ "id": id })).await;
    assert!(paused["pauseCampaign"]["refusal"].is_null(), "{paused:#}");

    // Started again, it stays paused.
    let app = wire.app.restart().await;
    let agent = app.actor(Role::Admin).await;
    let wire = Wire { app, agent, ..wire };
    let before = wire.campaign(&id).await;
    assert_eq!((&before["state"], &before["reason"]), (&json!("PAUSED"), &json!("a wrong price")));
    let queued = |campaign: &Value| campaign["metrics"]["totals"][0]["queued"].as_u64().expect("a number");
    assert!(queued(&before) < 30, "{before:#}");

    let resume = "mutation($id: ID!) { resumeCampaign(campaignId: $id) { campaign { state } refusal { message } } }";
    let resumed = wire.agent.data(resume, json!({ "id": id })).await;
    assert_eq!(resumed["resumeCampaign"]["campaign"]["state"], "RUNNING", "{resumed:#}");
    let faster = "mutation($id: ID!) { setCampaignRate(campaignId: $id, rate: { messages: 0, per: SECOND }) \
        { campaign { plan { rate { messages } } } refusal { message } } }";
    let faster = wire.agent.data(faster, json!({ "id": id })).await;
    assert_eq!(faster["setCampaignRate"]["campaign"]["plan"]["rate"]["messages"], 0, "{faster:#}");
    let campaign = wire.campaign_until(&id, |campaign| campaign["state"] == "COMPLETED").await;
    assert_eq!(outcomes_of_run(&campaign), BTreeMap::from([("queued".to_owned(), 30)]), "{campaign:#}");
    let mails = wire.mails(&id, 30).await;
    assert_eq!((mails.len(), mails.values().sum::<usize>()), (30, 30), "{mails:?}");
    wire.app.finish().await;
}

async fn a_cancelled_campaign_does_not_start_and_a_spread_one_waits(engine: Engine) {
    let wire = Wire::start(engine).await;
    wire.text("spring", "Spring is here").await;
    let ada = wire.ada().await;
    let list = wire.list_of("Ada", &[ada]).await;
    let mut input = mail_to(&[&list]);
    input["start"] = json!({ "localTime": { "date": "2199-01-01", "time": "09:00:00" } });
    let id = wire.create(input.clone()).await;
    wire.begin(&id).await;
    let scheduled = wire.campaign(&id).await;
    assert_eq!(scheduled["state"], "SCHEDULED");
    let cancel =
        "mutation($id: ID!) { cancelCampaign(campaignId: $id, reason: \"no wine left\") { refusal { code } } }";
    let cancelled = wire.agent.data(cancel, json!({ "id": id })).await;
    assert!(cancelled["cancelCampaign"]["refusal"].is_null(), "{cancelled:#}");
    let again = wire.agent.data(START, json!({ "id": id, "everybody": false })).await;
    assert_eq!(again["startCampaign"]["refusal"]["code"], "CAMPAIGN_STARTED", "{again:#}");
    assert_eq!(wire.campaign(&id).await["reason"], "no wine left");

    // Within seven days, at a moment of the recipient's own.
    let spread = json!({ "spreadMinutes": 10_080, "rate": { "messages": 0, "per": "SECOND" } });
    for (name, value) in spread.as_object().expect("fields") {
        input[name] = value.clone();
    }
    input.as_object_mut().expect("fields").remove("start");
    let id = wire.create(input).await;
    wire.begin(&id).await;
    let campaign = wire.campaign_until(&id, |campaign| campaign["progress"]["decided"] == 1).await;
    assert_eq!(campaign["progress"]["held"], 1, "{campaign:#}");
    assert!(wire.sendgrid.taken().is_empty());
    wire.app.finish().await;
}

async fn what_cannot_run_is_refused_with_the_reason(engine: Engine) {
    let wire = Wire::start(engine).await;
    wire.text("spring", "Spring is here").await;
    let ada = wire.ada().await;
    let list = wire.list_of("Ada", &[ada]).await;
    let empty = wire.list_of("Nobody", &[]).await;
    let with = |name: &str, value: Value| {
        let mut input = mail_to(&[&list]);
        input[name] = value;
        input
    };
    let variants = |shares: [u32; 2]| json!({ "variants": [{ "name": "a", "share": shares[0] }, { "name": "b", "share": shares[1] }] });
    let refused = [
        (with("name", json!(" ")), "INVALID_INPUT", "name"),
        (with("channel", json!("PUSH")), "INVALID_INPUT", "channel"),
        (with("topic", json!("two words")), "INVALID_INPUT", "topic"),
        (with("audience", json!({})), "INVALID_INPUT", "audience.lists"),
        (with("audience", json!({ "everybody": true, "lists": [list] })), "INVALID_INPUT", "audience.lists"),
        (with("audience", json!({ "lists": [list], "exclude": [list] })), "INVALID_INPUT", "audience.exclude"),
        (
            with("audience", json!({ "lists": ["List:00000000-0000-7000-8000-0000000000aa"] })),
            "LIST_UNKNOWN",
            "audience",
        ),
        (with("experiment", variants([5000, 5100])), "INVALID_INPUT", "experiment.variants"),
        (
            with("experiment", json!({ "variants": [{ "name": "a", "share": 10_000 }] })),
            "INVALID_INPUT",
            "experiment.variants",
        ),
        (with("spreadMinutes", json!(10_081)), "INVALID_INPUT", "schedule"),
        (with("thresholds", json!({ "complaints": 10_001 })), "INVALID_INPUT", "thresholds"),
        (with("start", json!({ "at": "1999-01-01T00:00:00Z" })), "INVALID_INPUT", "schedule"),
    ];
    for (input, code, field) in refused {
        let answer = wire.agent.data(CREATE, json!({ "input": input })).await["createCampaign"].take();
        assert_eq!(
            (&answer["refusal"]["code"], &answer["refusal"]["field"]),
            (&json!(code), &json!(field)),
            "{answer:#}"
        );
    }
    let unstartable = [
        (with("template", json!("nothing")), "TEMPLATE_UNKNOWN"),
        (with("version", json!(7)), "TEMPLATE_VERSION_UNKNOWN"),
        (with("audience", json!({ "lists": [empty] })), "AUDIENCE_EMPTY"),
        (with("audience", json!({ "everybody": true })), "CAMPAIGN_TO_EVERYBODY"),
        (with("start", json!({ "at": "2026-01-01T00:00:00Z" })), "INVALID_INPUT"),
    ];
    for (input, code) in unstartable {
        let id = wire.create(input).await;
        let answer = wire.agent.data(START, json!({ "id": id, "everybody": false })).await["startCampaign"].take();
        assert_eq!(answer["refusal"]["code"], code, "{answer:#}");
        assert_eq!(wire.campaign(&id).await["state"], "DRAFT");
    }
    let nobody = wire
        .agent
        .data(START, json!({ "id": "Campaign:00000000-0000-7000-8000-0000000000aa", "everybody": false }))
        .await;
    assert_eq!(nobody["startCampaign"]["refusal"]["code"], "CAMPAIGN_UNKNOWN");
    // Who plans campaigns may not start them without the permission to send.
    let marketer = wire.app.actor(Role::Marketer).await;
    let id = wire.create(mail_to(&[&list])).await;
    assert_eq!(marketer.error(START, json!({ "id": id, "everybody": false })).await, "FORBIDDEN");
    let events =
        wire.app.stores().journal.backend().read_all(commlog::ids::Position::START, ReadLimit::events(10_000)).await;
    let types = events.expect("the log answers").into_iter().map(|event| event.envelope.event_type);
    assert_eq!(types.filter(|name| name == "CampaignStarted").count(), 0);
    wire.app.finish().await;
}

on_each_engine! {
    everybody_gets_it_once_and_the_dry_run_says_who
    a_hold_out_gets_nothing_and_variants_get_their_texts
    values_of_the_campaign_stand_in_its_texts_and_what_is_missing_is_said_before
    a_mail_is_made_when_it_is_sent_and_shown_as_it_was
    what_a_campaign_changed_is_told_beside_those_who_were_held_out
    a_paused_campaign_stops_and_goes_on_where_it_stopped_also_after_a_restart
    a_cancelled_campaign_does_not_start_and_a_spread_one_waits
    what_cannot_run_is_refused_with_the_reason
}
