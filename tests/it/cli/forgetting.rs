//! `commlog forget`: nothing of the person is left anywhere, figures stay.

use super::Place;
use super::server::{Server, place};

#[test]
fn a_forgotten_customer_is_gone_from_tables_exports_and_files() {
    let place = Place::new();
    place.file(
        "crm.csv",
        "customer,name,email,country\nk1,Zebulon Quackenbush,zebulon@quackenbush.example,North\nk2,Ada,ada@example.org,South\n",
    );
    place.file("orders.csv", "order,customer,date,sku,quantity,price\n1,k1,2026-01-01,A,2,1.50\n");
    place.ok(&["import", "customers", "crm.csv"]);
    place.ok(&["import", "orders", "orders.csv", "--currency", "EUR"]);
    let customers = place.ok(&["export", "customers"]);
    let row = customers.lines().find(|line| line.contains("Quackenbush")).unwrap();
    let id = serde_json::from_str::<serde_json::Value>(row).unwrap()["customer_id"].as_str().unwrap().to_owned();

    let forgotten = place.ok(&["forget", "--customer", &id, "--yes"]);
    assert!(forgotten.contains("is destroyed") && forgotten.contains("purged"), "{forgotten}");

    let all = place.ok(&["export", "events", "--personal"]) + &place.ok(&["export", "customers"]);
    assert!(!all.to_lowercase().contains("quackenbush"), "{all}");
    assert!(all.contains("\"erased\":true"), "the events themselves stay");
    assert_eq!(place.ok(&["export", "events", "--type", "ErasureCompleted"]).lines().count(), 1);
    assert!(place.ok(&["export", "customer_totals"]).contains("3000000"), "figures stay");
    place.ok(&["verify"]);
    place.ok(&["rebuild", "--check"]);
    for file in files_below(&place.path("data")) {
        let bytes = std::fs::read(&file).unwrap().to_ascii_lowercase();
        let found = bytes.windows(11).any(|window| window == b"quackenbush");
        assert!(!found, "{} still holds the name, or the domain of the mailbox", file.display());
    }
    let again = place.run(&["forget", "--customer", &id, "--yes"]);
    assert!(again.code == Some(0) || again.code == Some(3), "{}", again.stderr);
    let unknown = place.fails(3, &["forget", "--customer", "0198c0de-0000-7000-8000-000000000000", "--yes"]);
    assert!(unknown.contains("this customer does not exist"), "{unknown}");
}

#[test]
fn a_command_is_recorded_as_that_of_the_user_who_runs_it() {
    let place = Place::new();
    place.file("crm.csv", "customer,name,email\nk1,Zebulon Quackenbush,zebulon@example.com\n");
    place.ok(&["import", "customers", "crm.csv", "--acting-as", "u-41"]);
    let row = place.ok(&["export", "customers"]);
    let id = serde_json::from_str::<serde_json::Value>(&row).unwrap()["customer_id"].as_str().unwrap().to_owned();
    place.ok(&["--acting-as", "u-42", "forget", "--customer", &id, "--yes"]);
    for (event, actor) in [("CustomerRegistered", "user:u-41/cli"), ("CustomerForgotten", "user:u-42/cli")] {
        let events = place.ok(&["export", "events", "--type", event]);
        assert!(events.contains(&format!("\"actor\":\"{actor}\"")), "{events}");
    }
    let refused = place.fails(2, &["--acting-as", "ada@example.org", "verify"]);
    assert!(refused.contains("not an email address"), "{refused}");
}

#[test]
fn a_customer_of_a_restored_log_is_forgotten_although_the_read_tables_were_ahead_of_it() {
    let place = Place::new();
    place.file("crm.csv", "customer,name,email\nk1,Zebulon Quackenbush,zebulon@example.com\n");
    place.file("more.csv", "customer,name,email\nk2,Ada,ada@example.org\nk3,Grace,grace@example.org\n");
    place.ok(&["import", "customers", "crm.csv"]);
    let row = place.ok(&["export", "customers"]);
    let id = serde_json::from_str::<serde_json::Value>(&row).unwrap()["customer_id"].as_str().unwrap().to_owned();
    std::fs::copy(place.path("data/log.db"), place.path("backup.db")).unwrap();
    place.ok(&["import", "customers", "more.csv"]);
    assert_eq!(place.ok(&["export", "customers"]).lines().count(), 3);
    std::fs::copy(place.path("backup.db"), place.path("data/log.db")).unwrap();

    let forgotten = place.run(&["forget", "--customer", &id, "--yes"]);
    assert!(forgotten.stdout.contains("the read tables are purged"), "{}", forgotten.stderr);
    assert!(forgotten.stderr.contains("made from another log"), "{}", forgotten.stderr);
    assert_eq!(place.ok(&["export", "events", "--type", "ErasureCompleted"]).lines().count(), 1);
    let customers = place.ok(&["export", "customers"]);
    assert!(!customers.contains("Ada") && !customers.contains("Quackenbush"), "{customers}");
    place.ok(&["rebuild", "--check"]);
    for file in files_below(&place.path("data")) {
        let bytes = std::fs::read(&file).unwrap().to_ascii_lowercase();
        assert!(!bytes.windows(11).any(|window| window == b"quackenbush"), "{} still holds the name", file.display());
    }
}

#[test]
fn the_name_of_a_user_is_gone_from_log_tables_and_files() {
    let place = place();
    let key = place.ok(&["keys", "issue", "--role", "admin", "--label", "desk", "--acts-for-users"]);
    let server = Server::start(&place, &["serve"]);
    let head = format!(
        "POST /graphql HTTP/1.1\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
         commlog-actor: {{\"id\": \"u-7\", \"name\": \"Zebulon Quackenbush\"}}",
        key.trim()
    );
    let register =
        r#"{"query":"mutation { registerCustomer(input: { name: \"Ada\" }) { customer { name } refusal { code } } }"}"#;
    let answer = server.request(&head, register);
    assert!(answer.contains(r#""name":"Ada""#), "{answer}");
    assert_eq!(server.stop(), Some(0));
    assert!(place.ok(&["export", "events", "--personal"]).contains("Quackenbush"));

    let plan = place.ok(&["forget", "--user", "u-7", "--dry-run"]);
    assert!(plan.contains("Zebulon Quackenbush") && plan.contains("nothing was changed"), "{plan}");
    let forgotten = place.ok(&["forget", "--user", "u-7", "--yes"]);
    assert!(forgotten.contains("is destroyed") && forgotten.contains("purged"), "{forgotten}");
    let all = place.ok(&["export", "events", "--personal"]);
    assert!(all.contains("user:u-7/key:") && !all.contains("Quackenbush"), "{all}");
    place.ok(&["verify"]);
    place.ok(&["rebuild", "--check"]);
    for file in files_below(&place.path("data")) {
        let bytes = std::fs::read(&file).unwrap();
        assert!(!bytes.windows(11).any(|window| window == b"Quackenbush"), "{} still holds the name", file.display());
    }
    place.ok(&["forget", "--user", "u-7", "--yes"]);
    let unknown = place.fails(3, &["forget", "--user", "u-8", "--yes"]);
    assert!(unknown.contains("no API key ever gave this user a name"), "{unknown}");
    place.fails(2, &["forget", "--yes"]);
    place.fails(2, &["forget", "--user", "u-7", "--customer", "0198c0de-0000-7000-8000-000000000000", "--yes"]);
}

fn files_below(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(files_below(&path)) } else { files.push(path) }
    }
    files
}
