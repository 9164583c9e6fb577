//! People at work: they register customers, write to them and record what those bought.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::world::Acknowledged;
use crate::support::doubles::twilio::TwilioDouble;

/// How long a server may take for a command.
const ANSWERED_WITHIN: Duration = Duration::from_secs(45);

/// The longest that a command may have to be repeated by who repeats it.
const ACKNOWLEDGED_WITHIN: Duration = Duration::from_mins(1);

/// How long a client rests once all was acknowledged: in the end, every message is asked about.
const REST: Duration = Duration::from_millis(50);

/// How long a client waits after a failure.
const PAUSE: Duration = Duration::from_millis(100);

const REGISTER: &str = "mutation($input: CustomerInput!, $key: String) { done: registerCustomer(input: $input, \
    idempotencyKey: $key) { id: customerId position repeated refusal { code } } }";

const RECORD: &str = "mutation($input: ActivityInput!, $key: String) { done: recordActivity(input: $input, \
    idempotencyKey: $key) { id: activityId position repeated refusal { code } } }";

const SEND: &str = "mutation($input: SendMessageInput!, $key: String) { done: sendMessage(input: $input, \
    idempotencyKey: $key) { id: messageId position repeated refusal { code } } }";

/// What somebody does about a command that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Habit {
    /// Begins with another customer.
    GivesUp,
    /// Repeats it by its idempotency key, at one server after the other, until it is acknowledged; and then once more at the next
    /// one, which must know that it was carried out.
    Repeats,
}

/// One of them.
pub(super) struct Client {
    pub(super) number: usize,
    pub(super) habit: Habit,
    /// Addresses.
    pub(super) servers: Arc<Mutex<Vec<String>>>,
    pub(super) twilio: Arc<TwilioDouble>,
    /// Waits while the provider has not been asked to send all but so many messages.
    pub(super) most_waiting: usize,
    pub(super) http: reqwest::Client,
    pub(super) token: String,
    pub(super) acknowledged: Arc<Mutex<Acknowledged>>,
    pub(super) succeeded: watch::Sender<usize>,
    pub(super) failed: Arc<watch::Sender<usize>>,
}

/// What a server said of a command that it acknowledged.
struct Done {
    id: String,
    /// It had been carried out before.
    repeated: bool,
}

impl Client {
    /// Works until `stop`. Who repeats commands finishes the turn first.
    pub(super) async fn run(self, stop: CancellationToken) {
        match self.habit {
            Habit::GivesUp => drop(stop.run_until_cancelled(self.work(&stop)).await),
            Habit::Repeats => self.work(&stop).await,
        }
    }

    async fn work(&self, stop: &CancellationToken) {
        for turn in 0.. {
            while self.messages() > self.most_waiting.saturating_add(self.twilio.calls()) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            if stop.is_cancelled() {
                return;
            }
            match self.turn(turn).await {
                Some(()) => {
                    self.succeeded.send_modify(|count| *count += 1);
                    tokio::time::sleep(REST).await;
                }
                // As a client that tries again does.
                None => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    fn messages(&self) -> usize {
        self.acknowledged.lock().expect("no panic").messages.len()
    }

    /// Absent if something was not acknowledged.
    async fn turn(&self, turn: usize) -> Option<()> {
        let phone = format!("+4474{:08}", self.number * 1_000_000 + turn);
        let input = json!({ "name": "Ada Example", "addresses": [{ "kind": "PHONE", "address": phone }] });
        let customer = self.command(REGISTER, input, format!("register {turn}")).await?;
        let input = json!({ "customerId": customer, "kind": "ORDER", "amountMicros": "1500000", "currency": "EUR" });
        self.command(RECORD, input, format!("record {turn}")).await?;
        let input = json!({
            "customerId": customer, "channel": "SMS", "class": "TRANSACTIONAL", "topic": "orders", "body": "On its way.",
        });
        let message = self.command(SEND, input, format!("send {turn}")).await?;
        self.acknowledged.lock().expect("no panic").messages.push((message, phone));
        Some(())
    }

    /// Has a command carried out, whose key no other command of this client has; what it made, unless it was not acknowledged.
    async fn command(&self, mutation: &str, input: Value, key: String) -> Option<String> {
        let id = match self.habit {
            Habit::GivesUp => self.ask(0, json!({ "query": mutation, "variables": { "input": input } })).await.ok()?.id,
            Habit::Repeats => {
                let key = format!("client {}: {key}", self.number);
                let body = json!({ "query": mutation, "variables": { "input": input, "key": key } });
                let done = self.repeat(0, &body).await;
                let again = self.repeat(1, &body).await;
                assert_eq!((&again.id, again.repeated), (&done.id, true), "{body}");
                done.id
            }
        };
        let (_, uuid) = id.split_once(':').expect("a global id");
        self.acknowledged.lock().expect("no panic").objects.insert(uuid.to_owned());
        Some(id)
    }

    /// Asks one server after the other, the first one by number, until a command is acknowledged.
    async fn repeat(&self, first: usize, body: &Value) -> Done {
        let began = Instant::now();
        let mut server = first;
        loop {
            match self.ask(server, body.clone()).await {
                Ok(done) => return done,
                Err(problem) => {
                    assert!(began.elapsed() < ACKNOWLEDGED_WITHIN, "{body} is not acknowledged: {problem}");
                    tokio::time::sleep(PAUSE).await;
                    server += 1;
                }
            }
        }
    }

    /// Gives a command to a server, by its number from the client's own; the problem, if it is not acknowledged.
    async fn ask(&self, server: usize, body: Value) -> Result<Done, String> {
        let answer = self.post(server, &body).await;
        let done = answer.and_then(|answer| {
            let done = &answer["data"]["done"];
            assert!(done["refusal"].is_null(), "{body}: {answer}");
            let id = done["id"].as_str().filter(|_| done["position"].is_string()).ok_or_else(|| answer.to_string())?;
            Ok(Done { id: id.to_owned(), repeated: done["repeated"] == true })
        });
        if let Err(problem) = &done {
            self.failed.send_modify(|count| *count += 1);
            self.acknowledged.lock().expect("no panic").problems.push(problem.clone());
        }
        done
    }

    async fn post(&self, server: usize, body: &Value) -> Result<Value, String> {
        let address = {
            let servers = self.servers.lock().expect("no panic");
            servers[(self.number + server) % servers.len()].clone()
        };
        let request = self.http.post(format!("http://{address}/graphql")).bearer_auth(&self.token);
        let answer = request.json(body).timeout(ANSWERED_WITHIN).send().await.map_err(|error| chain(&error))?;
        answer.json().await.map_err(|error| chain(&error))
    }
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let cause = error.source().map_or_else(String::new, |cause| format!(": {}", chain(cause)));
    format!("{error}{cause}")
}
