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

use std::path::{Path, PathBuf};
use std::process::Command;

use doubles::kurrentdb::{KurrentDouble, Version};

/// How often a test repeats what it tries out: what the variable says, else `usual`.
#[expect(clippy::disallowed_methods, reason = "a setting of the tests, not of commlog")]
pub(crate) fn times(variable: &str, usual: usize) -> usize {
    std::env::var(variable).map_or(usual, |text| text.parse().expect("a number"))
}

/// A setting of the tests, such as a server to test against; absent if it is not set.
#[expect(clippy::disallowed_methods, reason = "a setting of the tests, not of commlog")]
pub(crate) fn setting(variable: &str) -> Option<String> {
    std::env::var(variable).ok().filter(|value| !value.is_empty())
}

/// The log that `COMMLOG_TEST_LOG` puts in the place of one in SQLite; absent if it is not set.
pub(crate) async fn kurrentdb() -> Option<KurrentDouble> {
    Some(KurrentDouble::start(kurrentdb_version()?).await)
}

/// The server that `COMMLOG_TEST_LOG` names; absent if it is not set.
pub(crate) fn kurrentdb_version() -> Option<Version> {
    Some(match setting("COMMLOG_TEST_LOG")?.as_str() {
        "kurrentdb-24.10" => Version::Single,
        "kurrentdb-25.1" => Version::Session,
        "kurrentdb-26.1" => Version::Records,
        other => panic!("COMMLOG_TEST_LOG={other} is none of kurrentdb-24.10, kurrentdb-25.1, kurrentdb-26.1"),
    })
}

/// Compiles a library that is preloaded into a process, from its source in the repository.
pub(crate) fn preloaded(folder: &Path, source: &str) -> PathBuf {
    let library = folder.join("preloaded.so");
    let compiled = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .arg(&library)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(source))
        .args(["-ldl", "-lpthread"])
        .status()
        .expect("the tests need a C compiler, as building SQLite does");
    assert!(compiled.success());
    library
}
