//! Every query that the console's sources hold is asked, and every statement that a server then runs is explained by SQLite:
//! none of them reads a whole table.

mod documents;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc;

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{Connection, OpenFlags};
use serde_json::{Map, Value, json};

use super::server::{Server, place};
use super::{Place, after};
use documents::Document;

/// Variables for the console's queries, by operation; those under "" are for all that have them.
const VARIABLES: &str = include_str!("variables.json");

/// Tables that are read as a whole, and why that is right.
const READ_AS_A_WHOLE: &[(&str, &str)] = &[
    ("api_keys", "a tenant has few"),
    ("provider_accounts", "a tenant has few"),
    ("tenants", "those of the whole installation are few"),
    ("generations", "one or two"),
    ("commlog_projections", "a row for each projection file"),
    ("commlog_checkpoint", "one row"),
    ("commlog_parked", "empty unless something is wrong"),
];

/// A server without projector and processes over what the demo made, whose statements are heard, beside one that keeps the
/// tables up to date.
struct Asked {
    server: Server,
    _projector: Server,
    key: String,
    statements: mpsc::Receiver<String>,
}

impl Asked {
    fn new(place: &mut Place) -> Self {
        let demo = Server::start(place, &["demo"]);
        let key = after(&demo.printed, "API key").trim().to_owned();
        assert_eq!(demo.stop(), Some(0));
        place.set("COMMLOG_ROLES", "projector");
        let projector = Server::start(place, &["serve"]);
        place.set("COMMLOG_ROLES", "api");
        place.set("COMMLOG_LOG_FILTER", "error,commlog::sql=trace");
        let (heard, statements) = mpsc::channel();
        let server = Server::start_heard(place, &["serve"], move |line| {
            if let Some(sql) = statement(line) {
                // After the test nobody listens.
                let _ = heard.send(sql);
            }
        });
        Self { server, _projector: projector, key, statements }
    }

    fn ask(&self, query: &str, variables: &Value) -> Value {
        let head =
            format!("POST /graphql HTTP/1.1\r\nauthorization: Bearer {}\r\ncontent-type: application/json", self.key);
        let answer = self.server.request(&head, &json!({ "query": query, "variables": variables }).to_string());
        let body = answer.split_once("\r\n\r\n").expect("a response").1;
        serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"))
    }

    /// The statements that were run.
    fn into_statements(self) -> BTreeSet<String> {
        assert_eq!(self.server.stop(), Some(0));
        self.statements.into_iter().collect()
    }
}

/// The text of a statement out of a line of the server's diagnostics.
fn statement(line: &str) -> Option<String> {
    let quoted = line.split_once("commlog::sql::sqlite: sql=")?.1;
    serde_json::from_str(quoted.trim_end()).ok()
}

/// What the variables' placeholders stand for.
fn placeholders(asked: &Asked) -> BTreeMap<String, Value> {
    let found = asked.ask(
        "{ customers(first: 1, filter: { search: \"maier\" }) { nodes { id } } campaigns(first: 2) { nodes { id } } \
         lists(first: 20) { nodes { id kind } } conversations(first: 1) { nodes { id } } \
         messages(first: 1, filter: { states: [DELIVERED] }) { nodes { id } } \
         events(last: 1, filter: { types: [\"MessageSent\"] }) { nodes { id position recordedAt } } }",
        &json!({}),
    );
    let at = |path: &str| found.pointer(path).unwrap_or_else(|| panic!("no {path} in {found:#}")).clone();
    let lists = at("/data/lists/nodes");
    let smart = lists.as_array().and_then(|lists| lists.iter().find(|list| list["kind"] == "SMART"));
    let customer = at("/data/customers/nodes/0/id");
    let uuid = customer.as_str().map(|id| id.trim_start_matches("Customer:").to_owned());
    let nobody = uuid::Uuid::nil();
    let latest = at("/data/events/nodes/0/recordedAt");
    let latest: DateTime<Utc> = latest.as_str().and_then(|time| time.parse().ok()).expect("a time");
    let days = |days: i64| json!(latest + TimeDelta::days(days));
    BTreeMap::from([
        ("$customer".to_owned(), customer),
        ("$customerUuid".to_owned(), json!(uuid)),
        ("$campaign".to_owned(), at("/data/campaigns/nodes/1/id")),
        ("$list".to_owned(), smart.expect("the demo has a smart list")["id"].clone()),
        ("$conversation".to_owned(), at("/data/conversations/nodes/0/id")),
        ("$message".to_owned(), at("/data/messages/nodes/0/id")),
        ("$event".to_owned(), at("/data/events/nodes/0/id")),
        ("$position".to_owned(), at("/data/events/nodes/0/position")),
        ("$import".to_owned(), json!(format!("Import:{nobody}"))),
        ("$file".to_owned(), json!(nobody)),
        ("$since".to_owned(), days(-80)),
        ("$until".to_owned(), days(10)),
    ])
}

fn filled(value: &Value, placeholders: &BTreeMap<String, Value>) -> Value {
    match value {
        Value::String(text) => placeholders.get(text).unwrap_or(value).clone(),
        Value::Array(all) => all.iter().map(|one| filled(one, placeholders)).collect(),
        Value::Object(all) => {
            all.iter().map(|(name, one)| (name.clone(), filled(one, placeholders))).collect::<Map<_, _>>().into()
        }
        other => other.clone(),
    }
}

/// The variables of a query: its own, then those of all.
fn variables_of(document: &Document, all: &Value) -> Value {
    let own = &all[&document.name];
    let names = document.variables.iter();
    let given = names.filter_map(|name| {
        let value = own.get(name).or_else(|| all[""].get(name))?;
        Some((name.clone(), value.clone()))
    });
    given.collect::<Map<_, _>>().into()
}

/// The steps of the plans that read a table as a whole, each with its statement.
fn scans(files: &[Connection], sql: &str) -> Vec<String> {
    let explained = files.iter().find_map(|file| {
        let mut plan = file.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).ok()?;
        // A plan does not depend on the values.
        plan.raw_query().mapped(|row| row.get::<_, String>("detail")).collect::<Result<Vec<_>, _>>().ok()
    });
    let steps = explained.unwrap_or_else(|| panic!("no file has the tables of {sql}"));
    let tables = documents::tables_of(sql);
    let is_table = |table: &&String| {
        let known = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?1";
        files.iter().any(|file| file.prepare(known).and_then(|mut known| known.exists([table])).unwrap_or(false))
    };
    let scanned = steps.iter().filter_map(|step| step.strip_prefix("SCAN ")?.split(' ').next());
    let of_tables = scanned.filter_map(|name| tables.get(name)).filter(is_table);
    of_tables.filter(|table| !READ_AS_A_WHOLE.iter().any(|(known, _)| known == table)).cloned().collect()
}

#[test]
fn no_query_of_the_console_reads_a_whole_table() {
    let mut place = place();
    let asked = Asked::new(&mut place);
    let all: Value = serde_json::from_str(VARIABLES).expect("JSON");
    let all = filled(&all, &placeholders(&asked));
    let documents = documents::read();
    assert!(documents.len() > 80, "{} queries", documents.len());
    for document in &documents {
        let answer = asked.ask(&document.text, &variables_of(document, &all));
        let errors = answer["errors"].as_array().into_iter().flatten();
        // No file was uploaded.
        let failed: Vec<_> = errors.filter(|error| error["extensions"]["code"] != "FILE_UNKNOWN").collect();
        assert!(failed.is_empty(), "{}: add its variables to variables.json: {failed:#?}", document.name);
    }
    let names: BTreeSet<&str> = documents.iter().map(|document| document.name.as_str()).collect();
    let known = all.as_object().expect("an object").keys().filter(|name| !name.is_empty());
    let gone: Vec<_> = known.filter(|name| !names.contains(name.as_str())).collect();
    assert!(gone.is_empty(), "the console has no such queries: {gone:?}");

    let statements = asked.into_statements();
    assert!(statements.len() > 100, "{} statements", statements.len());
    let file = |name: &str| Connection::open_with_flags(place.path(name), OpenFlags::SQLITE_OPEN_READ_ONLY).ok();
    let files: Vec<Connection> = ["data/read/live.db", "data/log.db", "data/keys.db", "data/read/catalog.db"]
        .into_iter()
        .filter_map(file)
        .collect();
    let mut found: Vec<String> = Vec::new();
    for sql in &statements {
        found.extend(scans(&files, sql).iter().map(|table| format!("{table}: {sql}")));
    }
    assert!(found.is_empty(), "these read whole tables:\n{}", found.join("\n\n"));
}
