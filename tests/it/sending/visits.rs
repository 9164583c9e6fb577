//! Visits of tracked links while the log is slow.

use reqwest::Method;
use rusqlite::Connection;
use serde_json::json;

use super::story::{Wire, count};
use super::tracking::{BROWSER, links, location, message};
use crate::support::app::Engine;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_log_keeps_nobody_from_the_page_and_loses_no_visit() {
    let wire = Wire::start(Engine::Sqlite).await;
    let ada = wire.ada().await;
    wire.track(json!({ "clicks": true, "textLinks": true })).await;
    wire.sent(ada, message(ada, "EMAIL", "https://shop.example/"), 1).await;
    let link = links(&wire.mail_text()).remove(0);
    let clock = wire.app.stores().app.ambient().clone();

    let holder = Connection::open(wire.app.folder().join("log.db")).expect("opens");
    holder.execute_batch("BEGIN IMMEDIATE").expect("is locked");
    let began = clock.now();
    let answer = wire.get(&link, BROWSER).await;
    assert_eq!((answer.status().as_u16(), location(answer.headers())), (302, Some("https://shop.example/")));
    assert!(clock.now() - began < chrono::TimeDelta::seconds(4), "the log would be waited for five seconds");
    assert_eq!(count(&wire.app.until(ada, |_| true).await, "MessageClicked"), 0);
    holder.execute_batch("ROLLBACK").expect("is released");
    wire.app.until(ada, |types| count(types, "MessageClicked") == 1).await;
    wire.app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_visit_many_times_at_once_counts_once_a_second() {
    let wire = Wire::start(Engine::Sqlite).await;
    let ada = wire.ada().await;
    wire.track(json!({ "clicks": true, "textLinks": true })).await;
    let id = wire.sent(ada, message(ada, "EMAIL", "https://shop.example/"), 1).await;
    let link = links(&wire.mail_text()).remove(0);
    let clock = wire.app.stores().app.ambient().clone();
    let began = clock.now();
    let visits = (0..50).map(|_| wire.follow(Method::GET, &link, &[("user-agent", BROWSER)]));
    for answer in futures::future::join_all(visits).await {
        assert_eq!(answer.status(), 302);
    }
    wire.app.until(ada, |types| count(types, "MessageClicked") > 0).await;
    let seconds = clock.now().timestamp() - began.timestamp() + 1;
    let clicks = wire.engagement(&id).await["clicks"]["total"].as_i64().expect("a number");
    assert!((1..=seconds).contains(&clicks), "{clicks} in {seconds} seconds");
    wire.app.finish().await;
}
