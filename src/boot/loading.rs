//! A log as a place that another one is loaded into.

use std::sync::Arc;

use uuid::Uuid;

use super::{BootError, make_parents, text};
use crate::clock::Ambient;
use crate::config::{Config, LogUrl, StoreUrl};
use crate::log::kurrentdb::KurrentLoader;
use crate::log::load::LogLoader;
use crate::log::sql::postgres::PostgresLoader;
use crate::log::sql::sqlite::SqliteLoader;

/// Opens the configured place of the log to load the log with this id into it; goes on with a load that was interrupted. No
/// keys are needed.
///
/// # Errors
/// [`BootError::Load`] if another log is there, or a complete one.
pub async fn open_loader(config: &Config, log_id: Uuid, ambient: &Ambient) -> Result<Arc<dyn LogLoader>, BootError> {
    Ok(match &config.log {
        LogUrl::Sql(StoreUrl::Sqlite(path)) => {
            make_parents(path)?;
            Arc::new(SqliteLoader::open(&text(path), log_id).await?)
        }
        LogUrl::Sql(StoreUrl::Postgres(url)) => Arc::new(PostgresLoader::connect(url, log_id, ambient.clone()).await?),
        LogUrl::Kurrent(url) => {
            make_parents(&config.log_index)?;
            Arc::new(KurrentLoader::connect(url.address(), &config.log_index, log_id, ambient.clone()).await?)
        }
    })
}
