//! Plans of campaigns that take their time: tests and winners, occurrences, best hours, approval, budgets, opt-outs meanwhile.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Timelike as _, Utc};
use commlog::domain::tenant::event::Role;
use commlog::ids::{CustomerId, Position};
use commlog::log::ReadLimit;
use futures::StreamExt as _;
use serde_json::{Value, json};

use super::campaigns::{DRY_RUN, START, mail_to, outcomes_of_dry_run, outcomes_of_run};
use super::story::{PUBLIC, Wire};
use crate::support::app::Engine;
use crate::support::times;

const WINNER: &str = "query($id: ID!) { campaign(campaignId: $id) { state cause reason winner { variant chosenBy pValue \
    tested { variant customers successes } } metrics { totals { variant queued } } } }";
const OCCURRENCES: &str = "query { campaigns(first: 20) { nodes { id name state startAt missed series { id } \
    progress { queued } } } }";

impl Wire {
    async fn people(&self, count: usize) -> Vec<CustomerId> {
        let person = |number| async move {
            let mailbox = format!("person{number}@example.org");
            self.customer(&format!("Person {number}"), &[("EMAIL", &mailbox)]).await
        };
        futures::stream::iter(0..count).map(person).buffered(8).collect().await
    }

    async fn winner(&self, id: &str) -> Value {
        self.app.visible(self.app.head().await).await;
        self.agent.data(WINNER, json!({ "id": id })).await["campaign"].take()
    }

    /// Everybody who got a variant orders.
    async fn order(&self, campaign: &str, variant: &str) -> usize {
        let query =
            "query($id: ID!) { messages(first: 200, filter: { campaignId: $id }) { nodes { variant customerId } } }";
        let shown = self.agent.data(query, json!({ "id": campaign })).await["messages"]["nodes"].take();
        let record = "mutation($input: ActivityInput!) { recordActivity(input: $input) { refusal { message } } }";
        let got = shown.as_array().expect("messages").iter().filter(|message| message["variant"] == variant);
        let order = |message: &Value| {
            let input = json!({ "customerId": message["customerId"], "kind": "ORDER", "amountMicros": "5000000",
                "currency": "EUR" });
            async move {
                let done = self.agent.data(record, json!({ "input": input })).await;
                assert!(done["recordActivity"]["refusal"].is_null(), "{done:#}");
            }
        };
        futures::stream::iter(got).map(order).buffered(8).count().await
    }

    async fn occurrences(&self) -> Vec<Value> {
        self.app.visible(self.app.head().await).await;
        let shown = self.agent.data(OCCURRENCES, json!({})).await["campaigns"]["nodes"].take();
        shown.as_array().expect("campaigns").clone()
    }

    /// Waits until the campaigns meet a condition.
    async fn occurrences_until(&self, met: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        let mut grown = self.app.stores().journal.backend().watch();
        loop {
            grown.mark_unchanged();
            let found = self.occurrences().await;
            if met(&found) {
                return found;
            }
            grown.changed().await.expect("the log is open");
        }
    }
}

fn tested_on_most(list: &str, undecided: &str) -> Value {
    let mut input = mail_to(&[list]);
    input["experiment"] = json!({ "variants": [{ "name": "long", "share": 5000 },
        { "name": "short", "share": 5000, "template": "short" }],
        "winner": { "test": 8000, "metric": "ORDERED", "waitMinutes": 60, "undecided": undecided } });
    input
}

async fn the_rest_gets_the_variant_that_won_among_a_part(engine: Engine) {
    let wire = Wire::start(engine).await;
    wire.text("spring", "Spring is here").await;
    wire.text("short", "Spring").await;
    let list = wire.list_of("All", &wire.people(180).await).await;
    let id = wire.create(tested_on_most(&list, "ASK")).await;
    let dry = wire.agent.data(DRY_RUN, json!({ "id": id })).await["dryRunCampaign"]["dryRun"].take();
    wire.begin(&id).await;
    let chosen = |campaign: &Value| campaign["progress"]["audienceChosen"] == true;
    wire.campaign_until(&id, chosen).await;
    let decided = |campaign: &Value| campaign["progress"]["decided"].as_i64().expect("a number");
    let tested = wire.campaign_until(&id, |campaign| decided(campaign) > 0).await;
    let in_test = decided(&tested);
    assert!((110..175).contains(&in_test), "{in_test} of 180 are in the test");
    assert_eq!(tested["progress"]["recipients"], 180);
    let ordered = wire.order(&id, "short").await;
    assert!(ordered >= 10, "{ordered} got the short one");

    // Nothing more goes out before the hour is over; then the better one goes to the rest.
    let waiting = wire.winner(&id).await;
    assert_eq!((&waiting["state"], &waiting["winner"]), (&json!("RUNNING"), &Value::Null), "{waiting:#}");
    wire.app.advance(TimeDelta::minutes(61));
    let campaign = wire.campaign_until(&id, |campaign| campaign["state"] == "COMPLETED").await;
    assert_eq!(outcomes_of_run(&campaign), outcomes_of_dry_run(&dry));
    let found = wire.winner(&id).await;
    let winner = &found["winner"];
    assert_eq!((&winner["variant"], &winner["chosenBy"]), (&json!("short"), &json!("TEST")), "{found:#}");
    assert!(winner["pValue"].as_f64().is_some_and(|p| p < 0.05), "{found:#}");
    let long = in_test - i64::try_from(ordered).expect("a number");
    let expected = json!([{ "variant": "long", "customers": long, "successes": 0 },
        { "variant": "short", "customers": ordered, "successes": ordered }]);
    assert_eq!(winner["tested"], expected);
    let totals = json!([{ "variant": "long", "queued": long }, { "variant": "short", "queued": 180 - long }]);
    assert_eq!(found["metrics"]["totals"], totals);
    let mails = wire.mails(&id, 180).await;
    assert_eq!((mails.len(), mails.values().sum::<usize>()), (180, 180));
    let compared = wire.app.reads().check(|_| {}).await.expect("tables are compared");
    assert!(compared.iter().all(|table| table.difference.is_none()), "{compared:?}");
    wire.app.finish().await;
}

async fn a_winner_that_is_chosen_while_the_test_waits_goes_to_the_rest(engine: Engine) {
    let wire = Wire::start(engine).await;
    wire.text("spring", "Spring is here").await;
    wire.text("short", "Spring").await;
    let list = wire.list_of("All", &wire.people(40).await).await;
    let id = wire.create(tested_on_most(&list, "LEADER")).await;
    wire.begin(&id).await;
    let tested = wire.campaign_until(&id, |campaign| campaign["progress"]["decided"].as_i64() > Some(0)).await;
    let rest = 40 - tested["progress"]["decided"].as_i64().expect("a number");
    let of = |campaign: &Value, name: &str| {
        let totals = campaign["metrics"]["totals"].as_array().expect("totals");
        totals.iter().find(|row| row["variant"] == name).and_then(|row| row["queued"].as_i64()).unwrap_or_default()
    };
    let before = of(&tested, "short");
    let choose =
        "mutation($id: ID!) { chooseCampaignWinner(campaignId: $id, variant: \"short\") { refusal { code } } }";
    let chosen = wire.agent.data(choose, json!({ "id": id })).await;
    assert!(chosen["chooseCampaignWinner"]["refusal"].is_null(), "{chosen:#}");
    let done = wire.campaign_until(&id, |campaign| campaign["state"] == "COMPLETED").await;
    assert_eq!(of(&done, "short"), before + rest);
    wire.app.finish().await;
}

async fn where_chance_may_decide_a_colleague_is_asked(engine: Engine) {
    let wire = Wire::start(engine).await;
    wire.text("spring", "Spring is here").await;
    wire.text("short", "Spring").await;
    let list = wire.list_of("All", &wire.people(16).await).await;
    let id = wire.create(tested_on_most(&list, "ASK")).await;
    wire.begin(&id).await;
    wire.campaign_until(&id, |campaign| campaign["progress"]["decided"].as_i64() > Some(0)).await;
    wire.app.advance(TimeDelta::minutes(61));
    let paused = wire.campaign_until(&id, |campaign| campaign["state"] == "PAUSED").await;
    assert_eq!(paused["cause"], "winner");
    assert!(paused["reason"].as_str().is_some_and(|reason| reason.contains("too few to tell")), "{paused:#}");
    let resume = "mutation($id: ID!) { resumeCampaign(campaignId: $id) { refusal { code } } }";
    let refused = wire.agent.data(resume, json!({ "id": id })).await;
    assert_eq!(refused["resumeCampaign"]["refusal"]["code"], "WINNER_UNKNOWN");
    let choose = "mutation($id: ID!, $variant: String!) { chooseCampaignWinner(campaignId: $id, variant: $variant) \
        { campaign { winner { variant chosenBy } } refusal { code field } } }";
    let unknown = wire.agent.data(choose, json!({ "id": id, "variant": "none" })).await["chooseCampaignWinner"].take();
    assert_eq!(unknown["refusal"], json!({ "code": "INVALID_INPUT", "field": "variant" }));
    let chosen = wire.agent.data(choose, json!({ "id": id, "variant": "long" })).await["chooseCampaignWinner"].take();
    assert_eq!(chosen["campaign"]["winner"], json!({ "variant": "long", "chosenBy": "COLLEAGUE" }), "{chosen:#}");
    let resumed = wire.agent.data(resume, json!({ "id": id })).await;
    assert!(resumed["resumeCampaign"]["refusal"].is_null(), "{resumed:#}");
    let done = wire.campaign_until(&id, |campaign| campaign["state"] == "COMPLETED").await;
    assert_eq!(outcomes_of_run(&done), BTreeMap::from([("queued".to_owned(), 16)]));
    wire.app.finish().await;
}

async fn a_recurring_campaign_goes_out_again_and_again(engine: Engine) {
    let wire = Wire::start(engine).await;
    wire.text("spring", "Spring is here").await;
    let list = wire.list_of("All", &wire.people(3).await).await;
    let mut input = mail_to(&[&list]);
    // Every hour, from the next full one on.
    input["start"] = json!({ "recurring": { "cron": "0 * * * *", "zone": "Europe/Berlin" } });
    let id = wire.create(input.clone()).await;
    wire.begin(&id).await;
    let series = |all: &[Value]| all.iter().find(|one| one["series"].is_null()).cloned().expect("the series");
    let starts =
        |all: &[Value]| -> DateTime<Utc> { series(all)["startAt"].as_str().expect("a time").parse().expect("a time") };
    let first = starts(&wire.occurrences().await);
    assert_eq!((first.minute(), first.second()), (0, 0));
    let sent = |all: &[Value], count: usize| {
        let of_series = all.iter().filter(|one| one["series"]["id"] == json!(id) && one["state"] == "COMPLETED");
        of_series.count() == count && series(all)["state"] == "SCHEDULED"
    };
    wire.app.advance(first - wire.app.now() + TimeDelta::seconds(1));
    let once = wire.occurrences_until(|all| sent(all, 1)).await;
    assert_eq!(starts(&once), first + TimeDelta::hours(1));
    let occurrence = once.iter().find(|one| !one["series"].is_null()).expect("an occurrence");
    assert_eq!(occurrence["progress"]["queued"], 3);
    assert!(occurrence["name"].as_str().is_some_and(|name| name.starts_with("Spring, 20")), "{occurrence:#}");
    // Nobody was there for some hours: what was missed is not made up for.
    wire.app.advance(TimeDelta::hours(4));
    let later = wire.occurrences_until(|all| starts(all) > first + TimeDelta::hours(4)).await;
    let missed = series(&later)["missed"].as_i64().expect("a number");
    assert!((2..=3).contains(&missed), "{later:#?}");
    let ended = later.iter().filter(|one| !one["series"].is_null()).count();
    assert!((1..=2).contains(&ended), "{later:#?}");

    input["start"] = json!({ "recurring": { "cron": "0 9 30 2 *", "zone": "Europe/Berlin" } });
    let create = super::campaigns::CREATE;
    let never = wire.agent.data(create, json!({ "input": input })).await["createCampaign"]["refusal"].take();
    assert_eq!((&never["code"], &never["field"]), (&json!("INVALID_INPUT"), &json!("schedule")));
    wire.app.finish().await;
}

async fn each_is_written_to_at_the_hour_at_which_they_read(engine: Engine) {
    let wire = Wire::start(engine).await;
    wire.text("spring", "Spring is here").await;
    let people = wire.people(2).await;
    // The first one opened a mail in this hour, in UTC, the tenant's zone; of the other nothing is known.
    wire.send(people[0], "EMAIL", "TRANSACTIONAL").await;
    wire.app.until(people[0], |types| types.iter().any(|name| name == "MessageSent")).await;
    let letter = wire.sendgrid.taken().pop().expect("SendGrid took it");
    let opened = json!({ "useragent": "Mozilla/5.0 (Windows NT 10.0)", "ip": "203.0.113.9", "sg_machine_open": false });
    let seen = wire.app.now();
    let event = letter.event("open", "e1", seen.timestamp(), opened);
    assert!(wire.call(&wire.sendgrid.events(&format!("{PUBLIC}/webhooks/sendgrid/main"), &[event])).await.is_success());
    wire.app.until(people[0], |types| types.iter().any(|name| name == "MessageOpened")).await;

    let list = wire.list_of("All", &people).await;
    let day = seen.date_naive() + TimeDelta::days(3);
    let (best, fallback) = (format!("{:02}:00:00", seen.hour()), format!("{:02}:30:00", (seen.hour() + 5) % 24));
    let mut input = mail_to(&[&list]);
    input["start"] = json!({ "bestHour": { "date": day, "fallback": fallback, "observations": 1 } });
    let id = wire.create(input).await;
    wire.begin(&id).await;
    let start_at =
        "query($id: ID!) { campaign(campaignId: $id) { startAt plan { start { localDate localTime observations } } } }";
    let planned = wire.agent.data(start_at, json!({ "id": id })).await["campaign"].take();
    assert_eq!(planned["plan"]["start"], json!({ "localDate": day, "localTime": fallback, "observations": 1 }));
    let starts: DateTime<Utc> = planned["startAt"].as_str().expect("a time").parse().expect("a time");
    wire.app.advance(starts - wire.app.now() + TimeDelta::seconds(1));
    let campaign = wire.campaign_until(&id, |campaign| campaign["state"] == "COMPLETED").await;
    assert_eq!(campaign["progress"]["held"], 2, "{campaign:#}");
    let query = "query($id: ID!) { messages(filter: { campaignId: $id }) { nodes { customerId sendAt } } }";
    let shown = wire.agent.data(query, json!({ "id": id })).await["messages"]["nodes"].take();
    let sent_at: BTreeMap<String, String> = shown
        .as_array()
        .expect("messages")
        .iter()
        .map(|message| {
            let text = |name: &str| message[name].as_str().unwrap_or_else(|| panic!("{message:#}")).to_owned();
            (text("customerId"), text("sendAt"))
        })
        .collect();
    assert_eq!(sent_at[&format!("Customer:{}", people[0])], format!("{day}T{best}+00:00"));
    assert_eq!(sent_at[&format!("Customer:{}", people[1])], format!("{day}T{fallback}+00:00"));

    let stream = commlog::log::StreamId::new(wire.app.tenant, commlog::log::Category::Customer, people[0].0);
    let events = wire.app.stores().journal.read_stream(stream, 0, ReadLimit::events(100)).await.expect("it answers");
    let queued = events.iter().rfind(|event| event.envelope.event_type == "MessageQueued").expect("is queued");
    let data: Value = serde_json::from_slice(&queued.data).expect("JSON");
    let choice = json!({ "kind": "observed", "hour": seen.hour(), "opens": 1, "replies": 0, "observations": 1 });
    assert_eq!(data["timing"]["basis"]["choice"], choice, "{data:#}");
    assert_eq!(data["timing"]["zone"], json!({ "name": "UTC", "of": "tenant" }));
    wire.app.finish().await;
}

async fn who_did_not_open_is_written_to_again(engine: Engine) {
    let wire = Wire::start(engine).await;
    wire.text("spring", "Spring is here").await;
    let people = wire.people(3).await;
    let list = wire.list_of("All", &people[..2]).await;
    let first = wire.create(mail_to(&[&list])).await;
    wire.begin(&first).await;
    wire.mails(&first, 2).await;
    let letter = wire.sendgrid.taken().into_iter().find(|letter| letter.to == "person0@example.org").expect("a mail");
    let opened = json!({ "useragent": "Mozilla/5.0 (Windows NT 10.0)", "ip": "203.0.113.9", "sg_machine_open": false });
    let event = letter.event("open", "e1", wire.app.now().timestamp(), opened);
    assert!(wire.call(&wire.sendgrid.events(&format!("{PUBLIC}/webhooks/sendgrid/main"), &[event])).await.is_success());
    wire.app.until(people[0], |types| types.iter().any(|name| name == "MessageOpened")).await;
    let criteria = json!({ "all": [{ "engagement": { "kind": "SENT", "campaignId": first } },
        { "engagement": { "kind": "OPENED", "campaignId": first, "atMost": 0 } }] });
    let create = "mutation($criteria: ListCriteriaInput!) { createList(name: \"Not opened\", criteria: $criteria) \
        { listId refusal { message field } } }";
    let made = wire.agent.data(create, json!({ "criteria": criteria })).await["createList"].take();
    let quiet = made["listId"].as_str().unwrap_or_else(|| panic!("{made:#}")).to_owned();
    let members = "query($id: ID!) { list(id: $id) { members(first: 9) { nodes { customer { id } } } isEvaluating } }";
    let mut grown = wire.app.stores().journal.backend().watch();
    loop {
        grown.mark_unchanged();
        wire.app.visible(wire.app.head().await).await;
        let shown = wire.agent.data(members, json!({ "id": quiet })).await["list"].take();
        if shown["members"]["nodes"] == json!([{ "customer": { "id": format!("Customer:{}", people[1]) } }]) {
            break;
        }
        grown.changed().await.expect("the log is open");
    }
    let again = wire.create(mail_to(&[&quiet])).await;
    wire.begin(&again).await;
    let done = wire.campaign_until(&again, |campaign| campaign["state"] == "COMPLETED").await;
    assert_eq!(outcomes_of_run(&done), BTreeMap::from([("queued".to_owned(), 1)]));
    wire.app.finish().await;
}

async fn a_campaign_stops_where_its_budget_ends(engine: Engine) {
    let wire = Wire::start(engine).await;
    wire.text("spring", "Spring is here").await;
    let list = wire.list_of("All", &wire.people(6).await).await;
    let mut input = mail_to(&[&list]);
    // Enough for four mails, and not for a fifth.
    input["budget"] = json!({ "micros": "4900", "currency": "EUR", "warnPercent": 50, "priceMicros": "1000" });
    let id = wire.create(input).await;
    wire.begin(&id).await;
    let paused = wire.campaign_until(&id, |campaign| campaign["state"] == "PAUSED").await;
    assert_eq!((&paused["cause"], &paused["progress"]["queued"]), (&json!("budget"), &json!(0)), "{paused:#}");
    let reason = "4000 of 4900 micros EUR are spent or expected";
    assert_eq!((&paused["reason"], &paused["metrics"]["totals"][0]["queued"]), (&json!(reason), &json!(4)));

    let resume = "mutation($id: ID!) { resumeCampaign(campaignId: $id) { refusal { code } } }";
    let refused = wire.agent.data(resume, json!({ "id": id })).await;
    assert_eq!(refused["resumeCampaign"]["refusal"]["code"], "BUDGET_SPENT");
    let raise = "mutation($id: ID!, $budget: BudgetInput) { setCampaignBudget(campaignId: $id, budget: $budget) \
        { campaign { plan { budget { amount { micros currency } warnPercent } } } refusal { code field } } }";
    let wrong = json!({ "id": id, "budget": { "micros": "-1", "currency": "EUR" } });
    let wrong = wire.agent.data(raise, wrong).await["setCampaignBudget"]["refusal"].take();
    assert_eq!(wrong, json!({ "code": "INVALID_INPUT", "field": "budget.micros" }));
    let more = json!({ "micros": "9000", "currency": "EUR", "priceMicros": "1000", "warnPercent": 50 });
    let raised = wire.agent.data(raise, json!({ "id": id, "budget": more })).await["setCampaignBudget"].take();
    let shown = json!({ "amount": { "micros": "9000", "currency": "EUR" }, "warnPercent": 50 });
    assert_eq!(raised["campaign"]["plan"]["budget"], shown, "{raised:#}");
    assert!(wire.agent.data(resume, json!({ "id": id })).await["resumeCampaign"]["refusal"].is_null());
    let done = wire.campaign_until(&id, |campaign| campaign["state"] == "COMPLETED").await;
    assert_eq!(outcomes_of_run(&done), BTreeMap::from([("queued".to_owned(), 6)]));
    let mails = wire.mails(&id, 6).await;
    assert_eq!((mails.len(), mails.values().sum::<usize>()), (6, 6));
    wire.app.finish().await;
}

async fn what_still_waits_when_its_time_has_passed_is_not_sent(engine: Engine) {
    let wire = Wire::start(engine).await;
    wire.text("spring", "Spring is here").await;
    let list = wire.list_of("All", &wire.people(6).await).await;
    let mut input = mail_to(&[&list]);
    // Some wait for their place within a week, and the others for the rate.
    for (name, value) in [("spreadMinutes", json!(10_000)), ("stopAfterMinutes", json!(60))] {
        input[name] = value;
    }
    let held = wire.create(input.clone()).await;
    wire.begin(&held).await;
    wire.campaign_until(&held, |campaign| campaign["state"] == "COMPLETED").await;
    input["spreadMinutes"] = json!(0);
    input["rate"] = json!({ "messages": 1, "per": "HOUR" });
    let slow = wire.create(input).await;
    wire.begin(&slow).await;
    wire.campaign_until(&slow, |campaign| campaign["progress"]["audienceChosen"] == true).await;
    wire.app.advance(TimeDelta::minutes(61));
    let ended = wire.campaign_until(&slow, |campaign| campaign["state"] == "CANCELLED").await;
    assert_eq!(ended["reason"], "the time in which the campaign is sent has passed");
    wire.app.advance(TimeDelta::days(8));
    let cancelled = "query($id: ID!) { messages(filter: { campaignId: $id, states: [CANCELLED] }) { totalCount } }";
    let mut grown = wire.app.stores().journal.backend().watch();
    loop {
        grown.mark_unchanged();
        wire.app.visible(wire.app.head().await).await;
        if wire.agent.data(cancelled, json!({ "id": held })).await["messages"]["totalCount"] == 6 {
            break;
        }
        grown.changed().await.expect("the log is open");
    }
    assert!(wire.sendgrid.taken().len() <= 1, "at most what the rate let go");
    wire.app.finish().await;
}

async fn who_is_not_reached_by_mail_gets_a_text(engine: Engine) {
    let wire = Wire::start(engine).await;
    wire.text("spring", "Spring is here").await;
    let both = wire.customer("Both", &[("EMAIL", "both@example.org"), ("PHONE", "+447400123401")]).await;
    let phone = wire.customer("Phone", &[("PHONE", "+447400123402")]).await;
    let no_mail = wire.customer("No mail", &[("EMAIL", "no@example.org"), ("PHONE", "+447400123403")]).await;
    let nothing = wire.customer("Nothing", &[]).await;
    wire.consents(no_mail, "OPTED_OUT").await;
    let list = wire.list_of("All", &[both, phone, no_mail, nothing]).await;
    let mut input = mail_to(&[&list]);
    input["fallbacks"] = json!([{ "channel": "EMAIL" }]);
    let twice = wire.agent.data(super::campaigns::CREATE, json!({ "input": input })).await["createCampaign"].take();
    assert_eq!(twice["refusal"]["field"], "fallbacks[0].channel", "{twice:#}");
    input["fallbacks"] = json!([{ "channel": "SMS" }]);
    let id = wire.create(input).await;
    let dry = wire.agent.data(DRY_RUN, json!({ "id": id })).await["dryRunCampaign"]["dryRun"].take();
    wire.begin(&id).await;
    let campaign = wire.campaign_until(&id, |campaign| campaign["state"] == "COMPLETED").await;
    assert_eq!(outcomes_of_run(&campaign), outcomes_of_dry_run(&dry));
    let expected = [("queued", 3), ("unknown_address", 1)].map(|(name, count)| (name.to_owned(), count));
    assert_eq!(outcomes_of_run(&campaign), BTreeMap::from(expected));
    wire.mails(&id, 3).await;
    let texts: BTreeSet<String> =
        wire.twilio.taken().iter().filter_map(|text| text.field("To").map(str::to_owned)).collect();
    assert_eq!(texts, BTreeSet::from(["+447400123402".to_owned(), "+447400123403".to_owned()]));
    assert_eq!(wire.sendgrid.taken().len(), 1);
    wire.app.finish().await;
}

async fn a_large_campaign_needs_somebody_else_to_approve_it(engine: Engine) {
    let wire = Wire::start(engine).await;
    wire.text("spring", "Spring is here").await;
    let list = wire.list_of("All", &wire.people(3).await).await;
    let policy = "mutation { updatePolicy(changes: { campaignApprovalFrom: 3 }) { refusal { code } } }";
    let set = wire.agent.data(policy, json!({})).await;
    assert!(set["updatePolicy"]["refusal"].is_null(), "{set:#}");
    let id = wire.create(mail_to(&[&list])).await;
    let start = async || wire.agent.data(START, json!({ "id": id, "everybody": false })).await["startCampaign"].take();
    assert_eq!(start().await["refusal"]["code"], "CAMPAIGN_UNAPPROVED");
    let approve = "mutation($id: ID!) { approveCampaign(campaignId: $id) { campaign { approvedBy { __typename } } \
        refusal { code } } }";
    let own = wire.agent.data(approve, json!({ "id": id })).await["approveCampaign"].take();
    assert_eq!(own["refusal"]["code"], "CAMPAIGN_OWN");
    let other = wire.app.actor(Role::Admin).await;
    let approved = other.data(approve, json!({ "id": id })).await["approveCampaign"].take();
    assert!(approved["refusal"].is_null() && !approved["campaign"]["approvedBy"].is_null(), "{approved:#}");
    assert!(start().await["refusal"].is_null());
    wire.campaign_until(&id, |campaign| campaign["state"] == "COMPLETED").await;
    wire.app.finish().await;
}

/// Half of the recipients opt out, or are struck off by their address in another spelling, while the campaign goes out.
async fn nobody_is_sent_to_after_an_opt_out(engine: Engine) {
    let wire = Wire::start(engine).await;
    wire.text("spring", "Spring is here").await;
    let people = wire.people(times("COMMLOG_CAMPAIGN_OPT_OUTS", 80)).await;
    let list = wire.list_of("All", &people).await;
    let id = wire.create(mail_to(&[&list])).await;
    wire.begin(&id).await;
    let leaving = futures::stream::iter(people.iter().enumerate().rev().step_by(2)).map(|(number, customer)| {
        let wire = &wire;
        async move {
            if number % 4 < 2 {
                wire.consents(*customer, "OPTED_OUT").await;
            } else {
                let suppress = "mutation($address: AddressRefInput!) { suppressAddress(address: $address, \
                    reason: MANUAL) { refusal { message } } }";
                let address = json!({ "text": { "kind": "EMAIL", "address": format!("PERSON{number}@Example.ORG") } });
                let done = wire.agent.data(suppress, json!({ "address": address })).await;
                assert!(done["suppressAddress"]["refusal"].is_null(), "{done:#}");
            }
        }
    });
    leaving.buffer_unordered(8).collect::<Vec<()>>().await;
    wire.campaign_until(&id, |campaign| campaign["state"] == "COMPLETED").await;
    let settled = "query($id: ID!) { messages(first: 1, filter: { campaignId: $id, states: [QUEUED, DISPATCHING] }) { totalCount } }";
    let mut grown = wire.app.stores().journal.backend().watch();
    loop {
        grown.mark_unchanged();
        wire.app.visible(wire.app.head().await).await;
        if wire.agent.data(settled, json!({ "id": id })).await["messages"]["totalCount"] == 0 {
            break;
        }
        grown.changed().await.expect("the log is open");
    }

    let (mut gone, mut goes_to, mut sent, mut after) = (BTreeSet::new(), BTreeMap::new(), 0, Position::START);
    let backend = wire.app.stores().journal.backend();
    loop {
        let events = backend.read_all(after, ReadLimit::events(5_000)).await.expect("the log answers");
        let Some(last) = events.last() else { break };
        after = last.envelope.position;
        for event in &events {
            let data: Value = serde_json::from_slice(&event.data).expect("JSON");
            let stream = event.envelope.stream.key;
            match event.envelope.event_type.as_str() {
                "ConsentChanged" if data["state"] == "opted_out" => drop(gone.insert(stream.to_string())),
                "AddressSuppressed" => drop(gone.insert(stream.to_string())),
                "MessageQueued" => {
                    let text = |name: &str| data[name].as_str().unwrap_or_default().to_owned();
                    goes_to.insert(text("message_id"), text("address_id"));
                }
                "DispatchStarted" => {
                    sent += 1;
                    assert!(!gone.contains(&stream.to_string()), "{stream} had opted out before {after:?}");
                    let address = data["message_id"].as_str().and_then(|id| goes_to.get(id)).expect("it was queued");
                    assert!(!gone.contains(address), "{address} was suppressed before {after:?}");
                }
                _ => {}
            }
        }
    }
    assert!(sent >= people.len() / 2, "{sent} of {}", people.len());
    wire.app.finish().await;
}

on_each_engine! {
    the_rest_gets_the_variant_that_won_among_a_part
    a_winner_that_is_chosen_while_the_test_waits_goes_to_the_rest
    where_chance_may_decide_a_colleague_is_asked
    a_recurring_campaign_goes_out_again_and_again
    each_is_written_to_at_the_hour_at_which_they_read
    who_did_not_open_is_written_to_again
    a_campaign_stops_where_its_budget_ends
    what_still_waits_when_its_time_has_passed_is_not_sent
    who_is_not_reached_by_mail_gets_a_text
    a_large_campaign_needs_somebody_else_to_approve_it
    nobody_is_sent_to_after_an_opt_out
}
