//! Backups of a node that is written to.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use commlog::domain::tenant::event::Role;

use super::{Place, empty};
use crate::support::app::{Engine, TestApp};

/// Writers at a time.
const WRITERS: usize = 6;

/// A place for commands on the stores of a node.
pub(super) fn beside(app: &TestApp) -> Place {
    let mut place = Place::new();
    place.set("COMMLOG_DATA_DIR", &app.folder().display().to_string());
    if let Some(url) = app.database() {
        place.set("COMMLOG_LOG_URL", url);
    }
    place
}

/// The master key that a node made.
pub(super) fn master_of(app: &TestApp) -> String {
    std::fs::read_to_string(app.folder().join("master.key")).unwrap().trim().to_owned()
}

async fn nothing_that_was_acknowledged_before_a_backup_is_missing(engine: Engine) {
    let app = TestApp::on(engine).await;
    let agent = app.actor(Role::Admin).await;
    let (acknowledged, stop) = (Arc::new(Mutex::new(BTreeSet::new())), Arc::new(AtomicBool::new(false)));
    let mut writers = tokio::task::JoinSet::new();
    for _ in 0..WRITERS {
        let (agent, acknowledged, stop) = (agent.clone(), Arc::clone(&acknowledged), Arc::clone(&stop));
        writers.spawn(async move {
            while !stop.load(Ordering::SeqCst) {
                let id = agent.customer("Somebody").await.trim_start_matches("Customer:").to_owned();
                acknowledged.lock().unwrap().insert(id);
            }
        });
    }
    let place = Arc::new(beside(&app));
    let mut before = BTreeSet::new();
    for _ in 0..4 {
        let seen = acknowledged.lock().unwrap().len();
        while acknowledged.lock().unwrap().len() < seen + 20 {
            tokio::task::yield_now().await;
        }
        before = acknowledged.lock().unwrap().clone();
        let place = Arc::clone(&place);
        tokio::task::spawn_blocking(move || place.back_up()).await.unwrap();
    }
    stop.store(true, Ordering::SeqCst);
    while let Some(done) = writers.join_next().await {
        done.unwrap();
    }
    let target = empty(engine, &master_of(&app)).await;
    let all = acknowledged.lock().unwrap().clone();
    app.finish().await;
    tokio::task::spawn_blocking(move || {
        place.ok(&["backup", "--check", "log", "--check-keys", "keys"]);
        target.restore(&place);
        let rows = target.ok(&["export", "customers", "--format", "jsonl"]);
        let restored: BTreeSet<String> = rows
            .lines()
            .map(|row| {
                serde_json::from_str::<serde_json::Value>(row).unwrap()["customer_id"].as_str().unwrap().to_owned()
            })
            .collect();
        let missing: Vec<_> = before.difference(&restored).collect();
        assert!(missing.is_empty(), "{missing:?}");
        assert!(before.len() >= 80 && restored.len() <= all.len() + WRITERS, "{} {}", before.len(), restored.len());
        target.ok(&["verify"]);
    })
    .await
    .unwrap();
}

on_each_engine! {
    nothing_that_was_acknowledged_before_a_backup_is_missing
}
