//! What the integration tests share.

/// Makes a test on each engine of every function named: `async fn name(engine: Engine)`.
macro_rules! on_each_engine {
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

pub(crate) mod app;
pub(crate) mod doubles;
pub(crate) mod postgres;

/// How often a test repeats what it tries out: what the variable says, else `usual`.
#[expect(clippy::disallowed_methods, reason = "a setting of the tests, not of commlog")]
pub(crate) fn times(variable: &str, usual: usize) -> usize {
    std::env::var(variable).map_or(usual, |text| text.parse().expect("a number"))
}
