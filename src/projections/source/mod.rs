//! Projection files: what they may say, and how one text becomes statements for either engine.
//!
//! ```sql
//! -- projection: customers
//! -- question: Who is this customer?
//! -- events: CustomerRegistered, CustomerForgotten
//! -- scope: customer
//! -- version: 1
//!
//! -- section: tables
//! CREATE TABLE customers (tenant_id UUID NOT NULL, customer_id UUID NOT NULL, name TEXT, PRIMARY KEY (tenant_id, customer_id));
//! -- section: batch
//! CREATE TABLE batch_names (tenant_id UUID NOT NULL, name TEXT);
//! -- section: apply
//! -- on: CustomerRegistered
//! INSERT INTO customers … SELECT … FROM batch WHERE type = 'CustomerRegistered' …;
//! -- section: forget
//! UPDATE customers SET name = NULL WHERE (tenant_id, customer_id) IN (SELECT tenant_id, customer_id FROM forgotten);
//! ```
//!
//! `apply` runs over each batch of events, `forget` over the customers of its `CustomerForgotten` events. Statements
//! end with `;`. A statement is skipped when the batch holds none of the types of its `-- on:` line or, without one, of
//! the event types that it names. Tables of the section `batch` hold what several statements need of one batch: they
//! are temporary, in memory, and empty when a batch begins; a statement that names no types and reads one of them runs
//! when it was filled. An index that is not unique is made once the tables are built, before they are read: filled row by row
//! it would cost several times as much. Statements that need one while tables are built have it from the first batch on
//! that holds one of the types of the index's own `-- on:` line. A table below a line `-- view: QUESTION` has a view for analysts,
//! in which the comment behind a column is its meaning; see [`super::views`]. See [`macros`] for what makes the text run on both engines.

mod docs;
mod lexer;
pub mod macros;
mod parse;
mod rules;
mod table;

use serde::{Deserialize, Serialize};

pub use docs::{ColumnDoc, Docs};
pub use table::Table;
pub(super) use table::dialect;

use crate::sql::Engine;

/// What an as-of replay needs to read to rebuild a part of a projection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// A customer's rows depend on that customer's stream only, and on those of customers who are part of the same
    /// person.
    Customer,
    /// A tenant's rows depend on that tenant's events only.
    Tenant,
    /// Rows may depend on every event.
    Global,
}

/// A mistake in a projection file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {reason}")]
pub struct SourceError {
    /// The file's name.
    pub file: String,
    /// Counted from 1.
    pub line: usize,
    /// What is wrong, and what would be right.
    pub reason: String,
}

/// A projection file that was read and found to keep the rules.
#[derive(Debug, Clone)]
pub struct Source {
    /// The projection's name, which is the file's too.
    pub name: String,
    /// What the read model answers.
    pub question: String,
    /// The types that it reads.
    pub events: Vec<String>,
    /// What a row depends on.
    pub scope: Scope,
    /// Raised to rebuild without any other change of the file.
    pub version: u32,
    tables: Vec<Text>,
    apply: Vec<Text>,
    forget: Vec<Text>,
    declared: Vec<Table>,
    batch: Vec<BatchTable>,
}

/// A table that lives for one batch.
#[derive(Debug, Clone)]
struct BatchTable {
    name: String,
    create: Text,
}

/// A statement as written, without its `;`.
#[derive(Debug, Clone)]
struct Text {
    sql: String,
    /// Its offset in the file.
    at: usize,
    /// Runs only if the batch holds one of these; always, if empty.
    on: Vec<String>,
}

/// A projection ready to run on one engine. A generation keeps its own, so that it goes on as it began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Projection {
    /// Its name.
    pub name: String,
    /// What the read model answers.
    pub question: String,
    /// The types that it reads.
    pub events: Vec<String>,
    /// What a row depends on.
    pub scope: Scope,
    /// The file's version.
    pub version: u32,
    /// Its tables, in the order of the file.
    pub tables: Vec<Table>,
    /// Creates tables, and unique indexes.
    pub create: Vec<String>,
    /// The other indexes.
    #[serde(default)]
    pub indexes: Vec<Index>,
    /// Creates the tables that live for one batch.
    #[serde(default)]
    pub create_for_batch: Vec<String>,
    /// Runs over `batch`.
    pub apply: Vec<Statement>,
    /// Runs over `forgotten`.
    pub forget: Vec<String>,
}

/// An index that is made when tables are built, or before a batch that needs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Index {
    /// Its name.
    pub name: String,
    /// Creates it, in the engine's dialect.
    pub sql: String,
    /// Batches with one of these types need it.
    pub on: Vec<String>,
}

/// One step of applying a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// In the engine's dialect.
    pub sql: String,
    /// It runs only if the batch holds one of these types; always, if empty.
    pub on: Vec<String>,
}

impl Source {
    /// Reads a projection file. `file` is its name, for errors; without `.sql` it must be the projection's name.
    pub fn parse(file: &str, text: &str) -> Result<Self, SourceError> {
        parse::parse(file, text)
    }

    /// The tables that it declares.
    #[must_use]
    pub fn tables(&self) -> &[Table] {
        &self.declared
    }

    /// Expands everything for an engine. The macros were expanded once when the file was read, so this cannot fail.
    pub(super) fn compile(&self, engine: Engine) -> Projection {
        let expand = |text: &Text| rules::squeeze(&macros::expand(engine, &text.sql).unwrap_or_default());
        let (mut create, mut indexes) = (Vec::new(), Vec::new());
        for text in &self.tables {
            match table::plain_index(text) {
                Some(name) => indexes.push((name, text)),
                None => create.push(text),
            }
        }
        Projection {
            name: self.name.clone(),
            question: self.question.clone(),
            events: self.events.clone(),
            scope: self.scope,
            version: self.version,
            tables: self.declared.clone(),
            create: create.into_iter().map(|text| table::dialect(engine, &expand(text))).collect(),
            indexes: indexes
                .into_iter()
                .map(|(name, text)| Index { name, sql: table::dialect(engine, &expand(text)), on: text.on.clone() })
                .collect(),
            create_for_batch: self
                .batch
                .iter()
                .map(|table| table::temporary(&table::dialect(engine, &expand(&table.create))))
                .collect(),
            apply: self
                .batch
                .iter()
                .map(|table| Statement { sql: format!("DELETE FROM {}", table.name), on: table.create.on.clone() })
                .chain(self.apply.iter().map(|text| Statement { sql: expand(text), on: text.on.clone() }))
                .collect(),
            forget: self.forget.iter().map(expand).collect(),
        }
    }
}
