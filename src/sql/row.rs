//! Rows of both engines as structs.

use chrono::{DateTime, Utc};
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ValueRef};
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use uuid::Uuid;

use super::Error;
use crate::ids::{Newtype, Position};

/// What a row of a query is read into. The macro `row!` makes a struct one.
pub trait Row: Sized + Send + Unpin + 'static {
    /// The columns to read, by name; none means all, as the query has them.
    const COLUMNS: &'static [&'static str];

    /// Reads the columns in order.
    fn read(cells: &mut Cells<'_>) -> Result<Self, Error>;
}

/// Declares a struct whose fields are read from the columns of the same names. Fields in a block `with { … }` are not
/// read: the caller sets them.
macro_rules! row {
    (
        $(#[$meta:meta])*
        $visible:vis struct $name:ident {
            $( $(#[$field_meta:meta])* $field_visible:vis $field:ident: $type:ty ),* $(,)?
        } $( with {
            $( $(#[$more_meta:meta])* $more_visible:vis $more:ident: $more_type:ty ),* $(,)?
        } )?
    ) => {
        $(#[$meta])*
        $visible struct $name {
            $( $(#[$field_meta])* $field_visible $field: $type, )*
            $( $( $(#[$more_meta])* $more_visible $more: $more_type, )* )?
        }

        impl $crate::sql::Row for $name {
            const COLUMNS: &'static [&'static str] = &[$(stringify!($field)),*];

            fn read(cells: &mut $crate::sql::Cells<'_>) -> Result<Self, $crate::sql::Error> {
                Ok(Self {
                    $( $field: cells.take()?, )*
                    $( $( $more: Default::default(), )* )?
                })
            }
        }
    };
}
pub(crate) use row;

/// A row, or why it cannot be read: for readers of many tenants' rows, of which one that is damaged must not hide the
/// others. Its key is the first two columns, of type UUID.
#[derive(Debug)]
pub struct Salvaged<T> {
    /// The first two columns.
    pub key: (Uuid, Uuid),
    /// The whole row.
    pub row: Result<T, Error>,
}

impl<T: Row> Row for Salvaged<T> {
    const COLUMNS: &'static [&'static str] = T::COLUMNS;

    fn read(cells: &mut Cells<'_>) -> Result<Self, Error> {
        let key = (cells.take()?, cells.take()?);
        cells.at = 0;
        Ok(Self { key, row: T::read(cells) })
    }
}

macro_rules! tuples {
    ($( ($($name:ident),*) )*) => {$(
        /// Columns by their place.
        impl<$($name: Cell + Send + Unpin + 'static),*> Row for ($($name,)*) {
            const COLUMNS: &'static [&'static str] = &[];

            fn read(cells: &mut Cells<'_>) -> Result<Self, Error> {
                Ok(($(cells.take::<$name>()?,)*))
            }
        }
    )*};
}

tuples! { (A) (A, B) (A, B, C) }

/// The columns of one row, one after the other.
#[derive(Debug)]
pub struct Cells<'r> {
    source: Source<'r>,
    /// Where in the row each wanted column stands.
    places: &'r [usize],
    at: usize,
}

#[derive(Debug, Clone, Copy)]
enum Source<'r> {
    Sqlite(&'r rusqlite::Row<'r>),
    Postgres(&'r PgRow),
}

impl<'r> Cells<'r> {
    pub(super) fn sqlite(row: &'r rusqlite::Row<'r>, places: &'r [usize]) -> Self {
        Self { source: Source::Sqlite(row), places, at: 0 }
    }

    pub(super) fn postgres(row: &'r PgRow, places: &'r [usize]) -> Self {
        Self { source: Source::Postgres(row), places, at: 0 }
    }

    /// The next column's value.
    pub fn take<T: Cell>(&mut self) -> Result<T, Error> {
        let place = self.places.get(self.at).copied().unwrap_or(self.at);
        self.at += 1;
        match self.source {
            Source::Sqlite(row) => {
                T::from_sqlite(row.get_ref(place)?).map_err(|error| self.unreadable(place, Box::new(error)))
            }
            Source::Postgres(row) => Ok(T::from_postgres(row, place)?),
        }
    }

    fn unreadable(&self, place: usize, source: Box<dyn std::error::Error + Send + Sync>) -> Error {
        let name = match self.source {
            Source::Sqlite(row) => row.as_ref().column_name(place).unwrap_or("?").to_owned(),
            Source::Postgres(row) => sqlx::Row::columns(row)
                .get(place)
                .map_or_else(|| "?".to_owned(), |column| sqlx::Column::name(column).to_owned()),
        };
        Error::Column { column: name, source }
    }
}

/// What a column can be read as.
pub trait Cell: Sized {
    /// Out of SQLite.
    fn from_sqlite(value: ValueRef<'_>) -> FromSqlResult<Self>;

    /// Out of PostgreSQL.
    fn from_postgres(row: &PgRow, place: usize) -> Result<Self, sqlx::Error>;
}

/// A value that may be missing.
impl<T: Native> Cell for Option<T> {
    fn from_sqlite(value: ValueRef<'_>) -> FromSqlResult<Self> {
        if value == ValueRef::Null { Ok(None) } else { T::from_sqlite(value).map(Some) }
    }

    fn from_postgres(row: &PgRow, place: usize) -> Result<Self, sqlx::Error> {
        T::from_postgres(row, place)
    }
}

impl<T: Native> Cell for T {
    fn from_sqlite(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Native::from_sqlite(value)
    }

    fn from_postgres(row: &PgRow, place: usize) -> Result<Self, sqlx::Error> {
        <T as Native>::from_postgres(row, place)?.ok_or_else(|| sqlx::Error::ColumnDecode {
            index: place.to_string(),
            source: Box::new(sqlx::error::UnexpectedNullError),
        })
    }
}

/// The type of a column.
pub trait Native: Sized {
    /// Out of SQLite.
    fn from_sqlite(value: ValueRef<'_>) -> FromSqlResult<Self>;

    /// Out of PostgreSQL; [`None`] for NULL.
    fn from_postgres(row: &PgRow, place: usize) -> Result<Option<Self>, sqlx::Error>;
}

macro_rules! values {
    ($($type:ty: $from_sqlite:expr;)*) => {$(
        impl Native for $type {
            fn from_sqlite(value: ValueRef<'_>) -> FromSqlResult<Self> {
                $from_sqlite(value)
            }

            fn from_postgres(row: &PgRow, place: usize) -> Result<Option<Self>, sqlx::Error> {
                sqlx::Row::try_get(row, place)
            }
        }
    )*};
}

values! {
    bool: FromSql::column_result;
    i32: FromSql::column_result;
    i64: FromSql::column_result;
    String: FromSql::column_result;
    Vec<u8>: FromSql::column_result;
    Uuid: uuid;
    DateTime<Utc>: time;
    Json<serde_json::Value>: json;
}

impl<T: Newtype> Native for T
where
    T::Raw: Native,
{
    fn from_sqlite(value: ValueRef<'_>) -> FromSqlResult<Self> {
        <T::Raw as Native>::from_sqlite(value).and_then(|raw| T::try_from_raw(raw).map_err(FromSqlError::other))
    }

    fn from_postgres(row: &PgRow, place: usize) -> Result<Option<Self>, sqlx::Error> {
        let value = <T::Raw as Native>::from_postgres(row, place)?.map(T::try_from_raw).transpose();
        value.map_err(|error| sqlx::Error::ColumnDecode {
            index: sqlx::Row::columns(row)
                .get(place)
                .map_or_else(|| place.to_string(), |column| sqlx::Column::name(column).to_owned()),
            source: Box::new(error),
        })
    }
}

impl Native for Position {
    fn from_sqlite(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Self::try_from_bytes(value.as_blob()?).map_err(FromSqlError::other)
    }

    fn from_postgres(row: &PgRow, place: usize) -> Result<Option<Self>, sqlx::Error> {
        let bytes: Option<&[u8]> = sqlx::Row::try_get(row, place)?;
        let position = bytes.map(Self::try_from_bytes).transpose();
        position.map_err(|error| sqlx::Error::ColumnDecode { index: place.to_string(), source: Box::new(error) })
    }
}

fn uuid(value: ValueRef<'_>) -> FromSqlResult<Uuid> {
    Uuid::from_slice(value.as_blob()?).map_err(FromSqlError::other)
}

/// As text of RFC 3339.
fn time(value: ValueRef<'_>) -> FromSqlResult<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(value.as_str()?).map(|time| time.to_utc()).map_err(FromSqlError::other)
}

fn json(value: ValueRef<'_>) -> FromSqlResult<Json<serde_json::Value>> {
    serde_json::from_str(value.as_str()?).map(Json).map_err(FromSqlError::other)
}
