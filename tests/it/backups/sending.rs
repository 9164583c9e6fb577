//! A restored log sends nothing before it is confirmed; then what it owes goes out, once.

use std::path::Path;

use serde_json::Value;

use super::load::beside;
use super::{Place, forgetting};
use crate::sending::story::{Accounts, Wire, count};
use crate::support::app::{Engine, TestApp};
use crate::support::times;

/// Takes every store of a node away, as a lost machine does.
fn lose_everything(folder: &Path, place: &Place, engine: Engine) {
    for name in ["log.db", "log.db-wal", "log.db-shm", "keys.db", "keys.db-wal", "keys.db-shm"] {
        let path = folder.join(name);
        if path.exists() {
            std::fs::remove_file(path).unwrap();
        }
    }
    for name in ["blobs", "read"] {
        let path = folder.join(name);
        if path.exists() {
            std::fs::remove_dir_all(path).unwrap();
        }
    }
    if engine == Engine::Postgres {
        forgetting::take_the_log_away(place, engine);
    }
}

/// Waits until a node has found that it must not send.
async fn held(app: &TestApp) {
    let mut held = app.stores().app.watch_held();
    held.wait_for(|held| *held).await.expect("the node runs");
}

async fn restored(engine: Engine, accounts: Accounts) {
    let wire = Wire::with(engine, accounts).await;
    let ada = wire.ada().await;
    let sent = wire.send(ada, "SMS", "TRANSACTIONAL").await;
    wire.app.until(ada, |types| count(types, "MessageSent") == 1).await;
    // What waits when the backup is made: nothing sends.
    let app = wire.app.restart_as("api,projector").await;
    let agent = wire.agent.at(&app);
    let wire = Wire { app, agent, ..wire };
    let owed = times("COMMLOG_RESTORE_SENDS", 10);
    for _ in 0..owed {
        wire.send(ada, "SMS", "TRANSACTIONAL").await;
    }
    let place = beside(&wire.app);
    place.back_up();
    // What comes afterwards is lost.
    wire.send(ada, "SMS", "TRANSACTIONAL").await;

    let lost = async |folder: &Path| {
        lose_everything(folder, &place, engine);
        let told = place.ok(&["restore", "--from", "log", "--keys-from", "keys"]);
        assert!(told.contains("Nothing is sent before"), "{told}");
    };
    let app = wire.app.restart_after("", lost).await;
    let agent = wire.agent.at(&app);
    let wire = Wire { app, agent, ..wire };
    held(&wire.app).await;
    assert_eq!(wire.twilio.calls(), 1);
    assert!(wire.agent.get("/metrics").await.text().await.expect("text").contains("commlog_dispatch_held 1"));

    // Looking changes nothing. The read tables are made again first.
    wire.app.visible(wire.app.head().await).await;
    for _ in 0..2 {
        let shown = place.ok(&["confirm-dispatch", "--dry-run", "--format", "json"]);
        let shown: Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(
            (&shown["held"], &shown["now"], &shown["overdue"]),
            (&true.into(), &owed.into(), &0.into()),
            "{shown:#}"
        );
        assert_eq!(shown["groups"].as_array().map(Vec::len), Some(1), "{shown:#}");
        assert_eq!(shown["groups"][0]["channel"], "sms", "{shown:#}");
    }
    assert!(place.ok(&["confirm-dispatch", "--dry-run"]).contains(&format!("{owed} messages go out at once")));
    assert_eq!(wire.twilio.calls(), 1);

    let told = place.ok(&["confirm-dispatch", "--yes"]);
    assert!(told.contains("begins: this log sends messages again"), "{told}");
    wire.app.until(ada, |types| count(types, "MessageSent") == owed + 1).await;
    assert_eq!((wire.twilio.calls(), wire.twilio.most_per_token()), (owed + 1, 1));
    assert!(wire.message(&sent.0).await["state"] == "SENT" || wire.message(&sent.0).await["state"] == "DELIVERED");
    place.ok(&["verify"]);
    wire.app.finish().await;
}

async fn a_lost_machine_is_restored_and_sends_what_it_owes_once(engine: Engine) {
    restored(engine, Accounts::OfFile).await;
}

/// The secrets of accounts come back with the keys.
async fn accounts_that_were_set_up_over_the_api_send_after_a_restore(engine: Engine) {
    restored(engine, Accounts::OverApi).await;
}

on_each_engine! {
    a_lost_machine_is_restored_and_sends_what_it_owes_once
    accounts_that_were_set_up_over_the_api_send_after_a_restore
}
