//! A server that is killed at random moments, while commands, dispatches and callbacks run. `COMMLOG_KILL_ROUNDS` says how
//! often; 200 rounds take about a quarter of an hour.

use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use commlog::clock::Ambient;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::stories::account;
use crate::cli::Place;
use crate::support::app::http_client;
use crate::support::doubles::Signed;
use crate::support::doubles::sendgrid::{SendgridDouble, SendgridMail};
use crate::support::doubles::ses::SesDouble;
use crate::support::doubles::smtp::{Offers, SmtpDouble};
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

/// What was acknowledged: messages by what makes their texts differ.
type Acknowledged = Arc<watch::Sender<HashMap<String, String>>>;

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
        let order = format!("{number}-{turn}");
        let phone = format!("+4474{:08}", (number * 1_000_000 + turn) % 100_000_000);
        let mailbox = format!("c{order}@example.org");
        let addresses = json!([{ "kind": "PHONE", "address": phone }, { "kind": "EMAIL", "address": mailbox }]);
        let register = "mutation($input: CustomerInput!) { registerCustomer(input: $input) \
            { customerId refusal { code } } }";
        let Some(answer) = ask(register, json!({ "input": { "addresses": addresses } })).await else { return };
        let customer = answer["data"]["registerCustomer"]["customerId"].clone();
        let send = "mutation($input: SendMessageInput!) { sendMessage(input: $input) \
            { messageId position refusal { code message } } }";
        let (channel, subject) = if turn % 2 == 0 { ("SMS", None) } else { ("EMAIL", Some("Your order")) };
        let input = json!({
            "customerId": customer, "channel": channel, "class": "TRANSACTIONAL", "topic": "orders", "subject": subject,
            "body": format!("On its way: order {order}."),
        });
        let Some(answer) = ask(send, json!({ "input": input })).await else { return };
        let sent = &answer["data"]["sendMessage"];
        if let (Some(id), Some(_)) = (sent["messageId"].as_str(), sent["position"].as_str()) {
            acknowledged.send_modify(|known| drop(known.insert(order, id.to_owned())));
        }
    }
}

/// What a text of [`client`] says that no other one says.
fn order(text: &str) -> String {
    let number = text.split_once("order ").and_then(|(_, rest)| rest.split_once('.')).map(|(number, _)| number);
    number.unwrap_or_else(|| panic!("nobody sent {text:?}")).to_owned()
}

/// All that a server sends by: what is in doubt is looked for at one of them, and proved by events of two others; of what
/// went over SMTP, nothing more is ever heard.
struct Providers {
    twilio: TwilioDouble,
    sendgrid: SendgridDouble,
    ses: SesDouble,
    smtp: SmtpDouble,
}

/// The orders that were told to their customers, by who took them, in order each.
struct Taken {
    by_twilio: Vec<String>,
    by_sendgrid: Vec<String>,
    by_ses: Vec<String>,
    by_smtp: Vec<String>,
}

impl Taken {
    fn all(&self) -> impl Iterator<Item = &String> {
        self.by_twilio.iter().chain(&self.by_sendgrid).chain(&self.by_ses).chain(&self.by_smtp)
    }

    /// How many each one took, of those that report.
    fn counts(&self) -> [usize; 3] {
        [self.by_twilio.len(), self.by_sendgrid.len(), self.by_ses.len()]
    }
}

impl Providers {
    async fn start() -> Self {
        let ambient = Ambient::system();
        Self {
            twilio: TwilioDouble::start(ambient.clone()).await,
            sendgrid: SendgridDouble::start(ambient.clone()).await,
            ses: SesDouble::start(ambient).await,
            smtp: SmtpDouble::start(Offers::default()).await,
        }
    }

    /// An account at each; those of mail take a third each.
    fn configuration(&self) -> String {
        let smtp = [
            ("host", "localhost".to_owned()),
            ("port", self.smtp.settings().server.port.to_string()),
            ("security", "none".to_owned()),
            ("from", "news@shop.example".to_owned()),
        ];
        let mail = [
            account("sendgrid", &self.sendgrid.account()),
            account("ses", &self.ses.account()),
            account("smtp", &smtp),
        ];
        let mail: String = mail.into_iter().map(|account| format!("{account}share = 1\n")).collect();
        format!("{}{mail}", configuration(&self.twilio))
    }

    fn taken(&self) -> Taken {
        let (texts, mails) = (self.twilio.taken(), self.sendgrid.taken());
        Taken {
            by_twilio: texts.iter().map(|text| order(text.field("Body").unwrap_or_default())).collect(),
            by_sendgrid: mails
                .iter()
                .map(|mail| order(mail.request["content"][0]["value"].as_str().unwrap_or_default()))
                .collect(),
            by_ses: self.ses.taken().iter().map(|mail| order(&mail.mail)).collect(),
            by_smtp: self.smtp.taken().iter().map(|mail| order(&mail.content)).collect(),
        }
    }

    /// That texts and mails, but for the first ones, were delivered.
    fn deliveries(&self, but: [usize; 3]) -> Vec<Signed> {
        let texts = self.twilio.taken().split_off(but[0]);
        let mut told: Vec<_> = texts.iter().map(|text| TwilioDouble::status(text, "delivered", None)).collect();
        let mails = self.sendgrid.taken().split_off(but[1]);
        let at = Ambient::system().now().timestamp();
        let events = |mail: &SendgridMail| {
            ["processed", "delivered"].map(|kind| mail.event(kind, &format!("{kind}-{}", mail.id), at, json!({})))
        };
        let events: Vec<_> = mails.iter().flat_map(events).collect();
        let hook = format!("{PUBLIC}/webhooks/sendgrid/main");
        told.extend(events.chunks(100).map(|events| self.sendgrid.events(&hook, events)));
        let hook = format!("{PUBLIC}/webhooks/ses/main");
        let mails = self.ses.taken().split_off(but[2]);
        told.extend(mails.iter().map(|mail| SesDouble::raw(&hook, &mail.event("Delivery", "delivery", &json!({})))));
        told
    }

    fn assert_nothing_twice(&self, round: usize) {
        assert!(self.twilio.most_per_token() <= 1, "round {round}: a text was sent twice");
        assert!(self.sendgrid.most_per_token() <= 1, "round {round}: a mail was sent twice");
        let taken = self.taken();
        let once: HashSet<_> = taken.all().collect();
        assert_eq!(once.len(), taken.all().count(), "round {round}: an order was told twice, perhaps by two ways");
    }
}

/// Hands a callback over; false if the server did not take it.
pub(super) async fn call(http: &reqwest::Client, address: &str, signed: &Signed) -> bool {
    let path = signed.url.strip_prefix(PUBLIC).expect("our public URL");
    let request = http.post(format!("http://{address}{path}")).body(signed.body.clone());
    let request = signed.headers.iter().fold(request, |request, (name, value)| request.header(name, value));
    request.send().await.is_ok_and(|answer| answer.status().is_success())
}

/// Tells the server that what was taken last was delivered, again and again, until the server is gone.
async fn callbacks(address: String, providers: Arc<Providers>) {
    let http = http_client();
    while http.get(format!("http://{address}/healthz")).send().await.is_ok() {
        let last = providers.taken().counts().map(|count| count.saturating_sub(20));
        for told in providers.deliveries(last) {
            if !call(&http, &address, &told).await {
                return;
            }
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_loses_nothing_and_sends_nothing_twice() {
    let rounds = times("COMMLOG_KILL_ROUNDS", 4);
    let mut random = SmallRng::seed_from_u64(11);
    let providers = Arc::new(Providers::start().await);
    let mut place = Place::new();
    place.set("COMMLOG_LISTEN", "127.0.0.1:0");
    place.file("commlog.toml", providers.configuration());
    let token = place.ok(&["keys", "issue", "--role", "admin", "--label", "kills"]).trim().to_owned();
    let acknowledged = Acknowledged::default();

    for round in 0..rounds {
        let server = Server::start(&place);
        let mut running = tokio::task::JoinSet::new();
        for number in 0..CLIENTS {
            let (address, token) = (server.address.clone(), token.clone());
            running.spawn(client(address, token, Arc::clone(&acknowledged), round * CLIENTS + number));
        }
        running.spawn(callbacks(server.address.clone(), Arc::clone(&providers)));
        // Every other server is killed at any moment of its start, too.
        if round % 2 == 0 {
            let known = acknowledged.borrow().len();
            acknowledged.subscribe().wait_for(|now| now.len() >= known + CLIENTS).await.expect("clients run");
        }
        // The moment of the kill is what is tried out: nothing is waited for.
        tokio::time::sleep(Duration::from_millis(random.random_range(0..1_300))).await;
        server.kill();
        while let Some(ended) = running.join_next().await {
            ended.expect("nobody was told an error");
        }
        place.ok(&["verify"]);
        place.ok(&["rebuild", "--check"]);
        providers.assert_nothing_twice(round);
    }

    let known = acknowledged.borrow().clone();
    assert!(known.len() > rounds, "only {} messages were acknowledged", known.len());
    let server = Server::start(&place);
    settle(&server.address, &token, &providers, known.clone().into_iter().collect()).await;
    server.kill();
    providers.assert_nothing_twice(rounds);
    place.ok(&["verify"]);
    // Whoever was registered has their addresses: nobody else gets the replies.
    let events = |name: &str| place.ok(&["export", "events", "--type", name]).lines().count();
    assert_eq!(events("AddressClaimed"), events("CustomerAddressAdded"));
    place.ok(&["rebuild", "--check"]);
    place.ok(&["rebuild"]);
    compare(&place.ok(&["export", "messages"]), &known, &providers.taken());
}

/// Hears what the providers tell about all that they took, until every message that was acknowledged (its order, and its id)
/// stands as it will stay.
async fn settle(address: &str, token: &str, providers: &Providers, mut open: Vec<(String, String)>) {
    let http = http_client();
    let deadline = Instant::now() + Duration::from_mins(2);
    let query = "query($id: ID!) { message(id: $id) { state } }";
    let mut told = [0; 3];
    while !open.is_empty() {
        // What is queued yet is sent now, and told about.
        let taken = providers.taken();
        for delivery in providers.deliveries(told) {
            assert!(call(&http, address, &delivery).await);
        }
        told = taken.counts();
        let mut waiting = vec![];
        for (order, id) in open {
            let request = http.post(format!("http://{address}/graphql")).bearer_auth(token);
            let answer = request.json(&json!({ "query": query, "variables": { "id": id } })).send().await;
            let answer: Value = answer.expect("the server answers").json().await.expect("JSON");
            match answer["data"]["message"]["state"].as_str() {
                // In doubt: nobody took it, and nobody may send it again. `compare` proves that it is so.
                Some("DELIVERED" | "IN_DOUBT") => {}
                Some("SENT") if taken.by_smtp.contains(&order) => {}
                state => {
                    assert!(Instant::now() < deadline, "message {id}, acknowledged, stands at {state:?}");
                    waiting.push((order, id));
                }
            }
        }
        open = waiting;
        // The read tables follow the log: where they stand cannot be told from outside.
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The receivers' count equals what is known as sent, message by message. What went over SMTP when the server was killed behind
/// the last dot stays in doubt, as nothing proves it.
fn compare(rows: &str, acknowledged: &HashMap<String, String>, taken: &Taken) {
    let (once, by_smtp): (HashSet<&String>, HashSet<&String>) = (taken.all().collect(), taken.by_smtp.iter().collect());
    assert_eq!(once.len(), taken.all().count(), "an order was told twice");
    for (provider, orders) in [("SES", &taken.by_ses), ("SMTP", &taken.by_smtp), ("SendGrid", &taken.by_sendgrid)] {
        assert!(!orders.is_empty(), "{provider} took nothing");
    }
    let mut states = HashMap::new();
    for row in rows.lines() {
        let row: Value = serde_json::from_str(row).expect("JSON");
        let order = order(row["body"].as_str().expect("a text"));
        let state = row["state"].as_str().expect("a state").to_owned();
        let is_sent = ["sent", "delivered"].contains(&state.as_str());
        assert!(!is_sent || once.contains(&order), "order {order} is {state}, and nobody took it");
        states.insert(order, state);
    }
    for order in acknowledged.keys() {
        let expected: &[_] = match (by_smtp.contains(order), once.contains(order)) {
            (true, _) => &["sent", "in_doubt"],
            (false, true) => &["delivered"],
            (false, false) => &["in_doubt"],
        };
        let state = states.get(order).map(String::as_str);
        assert!(state.is_some_and(|state| expected.contains(&state)), "order {order}, acknowledged: {state:?}");
    }
    for order in once {
        assert!(states.contains_key(order), "order {order} was sent without an event");
    }
}
