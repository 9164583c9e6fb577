//! Backups that are restored: what was sent after they were made is not sent again before an operator says so.
//! `COMMLOG_RESTORE_SENDS` says how many messages are sent between a backup and its restoration.

use std::path::{Path, PathBuf};
use std::process::Command;

use commlog::ids::CustomerId;
use serde_json::{Value, json};

use super::story::{Wire, count};
use crate::support::app::{Engine, TestApp};
use crate::support::postgres::folder_of;
use crate::support::times;

/// Messages to one customer.
const EACH: usize = 10;

/// How a log is put back.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Over the same file, or into the same database.
    InPlace,
    /// In a new folder, with a copy of the key store.
    NewFolder,
}

/// A backup of a log that no process uses.
struct Backup {
    file: PathBuf,
    database: Option<String>,
}

impl Backup {
    fn new(folder: &Path, database: Option<String>) -> Self {
        let backup = Self { file: folder.join("backup"), database };
        match &backup.database {
            None => drop(std::fs::copy(folder.join("log.db"), &backup.file).expect("the log is copied")),
            Some(url) => {
                let file = backup.file.display().to_string();
                let dump = ["--format=custom", "--schema=log", "--file", &file, "--dbname", url];
                run("pg_dump", &dump);
            }
        }
        backup
    }

    /// Read tables stay where they are: they are found to be of another log.
    fn restore(&self, folder: &Path, way: Way) {
        if way == Way::NewFolder {
            let old = folder.join("broken");
            std::fs::create_dir(&old).expect("a folder");
            for name in ["log.db", "keys.db"] {
                let path = folder.join(name);
                if path.exists() {
                    std::fs::rename(&path, old.join(name)).expect("is moved");
                }
            }
            std::fs::copy(old.join("keys.db"), folder.join("keys.db")).expect("the key store is copied");
        }
        match &self.database {
            None => {
                remove(folder, &["log.db-wal", "log.db-shm"]);
                std::fs::copy(&self.file, folder.join("log.db")).expect("the backup is copied over the log");
            }
            Some(url) => self.load(url),
        }
    }

    fn load(&self, url: &str) {
        let file = self.file.display().to_string();
        let restore = ["--clean", "--if-exists", "--exit-on-error", "--single-transaction", "--dbname", url, &file];
        run("pg_restore", &restore);
    }
}

/// Runs one of PostgreSQL's programs, which must succeed.
fn run(program: &str, arguments: &[&str]) {
    let output = Command::new(folder_of(program).join(program)).args(arguments).output().expect("the program starts");
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
}

fn remove(folder: &Path, names: &[&str]) {
    for path in names.iter().map(|name| folder.join(name)).filter(|path| path.exists()) {
        let removed = if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
        removed.expect("is removed");
    }
}

/// Waits until a node has found that it must not send.
async fn held(app: &TestApp) {
    let mut held = app.stores().app.watch_held();
    held.wait_for(|held| *held).await.expect("the node runs");
}

/// Sends one message more, which must go out.
async fn one_more_is_sent(wire: &Wire, customer: CustomerId) {
    let calls = wire.twilio.calls();
    let sent = count(&wire.app.until(customer, |_| true).await, "MessageSent");
    wire.send(customer, "SMS", "TRANSACTIONAL").await;
    wire.app.until(customer, |types| count(types, "MessageSent") == sent + 1).await;
    assert_eq!(wire.twilio.calls(), calls + 1);
}

impl Wire {
    async fn restarted(self, roles: &str, change: impl AsyncFnOnce(&Path)) -> Self {
        let app = self.app.restart_after(roles, change).await;
        let agent = self.agent.at(&app);
        Self { app, agent, ..self }
    }
}

/// A node whose messages were all sent after a backup was made in which they are queued.
struct Sent {
    wire: Wire,
    backup: Backup,
    /// Their customers and ids.
    messages: Vec<(CustomerId, String)>,
}

async fn sent_after_a_backup(engine: Engine) -> Sent {
    let wire = Wire::start(engine).await.restarted("api,projector", async |_| ()).await;
    let mut messages = vec![];
    for number in 0..times("COMMLOG_RESTORE_SENDS", 50).div_ceil(EACH) {
        let phone = format!("+447400{number:06}");
        let customer = wire.customer("Ada Lovelace", &[("PHONE", &phone)]).await;
        for _ in 0..EACH {
            messages.push((customer, wire.send(customer, "SMS", "TRANSACTIONAL").await.0));
        }
    }
    let database = wire.app.database().map(str::to_owned);
    let mut backup = None;
    let wire = wire.restarted("", async |folder| backup = Some(Backup::new(folder, database))).await;
    for (customer, _) in messages.iter().step_by(EACH) {
        wire.app.until(*customer, |types| count(types, "MessageSent") == EACH).await;
    }
    assert_eq!((wire.twilio.calls(), wire.twilio.most_per_token()), (messages.len(), 1));
    Sent { wire, backup: backup.expect("was made"), messages }
}

async fn restored(engine: Engine, way: Way) {
    let Sent { wire, backup, messages } = sent_after_a_backup(engine).await;

    let wire = wire.restarted("", async |folder| backup.restore(folder, way)).await;
    held(&wire.app).await;
    let ready = wire.agent.get("/readyz").await;
    assert_eq!(ready.status(), 503);
    let ready: Value = ready.json().await.expect("JSON");
    assert!(ready["problems"].to_string().contains("confirm-dispatch"), "{ready:#}");
    assert!(wire.agent.get("/metrics").await.text().await.expect("text").contains("commlog_dispatch_held 1"));
    // Not at another start either.
    let wire = wire.restarted("", async |_| ()).await;
    held(&wire.app).await;
    assert_eq!(wire.twilio.calls(), messages.len());

    // The operator cancels what was sent, and confirms.
    let cancel = "mutation($id: ID!, $message: ID!) { cancelMessage(customerId: $id, messageId: $message, reason: \"sent\") \
        { refusal { code } } }";
    for (customer, message) in &messages {
        let variables = json!({ "id": customer.to_string(), "message": message });
        let answer = wire.agent.data(cancel, variables).await;
        assert!(answer["cancelMessage"]["refusal"].is_null(), "{answer:#}");
    }
    wire.app.stores().app.confirm_dispatch().await.expect("the log answers");
    one_more_is_sent(&wire, messages[0].0).await;
    let wire = wire.restarted("", async |_| ()).await;
    one_more_is_sent(&wire, messages[0].0).await;
    assert!(!*wire.app.stores().app.watch_held().borrow());
    assert_eq!((wire.twilio.calls(), wire.twilio.most_per_token()), (messages.len() + 2, 1));
    wire.app.finish().await;
}

async fn a_backup_restored_in_place_sends_nothing_before_it_is_confirmed(engine: Engine) {
    restored(engine, Way::InPlace).await;
}

async fn a_backup_restored_to_a_new_folder_sends_nothing_before_it_is_confirmed(engine: Engine) {
    restored(engine, Way::NewFolder).await;
}

async fn a_log_restored_to_the_state_that_it_had_sends_on(engine: Engine) {
    let Sent { wire, messages, .. } = sent_after_a_backup(engine).await;
    let database = wire.app.database().map(str::to_owned);
    let again = async |folder: &Path| {
        let backup = Backup::new(folder, database);
        // A file of its own, unlike one that is copied over the log.
        remove(folder, &["log.db"]);
        backup.restore(folder, Way::InPlace);
    };
    let wire = wire.restarted("", again).await;
    one_more_is_sent(&wire, messages[0].0).await;
    assert!(!*wire.app.stores().app.watch_held().borrow());
    wire.app.finish().await;
}

async fn a_log_of_an_epoch_before_the_confirmed_one_is_held(engine: Engine) {
    let wire = Wire::start(engine).await;
    let ada = wire.ada().await;
    one_more_is_sent(&wire, ada).await;
    let database = wire.app.database().map(str::to_owned);
    let mut backup = None;
    let wire = wire.restarted("", async |folder| backup = Some(Backup::new(folder, database))).await;
    wire.app.stores().app.confirm_dispatch().await.expect("the log answers");
    let backup = backup.expect("was made");
    let wire = wire.restarted("", async |folder| backup.restore(folder, Way::InPlace)).await;
    held(&wire.app).await;
    // One confirmation is enough, though the log begins to count below the marked epoch.
    wire.app.stores().app.confirm_dispatch().await.expect("the log answers");
    one_more_is_sent(&wire, ada).await;
    wire.app.finish().await;
}

on_each_engine! {
    a_backup_restored_in_place_sends_nothing_before_it_is_confirmed
    a_backup_restored_to_a_new_folder_sends_nothing_before_it_is_confirmed
    a_log_restored_to_the_state_that_it_had_sends_on
    a_log_of_an_epoch_before_the_confirmed_one_is_held
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_restored_under_a_running_node_is_held() {
    // A SQLite file that a process has open cannot be replaced without destroying it.
    let Sent { wire, backup, messages } = sent_after_a_backup(Engine::Postgres).await;
    backup.load(backup.database.as_deref().expect("is in a database"));
    held(&wire.app).await;
    assert_eq!((wire.twilio.calls(), wire.twilio.most_per_token()), (messages.len(), 1));
    wire.app.stop();
}
