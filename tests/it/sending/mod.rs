//! Through the whole: a command over GraphQL, a provider's double over HTTP, its signed callbacks, and what is told about
//! it afterwards.

/// Makes a test on each engine of every function named: `async fn name(engine: Engine)`.
macro_rules! on_both {
    ($($name:ident)*) => {$(
        mod $name {
            use crate::support::app::Engine;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                super::$name(Engine::Sqlite).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                super::$name(Engine::Postgres).await;
            }
        }
    )*};
}

mod accounts;
mod files;
mod forgetting;
mod hostile;
mod kills;
mod metrics;
mod permutations;
pub(crate) mod story;
mod threading;
mod who_is_who;
