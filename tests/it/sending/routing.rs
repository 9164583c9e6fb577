//! Several accounts for one channel: shares, prices, refusals, and why each message went the way it went.

use std::collections::{BTreeMap, BTreeSet};

use commlog::clock::Ambient;
use commlog::domain::tenant::event::Role;
use commlog::ids::Position;
use commlog::log::ReadLimit;
use futures::StreamExt;
use serde_json::{Value, json};

use crate::support::app::{Actor, Engine, TestApp};
use crate::support::doubles::Act;
use crate::support::doubles::twilio::{self, TwilioDouble};
use crate::support::times;

const PUBLIC: &str = "https://commlog.example";

/// An account at a double of its own, with what its file says of routing.
async fn account(name: &str, routing: &str) -> (TwilioDouble, String) {
    let double = TwilioDouble::start(Ambient::system()).await;
    let base = double.settings(PUBLIC).base_url;
    let file = format!(
        "[[accounts]]\nprovider = 'twilio'\nname = '{name}'\nbase_url = '{base}'\naccount_sid = '{}'\nauth_token = '{}'\n\
         from = '{}'\n{routing}\n",
        twilio::ACCOUNT,
        twilio::TOKEN,
        twilio::NUMBER,
    );
    (double, file)
}

async fn start(engine: Engine, accounts: &[&(TwilioDouble, String)]) -> (TestApp, Actor) {
    let files: String = accounts.iter().map(|(_, file)| file.as_str()).collect();
    let app = TestApp::with(engine, &format!("public_url = '{PUBLIC}'\n{files}")).await;
    let agent = app.actor(Role::Admin).await;
    (app, agent)
}

async fn text(agent: &Actor, number: &str) {
    let register = "mutation($input: CustomerInput!) { registerCustomer(input: $input) { customerId } }";
    let input = json!({ "name": number, "addresses": [{ "kind": "PHONE", "address": number }] });
    let made = agent.data(register, json!({ "input": input })).await;
    let send = "mutation($input: SendMessageInput!) { sendMessage(input: $input) { decision refusal { code } } }";
    let input = json!({ "customerId": made["registerCustomer"]["customerId"], "channel": "SMS", "class": "TRANSACTIONAL",
        "topic": "orders", "body": "It is on its way." });
    let sent = agent.data(send, json!({ "input": input })).await;
    assert_eq!(sent["sendMessage"]["decision"], "QUEUED", "{sent:#}");
}

/// Events of a type, as stored, that the log has after a position, which moves on.
async fn recorded_after(app: &TestApp, from: &mut Position, event_type: &str) -> Vec<Value> {
    let mut pages = app.stores().journal.pages(*from, ReadLimit::events(2_000));
    let mut found = vec![];
    loop {
        let page = pages.next().await.expect("the log is read");
        let Some(last) = page.last() else { return found };
        *from = last.envelope.position;
        let wanted = page.iter().filter(|event| event.envelope.event_type == event_type);
        found.extend(wanted.map(|event| serde_json::from_slice::<Value>(&event.data).expect("JSON")));
    }
}

async fn recorded(app: &TestApp, event_type: &str) -> Vec<Value> {
    let mut start = Position::START;
    recorded_after(app, &mut start, event_type).await
}

async fn until(app: &TestApp, event_type: &str, count: usize) -> Vec<Value> {
    let mut grown = app.stores().journal.backend().watch();
    let (mut found, mut position) = (vec![], Position::START);
    loop {
        grown.mark_unchanged();
        found.extend(recorded_after(app, &mut position, event_type).await);
        if found.len() >= count {
            return found;
        }
        grown.changed().await.expect("the log is open");
    }
}

async fn shares_prices_and_refusals_divide_the_messages_and_the_log_says_why(engine: Engine) {
    let count = times("COMMLOG_ROUTED", 120);
    let a = account("a", "share = 50\ncost_micros = 7500").await;
    let b = account("b", "share = 30\ncost_micros = 9000\nprices = 'GB=4000'").await;
    let c = account("c", "share = 20\ncost_micros = 3000").await;
    let doubles = BTreeMap::from([("a", &a.0), ("b", &b.0), ("c", &c.0)]);
    // Every third call of one is refused for now: those messages go elsewhere at once.
    let busy = || Act::Refuse(429, vec![], json!({ "code": 20429, "message": "Too Many Requests", "status": 429 }));
    b.0.script((0..count).map(|call| if call % 3 == 0 { busy() } else { Act::Usual }));
    let (app, agent) = start(engine, &[&a, &b, &c]).await;
    let agent_of = &agent;
    futures::stream::iter(0..count)
        .for_each_concurrent(16, |number| async move {
            text(agent_of, &format!("+44740{:07}", 1_000_000 + number)).await;
        })
        .await;
    let sent = until(&app, "MessageSent", count).await;
    assert_eq!(sent.len(), count);
    let tokens: usize = doubles.values().map(|double| double.taken().len()).sum();
    assert_eq!(tokens, count, "each message was taken once");
    assert!(doubles.values().all(|double| double.most_per_token() == 1));

    let started = recorded(&app, "DispatchStarted").await;
    let refused = recorded(&app, "DispatchFailed").await;
    assert_eq!(started.len(), count + refused.len());
    let of_attempt = |event: &Value| (event["message_id"].to_string(), event["attempt"].as_u64());
    let refused_attempts: BTreeSet<_> = refused.iter().map(of_attempt).collect();
    let (mut first, mut cost) = (BTreeMap::<String, usize>::new(), BTreeMap::<String, i64>::new());
    for event in &started {
        let (name, choice) = (event["account"].as_str().expect("an account"), &event["choice"]);
        let considered = choice["considered"].as_array().expect("accounts");
        assert_eq!((considered.len(), &choice["country"]), (3, &json!("GB")), "{event:#}");
        let own = considered.iter().find(|one| one["account"] == name).expect("it was considered");
        if event["attempt"] == 1 {
            assert_eq!((&choice["by"], &considered[0]["account"]), (&json!("share"), &json!(name)), "{event:#}");
            *first.entry(name.to_owned()).or_default() += 1;
        } else {
            assert_eq!(choice["by"], "failover", "{event:#}");
        }
        if !refused_attempts.contains(&of_attempt(event)) {
            *cost.entry(name.to_owned()).or_default() += own["price_micros"].as_i64().expect("a price");
        }
    }
    let prices = [("a", 7_500), ("b", 4_000), ("c", 3_000)];
    for (name, price) in prices {
        assert_eq!(cost[name], price * doubles[name].taken().len() as i64, "{name}");
    }
    // Of n messages, each share within four standard deviations.
    for (name, share) in [("a", 0.5), ("b", 0.3), ("c", 0.2_f64)] {
        let (expected, found) = (share * count as f64, first[name] as f64);
        assert!((found - expected).abs() <= 4.0 * (expected * (1.0 - share)).sqrt(), "{first:?}");
    }
    let refused_by_b = refused.iter().filter(|event| event["account"] == "b").count();
    assert_eq!(refused_by_b, refused.len());
    assert!(refused_by_b > 0);
    // One query explains ten of them.
    let query = "{ events(filter: { types: [\"DispatchStarted\"] }, first: 10) { nodes { data } } }";
    let explained = agent.data(query, json!({})).await["events"]["nodes"].take();
    let explained = explained.as_array().expect("events");
    assert_eq!(explained.len(), 10);
    assert!(
        explained
            .iter()
            .all(|event| event["data"]["choice"]["considered"].as_array().is_some_and(|all| all.len() == 3)),
        "{explained:#?}"
    );
    app.finish().await;
}

async fn an_account_that_keeps_failing_rests_and_the_others_take_over(engine: Engine) {
    let failing = account("a-failing", "priority = 0").await;
    let other = account("b-other", "priority = 1").await;
    failing
        .0
        .script((0..200).map(|_| Act::Refuse(400, vec![], json!({ "code": 30008, "message": "x", "status": 400 }))));
    let (app, agent) = start(engine, &[&failing, &other]).await;
    for number in 0..30 {
        text(&agent, &format!("+44740{:07}", 2_000_000 + number)).await;
    }
    assert_eq!(until(&app, "MessageSent", 30).await.len(), 30);
    let started = recorded(&app, "DispatchStarted").await;
    let rested = started.iter().filter(|event| {
        let considered = event["choice"]["considered"].as_array().cloned().unwrap_or_default();
        considered.iter().any(|one| one["account"] == "a-failing" && one["left_out"] == "circuit")
    });
    assert!(rested.count() > 0, "{started:#?}");
    assert!(failing.0.calls() < 30, "it was left alone after {} calls", failing.0.calls());
    let query = "query { accounts { name state reason failedCalls calls } }";
    let accounts = agent.data(query, json!({})).await;
    let found = accounts["accounts"].as_array().expect("accounts").iter().find(|one| one["name"] == "a-failing");
    assert_eq!(found.expect("is there")["state"], "RESTING", "{accounts:#}");
    app.finish().await;
}

async fn countries_are_sent_to_by_the_account_that_takes_them(engine: Engine) {
    let uk = account("uk", "countries = 'GB, IE'").await;
    let rest = account("world", "priority = 1").await;
    let (app, agent) = start(engine, &[&uk, &rest]).await;
    for number in ["+447400123456", "+353851234567", "+14155550101", "+4915123456789"] {
        text(&agent, number).await;
    }
    until(&app, "MessageSent", 4).await;
    let to = |double: &TwilioDouble| {
        let mut all: Vec<_> = double.taken().iter().filter_map(|text| text.field("To").map(str::to_owned)).collect();
        all.sort_unstable();
        all
    };
    assert_eq!(to(&uk.0), ["+353851234567", "+447400123456"]);
    assert_eq!(to(&rest.0), ["+14155550101", "+4915123456789"]);
    app.finish().await;
}

on_each_engine! {
    shares_prices_and_refusals_divide_the_messages_and_the_log_says_why
    an_account_that_keeps_failing_rests_and_the_others_take_over
    countries_are_sent_to_by_the_account_that_takes_them
}
