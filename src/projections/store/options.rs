//! How connections to read tables are set up.

use std::path::Path;
use std::str::FromStr;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::projections::error::{ProjectionError, database};
use crate::sql::postgres::{IDLE_TIMEOUT, KEEPALIVE, STATEMENT_TIMEOUT, pool};
use crate::sql::{Db, SqliteOptions, checkpointer};

/// Statements of all projections stay prepared.
const STATEMENTS: usize = 1_000;

/// A database in memory: its one connection is the database.
pub fn in_memory() -> SqliteOptions {
    SqliteOptions::in_memory().statements(STATEMENTS).pragma("temp_store", "MEMORY").pragma("journal_mode", "MEMORY")
}

/// Writes a SQLite file. Losing the last commits with the machine is harmless: the log has the events, and the
/// checkpoint goes back with the tables.
pub fn sqlite_writer(file: &Path, create: bool) -> SqliteOptions {
    SqliteOptions::writer(file, create)
        .statements(STATEMENTS)
        .pragma("journal_mode", "WAL")
        .pragma("synchronous", "NORMAL")
        .pragma("temp_store", "MEMORY")
        // What a batch changes beyond this is written to the log before its commit.
        .pragma("cache_size", -32_768)
        .pragma("wal_autocheckpoint", checkpointer::WRITER_PAGES)
        // What is deleted or overwritten is zeroed: a forgotten customer's name does not stay in a free page.
        .pragma("secure_delete", "ON")
}

/// Makes a SQLite file that nobody reads before it is whole, and that is given up if it does not become so: a failed
/// statement can be undone, but a lost machine may leave it damaged.
pub fn sqlite_builder(file: &Path) -> SqliteOptions {
    SqliteOptions::writer(file, true)
        .statements(STATEMENTS)
        .pragma("locking_mode", "EXCLUSIVE")
        .pragma("journal_mode", "PERSIST")
        .pragma("synchronous", "OFF")
        .pragma("temp_store", "MEMORY")
        .pragma("cache_size", -65_536)
        .pragma("secure_delete", "ON")
}

/// Makes the indexes of such a file. What does not fit into the cache is sorted in files beside it, which have no name.
pub fn sqlite_sorter(file: &Path, folder: &Path) -> SqliteOptions {
    SqliteOptions::writer(file, false)
        .pragma("locking_mode", "EXCLUSIVE")
        .pragma("journal_mode", "OFF")
        .pragma("synchronous", "OFF")
        .pragma("temp_store_directory", folder.display())
        .pragma("temp_store", "FILE")
        .pragma("threads", 1)
        .pragma("cache_size", -32_768)
}

/// How many connections queries share. One tenant uses half of them at most ([`crate::sql::Shares`]).
const READERS: usize = 12;

/// Reads a SQLite file that exists.
pub fn sqlite_reader(file: &Path) -> SqliteOptions {
    SqliteOptions::reader(file)
        .connections(READERS)
        .statements(200)
        .pragma("temp_store", "MEMORY")
        // For one query: SQLite lets go of its pages once the projector has committed.
        .pragma("cache_size", -2_048)
}

/// Reads a SQLite file for a process that looks at some customers after others.
pub fn sqlite_steady_reader(file: &Path) -> SqliteOptions {
    // Many questions about the same rows, one per list and length: pages are read, and texts prepared, once for all.
    sqlite_reader(file).connections(3).statements(500).pragma("cache_size", -6_144)
}

/// A connection to one schema of a PostgreSQL database, `url` naming the database.
pub fn postgres(url: &str, schema: &str) -> Result<PgConnectOptions, ProjectionError> {
    let options = PgConnectOptions::from_str(url).map_err(database("read their URL"))?;
    Ok(options.options([("search_path", schema)]).options(KEEPALIVE))
}

/// One connection for writing. Staged events stay in its memory: sorting and joining them spills nothing either.
pub fn postgres_writer(url: &str, schema: &str) -> Result<Db, ProjectionError> {
    let options = postgres(url, schema)?.statement_cache_capacity(STATEMENTS).options([
        ("temp_buffers", "64MB"),
        ("work_mem", "32MB"),
        ("synchronous_commit", "off"),
        ("jit", "off"),
        ("idle_in_transaction_session_timeout", IDLE_TIMEOUT),
    ]);
    Ok(Db::Postgres(pool(1).idle_timeout(None).max_lifetime(None).connect_lazy_with(options)))
}

/// A connection for queries. Each is planned with its values: a plan made without them while the tables were small would
/// stay when they are large.
pub fn postgres_reader(url: &str, schema: &str) -> Result<PgConnectOptions, ProjectionError> {
    Ok(postgres(url, schema)?.statement_cache_capacity(200).options([
        ("jit", "off"),
        ("plan_cache_mode", "force_custom_plan"),
        ("statement_timeout", &format!("{}s", STATEMENT_TIMEOUT.as_secs())),
    ]))
}

/// The connections that queries share.
pub fn postgres_reader_pool() -> PgPoolOptions {
    pool(READERS as u32)
}
