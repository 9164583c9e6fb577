//! Helper processes: this test program again, running one of the entries below. Without its variable, an entry is a
//! test that does nothing.

use std::io::Write;
use std::process::{Command, Stdio};

use commlog::clock::Ambient;
use commlog::ids::EventId;
use commlog::log::{Category, Expected, StreamId};
use futures::future::join_all;

use crate::log_contract::world::{open_log, plain};

const URL: &str = "COMMLOG_TEST_CHILD_URL";
const APPENDS: &str = "COMMLOG_TEST_CHILD_APPENDS";
const BYTES: &str = "COMMLOG_TEST_CHILD_BYTES";

/// Lines of acknowledged events start with this.
pub(crate) const ACKNOWLEDGED: &str = "acknowledged ";

/// A process that appends events to the log at `url`, `appends` from each of four tasks, and tells the id of each event
/// that is acknowledged.
pub(crate) fn appender(url: &str, appends: usize, bytes: usize) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("a program knows its path"));
    command
        .args(["--exact", "log_contract::child::append", "--nocapture", "--quiet"])
        .env(URL, url)
        .env(APPENDS, appends.to_string())
        .env(BYTES, bytes.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    command
}

#[expect(clippy::disallowed_methods, reason = "how the parent test tells this process what to do")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn append() {
    let Ok(url) = std::env::var(URL) else { return };
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<usize>().ok()).expect("is set");
    let (appends, bytes) = (number(APPENDS), number(BYTES));
    let log = open_log(&url).await;
    let ambient = Ambient::system();
    let tasks = (0..4).map(|_| {
        let (log, ambient) = (&log, &ambient);
        let stream = StreamId::new(ambient.uuid().into(), Category::Customer, ambient.uuid());
        async move {
            for version in 0..appends as u64 {
                let append = plain(ambient, stream, Expected::Exact(version), vec![b'x'; bytes]);
                let id = append.events[0].id;
                log.append(vec![append]).await.expect("answers").remove(0).expect("is appended");
                // One write, so that lines of several tasks do not mix.
                let line = format!("{ACKNOWLEDGED}{id}\n");
                std::io::stdout().write_all(line.as_bytes()).expect("the parent listens");
            }
        }
    });
    join_all(tasks).await;
    log.close().await;
}

/// The event that a line of [`appender`] acknowledges; [`None`] for other lines and torn ones.
pub(crate) fn acknowledged(line: &str) -> Option<EventId> {
    let (_, id) = line.split_once(ACKNOWLEDGED)?;
    id.trim().parse().ok()
}
