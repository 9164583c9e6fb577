//! Traces of servers, as a collector gets them.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use commlog::clock::Ambient;
use serde_json::{Value, json};

use super::Place;
use super::server::Server;
use crate::support::app::{Engine, http_client};
use crate::support::doubles::Act;
use crate::support::doubles::collector::{CollectedSpan, CollectorDouble};
use crate::support::doubles::twilio::{self, TwilioDouble};

const PUBLIC: &str = "https://commlog.example";
const PHONE: &str = "+447400123456";
const BODY: &str = "Your parcel is at the gate.";

/// The caller's trace and span.
const CALLER: (&str, &str) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");

/// A place with an account at a double, whose traces go to a collector.
struct World {
    place: Place,
    twilio: TwilioDouble,
    token: String,
    http: reqwest::Client,
}

impl World {
    async fn new(engine: Engine, collector: &str) -> Self {
        let mut place = match engine {
            Engine::Sqlite => Place::new(),
            Engine::Postgres => Place::postgres().await,
        };
        let twilio = TwilioDouble::start(Ambient::system()).await;
        place.set("COMMLOG_LISTEN", "127.0.0.1:0");
        place.set("COMMLOG_LOG_FILTER", "warn");
        place.set("COMMLOG_TRACES_URL", collector);
        // Spans leave at once, as far as the library lets them.
        place.set("OTEL_BSP_SCHEDULE_DELAY", "20");
        place.file(
            "commlog.toml",
            format!(
                "public_url = '{PUBLIC}'\n[[accounts]]\nprovider = 'twilio'\nname = 'main'\nbase_url = '{}'\n\
                 account_sid = '{}'\nauth_token = '{}'\nfrom = '{}'\n",
                twilio.settings(PUBLIC).base_url,
                twilio::ACCOUNT,
                twilio::TOKEN,
                twilio::NUMBER,
            ),
        );
        let token = place.ok(&["keys", "issue", "--role", "admin", "--label", "traces"]).trim().to_owned();
        Self { place, twilio, token, http: http_client() }
    }

    async fn ask(&self, server: &Server, traceparent: &str, query: &str, input: Value) -> Value {
        let request = self.http.post(format!("http://{}/graphql", server.address())).bearer_auth(&self.token);
        let request = request.header("traceparent", traceparent);
        let variables = if input.is_null() { json!({}) } else { json!({ "input": input }) };
        let answer = request.json(&json!({ "query": query, "variables": variables })).send().await;
        let answer: Value = answer.expect("it responds").json().await.expect("is JSON");
        assert!(answer.get("errors").is_none(), "{answer:#}");
        answer["data"].clone()
    }

    async fn register(&self, server: &Server) -> Value {
        let query =
            "mutation($input: CustomerInput!) { registerCustomer(input: $input) { customerId refusal { code } } }";
        let input = json!({ "addresses": [{ "kind": "PHONE", "address": PHONE }] });
        self.ask(server, "garbage", query, input).await["registerCustomer"]["customerId"].clone()
    }

    /// Sends a message, and returns its id.
    async fn send(&self, server: &Server, customer: &Value, traceparent: &str) -> String {
        let query = "mutation($input: SendMessageInput!) { sendMessage(input: $input) \
                     { messageId refusal { code message } } }";
        let input = json!({
            "customerId": customer, "channel": "SMS", "class": "TRANSACTIONAL", "topic": "orders", "body": BODY,
        });
        let sent = self.ask(server, traceparent, query, input).await;
        let id = sent["sendMessage"]["messageId"].as_str().unwrap_or_else(|| panic!("{sent:#}"));
        id.strip_prefix("Message:").expect("the id of a message").to_owned()
    }

    /// Lets the provider report something.
    async fn report(&self, server: &Server, status: &str) {
        let signed = TwilioDouble::status(&self.twilio.taken()[0], status, None);
        let path = signed.url.strip_prefix(PUBLIC).expect("our webhook");
        let mut request = self.http.post(format!("http://{}{path}", server.address())).body(signed.body.clone());
        for (name, value) in &signed.headers {
            request = request.header(name, value);
        }
        assert!(request.send().await.expect("it responds").status().is_success());
    }
}

/// The only span of a name for which something holds.
fn the<'s>(spans: &'s [CollectedSpan], name: &str, holds: impl Fn(&CollectedSpan) -> bool) -> &'s CollectedSpan {
    let found: Vec<_> = spans.iter().filter(|span| span.name == name && holds(span)).collect();
    assert_eq!(found.len(), 1, "{name}: {found:#?} of {spans:#?}");
    found[0]
}

async fn a_message_is_traced_from_its_mutation_to_the_call_of_another_node(engine: Engine) {
    let collector = CollectorDouble::start().await;
    let world = World::new(engine, &collector.url()).await;
    let asked = Server::start(&world.place, &["serve", "--roles", "api"]);
    let customer = world.register(&asked).await;
    let (trace, span) = CALLER;
    let message_id = world.send(&asked, &customer, &format!("00-{trace}-{span}-01")).await;
    // What its caller does not trace is not traced here.
    let untraced = "0123456789abcdef0123456789abcdef";
    world.ask(&asked, &format!("00-{untraced}-{span}-00"), "{ customers { totalCount } }", Value::Null).await;
    assert_eq!(asked.stop(), Some(0));

    let sends = Server::start(&world.place, &["serve"]);
    collector.wait_for(&["send", "project"]).await;
    world.report(&sends, "delivered").await;
    assert_eq!(sends.stop(), Some(0));
    let spans = collector.wait_for(&["message", "POST /webhooks"]).await;
    assert!(collector.refused().is_empty(), "{:?}", collector.refused());

    let request = the(&spans, "POST /graphql", |found| found.trace == trace);
    assert_eq!((request.parent.as_str(), request.kind), (span, "server"));
    assert_eq!((request.attribute("command"), request.attribute("http.response.status_code")), ("send_message", "200"));
    let command = the(&spans, "command", |found| found.parent == request.id);
    assert_eq!((command.attribute("outcome"), command.attribute("stream")), ("done", "customer"));
    for step in ["decide", "append"] {
        assert_eq!(the(&spans, step, |found| found.parent == command.id).trace, trace);
    }

    // The message's own trace, which whoever has the message's id finds.
    let message = the(&spans, "message", |_| true);
    assert_eq!((message.trace.as_str(), message.parent.as_str()), (message_id.replace('-', "").as_str(), ""));
    assert_eq!((&message.links, &command.links), (&vec![command.context()], &vec![message.context()]));
    let dispatch = the(&spans, "dispatch", |found| found.attribute("decision") == "call");
    assert_eq!((&dispatch.trace, &dispatch.parent), (&message.trace, &message.id));
    let send = the(&spans, "send", |_| true);
    assert_eq!((&send.trace, &send.parent, send.is_error), (&message.trace, &dispatch.id, false));
    assert_eq!((send.attribute("provider"), send.attribute("outcome")), ("twilio", "accepted"));
    let call = the(&spans, "POST", |found| found.kind == "client");
    assert_eq!((&call.trace, &call.parent), (&message.trace, &send.id));
    assert_eq!((call.attribute("http.response.status_code"), call.attribute("server.address")), ("201", "127.0.0.1"));
    assert_eq!(
        (call.resource["service.name"].as_str(), call.resource["service.instance.id"].is_empty()),
        ("commlog", false)
    );
    // What its provider reports leads there, too.
    let report = the(&spans, "POST /webhooks", |_| true);
    assert_eq!(report.links, [message.context()]);

    assert!(spans.iter().all(|span| span.trace != untraced && span.name != "GET /healthz"));
    assert!(the(&spans, "POST /graphql", |found| found.trace != trace).parent.is_empty(), "its caller names no trace");
    the_spans_name_nobody(&world, &spans);
}

fn the_spans_name_nobody(world: &World, spans: &[CollectedSpan]) {
    let secrets = [PHONE, &PHONE[1..], "parcel", world.token.as_str(), twilio::TOKEN, twilio::ACCOUNT, twilio::NUMBER];
    for span in spans {
        for (key, value) in span.attributes.iter().chain(&span.resource).chain([(&span.name, &span.name)]) {
            assert!(secrets.iter().all(|secret| !value.contains(secret)), "{key} = {value}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_call_shows_its_class_and_an_unheard_one_its_cause() {
    let collector = CollectorDouble::start().await;
    let world = World::new(Engine::Sqlite, &collector.url()).await;
    let too_long = json!({ "code": 21617, "message": "The message body exceeds the limit", "status": 400 });
    world.twilio.script([Act::Refuse(400, vec![], too_long), Act::ServerError { status: 500, taken: false }]);
    let server = Server::start(&world.place, &["serve"]);
    let customer = world.register(&server).await;
    world.send(&server, &customer, "").await;
    collector.wait_for(&["send"]).await;
    world.send(&server, &customer, "").await;
    let spans = collector.wait_for(&["send", "send"]).await;
    let unheard = the(&spans, "send", |found| found.attribute("outcome") == "unknown");
    assert_eq!((unheard.attribute("code"), unheard.is_error), ("server_error", true));
    let refused = the(&spans, "send", |found| found.attribute("outcome") == "refused");
    assert_eq!(
        (refused.attribute("class"), refused.attribute("code"), refused.is_error),
        ("content_refused", "21617", true)
    );
    assert_eq!(server.stop(), Some(0));
    assert!(collector.refused().is_empty(), "{:?}", collector.refused());
}

/// Whoever is at work does not notice a collector that is away, or takes connections and never responds.
async fn all_goes_on_without(collector: &str, is_away: bool) {
    let world = World::new(Engine::Sqlite, collector).await;
    let server = Server::start_unread(world.place.command(&["serve"]), false);
    let began = Instant::now();
    let customer = world.register(&server).await;
    world.send(&server, &customer, "").await;
    while world.twilio.taken().is_empty() {
        assert!(began.elapsed() < Duration::from_mins(1), "nothing is sent");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let lost = |metrics: &str| !metrics.contains("commlog_spans_lost_total{reason=\"not_taken\"} 0");
    while is_away && !lost(&server.request("GET /metrics HTTP/1.1", "")) {
        assert!(began.elapsed() < Duration::from_mins(2), "no loss is counted");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(server.request("GET /metrics HTTP/1.1", "").contains("commlog_spans_exported_total 0"));
    let (ends, before) = (Instant::now(), server.printed.clone());
    let (code, printed) = server.stop_and_hear();
    let printed = before + &printed;
    assert_eq!(code, Some(0), "{printed}");
    assert!(ends.elapsed() < Duration::from_secs(20), "it waits for the collector: {:?}", ends.elapsed());
    let said = printed.matches("traces are not exported; everything else goes on without them").count();
    // One that does not respond is only found out after a while.
    assert!(said == 1 || !is_away && said == 0, "{said} times: {printed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_goes_on_while_the_collector_is_away() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = port.local_addr().unwrap();
    drop(port);
    all_goes_on_without(&format!("http://{address}"), true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_goes_on_while_the_collector_does_not_respond() {
    let deaf = TcpListener::bind("127.0.0.1:0").unwrap();
    all_goes_on_without(&format!("http://{}", deaf.local_addr().unwrap()), false).await;
}

on_each_engine! {
    a_message_is_traced_from_its_mutation_to_the_call_of_another_node
}
