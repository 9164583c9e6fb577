//! Imports: batches that were read from files and can be undone.

use chrono::{DateTime, Utc};

use super::select::{Key, Select};
use super::{Page, QueryError, Slice};
use crate::domain::import::event::ImportKind;
use crate::domain::value::words;
use crate::ids::{ImportId, TenantId};
use crate::sql::{Db, row};

const READING: &str = "imports";

/// Newest first.
const KEY: Key = Key::descending("i.started_at, i.import_id", "tu");

words! {
    /// Where an import stands.
    ImportState, "state of an import" {
        /// Its file is being read.
        Running = "running",
        /// Its file was read to the end.
        Completed = "completed",
        /// What it brought was taken back.
        Undone = "undone",
    }
}

row! {
    /// One run of an import.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct ImportRow {
        pub tenant_id: TenantId,
        pub import_id: ImportId,
        /// `customers`, `orders`, `messages`.
        pub kind: ImportKind,
        /// `running`, `completed`, `undone`.
        pub state: ImportState,
        /// SHA-256 of the file's bytes, in hex.
        pub file_digest: String,
        /// How often this file's import was undone before.
        pub run: i64,
        pub actor: String,
        pub started_at: DateTime<Utc>,
        pub completed_at: Option<DateTime<Utc>>,
        pub undone_at: Option<DateTime<Utc>>,
        /// Lines read, without the header.
        pub lines: Option<i64>,
        /// Events that were appended.
        pub appended: Option<i64>,
        /// Facts that the log knew already.
        pub already: Option<i64>,
        /// Lines that were refused.
        pub refused: Option<i64>,
        /// Facts that an undo took back.
        pub retracted: Option<i64>,
        /// Facts that an undo left standing.
        pub kept: Option<i64>,
        pub file_name: Option<String>,
    }
}

/// One import.
pub async fn by_id(db: &Db, tenant: TenantId, id: ImportId) -> Result<Option<ImportRow>, QueryError> {
    let mut select = Select::new("SELECT i.* FROM imports i", []);
    select.and_equal("i.tenant_id", Some(tenant.0));
    select.and_equal("i.import_id", Some(id.0));
    select.optional(db, READING).await
}

/// A page of a tenant's imports, newest first.
pub async fn list(db: &Db, tenant: TenantId, page: &Page) -> Result<Slice<ImportRow>, QueryError> {
    let mut select = Select::new("SELECT i.* FROM imports i", []);
    select.and_equal("i.tenant_id", Some(tenant.0));
    select.page(KEY, page)?;
    select.slice(db, READING, page, |row: &ImportRow| vec![row.started_at.into(), row.import_id.into()]).await
}

/// How many imports a tenant ran.
pub async fn count(db: &Db, tenant: TenantId) -> Result<u64, QueryError> {
    let mut select = Select::new("SELECT COUNT(*) AS count FROM imports i", []);
    select.and_equal("i.tenant_id", Some(tenant.0));
    select.count(db, READING).await
}
