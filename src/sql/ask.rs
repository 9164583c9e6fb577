//! Queries that people write: any columns, read row by row, and nothing but read.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, SecondsFormat, Utc};
use rusqlite::Connection;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::types::ValueRef;
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Column as _, Executor, Row as _, SqlSafeStr, Statement as _, TypeInfo as _, ValueRef as _};
use tokio::sync::mpsc;

use super::{Engine, Error, Session, row};

/// One cell of a result.
#[derive(Debug, Clone, PartialEq)]
pub enum Datum {
    /// No value.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A floating-point number.
    Real(f64),
    /// A number with decimal places, in digits.
    Decimal(String),
    /// A JSON document.
    Json(String),
    /// Text, and whatever has a text.
    Text(String),
}

impl fmt::Display for Datum {
    /// As CSV has it: no value is empty.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => Ok(()),
            Self::Bool(value) => value.fmt(f),
            Self::Int(value) => value.fmt(f),
            Self::Real(value) => value.fmt(f),
            Self::Decimal(text) | Self::Json(text) | Self::Text(text) => f.write_str(text),
        }
    }
}

/// What a query yields, in order: its columns once, then rows.
#[derive(Debug)]
pub enum Part {
    /// The names of the columns.
    Columns(Vec<String>),
    /// A row.
    Row(Vec<Datum>),
}

/// Reports whether something in the database, named by two words, is of a kind.
pub type Judge = Arc<dyn Fn(&str, &str) -> bool + Send + Sync>;

/// A query by somebody.
#[derive(Clone)]
pub struct Question {
    /// One statement.
    pub sql: String,
    /// How long it may take.
    pub most: Duration,
    /// The PostgreSQL schemas that names are looked up in.
    pub search_path: String,
    /// Whether a table's column (on SQLite) or a schema's relation (on PostgreSQL) is personal data.
    pub is_personal: Judge,
}

/// Rows that PostgreSQL is asked for at once.
const AT_ONCE: usize = 500;

/// After how many of its virtual machine's steps SQLite looks at the clock.
const STEPS: i32 = 100_000;

row! {
    struct Locked {
        schema: String,
        relation: String,
    }
}

impl Session {
    /// Checks a query without running it, and returns the personal data that it would read: `table.column` on SQLite,
    /// `schema.view` on PostgreSQL, in order. On PostgreSQL it opens the transaction that [`Self::ask`] reads in.
    pub async fn examine(&mut self, question: &Question) -> Result<Vec<String>, Error> {
        match self {
            Self::Sqlite(connection) => {
                let question = question.clone();
                connection
                    .run(move |connection| {
                        guarded(connection, &question, |connection| {
                            connection.prepare(&question.sql).map(drop).map_err(Error::from)
                        })
                    })
                    .await
                    .map(|((), seen)| seen.into_iter().collect())
            }
            Self::Postgres(..) => {
                self.begin_snapshot().await?;
                let most = question.most.as_millis();
                let settings = format!(
                    "SET LOCAL search_path = {}; SET LOCAL statement_timeout = {most}; SET LOCAL TimeZone = 'UTC'; \
                     SET LOCAL DateStyle = 'ISO'; SET LOCAL IntervalStyle = 'iso_8601'",
                    question.search_path
                );
                self.run(&settings).await?;
                if let Self::Postgres(held, backend) = self {
                    let sql = AssertSqlSafe(question.sql.clone()).into_sql_str();
                    backend.at_work((&mut **held).prepare(sql)).await?;
                }
                let locked = "SELECT DISTINCT n.nspname::text AS schema, c.relname::text AS relation FROM pg_locks l \
                              JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace \
                              WHERE l.pid = pg_backend_pid() ORDER BY 1, 2";
                let locked: Vec<Locked> = self.fetch_all(locked, &[]).await?;
                let personal = locked.into_iter().filter(|row| (question.is_personal)(&row.schema, &row.relation));
                Ok(personal.map(|row| format!("{}.{}", row.schema, row.relation)).collect())
            }
        }
    }

    /// Runs a query that was examined. Ends early when nobody receives the parts any more.
    pub async fn ask(&mut self, question: &Question, parts: mpsc::Sender<Part>) -> Result<(), Error> {
        match self {
            Self::Sqlite(connection) => {
                let question = question.clone();
                let asked = move |connection: &Connection| {
                    guarded(connection, &question, |connection| ask_sqlite(connection, &question, &parts))
                };
                connection.read(asked).await.map(drop)
            }
            Self::Postgres(held, backend) => {
                let sql = AssertSqlSafe(question.sql.clone()).into_sql_str();
                let statement = backend.at_work((&mut **held).prepare(sql)).await?;
                let columns = statement.columns().iter().map(|column| column.name().to_owned()).collect();
                if parts.send(Part::Columns(columns)).await.is_err() {
                    return Ok(());
                }
                // A cursor can only be made of a query, and results of the simple protocol are texts whatever their type.
                let cursor =
                    format!("DECLARE asked NO SCROLL CURSOR FOR {}", question.sql.trim_end().trim_end_matches(';'));
                let declared =
                    backend.at_work(sqlx::query(AssertSqlSafe(cursor)).execute(&mut **held)).await.map_err(Error::from);
                // The text itself was prepared without a mistake.
                let is_other = |error: &Error| error.postgres_code().as_deref() == Some("42601");
                declared.map_err(|error| if is_other(&error) { Error::NotAQuery } else { error })?;
                loop {
                    let fetch = sqlx::raw_sql(AssertSqlSafe(format!("FETCH {AT_ONCE} FROM asked")));
                    let rows = backend.at_work(fetch.fetch_all(&mut **held)).await?;
                    let is_last = rows.len() < AT_ONCE;
                    for row in &rows {
                        if parts.send(Part::Row(texts(row)?)).await.is_err() {
                            return Ok(());
                        }
                    }
                    if is_last {
                        return Ok(());
                    }
                }
            }
        }
    }
}

/// Works with a connection that can only read, and ends in time; returns what was read of personal data too.
fn guarded<T>(
    connection: &Connection,
    question: &Question,
    work: impl FnOnce(&Connection) -> Result<T, Error>,
) -> Result<(T, BTreeSet<String>), Error> {
    let seen = Arc::new(Mutex::new(BTreeSet::new()));
    let (noted, is_personal) = (Arc::clone(&seen), Arc::clone(&question.is_personal));
    connection.authorizer(Some(move |context: AuthContext<'_>| match context.action {
        AuthAction::Read { table_name, column_name } => {
            if is_personal(table_name, column_name) {
                let mut noted = noted.lock().unwrap_or_else(PoisonError::into_inner);
                noted.insert(format!("{table_name}.{column_name}"));
            }
            Authorization::Allow
        }
        AuthAction::Select | AuthAction::Function { .. } | AuthAction::Recursive => Authorization::Allow,
        _ => Authorization::Deny,
    }))?;
    let end = Instant::now() + question.most;
    connection.progress_handler(STEPS, Some(move || Instant::now() >= end))?;
    let done = work(connection);
    connection.progress_handler(0, None::<fn() -> bool>)?;
    connection.authorizer(None::<fn(AuthContext<'_>) -> Authorization>)?;
    let seen = std::mem::take(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner));
    match done {
        Ok(done) => Ok((done, seen)),
        Err(Error::Sqlite(rusqlite::Error::MultipleStatement)) => Err(Error::NotAQuery),
        Err(error)
            if error.sqlite().is_some_and(|(code, said)| {
                code == rusqlite::ffi::SQLITE_AUTH || said.starts_with("cannot modify")
            }) =>
        {
            Err(Error::NotAQuery)
        }
        Err(error) => Err(error),
    }
}

fn ask_sqlite(connection: &Connection, question: &Question, parts: &mpsc::Sender<Part>) -> Result<(), Error> {
    let mut statement = connection.prepare(&question.sql)?;
    let columns: Vec<String> = statement.column_names().into_iter().map(str::to_owned).collect();
    let width = columns.len();
    if parts.blocking_send(Part::Columns(columns)).is_err() {
        return Ok(());
    }
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next()? {
        let cells = (0..width).map(|place| Ok(datum(row.get_ref(place)?))).collect::<Result<_, rusqlite::Error>>()?;
        if parts.blocking_send(Part::Row(cells)).is_err() {
            return Ok(());
        }
    }
    Ok(())
}

fn datum(value: ValueRef<'_>) -> Datum {
    match value {
        ValueRef::Null => Datum::Null,
        ValueRef::Integer(number) => Datum::Int(number),
        ValueRef::Real(number) => Datum::Real(number),
        ValueRef::Text(text) => Datum::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Datum::Text(hex::encode(bytes)),
    }
}

/// A row whose values are texts.
fn texts(row: &PgRow) -> Result<Vec<Datum>, Error> {
    let mut cells = Vec::with_capacity(row.len());
    for place in 0..row.len() {
        let value = row.try_get_raw(place)?;
        if value.is_null() {
            cells.push(Datum::Null);
            continue;
        }
        let unreadable = |source| Error::Column { column: row.column(place).name().to_owned(), source };
        let text = value.as_str().map_err(unreadable)?.to_owned();
        let kind = value.type_info();
        cells.push(match kind.name() {
            "BOOL" => Datum::Bool(text == "t"),
            "INT2" | "INT4" | "INT8" => text.parse().map_or(Datum::Text(text), Datum::Int),
            "FLOAT4" | "FLOAT8" => text.parse().map_or(Datum::Text(text), Datum::Real),
            "NUMERIC" => Datum::Decimal(text),
            "JSON" | "JSONB" => Datum::Json(text),
            "TIMESTAMPTZ" => Datum::Text(time(&text).unwrap_or(text)),
            _ => Datum::Text(text),
        });
    }
    Ok(cells)
}

/// `2026-03-31 18:00:00.5+00` as the views of SQLite have it.
fn time(text: &str) -> Option<String> {
    let time = DateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f%#z").ok()?.with_timezone(&Utc);
    Some(time.to_rfc3339_opts(SecondsFormat::Micros, true))
}

impl Error {
    /// Where in a query's text the mistake is, in bytes from its beginning.
    #[must_use]
    pub fn offset(&self, sql: &str) -> Option<usize> {
        match self {
            Self::Sqlite(rusqlite::Error::SqlInputError { offset, .. }) => usize::try_from(*offset).ok(),
            Self::Postgres(sqlx::Error::Database(error)) => {
                let error = error.try_downcast_ref::<sqlx::postgres::PgDatabaseError>()?;
                let sqlx::postgres::PgErrorPosition::Original(place) = error.position()? else { return None };
                sql.char_indices().nth(place.checked_sub(1)?).map(|(offset, _)| offset)
            }
            Self::Sqlite(_) | Self::Postgres(_) | Self::Column { .. } | Self::NotAQuery | Self::Closed => None,
        }
    }

    /// What the database said, without where.
    #[must_use]
    pub fn said(&self) -> String {
        match self {
            Self::Sqlite(rusqlite::Error::SqlInputError { msg, .. }) => msg.clone(),
            Self::Postgres(sqlx::Error::Database(error)) => error.message().to_owned(),
            other => other.to_string(),
        }
    }

    /// Whether a query was ended because it took too long.
    #[must_use]
    pub fn is_timeout(&self, engine: Engine) -> bool {
        match engine {
            Engine::Sqlite => self.sqlite().is_some_and(|(code, _)| code == 9),
            Engine::Postgres => self.postgres_code().as_deref() == Some("57014"),
        }
    }
}
