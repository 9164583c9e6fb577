//! The projection engine, on both engines.

mod batches;
mod checks;
mod generations;
mod moments;
mod parked;
mod versions;
mod world;
mod writers;

/// Declares each test once for SQLite and once for PostgreSQL.
macro_rules! on_both_engines {
    ($($name:ident;)*) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name(commlog::sql::Engine::Sqlite).await;
            })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name(commlog::sql::Engine::Postgres).await;
            })*
        }
    };
}

pub(crate) use on_both_engines;
