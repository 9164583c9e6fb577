//! `commlog demo` and `commlog serve`: started as people start them, stopped by a signal.

use std::net::TcpListener;
use std::path::Path;

use super::server::{Server, place};
use super::{after, exists};

#[test]
fn the_demo_keeps_data_and_key_over_a_restart() {
    let place = place();
    let first = Server::start(&place, &["demo"]);
    let key = after(&first.printed, "API key").to_owned();
    assert!(key.starts_with("clk_"), "{}", first.printed);
    let head = format!("POST /graphql HTTP/1.1\r\nauthorization: Bearer {key}\r\ncontent-type: application/json");
    let answer = first.request(&head, r#"{"query":"{ customers(first: 3) { totalCount nodes { name } } }"}"#);
    assert!(answer.contains("200 OK") && answer.contains("\"totalCount\":120"), "{answer}");
    // Its past: campaigns that ran to their end, conversations, and messages of three months ago.
    let answer =
        first.request(&head, r#"{"query":"{ campaigns(first: 9) { nodes { state } } conversations { totalCount } }"}"#);
    assert_eq!(answer.matches("\"COMPLETED\"").count(), 3, "{answer}");
    assert!(!answer.contains("\"totalCount\":0"), "{answer}");
    assert!(first.request("GET / HTTP/1.1", "").contains("<html"), "the console is there");
    assert_eq!(first.stop(), Some(0));

    let second = Server::start(&place, &["demo"]);
    assert_eq!(after(&second.printed, "API key"), key);
    let answer = second.request(&head, r#"{"query":"{ customers(first: 1) { totalCount } }"}"#);
    assert!(answer.contains("\"totalCount\":120"), "{answer}");
    assert_eq!(second.stop(), Some(0));
    let queued = place.ok(&["export", "events", "--type", "MessageQueued"]).lines().count();
    assert!(queued > 500, "it lived for three months: {queued}");
    place.ok(&["verify"]);
    place.ok(&["rebuild", "--check"]);
}

#[test]
fn a_server_answers_health_and_stops_cleanly() {
    let place = place();
    let server = Server::start(&place, &["serve"]);
    assert!(server.request("GET /healthz HTTP/1.1", "").contains("200 OK"));
    assert!(server.request("GET /metrics HTTP/1.1", "").contains("commlog_"));
    // Commands work beside the server, on the same stores.
    let token = place.ok(&["keys", "issue", "--role", "admin", "--label", "me"]);
    assert!(token.starts_with("clk_"));
    place.file("orders.csv", "order,customer,date,sku,quantity,price\n1,k1,2026-01-01,A,2,1.50\n");
    place.ok(&["import", "orders", "orders.csv", "--currency", "EUR"]);
    assert_eq!(place.ok(&["export", "customers"]).lines().count(), 1);
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_second_server_that_would_send_from_the_same_file_is_refused() {
    let place = place();
    let first = Server::start(&place, &["serve"]);
    let error = place.fails(4, &["serve"]);
    assert!(error.contains("another server already sends from") && error.contains("log.db"), "{error}");
    // One that only answers may run beside it.
    assert_eq!(Server::start(&place, &["serve", "--roles", "api"]).stop(), Some(0));
    assert!(first.request("GET /healthz HTTP/1.1", "").contains("200 OK"));
    assert_eq!(first.stop(), Some(0));
    assert_eq!(Server::start(&place, &["serve"]).stop(), Some(0));
}

#[test]
fn a_port_in_use_is_told_before_anything_is_begun() {
    let mut place = place();
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = holder.local_addr().unwrap().to_string();
    place.set("COMMLOG_LISTEN", &address);
    let error = place.fails(4, &["serve"]);
    assert!(error.contains(&format!("{address} is in use by another program")), "{error}");
    place.fails(4, &["demo"]);
    assert!(!exists(&place.path("data")));
}

#[test]
fn a_node_is_not_ready_while_its_read_tables_hold_nothing() {
    let place = place();
    place.file("crm.csv", "customer,name\nk1,Ada\n");
    place.ok(&["import", "customers", "crm.csv"]);
    let api = Server::start(&place, &["serve", "--roles", "api"]);
    let ready = api.request("GET /readyz HTTP/1.1", "");
    assert!(ready.contains("503") && ready.contains("the read tables are still empty"), "{ready}");
    place.ok(&["find", "Ada"]);
    let ready = api.request("GET /readyz HTTP/1.1", "");
    assert!(ready.contains("200 OK"), "{ready}");
    assert_eq!(api.stop(), Some(0));
}

#[test]
fn help_teaches() {
    let place = place();
    let help = place.ok(&["--help"]);
    assert!(help.contains("commlog demo") && help.contains("Exit codes"), "{help}");
    for command in ["demo", "serve", "import", "export", "replay", "rebuild", "verify", "forget", "keys", "tenants"] {
        let help = place.ok(&[command, "--help"]);
        assert!(help.contains("Usage: commlog "), "{help}");
    }
    assert!(place.ok(&["serve", "--help"]).contains("master_key_file"));
    assert!(place.ok(&["import", "orders", "--help"]).contains("--map 'Order no'=order"));
    assert!(place.ok(&["schema"]).contains("type Query"));
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = place.ok(&["completions", shell]);
        assert!(script.contains("confirm-dispatch") && script.contains("dry-run"), "{shell}: {script}");
    }
    let absent = place.fails(4, &["man", "pages"]);
    assert!(absent.contains("pages"), "{absent}");
    std::fs::create_dir(place.path("pages")).unwrap();
    place.ok(&["man", "pages"]);
    let page = std::fs::read_to_string(place.path("pages/commlog-forget.1")).unwrap();
    assert!(page.contains("--dry\\-run") || page.contains("dry\\-run"), "{page}");
    assert!(exists(&place.path("pages/commlog.1")) && exists(&place.path("pages/commlog-keys-issue.1")));
}

/// The beginnings of the long descriptions in the sources of the command line: up to the end of the line, 40 characters at most.
fn long_descriptions(folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            long_descriptions(&entry, found);
            continue;
        }
        let code = std::fs::read_to_string(entry).unwrap();
        let texts = code.split("long_about = \"").skip(1).map(|text| text.lines().next().unwrap());
        found.extend(texts.map(|text| text.chars().take(40).collect()));
    }
}

#[test]
fn help_shows_the_whole_description() {
    let place = place();
    let help = place.ok(&["rebuild", "--help"]).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(help.contains("which keep serving until the new ones have caught up"), "{help}");
    assert!(!place.ok(&["rebuild", "-h"]).contains("keep serving"));
    std::fs::create_dir(place.path("pages")).unwrap();
    place.ok(&["man", "pages"]);
    let pages = std::fs::read_dir(place.path("pages")).unwrap().map(|entry| entry.unwrap().path());
    let pages = pages.map(|page| std::fs::read_to_string(page).unwrap());
    // As roff writes an apostrophe and a hyphen.
    let pages: String = pages.map(|page| page.replace("\\*(Aq", "'").replace('\\', "")).collect();
    let mut described = vec![];
    long_descriptions(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cli"), &mut described);
    assert!(described.len() > 20, "{described:?}");
    let hidden: Vec<_> = described.iter().filter(|text| !pages.contains(*text)).collect();
    assert!(hidden.is_empty(), "no help shows: {hidden:#?}");
}

#[test]
fn every_role_is_probed_and_scraped() {
    let place = place();
    place.ok(&["keys", "issue", "--role", "admin", "--label", "me"]);
    for roles in ["projector", "processes", "projector,processes", "api"] {
        let server = Server::start(&place, &["serve", "--roles", roles]);
        assert!(server.request("GET /healthz HTTP/1.1", "").contains("200 OK"), "{roles}");
        assert!(server.request("GET /readyz HTTP/1.1", "").contains("\"problems\""), "{roles}");
        assert!(server.request("GET /metrics HTTP/1.1", "").contains("commlog_log_events"), "{roles}");
        let graphql = server.request("POST /graphql HTTP/1.1", "{}");
        assert_eq!(graphql.contains("404 Not Found"), roles != "api", "{roles}: {graphql}");
        assert_eq!(server.stop(), Some(0));
    }
}
