//! What is kept in memory of templates: compiled texts and published versions, which never change.

use std::sync::Arc;

use crate::app::engine::error::Stop;
use crate::app::templates::Loaded;
use crate::app::{App, Caller};
use crate::domain::value::Channel;
use crate::ids::TenantId;
use crate::rendering::Compiled;

/// Compiled texts that are kept, in bytes of their sources: rendering one takes several times that.
const COMPILED_BYTES: u64 = 8 * 1024 * 1024;
/// A compiled text, by all that it was compiled from.
pub(super) type Key = (TenantId, Channel, String, String);

/// How many published versions are kept.
const PUBLISHED: u64 = 32;

/// Published versions, by code and version.
pub(super) type Published = moka::sync::Cache<(TenantId, String, Option<u32>), Arc<Loaded>>;

pub(super) fn published_cache() -> Published {
    moka::sync::Cache::new(PUBLISHED)
}

/// Texts that were compiled.
pub(super) type Cache = moka::sync::Cache<Key, Arc<Compiled>>;

pub(super) fn cache() -> Cache {
    moka::sync::Cache::builder()
        .max_capacity(COMPILED_BYTES)
        .weigher(|key: &Key, compiled: &Arc<Compiled>| {
            u32::try_from(compiled.source_bytes + key.3.len() + 1024).unwrap_or(u32::MAX)
        })
        .build()
}

impl App {
    /// A published version, read once: it never changes.
    pub(super) async fn published_once(
        &self,
        caller: &Caller,
        code: &str,
        version: Option<u32>,
    ) -> Result<Arc<Loaded>, Stop> {
        let key = (caller.tenant, code.to_owned(), version);
        if let Some(loaded) = self.shared.published.get(&key) {
            return Ok(loaded);
        }
        let loaded = Arc::new(self.published(caller, code, version).await?);
        if version.is_some() {
            self.shared.published.insert(key, Arc::clone(&loaded));
        }
        Ok(loaded)
    }
}
