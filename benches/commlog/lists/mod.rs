//! Fifty smart lists over a large store: how long a whole list takes, how soon an event and time itself show in the members,
//! and how soon a question is answered; beside the same questions asked of DuckDB, if Python has it.

mod store;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use commlog::boot::Node;
use commlog::clock::Ambient;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::Result;
use crate::load::{self, Request};
use crate::report::{Goal, Measurement, peak_of};
use crate::stores::{Own, Place, admin_key};

pub use store::run as fill;
use store::{ARTICLES, TERRITORIES, customer};

/// Events a second, and for how long.
const RATE: u32 = 300;
const LASTING: Duration = Duration::from_secs(20);
/// The article that only this benchmark's customers order.
const NEW: &str = "NEW";
/// Beyond this, nothing is waited for.
const LONGEST: Duration = Duration::from_mins(5);

pub async fn run(place: &Place, customers: u64) -> Result<Vec<Measurement>> {
    let stores = place.open(Own::Lists).await?;
    let token = admin_key(&stores).await?;
    stores.close().await;
    let stop = CancellationToken::new();
    let running = Node::start(place.open(Own::Lists).await?, stop).await?;
    running.reads().wait_for(token.position, Duration::from_mins(1)).await?;
    let api = Api { address: running.address(), token: token.value.token };
    let criteria = criteria();
    let (mut made, mut again) = (Vec::new(), Vec::new());
    for (name, criteria) in &criteria {
        let (id, took) = api.list(name, criteria).await?;
        let members = api.members(&id).await?;
        made.push((took, *name, members));
        again.push((api.changed(&id, criteria).await?, *name, members));
    }
    let engine = place.engine;
    let slowest = |what: &str, mut took: Vec<(Duration, &str, u64)>| -> Result<Measurement> {
        took.sort();
        let (slowest, name, members) = *took.last().ok_or("no lists")?;
        let median = seconds(took[took.len() / 2].0);
        Ok(Measurement::new(engine, format!("lists: {what}, the slowest"), seconds(slowest), "s", Goal::Below(3.0))
            .note(format!("{name}: {members} of {customers}; {} lists, median {median:.2} s", took.len())))
    };
    let mut measured = vec![
        slowest("one made, evaluated and its members served", made)?,
        slowest("one with members evaluated as a whole", again)?,
        api.previews(place, &criteria).await?,
    ];
    measured.extend(api.follow(place, customers).await?);
    measured.push(api.time_passes(place).await?);
    let peak = peak_of("self").unwrap_or_default();
    measured.push(Measurement::new(engine, "lists: peak memory of the server", peak, "MB", Goal::Below(400.0)));
    running.finish().await?;
    measured.extend(duckdb(place)?);
    Ok(measured)
}

/// Of every kind, with many members, few and none.
fn criteria() -> Vec<(&'static str, Value)> {
    let consents = json!({ "consent": { "channel": "EMAIL", "topic": "news", "state": "OPTED_IN" } });
    let quiet = |days: u32| json!({ "noOrderInDays": { "days": days } });
    let mut all = vec![
        ("territory", json!({ "allInTerritory": { "territory": "T7" } })),
        ("high value", json!({ "highValue": { "minRevenue": "5000", "currency": "GBP" } })),
        ("article", json!({ "orderedProduct": { "skuId": "A17" } })),
        ("article lately", json!({ "orderedProduct": { "skuId": "A18", "withinDays": 90 } })),
        ("no order in 30 days", quiet(30)),
        ("no order in 30 days, opted in", json!({ "all": [quiet(30), consents] })),
        ("ordered before, not in 90 days", json!({ "noOrderInDays": { "days": 90, "orderedBefore": true } })),
        ("city", json!({ "custom": { "city": ["C1", "C2"] } })),
        ("industry", json!({ "industry": { "in": ["wine", "food"] } })),
        ("score", json!({ "leadScore": { "min": 90 } })),
        ("email", json!({ "hasEmail": true })),
        ("phone", json!({ "hasPhone": true })),
        ("tag", json!({ "tags": { "anyOf": ["vip"] } })),
        ("no tag", json!({ "tags": { "noneOf": ["vip"] } })),
        ("opted in", consents.clone()),
        ("opted out", json!({ "consent": { "channel": "EMAIL", "topic": "news", "state": "OPTED_OUT" } })),
        ("opened lately", json!({ "engagement": { "kind": "OPENED", "atLeast": 1, "withinDays": 30 } })),
        ("opened twice", json!({ "engagement": { "kind": "OPENED", "atLeast": 2, "withinDays": 300 } })),
        ("never opened", json!({ "engagement": { "kind": "OPENED", "atMost": 0 } })),
        ("five orders in a year", json!({ "orders": { "atLeast": 5, "withinDays": 365 } })),
        ("one order", json!({ "orders": { "atLeast": 1, "atMost": 1 } })),
        ("revenue of a year", json!({ "revenue": { "min": "1000", "currency": "GBP", "withinDays": 365 } })),
        ("registration's day", json!({ "anniversary": { "of": "registered", "daysBefore": 7 } })),
        ("bucket", json!({ "bucket": { "from": 0, "to": 10 } })),
        ("city contains", json!({ "field": { "name": "city", "contains": "29" } })),
        (
            "quiet, of value, in two territories",
            json!({ "all": [
                quiet(60),
                { "highValue": { "minRevenue": "2000", "currency": "GBP" } },
                { "any": [{ "allInTerritory": { "territory": "T1" } }, { "allInTerritory": { "territory": "T2" } }] },
            ] }),
        ),
        ("the new article", json!({ "orderedProduct": { "skuId": NEW } })),
        ("a custom activity today", json!({ "activity": { "kind": "CUSTOM", "name": "visit", "withinDays": 1 } })),
    ];
    for number in 0..(50 - u64::try_from(all.len()).unwrap_or_default()) {
        let territory = format!("T{}", (number * 7) % TERRITORIES);
        let article = format!("A{}", (number * 131) % ARTICLES);
        all.push((
            "territory, article or silence",
            json!({ "all": [
                { "allInTerritory": { "territory": territory } },
                { "any": [{ "orderedProduct": { "skuId": article } }, quiet(120), { "bucket": { "from": 0, "to": 5 } }] },
            ] }),
        ));
    }
    all
}

struct Api {
    address: SocketAddr,
    token: String,
}

impl Api {
    fn request(&self, query: &str, variables: &Value) -> Request {
        Request::post("/graphql", &self.token, &json!({ "query": query, "variables": variables }).to_string())
    }

    async fn ask(&self, query: &str, variables: Value) -> Result<Value> {
        let answer: Value = serde_json::from_str(&load::once(self.address, &self.request(query, &variables)).await?)?;
        if answer["errors"].is_null() {
            return Ok(answer["data"].clone());
        }
        Err(format!("{answer}, asked with {variables}").into())
    }

    /// Makes a list; how long it took until its members were known.
    async fn list(&self, name: &str, criteria: &Value) -> Result<(String, Duration)> {
        let make = "mutation($name: String!, $criteria: ListCriteriaInput) { createList(name: $name, criteria: $criteria) \
            { list { id } refusal { message } } }";
        let started = Instant::now();
        let made = self.ask(make, json!({ "name": name, "criteria": criteria })).await?;
        let id = made["createList"]["list"]["id"].as_str().ok_or_else(|| made.to_string())?.to_owned();
        self.evaluated(&id, name).await?;
        Ok((id, started.elapsed()))
    }

    /// Changes a list's criteria, to others that the same customers meet; how long it took until all were looked at.
    async fn changed(&self, id: &str, criteria: &Value) -> Result<Duration> {
        let change = "mutation($id: ID!, $criteria: ListCriteriaInput) { updateList(listId: $id, criteria: $criteria) \
            { list { id } refusal { message } } }";
        let started = Instant::now();
        let changed = self.ask(change, json!({ "id": id, "criteria": { "all": [criteria] } })).await?;
        if !changed["updateList"]["refusal"].is_null() {
            return Err(changed.to_string().into());
        }
        self.evaluated(id, id).await?;
        Ok(started.elapsed())
    }

    /// Waits until everybody was looked at.
    async fn evaluated(&self, id: &str, name: &str) -> Result {
        let started = Instant::now();
        let look = "query($id: ID!) { list(id: $id) { isEvaluating } }";
        while self.ask(look, json!({ "id": id })).await?["list"]["isEvaluating"] == json!(true) {
            if started.elapsed() > LONGEST {
                return Err(format!("the list {name} was not evaluated within {LONGEST:?}").into());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    /// The list with a name.
    async fn named(&self, name: &str) -> Result<String> {
        let lists = self.ask("{ lists(first: 200) { nodes { id name } } }", json!({})).await?;
        let found = lists["lists"]["nodes"].as_array().and_then(|nodes| nodes.iter().find(|node| node["name"] == name));
        let id = found.and_then(|node| node["id"].as_str());
        id.map(str::to_owned).ok_or_else(|| format!("there is no list {name}: {lists}").into())
    }

    async fn members(&self, id: &str) -> Result<u64> {
        let query = "query($id: ID!) { list(id: $id) { memberCount } }";
        let counted = self.ask(query, json!({ "id": id })).await?;
        counted["list"]["memberCount"].as_u64().ok_or_else(|| counted.to_string().into())
    }

    async fn previews(&self, place: &Place, criteria: &[(&str, Value)]) -> Result<Measurement> {
        let query = "query($criteria: ListCriteriaInput!) { previewList(criteria: $criteria) \
            { preview { count margin examples { id name } } } }";
        let mut latencies = BTreeMap::new();
        for (name, criteria) in criteria.iter().chain(criteria) {
            let started = Instant::now();
            self.ask(query, json!({ "criteria": criteria })).await?;
            latencies.insert((started.elapsed(), latencies.len()), *name);
        }
        let sorted: Vec<_> = latencies.iter().collect();
        let ((p95, _), name) = sorted[sorted.len() * 95 / 100];
        let note =
            format!("{name}; slowest {:.0} ms", sorted.last().map_or(0.0, |((most, _), _)| seconds(*most) * 1e3));
        let p95 = seconds(*p95) * 1e3;
        Ok(Measurement::new(place.engine, "lists: preview, p95", p95, "ms", Goal::Below(300.0)).note(note))
    }

    /// Orders at a fixed rate, each of a customer who becomes a member by it: how long after the answer that shows.
    async fn follow(&self, place: &Place, customers: u64) -> Result<Vec<Measurement>> {
        let id = self.named("the new article").await?;
        let record = "mutation($input: ActivityInput!) { recordActivity(input: $input) { refusal { message } } }";
        let wanted = u64::from(RATE) * LASTING.as_secs();
        let mut ticks = tokio::time::interval(Duration::from_secs(1) / RATE);
        let (mut calls, mut answered, mut seen) = (JoinSet::new(), Vec::new(), Vec::new());
        for number in 0..wanted.min(customers) {
            ticks.tick().await;
            let input = json!({
                "customerId": customer(number * 7_919 % customers).to_string(), "kind": "ORDER",
                "amountMicros": "1000000", "currency": "GBP", "reference": format!("N{number}"),
                "lines": [{ "sku": NEW, "quantityMilli": "1000", "unitPriceMicros": "1000000" }],
            });
            let (address, request) = (self.address, self.request(record, &json!({ "input": input })));
            calls.spawn(async move { load::once(address, &request).await.map(|answer| (Instant::now(), answer)) });
            while let Some(done) = calls.try_join_next() {
                answered.push(taken(done??)?);
            }
            if number % 6 == 0 {
                seen.push((self.members(&id).await?, Instant::now()));
            }
        }
        while let Some(done) = calls.join_next().await {
            answered.push(taken(done??)?);
        }
        answered.sort();
        let last = Instant::now();
        while seen.last().is_none_or(|(count, _)| *count < answered.len() as u64) {
            if last.elapsed() > LONGEST {
                return Err("the members do not follow".into());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
            seen.push((self.members(&id).await?, Instant::now()));
        }
        let mut latencies: Vec<Duration> = answered
            .iter()
            .enumerate()
            .filter_map(|(index, at)| {
                let shown = seen.iter().find(|(count, _)| *count > index as u64)?;
                Some(shown.1.saturating_duration_since(*at))
            })
            .collect();
        latencies.sort();
        let (p50, p99) = (load::percentile(&latencies, 0.5), load::percentile(&latencies, 0.99));
        let name = format!("lists: an event shows in the members at {RATE} events/s, p99");
        Ok(vec![Measurement::new(place.engine, name, seconds(p99) * 1e3, "ms", Goal::Below(1_000.0)).note(format!(
            "{} events, p50 {:.0} ms",
            latencies.len(),
            seconds(p50) * 1e3
        ))])
    }

    /// Activities that are a day old in a few seconds: how long after that moment their customers have left.
    async fn time_passes(&self, place: &Place) -> Result<Measurement> {
        let ambient = Ambient::system();
        let id = self.named("a custom activity today").await?;
        let record = "mutation($input: ActivityInput!) { recordActivity(input: $input) { refusal { message } } }";
        let due: DateTime<Utc> = ambient.now() + TimeDelta::seconds(5);
        for number in 0..20 {
            let input = json!({
                "customerId": customer(number).to_string(), "kind": "CUSTOM", "name": "visit",
                "occurredAt": (due - TimeDelta::days(1)).to_rfc3339(),
            });
            self.ask(record, json!({ "input": input })).await?;
        }
        let mut entered = 0;
        loop {
            let members = self.members(&id).await?;
            entered = entered.max(members);
            if entered == 20 && members == 0 {
                break;
            }
            if ambient.now() - due > TimeDelta::seconds(60) {
                return Err(format!("{entered} entered, {members} stayed").into());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let late = (ambient.now() - due).to_std().unwrap_or_default();
        let name = "lists: an exit by time after its moment";
        Ok(Measurement::new(place.engine, name, seconds(late), "s", Goal::Below(2.0)).note("20 customers".to_owned()))
    }
}

fn taken((at, answer): (Instant, String)) -> Result<Instant> {
    if answer.contains("\"refusal\":null") { Ok(at) } else { Err(answer.into()) }
}

fn seconds(took: Duration) -> f64 {
    took.as_secs_f64()
}

/// The tables as Parquet, and five of the questions as plain SQL over them.
const DUCKDB: &str = r#"
import sys, time
try:
    import duckdb
except ImportError:
    sys.exit(3)
folder = sys.argv[1]
questions = {
    "territory": "SELECT customer_id FROM v_customers WHERE territory = 'T7'",
    "high value": "SELECT customer_id FROM v_activities WHERE kind = 'order' AND currency = 'GBP' GROUP BY 1 HAVING sum(amount) >= 5000",
    "article": "SELECT DISTINCT a.customer_id FROM v_activities a JOIN v_activity_lines l USING (activity_id) WHERE l.sku = 'A17' AND a.amount >= 0",
    "no order in 30 days": "SELECT customer_id FROM v_customers c WHERE NOT EXISTS (SELECT 1 FROM v_activities a WHERE a.customer_id = c.customer_id AND a.kind = 'order' AND a.amount >= 0 AND a.occurred_at > now() - INTERVAL 30 DAY)",
    "five orders in a year": "SELECT customer_id FROM v_activities WHERE kind = 'order' AND amount >= 0 AND occurred_at > now() - INTERVAL 365 DAY GROUP BY 1 HAVING count(*) >= 5",
}
connection = duckdb.connect()
for view in ("v_customers", "v_activities", "v_activity_lines"):
    connection.execute(f"CREATE VIEW {view} AS FROM '{folder}/{view}.parquet'")
for name, sql in questions.items():
    started = time.perf_counter()
    count = len(connection.execute(sql).fetchall())
    print(f"{name}\t{time.perf_counter() - started}\t{count}")
"#;

fn duckdb(place: &Place) -> Result<Vec<Measurement>> {
    let (config, folder) = (place.config(Own::Lists)?, Path::new(&place.folder).join("tables"));
    let mut export = Command::new(env!("CARGO_BIN_EXE_commlog"));
    export.args(["export", "tables", "--without-personal-data", "--into"]).arg(&folder);
    export.env("COMMLOG_DATA_DIR", &config.data_dir).env("COMMLOG_MASTER_KEY", "6b".repeat(32));
    export.env("COMMLOG_LOG_FILTER", "error");
    if let (Some(log), Some(keys)) = (place.database(Own::Lists), place.keys(Own::Lists)) {
        export.env("COMMLOG_LOG_URL", log).env("COMMLOG_KEYS_URL", keys);
    }
    let done = export.output()?;
    if !done.status.success() {
        return Err(format!("export failed: {}", String::from_utf8_lossy(&done.stderr)).into());
    }
    let asked = Command::new("python3").args(["-c", DUCKDB]).arg(&folder).output()?;
    if asked.status.code() == Some(3) {
        let name = "lists: DuckDB is not installed (pip install duckdb)";
        return Ok(vec![Measurement::new(place.engine, name, 0.0, "s", Goal::None)]);
    }
    if !asked.status.success() {
        return Err(format!("DuckDB failed: {}", String::from_utf8_lossy(&asked.stderr)).into());
    }
    let lines = String::from_utf8(asked.stdout)?;
    let row = |line: &str| -> Option<Measurement> {
        let mut fields = line.split('\t');
        let (name, took, count) = (fields.next()?, fields.next()?.parse::<f64>().ok()?, fields.next()?);
        let name = format!("limit: the customers of \"{name}\" by DuckDB over Parquet");
        Some(Measurement::new(place.engine, name, took, "s", Goal::None).note(format!("{count} customers")))
    };
    Ok(lines.lines().filter_map(row).collect())
}
