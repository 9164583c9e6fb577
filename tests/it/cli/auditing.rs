//! What an auditor does on the command line: finding, reading, what is recorded of it, and being asked before what cannot be
//! taken back.

use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use super::{Place, import_id};

fn filled() -> Place {
    let place = Place::new();
    place.file(
        "crm.csv",
        "customer,name,email,phone\nk1,Amara Okafor,amara@example.org,+44 20 7946 0123\nk2,Ada Lovelace,ada@example.org,\n",
    );
    place.file("orders.csv", "order,customer,date,sku,quantity,price\n1,k1,2026-01-01 09:00,A,2,1.50\n");
    place.file("inbox.tsv", "customer\ttext\nk1\tDo you deliver on Fridays?\n");
    place.ok(&["import", "customers", "crm.csv"]);
    place.ok(&["import", "orders", "orders.csv", "--currency", "EUR"]);
    place.ok(&["import", "messages", "inbox.tsv", "--channel", "sms"]);
    place
}

fn objects(lines: &str) -> Vec<Value> {
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn found(place: &Place, text: &[&str]) -> Vec<Value> {
    objects(&place.ok(&[&["find", "--format", "jsonl"], text].concat()))
}

/// What the log says of who read personal data, newest last.
fn reads(place: &Place) -> Vec<Value> {
    let events = objects(&place.ok(&["export", "events", "--type", "PersonalDataRead"]));
    events.into_iter().map(|event| event["data"].clone()).collect()
}

#[test]
fn a_customer_is_found_by_name_mailbox_number_and_id() {
    let place = filled();
    let amara = &found(&place, &["okafor", "ama"])[0];
    let id = amara["customer_id"].as_str().unwrap();
    assert!(amara["addresses"].as_str().unwrap().contains("+442079460123"), "{amara}");
    let graphql = format!("Customer:{id}");
    for text in
        [&["amara@example.org"][..], &["+44", "20", "7946", "0123"], &["+442079460123"], &["k1"], &[id], &[&graphql]]
    {
        let found = found(&place, text);
        assert_eq!((found.len(), &found[0]["customer_id"]), (1, &amara["customer_id"]), "{text:?}: {found:?}");
    }
    assert_eq!(found(&place, &["nobody"]).len(), 0);
    assert_eq!(place.ok(&["find", "nobody", "--format", "json"]), "[]\n");
    assert_eq!(
        serde_json::from_str::<Vec<Value>>(&place.ok(&["find", "example", "--format", "json"])).unwrap().len(),
        2
    );
    let before = reads(&place).len();
    for nothing in [&[""][..], &["%", "_"], &["Customer:nonsense"], &["Message:0198c0de-0000-7000-8000-000000000000"]] {
        place.fails(2, &[&["find"], nothing].concat());
    }
    assert_eq!(reads(&place).len(), before, "nobody was looked at");
    let long = place.fails(3, &["find", "a b c d e f g h i j k l m"]);
    assert!(long.contains("at most 12"), "{long}");
    let read = reads(&place);
    assert_eq!((&read[0]["what"], &read[0]["customer_ids"][0]), (&"find".into(), &amara["customer_id"]), "{read:?}");
    assert!(!format!("{read:?}").contains("okafor"), "what was looked for is personal");
}

#[test]
fn a_timeline_shows_texts_only_if_asked_and_then_the_log_says_so() {
    let place = filled();
    let id = found(&place, &["amara"])[0]["customer_id"].as_str().unwrap().to_owned();
    let before = reads(&place).len();
    let plain = place.ok(&["timeline", "--customer", &id]);
    assert!(plain.contains("order") && plain.contains("3.00 EUR") && plain.contains("registered"), "{plain}");
    assert!(!plain.contains("Fridays"), "{plain}");
    assert_eq!(reads(&place).len(), before, "nothing personal was shown");
    let full =
        objects(&place.ok(&["timeline", "--customer", &id, "--personal", "--kind", "message", "--format", "jsonl"]));
    assert_eq!((full.len(), &full[0]["preview"]), (1, &"Do you deliver on Fridays?".into()), "{full:?}");
    let read = reads(&place);
    assert_eq!(read.last().unwrap()["customer_ids"], serde_json::json!([id]));
    let first = place.run(&["timeline", "--customer", &id, "--limit", "1"]);
    assert_eq!(first.stdout.lines().count(), 2, "{}", first.stdout);
    assert!(first.stderr.contains("--limit"), "{}", first.stderr);
    place.fails(3, &["timeline", "--customer", "0198c0de-0000-7000-8000-000000000000"]);
    let kind = place.fails(2, &["timeline", "--customer", &id, "--kind", "gossip"]);
    assert!(kind.contains("gossip"), "{kind}");
}

#[test]
fn files_with_personal_data_are_private_and_the_log_says_that_they_were_made() {
    let place = filled();
    place.ok(&["replay", "--into", "now.db"]);
    place.ok(&["export", "customers", "--output", "customers.jsonl"]);
    place.ok(&["export", "events", "--personal", "--since", "2026-01-01", "--output", "events.jsonl"]);
    for file in ["now.db", "customers.jsonl", "events.jsonl"] {
        let mode = std::fs::metadata(place.path(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    let read = reads(&place);
    let what: Vec<_> =
        read.iter().map(|read| (read["what"].as_str().unwrap(), read["count"].as_u64().unwrap())).collect();
    assert_eq!(what, [("replay", 2), ("export", 2), ("export", 2)]);
    assert!(read[0]["filter"].as_str().unwrap().starts_with("until position"), "{read:?}");
    assert_eq!(read[1]["filter"], "customers");
    assert!(read[2]["filter"].as_str().unwrap().starts_with("events since 2026-01-01"), "{read:?}");
    let old = place.run(&["replay", "--until", "2001-01-01", "--into", "old.db"]);
    assert!(old.stderr.contains("no event is that old"), "{}", old.stderr);
}

#[test]
fn the_events_of_one_customer_are_exported() {
    let place = filled();
    let id = found(&place, &["okafor"])[0]["customer_id"].as_str().unwrap().to_owned();
    let events = objects(&place.ok(&["export", "events", "--customer", &format!("Customer:{id}")]));
    let stream = format!("customer-{id}");
    assert!(events.len() > 3 && events.iter().all(|event| event["stream"] == stream.as_str()), "{events:?}");
    assert!(events.is_sorted_by_key(|event| event["position"].as_str().unwrap().to_owned()));
    let orders = place.ok(&["export", "events", "--customer", &id, "--type", "ActivityRecorded", "--personal"]);
    assert_eq!(orders.lines().count(), 1);
    let read = reads(&place).pop().unwrap();
    assert_eq!((&read["what"], &read["customer_ids"][0]), (&"export".into(), &id.as_str().into()), "{read}");
    place.fails(2, &["export", "customers", "--customer", &id]);
}

#[test]
fn what_cannot_be_taken_back_is_shown_and_refused_without_a_terminal() {
    let place = filled();
    let id = found(&place, &["amara"])[0]["customer_id"].as_str().unwrap().to_owned();
    place.ok(&["keys", "issue", "--role", "agent", "--label", "help desk"]);
    let key = objects(&place.ok(&["keys", "list", "--format", "jsonl"]))[0]["key_id"].as_str().unwrap().to_owned();
    let import = place.ok(&["import", "orders", "orders.csv", "--currency", "USD", "--format", "json"]);
    let import = serde_json::from_str::<Value>(&import).unwrap()["import_id"].as_str().unwrap().to_owned();
    let events = |place: &Place| {
        let all = objects(&place.ok(&["export", "events"]));
        all.iter().filter(|event| event["type"] != "PersonalDataRead").count()
    };
    let before = events(&place);
    for (command, shown) in [
        (
            &["forget", "--customer", &id][..],
            &["Amara Okafor", "amara@example.org", "2 of them messages", "1 orders"][..1],
        ),
        (&["keys", "revoke", &key], &["help desk", "agent"]),
        (&["import", "undo", &import], &["orders.csv", "1 lines"]),
    ] {
        let refused = place.fails(2, command);
        assert!(refused.contains("--yes") && refused.contains("--dry-run"), "{refused}");
        let dry = place.ok(&[command, &["--dry-run"]].concat());
        assert!(dry.contains("dry run: nothing was changed"), "{dry}");
        shown.iter().for_each(|part| assert!(dry.contains(part), "{part} is not in {dry}"));
        let both = place.run(&[command, &["--dry-run", "--yes"]].concat());
        assert_eq!(both.code, Some(2), "{}", both.stderr);
    }
    assert_eq!(events(&place), before, "nothing was changed");
    assert_eq!(reads(&place).last().unwrap()["what"], "forget");
    for command in [&["forget", "--customer", &id][..], &["keys", "revoke", &key], &["import", "undo", &import]] {
        let done = place.ok(&[command, &["--yes", "--format", "json"]].concat());
        assert!(serde_json::from_str::<Value>(&done).unwrap().is_object(), "{done}");
    }
    assert_eq!(found(&place, &["amara"]).len(), 0);
}

#[test]
fn every_command_reports_in_json() {
    let place = filled();
    place.ok(&["keys", "issue", "--role", "agent", "--label", "help desk", "--format", "json"]);
    place.file("more.csv", "order,customer,date,sku,quantity,price\n9,k2,2026-01-01 09:00,A,2,1.50\n,,,,,\n");
    let lists = [
        &["keys", "list"][..],
        &["tenants", "list"],
        &["accounts", "list"],
        &["import", "list"],
        &["suppressions"],
        &["inbox"],
        &["in-doubt", "list"],
        &["callbacks", "list"],
        &["find", "ada"],
    ];
    for list in lists {
        let array: Vec<Value> = serde_json::from_str(&place.ok(&[list, &["--format", "json"]].concat())).unwrap();
        assert_eq!(array, objects(&place.ok(&[list, &["--format", "jsonl"]].concat())), "{list:?}");
        place.ok(&[list, &["--format", "table"]].concat());
        place.ok(&[list, &["--format", "text"]].concat());
    }
    for report in [
        &["status"][..],
        &["verify"],
        &["rebuild"],
        &["rebuild", "--check"],
        &["reclass", "--all"],
        &["import", "orders", "more.csv", "--currency", "EUR", "--dry-run"],
        &["import", "orders", "more.csv", "--currency", "EUR"],
        &["replay", "--into", "a.db"],
        &["confirm-dispatch"],
        &["tenants", "create", "Another"],
    ] {
        for format in ["json", "jsonl"] {
            if report[0] == "replay" && format == "jsonl" {
                continue;
            }
            let printed = place.ok(&[report, &["--format", format]].concat());
            assert_eq!(printed.lines().count(), 1, "{report:?}: {printed}");
            assert!(serde_json::from_str::<Value>(&printed).unwrap().is_object(), "{report:?}");
        }
    }
    let undone = import_id(&place.ok(&["import", "orders", "more.csv", "--currency", "EUR"]));
    assert!(!undone.is_empty());
}

#[tokio::test]
async fn keys_in_the_logs_own_database_are_refused_unless_told_otherwise() {
    let mut place = Place::new();
    let url = crate::support::postgres::database().await;
    place.set("COMMLOG_LOG_URL", &url);
    place.set("COMMLOG_KEYS_URL", &url.replace("127.0.0.1", "localhost"));
    place.set("COMMLOG_MASTER_KEY", &"6b".repeat(32));
    tokio::task::spawn_blocking(move || {
        let refused = place.fails(4, &["tenants", "create", "Us"]);
        assert!(refused.contains("keys_with_log") && refused.contains("keys_url"), "{refused}");
        let none = place.fails(4, &["status"]);
        assert!(none.contains("there is no schema log"), "nothing was made: {none}");
        place.set("COMMLOG_KEYS_WITH_LOG", "true");
        place.set("COMMLOG_LISTEN", "127.0.0.1:0");
        place.ok(&["tenants", "create", "Us"]);
        let server = super::server::Server::start(&place, &["serve"]);
        assert!(server.printed.contains("log and read tables are in one database"), "{}", server.printed);
        assert_eq!(server.stop(), Some(0));
    })
    .await
    .unwrap();
}
