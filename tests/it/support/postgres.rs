//! A real PostgreSQL for the tests: one server per run, a database per test.
//!
//! The server belongs to a shell that waits on a pipe from this process. However this process ends, the pipe closes,
//! and the shell stops the server and removes its folder.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// Starts the server, tells that it is ready, waits for the pipe to close, cleans up.
const KEEPER: &str = r#"
cd "$DIR" || exit 1
trap '$AS "$BIN/pg_ctl" stop -D "$DIR/data" -m immediate >"$DIR/stop.log" 2>&1; rm -rf "$DIR"' EXIT
{ $AS "$BIN/initdb" -D "$DIR/data" -U postgres -A trust -E UTF8 --locale=C --no-sync &&
  $AS env $VARIABLES "$BIN/pg_ctl" start -D "$DIR/data" -w -l "$DIR/server.log" -o "$OPTIONS"; } >"$DIR/start.log" 2>&1 ||
  { cat "$DIR/start.log" "$DIR/server.log" >&2; exit 1; }
echo ready
cat >"$DIR/end"
"#;

/// Tests need many connections and no protection against power cuts.
const OPTIONS: &str = "-c listen_addresses=127.0.0.1 -c max_connections=400 -c fsync=off -c full_page_writes=off \
     -c shared_buffers=64MB -c max_wal_size=256MB -c autovacuum=off";

/// What a benchmark sets before its first database, to measure with the protection that tests do without.
pub(crate) static SETTINGS: OnceLock<&str> = OnceLock::new();

/// A server that ends with its owner.
pub(crate) struct Server {
    port: u16,
    folder: PathBuf,
    options: String,
    /// How a command is run as the user that it runs as, if that is another one.
    as_postgres: Option<&'static str>,
    /// Its standard input is the pipe that keeps the server alive.
    _keeper: Child,
}

impl Server {
    /// A server of the test's own, which may be harmed, with variables such as `LD_PRELOAD=…`.
    pub(crate) fn own(variables: &str) -> Self {
        start(variables)
    }

    /// Creates an empty database and returns its URL.
    pub(crate) async fn database(&self) -> String {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let base = format!("postgres://postgres@127.0.0.1:{}", self.port);
        let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::SeqCst));
        let mut connection = PgConnection::connect(&format!("{base}/postgres")).await.expect("the test server answers");
        sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}")))
            .execute(&mut connection)
            .await
            .expect("the test server makes a database");
        connection.close().await.expect("the connection closes");
        format!("{base}/{name}")
    }

    /// Runs `pg_ctl` with it and waits.
    pub(crate) fn control(&self, arguments: &[&str]) {
        let done = Command::new("sh")
            .args(["-c", "$AS \"$BIN/pg_ctl\" \"$@\" -w -o \"$OPTIONS\" -D \"$DIR/data\" -l \"$DIR/server.log\"", "sh"])
            .args(arguments)
            .envs(self.as_postgres.map(|user| ("AS", user)))
            .env("BIN", folder_of("initdb"))
            .env("DIR", &self.folder)
            .env("OPTIONS", &self.options)
            .current_dir(&self.folder)
            .stdout(Stdio::null())
            .status()
            .expect("pg_ctl runs");
        assert!(done.success(), "pg_ctl {arguments:?}");
    }
}

/// PostgreSQL refuses to run as root.
const AS_POSTGRES: &str = "setpriv --reuid=postgres --regid=postgres --init-groups";

/// Creates an empty database and returns its URL.
pub(crate) async fn database() -> String {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| start("")).database().await
}

fn start(variables: &str) -> Server {
    let bin = folder_of("initdb");
    // Another program may take the port between the choice and the start.
    for _ in 0..4 {
        if let Some(server) = try_start(&bin, variables) {
            return server;
        }
    }
    try_start(&bin, variables).expect("PostgreSQL does not start; its messages stand above")
}

fn try_start(bin: &Path, variables: &str) -> Option<Server> {
    let dir = tempfile::Builder::new().prefix("commlog-postgres-").tempdir().expect("a temporary folder").keep();
    let mut command = Command::new("sh");
    let is_root = std::fs::metadata(&dir).expect("the folder is there").uid() == 0;
    if is_root {
        let (user, group) = postgres_user();
        chown(&dir, Some(user), Some(group)).expect("root may give a folder away");
        command.env("AS", AS_POSTGRES);
    }
    let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port();
    let options = format!("{} -p {port} -k {}", SETTINGS.get().unwrap_or(&OPTIONS), dir.display());
    let mut keeper = command
        .args(["-c", KEEPER])
        .env("DIR", &dir)
        .env("VARIABLES", variables)
        .env("BIN", bin)
        .env("OPTIONS", &options)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        // An interrupt at the terminal ends the tests, and through the pipe the server, but not the shell first.
        .process_group(0)
        .spawn()
        .expect("a shell starts");
    let mut line = String::new();
    let output = keeper.stdout.as_mut().expect("was piped");
    BufReader::new(output).read_line(&mut line).expect("the shell answers or ends");
    (line.trim() == "ready").then_some(Server {
        port,
        folder: dir,
        options,
        as_postgres: is_root.then_some(AS_POSTGRES),
        _keeper: keeper,
    })
}

fn postgres_user() -> (u32, u32) {
    let users = std::fs::read_to_string("/etc/passwd").expect("a Unix system");
    let mut fields = users
        .lines()
        .find(|line| line.starts_with("postgres:"))
        .expect("the PostgreSQL package made a user `postgres`, whom the server runs as")
        .split(':')
        .skip(2)
        .map(|number| number.parse().expect("a user has numbers"));
    (fields.next().expect("a user number"), fields.next().expect("a group number"))
}

/// The folder with one of PostgreSQL's programs: on the path, or where Debian keeps them; the newest version first.
pub(crate) fn folder_of(program: &str) -> PathBuf {
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&on_path).collect::<Vec<_>>();
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .collect();
    versions.sort();
    on_path
        .into_iter()
        .chain(versions.into_iter().rev())
        .find(|folder| folder.join(program).exists())
        .expect("the tests need PostgreSQL 15 or newer: `apt-get install postgresql` or `brew install postgresql`")
}
