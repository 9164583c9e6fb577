//! Templates.

use chrono::{DateTime, Utc};

use super::select::Select;
use super::{Json, QueryError};
use crate::ids::TenantId;
use crate::sql::{Db, row};

const READING: &str = "templates";

row! {
    /// A template's draft.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct TemplateRow {
        pub tenant_id: TenantId,
        pub code: String,
        pub title: String,
        /// `message` or `partial`.
        pub kind: String,
        /// `marketing` or `transactional`.
        pub class: String,
        pub default_locale: String,
        pub variables: Json,
        pub contents: Json,
        /// Counts the changes, from 1.
        pub revision: i64,
        pub archived: bool,
        pub changed_at: DateTime<Utc>,
        pub changed_by: String,
        /// The newest published version.
        pub published_version: Option<i64>,
    }
}

row! {
    /// A published version.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct TemplateVersionRow {
        pub tenant_id: TenantId,
        pub code: String,
        /// From 1.
        pub version: i64,
        /// Of the draft that it was.
        pub revision: i64,
        /// SHA-256, in hex.
        pub content_hash: String,
        pub default_locale: String,
        pub variables: Json,
        pub contents: Json,
        /// The versions of what it includes, by code.
        pub includes: Json,
        pub published_at: DateTime<Utc>,
        pub published_by: String,
    }
}

const DRAFTS: &str = "SELECT t.*, (SELECT MAX(v.version) FROM template_versions v \
    WHERE v.tenant_id = t.tenant_id AND v.code = t.code) AS published_version FROM templates t";

/// The template with a code, archived ones too.
pub async fn by_code(db: &Db, tenant: TenantId, code: &str) -> Result<Option<TemplateRow>, QueryError> {
    let mut select = Select::new(DRAFTS, []);
    select.and_equal("t.tenant_id", Some(tenant.0));
    select.and_equal("t.code", Some(code.to_owned()));
    select.optional(db, READING).await
}

/// Which templates are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TemplateFilter {
    /// The beginning of code or title, in any case.
    pub search: Option<String>,
    /// `message` or `partial`.
    pub kind: Option<String>,
    /// Archived ones instead of the others.
    pub archived: bool,
}

/// A tenant's templates by code, at most `limit`.
pub async fn list(
    db: &Db,
    tenant: TenantId,
    filter: &TemplateFilter,
    limit: usize,
) -> Result<Vec<TemplateRow>, QueryError> {
    let mut select = Select::new(DRAFTS, []);
    select.and_equal("t.tenant_id", Some(tenant.0));
    select.and_equal("t.archived", Some(filter.archived));
    select.and_equal("t.kind", filter.kind.clone());
    if let Some(search) = filter.search.as_deref().map(str::trim).filter(|search| !search.is_empty()) {
        let pattern = super::select::beginning(search);
        let begins = "(t.code LIKE ? ESCAPE '\\' OR t.title_key LIKE ? ESCAPE '\\')";
        select.and(begins, [pattern.clone().into(), pattern.into()]);
    }
    select.push(&format!(" ORDER BY t.code LIMIT {limit}"), []);
    select.all(db, READING).await
}

/// The versions of a template, newest first, at most `limit`.
pub async fn versions(
    db: &Db,
    tenant: TenantId,
    code: &str,
    limit: usize,
) -> Result<Vec<TemplateVersionRow>, QueryError> {
    let mut select = Select::new("SELECT v.* FROM template_versions v", []);
    select.and_equal("v.tenant_id", Some(tenant.0));
    select.and_equal("v.code", Some(code.to_owned()));
    select.push(&format!(" ORDER BY v.version DESC LIMIT {limit}"), []);
    select.all(db, READING).await
}

/// A version of a template.
pub async fn version(
    db: &Db,
    tenant: TenantId,
    code: &str,
    version: i64,
) -> Result<Option<TemplateVersionRow>, QueryError> {
    let mut select = Select::new("SELECT v.* FROM template_versions v", []);
    select.and_equal("v.tenant_id", Some(tenant.0));
    select.and_equal("v.code", Some(code.to_owned()));
    select.and_equal("v.version", Some(version));
    select.optional(db, READING).await
}
