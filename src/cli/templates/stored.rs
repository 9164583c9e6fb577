//! The templates of the store.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};

use super::folder::through_files;
use crate::cli::failure::{Exit, Failure, Outcome};
use crate::domain::message::event::MessageClass;
use crate::domain::template::content::{LocalContent, TemplateKind};
use crate::domain::template::decide::content_hash;
use crate::domain::template::state::Draft;
use crate::domain::value::InvalidValue;
use crate::ids::TenantId;
use crate::queries::Db;
use crate::queries::templates::{self, TemplateFilter, TemplateRow};

/// More templates than anybody has.
const MOST: usize = 100_000;

/// A template of the store.
#[derive(Debug, Clone)]
pub struct Stored {
    /// What was saved last.
    pub draft: Draft,
    /// Counts the changes, from 1.
    pub revision: u32,
    /// The newest published version.
    pub version: Option<i64>,
    /// When it was changed last.
    pub changed_at: DateTime<Utc>,
    /// Who did.
    pub changed_by: String,
}

/// All templates of a tenant.
#[derive(Debug, Default)]
pub struct StoredTemplates {
    /// Those that are offered, by code.
    pub offered: BTreeMap<String, Stored>,
    /// The codes of the others.
    pub archived: BTreeSet<String>,
}

/// Rows by code, archived ones or the others.
pub async fn rows(db: &Db, tenant: TenantId, archived: bool) -> Outcome<Vec<TemplateRow>> {
    let filter = TemplateFilter { archived, ..TemplateFilter::default() };
    templates::list(db, tenant, &filter, MOST).await.map_err(Failure::unavailable)
}

/// The texts of a row.
pub fn contents(row: &TemplateRow) -> Outcome<Vec<LocalContent>> {
    serde_json::from_value(row.contents.0.clone()).map_err(|error| Failure::from_error(Exit::Internal, error))
}

/// Reads all templates of a tenant.
pub async fn load(db: &Db, tenant: TenantId) -> Outcome<StoredTemplates> {
    let mut stored = StoredTemplates::default();
    for row in rows(db, tenant, false).await? {
        stored.offered.insert(row.code.clone(), of_row(row)?);
    }
    stored.archived = rows(db, tenant, true).await?.into_iter().map(|row| row.code).collect();
    Ok(stored)
}

fn of_row(row: TemplateRow) -> Outcome<Stored> {
    let unknown = |error: InvalidValue| Failure::from_error(Exit::Internal, error);
    let contents = contents(&row)?;
    let variables = serde_json::from_value(row.variables.0);
    Ok(Stored {
        revision: u32::try_from(row.revision).unwrap_or(u32::MAX),
        version: row.published_version,
        changed_at: row.changed_at,
        changed_by: row.changed_by,
        draft: Draft {
            kind: row.kind.parse::<TemplateKind>().map_err(unknown)?,
            class: row.class.parse::<MessageClass>().map_err(unknown)?,
            variables: variables.map_err(|error| Failure::from_error(Exit::Internal, error))?,
            code: row.code,
            title: row.title,
            default_locale: row.default_locale,
            contents,
        },
    })
}

/// What tells drafts apart that differ as files.
#[must_use]
pub fn digest(draft: &Draft) -> String {
    let draft = through_files(draft).unwrap_or_else(|| draft.clone());
    let said = content_hash(&draft, &BTreeMap::new());
    hex::encode(Sha256::digest(format!("{}\n{said}", draft.title)))
}
