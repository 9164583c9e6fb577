//! The read models, `projections/*.sql` and the queries over them, on SQLite and on PostgreSQL.

mod accounts;
mod achieved;
mod activities;
mod addresses;
mod campaigns;
mod conversations;
mod customers;
mod events;
mod forgetting;
mod inbox;
mod merging;
mod messages;
mod properties;
mod reclassing;
mod story;
mod tenants;
mod timeline;
mod traffic;
mod validations;

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use commlog::projections::{Registry, Scratch};
use commlog::sql::{Db, Engine};
use tokio::sync::OnceCell;

use self::story::Story;

static REGISTRY: LazyLock<Registry> = LazyLock::new(|| Registry::builtin().expect("the projection files are right"));

/// Makes a test on each engine of every function named: `async fn name(engine: Engine)`.
macro_rules! on_both_engines {
    ($($name:ident,)*) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $name() {
                super::$name(commlog::sql::Engine::Sqlite).await;
            })*
        }
        mod postgres {
            $(#[tokio::test]
            async fn $name() {
                super::$name(commlog::sql::Engine::Postgres).await;
            })*
        }
    };
}
use on_both_engines;

/// Empty read tables: on PostgreSQL, schemas of one database, which are cheaper to make than databases.
async fn empty(engine: Engine) -> Scratch {
    static DATABASE: OnceCell<String> = OnceCell::const_new();
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let made = match engine {
        Engine::Sqlite => Scratch::in_memory(&REGISTRY).await,
        Engine::Postgres => {
            let url = DATABASE.get_or_init(crate::support::postgres::database).await;
            let schema = format!("read_{}", NUMBER.fetch_add(1, Ordering::SeqCst));
            Scratch::in_schema(url, &schema, &REGISTRY).await
        }
    };
    made.expect("read tables can be made")
}

/// The read tables after a story, told in batches of a size.
async fn told(engine: Engine, story: &Story, batch: usize) -> Scratch {
    let mut tables = empty(engine).await;
    for events in story.events.chunks(batch) {
        tables.apply(events).await.expect("a batch can be applied");
    }
    let parked = tables.parked().await.expect("parked work can be listed");
    assert!(parked.is_empty(), "{parked:?}");
    tables
}

/// Checks what the tables say after a story, whatever the size of the batches.
async fn check(engine: Engine, story: &Story, expect: impl AsyncFn(&Db)) {
    for batch in [story.events.len().max(1), 1] {
        expect(told(engine, story, batch).await.db()).await;
    }
}

/// Every row of every table, as text.
async fn dump(db: &Db) -> Vec<String> {
    let mut dump = Vec::new();
    for table in REGISTRY.sources().flat_map(commlog::projections::source::Source::tables) {
        let columns: Vec<String> = match db.engine() {
            Engine::Sqlite => {
                table.columns.iter().map(|(column, _)| format!("'{column}=' || quote({column})")).collect()
            }
            Engine::Postgres => table
                .columns
                .iter()
                .map(|(column, _)| format!("'{column}=' || COALESCE(quote_literal({column}), 'NULL')"))
                .collect(),
        };
        let name = &table.name;
        let sql = format!("SELECT '{name}: ' || {} AS line FROM {name} ORDER BY 1", columns.join(" || ' ' || "));
        let lines: Vec<(String,)> = db.fetch_all(&sql, &[]).await.expect("a table can be read");
        dump.extend(lines.into_iter().map(|(line,)| line));
    }
    dump
}

/// The lines that only one of two dumps has: `+` the first, `-` the second.
fn difference(first: Vec<String>, second: &[String]) -> Vec<String> {
    let lost = second.iter().filter(|line| !first.contains(line)).map(|line| format!("- {line}"));
    let lost: Vec<String> = lost.collect();
    first.into_iter().filter(|line| !second.contains(line)).map(|line| format!("+ {line}")).chain(lost).collect()
}
