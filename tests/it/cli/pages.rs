//! The pages of docs/ for operators, followed as they stand.

use super::server::{Server, place};
use super::{Place, after};

const PEOPLE: &str = "customer,name,email\nk1,Zebulon Quackenbush,zebulon@example.com\n";

/// The blocks of a page between fences that name a language, in order.
pub(crate) fn blocks(page: &str, language: &str) -> Vec<String> {
    let path = format!("{}/docs/{page}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap();
    let begins = format!("```{language}\n");
    let found: Vec<String> =
        text.split(begins.as_str()).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect();
    assert!(!found.is_empty(), "{path} has no {begins}");
    found
}

/// Runs a script where `commlog` is on the path, and returns what it printed.
fn follow(place: &Place, script: &str) -> String {
    let mut command = place.shell(&["-euc", script]);
    let folders = [std::path::Path::new(env!("CARGO_BIN_EXE_commlog")).parent().unwrap().to_owned()];
    let folders = folders.into_iter().chain([crate::support::postgres::folder_of("pg_restore")]);
    let others = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(folders.chain(std::env::split_paths(&others))).unwrap();
    let ended = super::Ended::from(command.env("PATH", path).output().unwrap());
    assert_eq!(ended.code, Some(0), "{script}\n{}{}", ended.stdout, ended.stderr);
    ended.stdout
}

/// Somebody who does what a page says.
struct Reader {
    place: Place,
    server: Option<Server>,
}

impl Reader {
    fn new(place: Place) -> Self {
        place.file("crm.csv", PEOPLE);
        place.ok(&["import", "customers", "crm.csv"]);
        let mut reader = Self { place, server: None };
        reader.serve();
        while !reader.server.as_ref().unwrap().request("GET /readyz HTTP/1.1", "").contains("200 OK") {
            std::thread::yield_now();
        }
        reader
    }

    /// Starts the server, and waits until it is ready and has signed a checkpoint.
    fn serve(&mut self) {
        let server = Server::start(&self.place, &["serve"]);
        let signed = "commlog_process_runs_total{process=\"sign_checkpoints\",outcome=";
        while !server.request("GET /metrics HTTP/1.1", "").contains(signed) {
            std::thread::yield_now();
        }
        self.server = Some(server);
    }

    fn stop(&mut self) {
        assert_eq!(self.server.take().and_then(Server::stop), Some(0));
    }

    /// Runs a block's lines; `commlog serve` and the comment that says to stop it are done here.
    fn follow(&mut self, block: &str) -> String {
        let (mut printed, mut script) = (String::new(), String::new());
        for line in block.lines() {
            if line == "commlog serve" {
                printed += &self.shell(&std::mem::take(&mut script));
                self.serve();
            } else if line.starts_with("# Stop the server") {
                self.stop();
            } else {
                script.push_str(line);
                script.push('\n');
            }
        }
        printed + &self.shell(&script)
    }

    fn shell(&self, script: &str) -> String {
        let address = self.server.as_ref().map_or("127.0.0.1:7700", Server::address);
        follow(&self.place, &script.replace("127.0.0.1:7700", address))
    }

    fn names(&self) -> String {
        self.place.ok(&["export", "customers"])
    }
}

/// Follows the blocks of a backup and of its restore, with a customer who comes in between.
fn back_up_and_restore(mut reader: Reader, backup: &[String], restore: &str, confirm: &str) -> Reader {
    backup.iter().for_each(|block| drop(reader.follow(block)));
    reader.stop();
    reader.place.file("more.csv", "customer,name,email\nk2,Ada,ada@example.org\n");
    reader.place.ok(&["import", "customers", "more.csv"]);
    reader.serve();
    assert!(reader.names().contains("Ada"));
    reader.follow(restore);
    let held = reader.place.fails(1, &["status"]);
    assert!(held.contains("checkpoint") || held.contains("confirm-dispatch"), "{held}");
    let told = reader.follow(confirm);
    assert!(told.contains("sending      allowed") && told.contains("every hash"), "{told}");
    assert!(reader.names().contains("Quackenbush") && !reader.names().contains("Ada"), "{}", reader.names());
    reader.stop();
    reader.place.ok(&["rebuild", "--check"]);
    reader
}

#[test]
fn the_page_on_backups_holds_on_sqlite() {
    let blocks = blocks("backup.md", "sh");
    let [backup @ .., restore, confirm] = blocks.as_slice() else { panic!("too few blocks") };
    assert_eq!(backup.len(), 2);
    let reader = back_up_and_restore(Reader::new(place()), backup, restore, confirm);
    for file in ["backup/log.db", "keys-backup/keys.db", "keys-backup/master.key"] {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(reader.place.path(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{file} is private");
    }
}

#[test]
fn the_page_on_backups_with_commlog_holds() {
    let blocks = blocks("backup.md", "bash");
    let [backup @ .., restore, confirm] = blocks.as_slice() else { panic!("too few blocks") };
    assert_eq!(backup.len(), 1);
    let reader = back_up_and_restore(Reader::new(place()), backup, restore, confirm);
    for file in ["backup/log/manifest.json", "keys-backup/000001.keys"] {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(reader.place.path(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{file} is private");
    }
}

#[tokio::test]
async fn the_page_on_backups_holds_on_postgresql_and_its_dump_names_nobody() {
    let mut place = Place::postgres().await;
    place.set("COMMLOG_LISTEN", "127.0.0.1:0");
    place.set("COMMLOG_LOG_FILTER", "error");
    tokio::task::spawn_blocking(move || {
        let blocks = blocks("backup.md", "shell");
        let [backup @ .., restore, confirm] = blocks.as_slice() else { panic!("too few blocks") };
        let reader = back_up_and_restore(Reader::new(place), backup, restore, confirm);
        let dump = reader.shell("pg_restore --file=- backup/log.dump");
        assert!(dump.contains("CustomerRegistered"), "the events are there");
        assert!(!dump.contains("Quackenbush") && !dump.contains("zebulon"), "the read tables are not");
        let whole = reader.shell("pg_dump \"$COMMLOG_LOG_URL\"");
        assert!(whole.contains("Quackenbush"), "a dump of all of it would hold them");
    })
    .await
    .unwrap();
}

#[test]
fn the_page_on_upgrades_holds() {
    let mut reader = Reader::new(place());
    let printed: String = blocks("upgrade.md", "sh").iter().map(|block| reader.follow(block)).collect();
    assert!(printed.contains("every table matches the log"), "{printed}");
    assert!(after(&printed, "commlog ").starts_with(env!("CARGO_PKG_VERSION")), "{printed}");
}

#[test]
fn the_page_on_monitoring_holds_and_names_metrics_that_exist() {
    let mut reader = Reader::new(place());
    let printed: String = blocks("monitoring.md", "sh").iter().map(|block| reader.follow(block)).collect();
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/monitoring.md")).unwrap();
    let is_part = |letter: char| letter.is_ascii_lowercase() || letter == '_';
    let metrics: std::collections::BTreeSet<&str> =
        page.split(|letter| !is_part(letter)).filter(|word| word.starts_with("commlog_")).collect();
    assert!(metrics.len() > 8, "{metrics:?}");
    for metric in metrics {
        let name = metric.trim_end_matches("_total").trim_end_matches("_info");
        assert!(printed.contains(&format!("# TYPE {name} ")), "{metric} is not in\n{printed}");
    }
}

#[test]
fn the_readme_leads_from_orders_to_what_three_members_of_a_list_would_get() {
    let place = Place::new();
    let people = (1..=5).map(|n| format!("k{n},Person {n},p{n}@example.com,{}\n", if n < 5 { "yes" } else { "no" }));
    place.file("crm.csv", format!("customer,name,email,consent_email\n{}", people.collect::<String>()));
    place.file("orders.csv", "order,customer,at,sku,quantity,unit_price\nA-1,k1,2026-01-02T10:00:00Z,X,1,9.50\n");
    place.ok(&["import", "customers", "crm.csv"]);
    place.ok(&["import", "orders", "orders.csv", "--currency", "EUR"]);
    let blocks = blocks("../README.md", "sh");
    let block = blocks.iter().find(|block| block.contains("commlog lists create Quiet")).unwrap();
    let printed = follow(&place, block);
    assert!(printed.contains("is made; members: 4"), "{printed}");
    assert_eq!(printed.matches(", how have you been?").count(), 3, "{printed}");
    let entries = std::fs::read_dir(place.path("")).unwrap().map(|entry| entry.unwrap().path());
    assert_eq!(entries.filter(|path| path.extension().is_some_and(|end| end == "html")).count(), 3);
}
