//! One connection of a pool: what a writer works with, since staging relations and transactions belong to it.

use futures::StreamExt;
use futures::stream::BoxStream;
use sqlx::AssertSqlSafe;
use tokio::sync::mpsc;

use super::postgres::{Backend, Held};
use super::sqlite::{self, Lent};
use super::{Db, Engine, Error, Row, Value, bind_postgres, read_postgres};

/// A row as texts.
pub type Texts = Vec<Option<String>>;

/// How many rows of a stream are read ahead.
const AHEAD: usize = 256;

/// A connection with an open transaction, or none.
#[derive(Debug)]
pub enum Session {
    /// To a SQLite file or memory.
    Sqlite(Lent),
    /// To a PostgreSQL database.
    Postgres(Held, Backend),
}

impl Db {
    /// Takes a connection of the pool for itself.
    pub async fn session(&self) -> Result<Session, Error> {
        match self {
            Self::Sqlite(pool) => Ok(Session::Sqlite(pool.connection().await?)),
            Self::Postgres(pool) => {
                let mut held = Held::take(pool).await?;
                let backend = Backend::of(&mut held, pool.connect_options()).await?;
                Ok(Session::Postgres(held, backend))
            }
        }
    }
}

impl Session {
    /// Which database this is.
    #[must_use]
    pub const fn engine(&self) -> Engine {
        match self {
            Self::Sqlite(_) => Engine::Sqlite,
            Self::Postgres(..) => Engine::Postgres,
        }
    }

    /// Runs statements, separated by `;`, without values and without keeping their plans.
    pub async fn run(&mut self, sql: &str) -> Result<(), Error> {
        match self {
            Self::Sqlite(connection) => {
                let sql = sql.to_owned();
                connection.run(move |connection| Ok(connection.execute_batch(&sql)?)).await
            }
            Self::Postgres(held, backend) => {
                backend.at_work(sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut **held)).await?;
                Ok(())
            }
        }
    }

    /// Runs a statement, keeps it prepared, and returns how many rows it wrote.
    pub async fn execute(&mut self, sql: &str, values: &[Value]) -> Result<u64, Error> {
        match self {
            Self::Sqlite(connection) => {
                let (sql, values) = (sql.to_owned(), values.to_vec());
                connection.run(move |connection| sqlite::execute(connection, &sql, &values)).await
            }
            Self::Postgres(held, backend) => {
                let query = bind_postgres(sqlx::query(AssertSqlSafe(sql)), values);
                Ok(backend.at_work(query.execute(&mut **held)).await?.rows_affected())
            }
        }
    }

    /// All rows of a query.
    pub async fn fetch_all<T: Row>(&mut self, sql: &str, values: &[Value]) -> Result<Vec<T>, Error> {
        match self {
            Self::Sqlite(connection) => {
                let (sql, values) = (sql.to_owned(), values.to_vec());
                connection.run(move |connection| sqlite::fetch(connection, &sql, &values, usize::MAX)).await
            }
            Self::Postgres(held, backend) => {
                let query = bind_postgres(sqlx::query(AssertSqlSafe(sql)), values);
                read_postgres(&backend.at_work(query.fetch_all(&mut **held)).await?)
            }
        }
    }

    /// The rows of a query of any size whose columns are texts.
    pub fn texts(&mut self, sql: &str, values: &[Value], width: usize) -> BoxStream<'_, Result<Texts, Error>> {
        match self {
            Self::Sqlite(connection) => sqlite_texts(connection, sql.to_owned(), values.to_vec(), width),
            Self::Postgres(held, _) => {
                let query = bind_postgres(sqlx::query(AssertSqlSafe(sql.to_owned())), values);
                let texts = move |row: Result<_, sqlx::Error>| -> Result<Texts, Error> {
                    let row = row?;
                    Ok((0..width).map(|place| sqlx::Row::try_get(&row, place)).collect::<Result<_, _>>()?)
                };
                query.fetch(&mut **held).map(texts).boxed()
            }
        }
    }

    /// Begins a transaction that may write: SQLite takes its write lock at once instead of failing later.
    pub async fn begin(&mut self) -> Result<(), Error> {
        match self {
            Self::Sqlite(_) => self.run("BEGIN IMMEDIATE").await,
            Self::Postgres(held, backend) => Ok(backend.at_work(held.begin()).await?),
        }
    }

    /// Begins a transaction that only reads, and sees what was committed before it.
    pub async fn begin_snapshot(&mut self) -> Result<(), Error> {
        match self {
            Self::Sqlite(_) => self.run("BEGIN").await,
            Self::Postgres(held, backend) => Ok(backend.at_work(held.begin_snapshot()).await?),
        }
    }

    /// Makes the transaction's work permanent.
    pub async fn commit(&mut self) -> Result<(), Error> {
        match self {
            Self::Sqlite(_) => self.run("COMMIT").await,
            Self::Postgres(held, backend) => Ok(backend.at_work(held.commit()).await?),
        }
    }

    /// Gives the transaction's work up.
    pub async fn rollback(&mut self) -> Result<(), Error> {
        match self {
            Self::Sqlite(_) => self.run("ROLLBACK").await,
            Self::Postgres(held, backend) => Ok(backend.at_work(held.rollback()).await?),
        }
    }
}

fn sqlite_texts(
    connection: &mut Lent,
    sql: String,
    values: Vec<Value>,
    width: usize,
) -> BoxStream<'_, Result<Texts, Error>> {
    let (rows, mut read) = mpsc::channel(AHEAD);
    let reading = async move {
        let told = rows.clone();
        let done = connection.run(move |connection| {
            let mut statement = sqlite::bound(connection, &sql, &values)?;
            let mut found = statement.raw_query();
            while let Some(row) = found.next()? {
                let texts = (0..width).map(|place| row.get(place)).collect::<Result<Texts, _>>()?;
                if rows.blocking_send(Ok(texts)).is_err() {
                    // Nobody listens any more.
                    break;
                }
            }
            Ok(())
        });
        if let Err(error) = done.await {
            told.send(Err(error)).await.ok();
        }
    };
    let rows = futures::stream::poll_fn(move |context| read.poll_recv(context));
    // The reading itself yields nothing: what it reads comes through the channel.
    let reading = futures::stream::once(reading).filter_map(|()| std::future::ready(None));
    futures::stream::select(rows, reading).boxed()
}
