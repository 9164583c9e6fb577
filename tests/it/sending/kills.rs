//! A server that is killed at random moments, while commands, dispatches and callbacks run. `COMMLOG_KILL_ROUNDS` says how
//! often; 200 rounds take about a quarter of an hour.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use commlog::clock::Ambient;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use crate::cli::Place;
use crate::support::app::http_client;
use crate::support::doubles::Signed;
use crate::support::doubles::twilio::{self, TwilioDouble};
use crate::support::times;

pub(super) const PUBLIC: &str = "https://commlog.example";
/// How many people give commands at once.
const CLIENTS: usize = 6;

/// A server of its own process.
pub(super) struct Server {
    child: Child,
    pub(super) address: String,
}

impl Server {
    pub(super) fn start(place: &Place) -> Self {
        let mut child = place.command(&["serve"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("starts");
        let mut lines = BufReader::new(child.stderr.take().expect("is piped"));
        let mut printed = String::new();
        let address = loop {
            let mut line = String::new();
            assert!(lines.read_line(&mut line).expect("can be read") > 0, "the server ended: {printed}");
            printed.push_str(&line);
            if let Some((_, rest)) = line.split_once("http://") {
                break rest.split(['/', ' ', '\n']).next().unwrap_or_default().to_owned();
            }
        };
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        Self { child, address }
    }

    /// SIGKILL: nothing is finished.
    pub(super) fn kill(mut self) {
        self.child.kill().expect("is killed");
        self.child.wait().expect("has ended");
    }
}

/// A configuration with one account, at the double.
pub(super) fn configuration(twilio: &TwilioDouble) -> String {
    format!(
        "public_url = '{PUBLIC}'\n[[accounts]]\nprovider = 'twilio'\nname = 'main'\nbase_url = '{}'\naccount_sid = '{}'\n\
         auth_token = '{}'\nfrom = '{}'\n",
        twilio.settings(PUBLIC).base_url,
        twilio::ACCOUNT,
        twilio::TOKEN,
        twilio::NUMBER,
    )
}

/// What was acknowledged: messages, with their positions.
type Acknowledged = Arc<Mutex<HashMap<String, String>>>;

/// One who sends messages to new customers until the server is gone.
async fn client(address: String, token: String, acknowledged: Acknowledged, number: usize) {
    let http = http_client();
    let ask = async |query: &str, variables: Value| -> Option<Value> {
        let request = http.post(format!("http://{address}/graphql")).bearer_auth(&token);
        let answer = request.json(&json!({ "query": query, "variables": variables })).send().await.ok()?;
        let answer: Value = answer.json().await.ok()?;
        assert!(answer.get("errors").is_none(), "{answer:#}");
        Some(answer)
    };
    for turn in 0.. {
        let phone = format!("+4474{:08}", (number * 1_000_000 + turn) % 100_000_000);
        let input = json!({ "addresses": [{ "kind": "PHONE", "address": phone }] });
        let register = "mutation($input: CustomerInput!) { registerCustomer(input: $input) \
            { customerId refusal { code } } }";
        let Some(answer) = ask(register, json!({ "input": input })).await else { return };
        let customer = answer["data"]["registerCustomer"]["customerId"].clone();
        let send = "mutation($input: SendMessageInput!) { sendMessage(input: $input) \
            { messageId position refusal { code message } } }";
        let input = json!({
            "customerId": customer, "channel": "SMS", "class": "TRANSACTIONAL", "topic": "orders", "body": "It is on its way.",
        });
        let Some(answer) = ask(send, json!({ "input": input })).await else { return };
        let sent = &answer["data"]["sendMessage"];
        if let (Some(id), Some(position)) = (sent["messageId"].as_str(), sent["position"].as_str()) {
            acknowledged.lock().expect("no panic before").insert(id.to_owned(), position.to_owned());
        }
    }
}

/// Hands a callback over; false if the server did not take it.
pub(super) async fn call(http: &reqwest::Client, address: &str, signed: &Signed) -> bool {
    let path = signed.url.strip_prefix(PUBLIC).expect("our public URL");
    let request = http.post(format!("http://{address}{path}")).body(signed.body.clone());
    let request = signed.headers.iter().fold(request, |request, (name, value)| request.header(name, value));
    request.send().await.is_ok_and(|answer| answer.status().is_success())
}

/// Tells the server that what the double took was delivered, again and again, until the server is gone.
async fn callbacks(address: String, twilio: Arc<TwilioDouble>) {
    let http = http_client();
    while http.get(format!("http://{address}/healthz")).send().await.is_ok() {
        for message in twilio.taken().iter().rev().take(20) {
            if !call(&http, &address, &TwilioDouble::status(message, "delivered", None)).await {
                return;
            }
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_loses_nothing_and_sends_nothing_twice() {
    let rounds = times("COMMLOG_KILL_ROUNDS", 10);
    let mut random = SmallRng::seed_from_u64(11);
    let twilio = Arc::new(TwilioDouble::start(Ambient::system()).await);
    let mut place = Place::new();
    place.set("COMMLOG_LISTEN", "127.0.0.1:0");
    place.file("commlog.toml", configuration(&twilio));
    let token = place.ok(&["keys", "issue", "--role", "admin", "--label", "kills"]).trim().to_owned();
    let acknowledged = Acknowledged::default();

    for round in 0..rounds {
        let server = Server::start(&place);
        let mut running = tokio::task::JoinSet::new();
        for number in 0..CLIENTS {
            let (address, token) = (server.address.clone(), token.clone());
            running.spawn(client(address, token, Arc::clone(&acknowledged), round * CLIENTS + number));
        }
        running.spawn(callbacks(server.address.clone(), Arc::clone(&twilio)));
        // The moment of the kill is what is tried out: nothing is waited for.
        tokio::time::sleep(Duration::from_millis(random.random_range(200..1_500))).await;
        server.kill();
        while let Some(ended) = running.join_next().await {
            ended.expect("nobody was told an error");
        }
        place.ok(&["verify"]);
        place.ok(&["rebuild", "--check"]);
        assert!(twilio.most_per_token() <= 1, "round {round}: a message was sent twice");
    }

    // What is told about everything that was taken is heard at last, and what is in doubt is found by it.
    let server = Server::start(&place);
    let http = http_client();
    let taken = twilio.taken();
    for message in &taken {
        assert!(call(&http, &server.address, &TwilioDouble::status(message, "delivered", None)).await);
    }
    let known = acknowledged.lock().expect("no panic before").clone();
    assert!(known.len() > rounds, "only {} messages were acknowledged", known.len());
    // What was queued is sent now, and told about; what was taken before stands already as it will stay.
    let deadline = Instant::now() + Duration::from_secs(120);
    let (mut open, mut told, mut delivered) = (known.keys().cloned().collect::<Vec<_>>(), taken.len(), 0);
    let query = "query($id: ID!) { message(id: $id) { state } }";
    while !open.is_empty() {
        let mut waiting = vec![];
        for id in open {
            let request = http.post(format!("http://{}/graphql", server.address)).bearer_auth(&token);
            let answer = request.json(&json!({ "query": query, "variables": { "id": id } })).send().await;
            let answer: Value = answer.expect("the server answers").json().await.expect("JSON");
            match answer["data"]["message"]["state"].as_str() {
                Some("DELIVERED") => delivered += 1,
                // Nobody took it, and nobody may send it again.
                Some("IN_DOUBT") => {}
                state => {
                    assert!(Instant::now() < deadline, "message {id}, acknowledged, stands at {state:?}");
                    waiting.push(id);
                }
            }
        }
        let taken = twilio.taken();
        for message in &taken[told..] {
            assert!(call(&http, &server.address, &TwilioDouble::status(message, "delivered", None)).await);
        }
        told = taken.len();
        open = waiting;
        // The read tables follow the log: where they stand cannot be told from outside.
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    server.kill();
    assert!(twilio.most_per_token() <= 1);
    // Some were taken whose command was not answered any more: these are no fewer.
    assert!(twilio.taken().len() >= delivered);
    place.ok(&["verify"]);
    place.ok(&["rebuild", "--check"]);
}
