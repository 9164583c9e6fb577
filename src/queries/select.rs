//! Builds a query: conditions with bound values, and the keyset of a page.

use uuid::Uuid;

use super::{Page, QueryError, Slice};
use crate::ids::CustomerId;
use crate::sql::{Db, Row, Salvaged, Value};

/// The sort key of a list: its columns, and their types in the letters of a cursor.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key {
    pub columns: &'static str,
    pub shape: &'static str,
    /// Whether the list begins with the smallest key; otherwise with the largest.
    pub ascending: bool,
}

impl Key {
    /// Of a list that begins with the largest key.
    pub const fn descending(columns: &'static str, shape: &'static str) -> Self {
        Self { columns, shape, ascending: false }
    }
}

/// How many entries a list has, as far as they were counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// Their number, or where counting ended.
    pub count: u64,
    /// False if there are more.
    pub exact: bool,
}

impl From<u64> for Counted {
    fn from(count: u64) -> Self {
        Self { count, exact: true }
    }
}

/// A query in the making. `?` in a text stands for the next value.
#[derive(Debug, Clone)]
pub(super) struct Select {
    sql: String,
    values: Vec<Value>,
    has_where: bool,
}

/// Rows of all tenants, without those that cannot be read.
#[derive(Debug)]
pub struct Readable<T> {
    /// In the query's order.
    pub rows: Vec<T>,
    /// Number of rows that cannot be read.
    pub set_aside: usize,
    /// The key of the query's last row, readable or not; [`None`] if there are no rows.
    pub last: Option<(Uuid, Uuid)>,
}

impl Select {
    /// Starts with `SELECT … FROM …`, whose `?` stand for `values`.
    pub fn new(text: &str, values: impl IntoIterator<Item = Value>) -> Self {
        let mut select = Self { sql: String::with_capacity(512), values: Vec::new(), has_where: false };
        select.push(text, values);
        select
    }

    /// Adds text, numbering its `?`.
    pub fn push(&mut self, text: &str, values: impl IntoIterator<Item = Value>) {
        let mut values = values.into_iter();
        for (index, piece) in text.split('?').enumerate() {
            if index > 0 {
                self.values.extend(values.next());
                self.sql.push('$');
                self.sql.push_str(&self.values.len().to_string());
            }
            self.sql.push_str(piece);
        }
    }

    /// Begins a query within the query; conditions belong to it from here on.
    pub fn begin(&mut self, text: &str) {
        self.has_where = false;
        self.push(text, []);
    }

    /// The query inside of another one's text, which has no values of its own.
    pub fn wrapped(mut self, before: &str, after: &str) -> Self {
        self.sql.insert_str(0, before);
        self.sql.push_str(after);
        self
    }

    /// Adds a condition.
    pub fn and(&mut self, condition: &str, values: impl IntoIterator<Item = Value>) {
        self.sql.push_str(if self.has_where { " AND " } else { " WHERE " });
        self.has_where = true;
        self.push(condition, values);
    }

    /// Adds `column = value` where there is a value.
    pub fn and_equal(&mut self, column: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.and(&format!("{column} = ?"), [value.into()]);
        }
    }

    /// Adds `column IN (…)` unless the list is empty, which means "any".
    pub fn and_in(&mut self, column: &str, values: impl IntoIterator<Item = Value>) {
        let values = padded(values);
        if !values.is_empty() {
            self.and(&format!("{column} IN ({})", vec!["?"; values.len()].join(", ")), values);
        }
    }

    /// Adds the bounds, order and limit of a page; one row more than it holds shows whether the list continues.
    pub fn page(&mut self, key: Key, page: &Page) -> Result<(), QueryError> {
        let marks = vec!["?"; key.shape.len()].join(", ");
        for (cursor, is_after) in [(&page.after, true), (&page.before, false)] {
            if let Some(cursor) = cursor {
                let sign = if is_after == key.ascending { ">" } else { "<" };
                self.and(&format!("({}) {sign} ({marks})", key.columns), cursor.key(key.shape)?);
            }
        }
        self.order(key, page.from_end);
        self.sql.push_str(&format!(" LIMIT {}", page.size + 1));
        Ok(())
    }

    /// Adds a page of what several customers have: of each a page of its own, which an index gives in order, and of these
    /// one page. `text` is a `SELECT … FROM …`, to which `restrict` adds the conditions for one of them. What one
    /// customer alone has is read as if there were no others.
    pub fn page_of_each(
        &mut self,
        text: &str,
        key: Key,
        page: &Page,
        ids: &[CustomerId],
        restrict: impl Fn(&mut Self, CustomerId),
    ) -> Result<(), QueryError> {
        if let [id] = ids {
            self.begin(text);
            restrict(self, *id);
            return self.page(key, page);
        }
        self.push("SELECT * FROM (", []);
        for (index, &id) in ids.iter().enumerate() {
            self.push(if index == 0 { "SELECT * FROM (" } else { " UNION ALL SELECT * FROM (" }, []);
            self.begin(text);
            restrict(self, id);
            self.page(key, page)?;
            self.push(&format!(") p{index}"), []);
        }
        let alias = key.columns.split('.').next().unwrap_or_default();
        self.push(&format!(") {alias}"), []);
        self.order(key, page.from_end);
        self.sql.push_str(&format!(" LIMIT {}", page.size + 1));
        Ok(())
    }

    /// Adds the order of a list, or its reverse.
    pub fn order(&mut self, key: Key, reversed: bool) {
        let direction = if reversed == key.ascending { "DESC" } else { "ASC" };
        let columns: Vec<String> = key.columns.split(", ").map(|column| format!("{column} {direction}")).collect();
        self.sql.push_str(" ORDER BY ");
        self.sql.push_str(&columns.join(", "));
    }

    pub async fn all<T: Row>(&self, db: &Db, reading: &'static str) -> Result<Vec<T>, QueryError> {
        db.fetch_all(&self.sql, &self.values).await.map_err(QueryError::reading(reading))
    }

    /// As [`Self::all`]; rows that cannot be read are set aside and reported in commlog's diagnostics. The first two
    /// columns are the row's key.
    pub async fn readable<T: Row>(&self, db: &Db, reading: &'static str) -> Result<Readable<T>, QueryError> {
        let found: Vec<Salvaged<T>> = self.all(db, reading).await?;
        let mut readable = Readable { last: found.last().map(|row| row.key), rows: Vec::new(), set_aside: 0 };
        for Salvaged { key: (tenant, id), row } in found {
            match row {
                Ok(row) => readable.rows.push(row),
                Err(error) => {
                    let cause = std::error::Error::source(&error);
                    tracing::error!(reading, %tenant, %id, %error, ?cause, "a row cannot be read and is set aside");
                    readable.set_aside += 1;
                }
            }
        }
        Ok(readable)
    }

    pub async fn optional<T: Row>(&self, db: &Db, reading: &'static str) -> Result<Option<T>, QueryError> {
        db.fetch_optional(&self.sql, &self.values).await.map_err(QueryError::reading(reading))
    }

    /// Runs a query of `SELECT COUNT(*) AS count`.
    pub async fn count(&self, db: &Db, reading: &'static str) -> Result<u64, QueryError> {
        let row: Option<super::Count> = self.optional(db, reading).await?;
        Ok(row.and_then(|row| u64::try_from(row.count).ok()).unwrap_or(0))
    }

    /// Runs a query that ends with [`Self::page`].
    pub async fn slice<T: Row>(
        &self,
        db: &Db,
        reading: &'static str,
        page: &Page,
        key: impl Fn(&T) -> Vec<Value>,
    ) -> Result<Slice<T>, QueryError> {
        Ok(Slice::cut(self.all(db, reading).await?, page, key))
    }
}

/// How many values a text has for so many of them: one of a few numbers, so that a few texts serve lists of any length and stay
/// prepared.
pub(super) fn padded_length(values: usize) -> usize {
    const LARGEST: usize = 4_096;
    if values <= LARGEST { values.next_power_of_two() } else { values }
}

/// The values of a list, the last one repeated up to a length that texts have.
pub(super) fn padded(values: impl IntoIterator<Item = Value>) -> Vec<Value> {
    let mut values: Vec<Value> = values.into_iter().collect();
    if let Some(last) = values.last().cloned() {
        values.resize(padded_length(values.len()), last);
    }
    values
}

/// The pattern of `LIKE … ESCAPE '\'` for texts in small letters that begin with a search.
pub(super) fn beginning(search: &str) -> String {
    let mut pattern = String::new();
    for letter in search.to_lowercase().chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}
