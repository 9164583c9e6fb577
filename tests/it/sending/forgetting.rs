//! A person of whom three customers were merged is forgotten while the server is killed at random moments. Afterwards
//! nothing of the person is in the clear anywhere: not in the log, the live tables, a rebuilt generation, the search, or
//! the files; and the figures are what they were.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use commlog::clock::Ambient;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};

use super::kills::{Server, call, configuration};
use crate::cli::Place;
use crate::support::app::http_client;
use crate::support::doubles::twilio::TwilioDouble;
use crate::support::postgres;

/// How many persons are forgotten; the server is killed while each of them is.
const PERSONS: usize = 4;
const CAMPAIGN: &str = "Campaign:01920000-0000-7000-8000-00000000c0de";
/// What nobody may find afterwards, in whatever case and encoding.
const SECRETS: [&str; 5] = ["quackenbush", "marmalade", "zebulon", "+4474009", "192.0.2.77"];

/// Talks to whichever server runs.
struct Client {
    http: reqwest::Client,
    token: String,
}

impl Client {
    /// The answer; nothing if the server is gone.
    async fn ask(&self, at: &str, query: &str, variables: Value) -> Option<Value> {
        let request = self.http.post(format!("http://{at}/graphql")).bearer_auth(&self.token);
        let answer = request.json(&json!({ "query": query, "variables": variables })).send().await.ok()?;
        let mut answer: Value = answer.json().await.ok()?;
        assert!(answer.get("errors").is_none(), "{answer:#}");
        Some(answer["data"].take())
    }

    async fn done(&self, at: &str, query: &str, variables: Value) -> Value {
        let data = self.ask(at, query, variables).await.expect("the server answers");
        assert!(!data.to_string().contains("\"refusal\":{"), "{data:#}");
        data
    }

    async fn register(&self, at: &str, person: usize, part: usize) -> String {
        let query =
            "mutation($input: CustomerInput!) { registerCustomer(input: $input) { customerId refusal { code } } }";
        let input = json!({
            "name": format!("Zebulon Quackenbush {person} {part}"), "externalId": format!("zebulon-{person}-{part}"),
            "attributes": { "likes": "marmalade" },
            "addresses": [
                { "kind": "EMAIL", "address": format!("quackenbush{person}{part}@example.com"), "label": "marmalade" },
                { "kind": "PHONE", "address": format!("+4474009{person:03}{part:02}") },
            ],
        });
        let data = self.done(at, query, json!({ "input": input })).await;
        data["registerCustomer"]["customerId"].as_str().expect("an id").to_owned()
    }

    /// Everything that can be said of somebody.
    async fn live(&self, at: &str, id: &str) {
        let note = "mutation($id: ID!) { addNote(customerId: $id, text: \"likes marmalade\", pinned: true) { noteId refusal { code } } }";
        self.done(at, note, json!({ "id": id })).await;
        let consent = "mutation($input: ConsentInput!) { setConsent(input: $input) { state refusal { code } } }";
        let said = json!({ "customerId": id, "channel": "SMS", "topic": "news", "state": "OPTED_IN", "method": "form",
            "wording": "Marmalade for Quackenbush", "ip": "192.0.2.77", "userAgent": "Marmalade/1" });
        self.done(at, consent, json!({ "input": said })).await;
        let order =
            "mutation($input: ActivityInput!) { recordActivity(input: $input) { activityId refusal { code } } }";
        let bought = json!({ "customerId": id, "kind": "ORDER", "reference": "1", "amountMicros": "2500000", "currency": "GBP",
            "title": "Marmalade", "attributes": { "for": "Quackenbush" } });
        self.done(at, order, json!({ "input": bought })).await;
        let send = "mutation($input: SendMessageInput!) { sendMessage(input: $input) { decision refusal { code } } }";
        let message = json!({ "customerId": id, "channel": "SMS", "class": "MARKETING", "topic": "news",
            "body": "Marmalade for Mr Quackenbush", "campaignId": CAMPAIGN });
        let data = self.done(at, send, json!({ "input": message })).await;
        assert_eq!(data["sendMessage"]["decision"], "QUEUED");
        let receive =
            "mutation($input: ReceiveMessageInput!) { receiveMessage(input: $input) { messageId refusal { code } } }";
        let answer = json!({ "customerId": id, "channel": "SMS", "body": "More marmalade! Quackenbush" });
        self.done(at, receive, json!({ "input": answer })).await;
    }

    async fn merge(&self, at: &str, from: &str, into: &str) {
        let query =
            "mutation($input: MergeCustomersInput!) { mergeCustomers(input: $input) { customerId refusal { code } } }";
        self.done(at, query, json!({ "input": { "from": from, "into": into } })).await;
    }

    async fn metrics(&self, at: &str) -> Value {
        let query = "query($id: ID!) { campaignMetrics(campaignId: $id) { totals { queued sent delivered cancelled suppressed } } }";
        let mut data = self.ask(at, query, json!({ "id": CAMPAIGN })).await.expect("the server answers");
        data["campaignMetrics"]["totals"].take()
    }

    async fn erasures(&self, at: &str) -> usize {
        let query = "{ events(filter: { types: [\"ErasureCompleted\"] }, first: 200) { nodes { stream } } }";
        let data = self.ask(at, query, json!({})).await.expect("the server answers");
        data["events"]["nodes"].as_array().map_or(0, Vec::len)
    }
}

/// Asks again and again; there is nothing outside of the server to wait for.
async fn until(what: &str, mut met: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(2);
    while !met().await {
        assert!(Instant::now() < deadline, "waited too long: {what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn found(text: &str) -> Option<&'static str> {
    let text = text.to_lowercase();
    SECRETS.into_iter().find(|secret| text.contains(secret))
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    if !folder.exists() {
        return files;
    }
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { files.extend(files_below(&path)) } else { files.push(path) }
    }
    files
}

/// The first file below a folder that holds a secret. A file that is removed meanwhile holds none.
fn leak_in_files(folder: &Path) -> Option<String> {
    files_below(folder).into_iter().find_map(|file| {
        let bytes = std::fs::read(&file).ok()?.to_ascii_lowercase();
        let secret =
            SECRETS.into_iter().find(|secret| bytes.windows(secret.len()).any(|part| part == secret.as_bytes()))?;
        Some(format!("{} holds {secret}", file.display()))
    })
}

/// The first row of a database that holds a secret, also in what is stored as bytes.
async fn leak_in_rows(url: &str) -> Option<String> {
    let mut connection = PgConnection::connect(url).await.expect("the server answers");
    let tables = "SELECT quote_ident(table_schema) || '.' || quote_ident(table_name) FROM information_schema.tables \
        WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')";
    for table in sqlx::query(tables).fetch_all(&mut connection).await.expect("tables") {
        let table: String = table.get(0);
        let rows =
            sqlx::query(AssertSqlSafe(format!("SELECT t::text FROM {table} t"))).fetch_all(&mut connection).await;
        for row in rows.expect("rows") {
            let row: String = row.get(0);
            let as_bytes = |secret: &&str| {
                // Of a word that may begin with a capital, the rest.
                let hex: String = secret.bytes().skip(1).map(|byte| format!("{byte:02x}")).collect();
                row.contains(&hex)
            };
            let secret = found(&row).or_else(|| SECRETS.into_iter().find(as_bytes));
            if let Some(secret) = secret {
                return Some(format!("{table} holds {secret}: {row}"));
            }
        }
    }
    None
}

async fn killed_while_forgetting(mut place: Place, databases: &[String]) {
    let twilio = TwilioDouble::start(Ambient::system()).await;
    place.set("COMMLOG_LISTEN", "127.0.0.1:0");
    place.file("commlog.toml", configuration(&twilio));
    let token = place.ok(&["keys", "issue", "--role", "admin", "--label", "forgetting"]).trim().to_owned();
    let client = Client { http: http_client(), token };
    let leak = async |place: &Place| {
        let mut leak = leak_in_files(&place.path("data"));
        for url in databases {
            leak = leak.or(leak_in_rows(url).await);
        }
        leak
    };

    let mut server = Server::start(&place);
    let mut persons = vec![];
    for person in 0..PERSONS {
        let mut ids = vec![];
        for part in 0..3 {
            let id = client.register(&server.address, person, part).await;
            client.live(&server.address, &id).await;
            ids.push(id);
        }
        persons.push(ids);
    }
    // Everything is sent and told about, so that the figures stand still.
    let all = PERSONS * 3;
    until("everything is sent", async || twilio.taken().len() == all).await;
    for message in twilio.taken() {
        assert!(call(&client.http, &server.address, &TwilioDouble::status(&message, "delivered", None)).await);
    }
    until("everything is delivered", async || client.metrics(&server.address).await[0]["delivered"] == all).await;
    for ids in &persons {
        client.merge(&server.address, &ids[2], &ids[1]).await;
        client.merge(&server.address, &ids[1], &ids[0]).await;
    }
    let before = client.metrics(&server.address).await;
    assert!(leak(&place).await.is_some(), "the search for secrets finds them while they are there");

    let mut random = SmallRng::seed_from_u64(5);
    let forget = "mutation($id: ID!, $key: String) { forgetCustomer(customerId: $id, reason: \"request\", idempotencyKey: $key) \
        { customerId refusal { code } } }";
    for (person, ids) in persons.iter().enumerate() {
        // Any of the three stands for the person.
        let variables = json!({ "id": ids[person % 3], "key": format!("forget {person}") });
        let address = server.address.clone();
        let asked = client.ask(&address, forget, variables.clone());
        let killed = async {
            tokio::time::sleep(Duration::from_millis(random.random_range(0..40))).await;
            server.kill();
        };
        let (answer, ()) = tokio::join!(asked, killed);
        place.ok(&["verify"]);
        server = Server::start(&place);
        if answer.is_none() {
            // Nobody knows how far it came: the command is given again.
            let data = client.done(&server.address, forget, variables).await;
            assert_eq!(data["forgetCustomer"]["customerId"], json!(ids[0]));
        }
    }
    until("every stream is erased", async || client.erasures(&server.address).await == all).await;
    assert_eq!(client.metrics(&server.address).await, before);
    let search = "{ customers(filter: { search: \"quackenbush\", includeForgotten: true }) { totalCount } }";
    let nobody = client.done(&server.address, search, json!({})).await;
    assert_eq!(nobody["customers"]["totalCount"], 0);
    // Files are cleaned once nobody reads an older state of them.
    until("nothing is left in the clear", async || leak(&place).await.is_none()).await;
    assert_eq!(client.erasures(&server.address).await, all, "each stream is erased once");
    server.kill();

    place.ok(&["verify"]);
    place.ok(&["rebuild", "--check"]);
    place.ok(&["rebuild"]);
    assert_eq!(leak(&place).await, None, "nor does a generation that is built anew show anybody");
    let told = place.ok(&["export", "events", "--personal"]) + &place.ok(&["export", "customers"]);
    assert_eq!(found(&told), None);
    assert!(place.ok(&["export", "customer_totals"]).contains("2500000"), "figures stay");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_merged_person_is_forgotten_through_kills_on_sqlite() {
    killed_while_forgetting(Place::new(), &[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_merged_person_is_forgotten_through_kills_on_postgres() {
    let (log, keys) = (postgres::database().await, postgres::database().await);
    let mut place = Place::new();
    place.set("COMMLOG_LOG_URL", &log);
    place.set("COMMLOG_KEYS_URL", &keys);
    place.set("COMMLOG_MASTER_KEY", &"6b".repeat(32));
    killed_while_forgetting(place, &[log, keys]).await;
}
