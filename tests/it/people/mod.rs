//! Real people's data, as it lies in files and arrives from providers: one person stays one, an opt-out holds, nothing that
//! was said is lost.

mod accounts;
mod bounce_mails;
mod bounces;
mod callbacks;
mod columns;
mod dry_runs;
mod every_word;
mod exported;
mod inbound;
mod lagging;
mod lists;
mod machines;
mod mailroom;
mod owners;
mod presets;

/// Declares tests of the binary that run once on each engine.
macro_rules! on_both {
    ($($(#[$attribute:meta])* fn $name:ident($place:ident: Place) $body:block)*) => {$(
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            fn check($place: &$crate::cli::Place) $body

            $(#[$attribute])*
            #[test]
            fn on_sqlite() {
                check(&$crate::cli::Place::new());
            }

            $(#[$attribute])*
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_postgres() {
                let place = $crate::cli::Place::postgres().await;
                tokio::task::spawn_blocking(move || check(&place)).await.unwrap();
            }
        }
    )*};
}

use on_both;

use serde_json::Value;

use crate::cli::Place;

/// The rows of a read model.
fn rows(place: &Place, model: &str) -> Vec<Value> {
    place.ok(&["export", model]).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The customers that stand for people, by name or external id.
fn people(place: &Place) -> Vec<Value> {
    rows(place, "customers")
}

/// A column of rows as text, sorted; absent values are left out.
fn column(rows: &[Value], name: &str) -> Vec<String> {
    let text = |row: &Value| row[name].as_str().map(str::to_owned);
    let mut values: Vec<_> = rows.iter().filter_map(text).collect();
    values.sort();
    values
}
