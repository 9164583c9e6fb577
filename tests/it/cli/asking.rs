//! `commlog why`, `explain-send`, `consents`, `suppressions`, `inbox`, `in-doubt` and `reclass`: what an operator asks, as tables and as
//! JSON lines.

use std::path::Path;

use commlog::app::Caller;
use commlog::boot::Stores;
use commlog::clock::Ambient;
use commlog::config::Config;
use commlog::domain::address::decide::{AddressRef, LiftSuppression, SuppressAddress};
use commlog::domain::address::event::SuppressionReason;
use commlog::domain::consent::decide::SetConsent;
use commlog::domain::consent::event::ConsentState;
use commlog::domain::conversation::decide::UpdateConversation;
use commlog::domain::customer::decide::{AddressInput, Patch, ProfileInput, RegisterCustomer};
use commlog::domain::customer::event::{CustomerEvent, Source};
use commlog::domain::message::decide::{ReceiveMessage, RecordProviderFact, SendMessage};
use commlog::domain::message::event::{EngagementClass, MessageClass};
use commlog::domain::tenant::decide::CreateTenant;
use commlog::domain::value::message::{MessageKey, Report, Route};
use commlog::domain::value::token::Correlation;
use commlog::domain::value::{AddressKind, Channel};
use commlog::ids::{CustomerId, MessageId};
use commlog::log::{Category, Personal, ReadLimit, StreamId};
use serde_json::Value;

use super::Place;

/// What happened before somebody asks.
struct Told {
    place: Place,
    customer: CustomerId,
    /// Refused by an opt-out.
    suppressed: MessageId,
    /// Its provider did not answer.
    in_doubt: MessageId,
}

fn route() -> Route {
    Route { provider: "simulator".to_owned(), account: "default".to_owned(), domain: None }
}

fn message(customer_id: CustomerId, class: MessageClass) -> SendMessage {
    SendMessage {
        customer_id,
        channel: Channel::Email,
        class,
        topic: "news".to_owned(),
        address_id: None,
        subject: Some("Hello".to_owned()),
        body: "A new vintage is in.".to_owned(),
        send_at: None,
        in_reply_to: None,
        campaign_id: None,
        variant: None,
        attachments: vec![],
    }
}

/// A customer who opted out, one message that was therefore not sent, one in doubt that was opened by a machine, and one
/// that came in; an address that was suppressed and lifted.
async fn told() -> Told {
    let place = Place::new();
    let folder = place.path("data").display().to_string();
    let config = Config::from_parts(Some((Path::new("test.toml"), "")), [("COMMLOG_DATA_DIR".to_owned(), folder)], &[]);
    let config = config.expect("a valid configuration");
    let stores = Stores::open(&config, &Ambient::system()).await.expect("the stores open");
    let (app, caller) = (&stores.app, Caller::new(config.tenant, "key:test"));
    macro_rules! done {
        ($outcome:expr) => {
            $outcome.await.expect("the log answers").into_result().expect("is carried out").value
        };
    }
    done!(app.create_tenant(&caller, CreateTenant { name: "Test".to_owned() }));
    let mailbox = AddressInput {
        kind: AddressKind::Email,
        address: "ann@example.com".to_owned(),
        region: None,
        label: None,
        primary: true,
    };
    let profile = ProfileInput { name: Some("Ann Example".to_owned()), ..ProfileInput::default() };
    let customer = done!(
        app.register_customer(&caller, RegisterCustomer { profile, addresses: vec![mailbox], source: Source::Api })
    );
    let consent = |state, wording: Option<&str>| SetConsent {
        customer_id: customer,
        channel: Channel::Email,
        topic: "news".to_owned(),
        state,
        method: "form".to_owned(),
        wording: wording.map(str::to_owned),
        ip: Some("192.0.2.9".to_owned()),
        user_agent: None,
        message_id: None,
        source: Source::Api,
    };
    done!(app.set_consent(&caller, consent(ConsentState::OptedIn, Some("Yes, send me news"))));
    done!(app.set_consent(&caller, consent(ConsentState::OptedOut, None)));
    let suppressed = done!(app.send_message(&caller, message(customer, MessageClass::Marketing), None)).message_id;
    let in_doubt = done!(app.send_message(&caller, message(customer, MessageClass::Transactional), None)).message_id;
    app.begin_dispatch(&caller, customer, in_doubt, &[route()], None).await.expect("the log answers");
    assert!(app.doubt_dispatch(&caller, customer, in_doubt, app.ambient().now()).await.expect("the log answers"));

    let inbound = ReceiveMessage {
        customer_id: Some(customer),
        channel: Channel::Sms,
        from: Some("+447700900123".to_owned()),
        to: None,
        subject: None,
        body: "Where is my order?".to_owned(),
        occurred_at: None,
        in_reply_to: None,
        provider: "test".to_owned(),
        provider_message_id: None,
        hint: None,
        source: Source::Api,
        arrival: None,
    };
    let received = done!(app.receive_message(&caller, inbound));
    let assigned = UpdateConversation {
        customer_id: customer,
        conversation_id: received.conversation_id.expect("a conversation"),
        state: None,
        snoozed_until: None,
        assignee: Patch::Set("bob".to_owned()),
        team: Patch::Keep,
        priority: Some("high".to_owned()),
        mark_read: false,
    };
    done!(app.update_conversation(&caller, assigned));

    let other = || AddressRef::Text { kind: AddressKind::Email, address: "jo@example.com".to_owned() };
    let (reason, source) = (SuppressionReason::Manual, Source::Api);
    let suppress = SuppressAddress { address: other(), reason, message_id: None, customer_id: None, source };
    done!(app.suppress_address(&caller, suppress));
    done!(app.lift_suppression(&caller, LiftSuppression { address: other(), reason, note: "a mistake".to_owned() }));
    stores.close().await;
    Told { place, customer, suppressed, in_doubt }
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn why_tells_the_rule_and_what_it_looked_at() {
    let Told { place, suppressed, .. } = told().await;
    let id = suppressed.to_string();
    let table = place.ok(&["why", &id]);
    assert!(table.contains("outbound email message") && table.contains("marketing news: suppressed"), "{table}");
    let row = table.lines().find(|line| line.contains("consent")).unwrap_or_else(|| panic!("{table}"));
    assert!(row.contains("suppressed") && row.contains("opted_out"), "{row}");
    let rows = lines(&place.ok(&["why", &id, "--format", "jsonl"]));
    let states: Vec<_> = rows.iter().map(|row| row["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["queued", "suppressed"]);
    assert_eq!((&rows[1]["rule"], &rows[1]["inputs"]["state"]), (&"consent".into(), &"opted_out".into()));
    let unknown = place.fails(3, &["why", "0198c0de-0000-7000-8000-000000000000"]);
    assert!(unknown.contains("there is no message"), "{unknown}");
    place.fails(2, &["why", "ann@example.com"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_would_become_of_a_message_is_said_without_sending_it() {
    let Told { place, customer, .. } = told().await;
    let id = customer.to_string();
    let before = place.ok(&["export", "events", "--type", "MessageQueued"]);
    let to = ["explain-send", "--customer", &id, "--channel", "email", "--topic", "news"];
    let table = place.ok(&to);
    assert!(table.contains("it would not be sent: the rule consent"), "{table}");
    let rules = lines(&place.ok(&[&to[..], &["--format", "jsonl"]].concat()));
    let consent = rules.iter().find(|row| row["rule"] == "consent").expect("is listed");
    assert_eq!((&consent["outcome"], &consent["inputs"]["state"]), (&"suppresses".into(), &"opted_out".into()));
    let table = place.ok(&[&to[..], &["--class", "transactional"]].concat());
    assert!(table.contains("it would be sent at once"), "{table}");
    let refused = place.fails(3, &[&to[..], &["--template", "nothing"]].concat());
    assert!(refused.contains("it would be refused"), "{refused}");
    assert_eq!(place.ok(&["export", "events", "--type", "MessageQueued"]), before, "nothing is recorded");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn consents_are_proved_and_their_reading_is_recorded() {
    let Told { place, customer, .. } = told().await;
    let id = customer.to_string();
    let rows = lines(&place.ok(&["consents", "--customer", &id, "--format", "jsonl"]));
    let states: Vec<_> = rows.iter().map(|row| row["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["opted_out", "opted_in"]);
    assert!(rows[1].get("ip").is_none(), "{}", rows[1]);
    let reads = || place.ok(&["export", "events", "--type", "PersonalDataRead"]).lines().count();
    assert_eq!(reads(), 0);
    let rows = lines(&place.ok(&["consents", "--customer", &id, "--personal", "--format", "jsonl"]));
    assert_eq!((&rows[1]["ip"], &rows[1]["wording"]), (&"192.0.2.9".into(), &"Yes, send me news".into()));
    assert_eq!(reads(), 1);
    let current = place.ok(&["consents", "--customer", &id, "--current"]);
    assert!(current.contains("opted_out") && !current.contains("opted_in"), "{current}");
    assert_eq!(place.ok(&["consents", "--customer", &id, "--channel", "sms"]), "");
    place.fails(3, &["consents", "--customer", "0198c0de-0000-7000-8000-000000000000"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn suppressions_are_listed_with_who_lifted_them() {
    let Told { place, .. } = told().await;
    assert_eq!(place.ok(&["suppressions"]), "");
    let rows = lines(&place.ok(&["suppressions", "--lifted", "--format", "jsonl"]));
    assert_eq!((&rows[0]["active"], &rows[0]["lifted_by"]), (&false.into(), &"key:test".into()));
    let address = rows[0]["address_id"].as_str().unwrap();
    let history = lines(&place.ok(&["suppressions", "--address", address, "--format", "jsonl"]));
    let told: Vec<_> = history.iter().map(|row| (row["suppressed"].as_bool().unwrap(), row["note"].as_str())).collect();
    assert_eq!(told, [(true, None), (false, Some("a mistake"))]);
    assert_eq!(place.ok(&["suppressions", "--lifted", "--reason", "complaint"]), "");
    place.fails(2, &["suppressions", "--reason", "boredom"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_inbox_shows_figures_and_conversations() {
    let Told { place, .. } = told().await;
    let table = place.ok(&["inbox"]);
    assert!(table.starts_with("1 open, 0 pending, 0 snoozed, 0 resolved; 1 with 1 unread messages"), "{table}");
    assert!(table.contains("bob") && table.contains("high"), "{table}");
    let rows = lines(&place.ok(&["inbox", "--assignee", "bob", "--format", "jsonl"]));
    assert_eq!((rows.len(), &rows[0]["channel"], &rows[0]["unread"]), (1, &"sms".into(), &1.into()));
    assert_eq!(lines(&place.ok(&["inbox", "--unassigned", "--format", "jsonl"])).len(), 0);
    let figures = lines(&place.ok(&["inbox", "--counts", "--format", "jsonl"]));
    let bobs = figures.iter().find(|row| row["by"] == "assignee").unwrap();
    assert_eq!((&bobs["name"], &bobs["open"]), (&"bob".into(), &1.into()));
    place.fails(2, &["inbox", "--priority", "soon"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_in_doubt_is_listed_until_somebody_decides() {
    let Told { place, in_doubt, suppressed, .. } = told().await;
    let id = in_doubt.to_string();
    assert!(place.ok(&["in-doubt", "list"]).contains(&id));
    let why = lines(&place.ok(&["why", &id, "--format", "jsonl"]));
    assert!(why.iter().any(|row| row["state"] == "in_doubt"), "{why:?}");
    let settled = place.ok(&["in-doubt", "resolve", &id, "--as", "not-sent"]);
    assert!(settled.contains("stays unsent"), "{settled}");
    assert_eq!(place.ok(&["in-doubt", "list", "--format", "jsonl"]), "");
    place.fails(3, &["in-doubt", "resolve", &suppressed.to_string(), "--as", "sent"]);
    place.fails(2, &["in-doubt", "resolve", &id]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn opens_are_judged_again_and_nothing_changes_the_second_time() {
    let Told { place, customer, .. } = told().await;
    opened_by_machine(&place, customer).await;
    let id = customer.to_string();
    let first = place.ok(&["reclass", "--customer", &id]);
    assert!(first.starts_with("1 opens and clicks classified by engagement/1, 1 corrected, 0 skipped"), "{first}");
    let again = place.ok(&["reclass", "--all"]);
    assert!(again.starts_with("1 opens and clicks classified by engagement/1, 0 corrected"), "{again}");
    assert_eq!(place.ok(&["export", "events", "--type", "EngagementReclassified"]).lines().count(), 1);
    place.ok(&["verify"]);
    place.ok(&["rebuild", "--check"]);
    place.fails(2, &["reclass"]);
    place.fails(2, &["reclass", "--message", &id]);
    place.fails(3, &["reclass", "--since", "2026-02-01", "--until", "2026-01-01"]);
}

/// An open by a prefetcher, which an earlier rule took for a person.
#[tokio::test]
async fn rules_are_tried_on_what_was_asked_for() {
    let Told { place, .. } = told().await;
    let totals = |arguments: &[&str]| {
        let found = lines(&place.ok(&[&["back-test", "--format", "json"], arguments].concat()));
        found[0]["totals"].clone()
    };
    let unchanged = totals(&[]);
    assert_eq!(
        (&unchanged["messages"], &unchanged["stopped_as_well"]),
        (&Value::from(2), &Value::from(1)),
        "{unchanged}"
    );
    assert_eq!(totals(&["--cap", "5/week", "--quiet-hours", "sms:21:00-08:00"]), unchanged);
    let text = place.ok(&["back-test", "--cap", "1/day:hold"]);
    assert!(text.starts_with("2 messages to 1 customers"), "{text}");
    let file = place.file("changes.json", r#"{"caps": [{"limit": 5, "window": "WEEK"}], "requireOptIn": false}"#);
    assert_eq!(totals(&["--policy", file]), unchanged);
    for wrong in [
        r#"{"cap": []}"#,
        r#"{"caps": [{"limit": 5, "window": "WEEK", "per": 1}]}"#,
        r#"{"caps": [{"limit": -1}]}"#,
        "no",
    ] {
        let file = place.file("wrong.json", wrong);
        place.fails(3, &["back-test", "--policy", file]);
    }
    place.fails(3, &["back-test", "--exclude-list", "Nobody"]);
    place.fails(3, &["back-test", "--since", "2026-02-01", "--until", "2026-01-01"]);
    place.fails(2, &["back-test", "--cap", "three"]);
}

async fn opened_by_machine(place: &Place, customer: CustomerId) {
    let folder = place.path("data").display().to_string();
    let config = Config::from_parts(Some((Path::new("test.toml"), "")), [("COMMLOG_DATA_DIR".to_owned(), folder)], &[]);
    let config = config.expect("a valid configuration");
    let stores = Stores::open_existing(&config, &Ambient::system()).await.expect("the stores open");
    let stream = StreamId::new(config.tenant, Category::Customer, customer.0);
    let events = stores.journal.read_stream(stream, 0, ReadLimit::events(100)).await.expect("the log answers");
    let key: Option<MessageKey> = events.iter().find_map(|recorded| {
        let personal = match &recorded.personal {
            Personal::Clear(bytes) => Some(bytes.as_slice()),
            Personal::None | Personal::Erased => None,
        };
        let event = CustomerEvent::decode(&recorded.envelope.event_type, &recorded.data, personal);
        event.expect("a customer's event").message_key().cloned()
    });
    let fact = RecordProviderFact {
        correlation: Correlation {
            tenant: commlog::config::DEFAULT_TENANT,
            customer_id: customer,
            key: key.expect("a message"),
            address_id: None,
            route: route(),
            called_at: Ambient::system().now(),
        },
        occurred_at: Ambient::system().now(),
        provider_event_id: Some("open 1".to_owned()),
        report: Report::Opened {
            class: EngagementClass::Human,
            rule: "engagement/0".to_owned(),
            flagged: None,
            ip: None,
            user_agent: Some("Mozilla/5.0".to_owned()),
        },
        raw: None,
    };
    let caller = Caller::new(config.tenant, "provider:test");
    stores.app.record_provider_fact(&caller, fact).await.expect("the log answers").into_result().expect("is recorded");
    stores.close().await;
}
