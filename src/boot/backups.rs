//! The stores that a backup is made of, and those that one is restored to.

use std::sync::Arc;

use uuid::Uuid;

use super::{BootError, log_may_exist, make_folder, master_key, may_exist, open_blobs, open_existing_log, open_keys};
use super::{open_loader, read_keys, shares_a_database};
use crate::backup::{Sources, Targets};
use crate::clock::Ambient;
use crate::config::Config;
use crate::domain::upcasters;
use crate::log::Journal;
use crate::log::seal::MasterKey;
use crate::log::upcast::Upcasters;

/// Opens the configured stores to back them up; log and key store for reading only.
///
/// # Errors
/// As [`super::Stores::open_to_read`].
pub async fn open_sources(config: &Config, ambient: &Ambient) -> Result<Sources, BootError> {
    let log = open_existing_log(config, ambient).await?;
    if !may_exist(&config.keys) {
        return Err(BootError::KeyStoreMissing { log: config.log.to_string(), keys: config.keys.to_string() });
    }
    let master = master_key::find(config)?;
    let keys = read_keys(config, &master, ambient).await?;
    // Keys of another log are no backup of this one's.
    Journal::open(Arc::clone(&log), Arc::clone(&keys), Upcasters::new(upcasters()), ambient.clone()).await?;
    let blobs = open_blobs(&config.blobs).await?;
    Ok(Sources { log, blobs, keys, master, ambient: ambient.clone() })
}

/// The configured master key, which must exist.
///
/// # Errors
/// [`BootError::MasterKey`].
pub fn find_master_key(config: &Config) -> Result<MasterKey, BootError> {
    Ok(master_key::find(config)?)
}

/// Opens the configured stores to restore the log with this id to them; makes those that are not there. The key store must exist
/// unless `has_keys`: a copy of it is restored, too.
///
/// # Errors
/// [`BootError::Load`] if the place of the log is taken; [`BootError::KeyStoreMissing`].
pub async fn open_targets(
    config: &Config,
    log_id: Uuid,
    has_keys: bool,
    ambient: &Ambient,
) -> Result<Targets, BootError> {
    if !has_keys && !may_exist(&config.keys) {
        return Err(BootError::KeyStoreMissing { log: config.log.to_string(), keys: config.keys.to_string() });
    }
    if !config.keys_with_log && log_may_exist(&config.log) && shares_a_database(&config.log, &config.keys).await? {
        return Err(BootError::KeysWithLog { url: config.keys.to_string() });
    }
    let master = master_key::find(config)?;
    let log = open_loader(config, log_id, ambient).await?;
    make_folder(&config.keys)?;
    let keys = open_keys(config, &master, ambient).await?;
    let blobs = open_blobs(&config.blobs).await?;
    Ok(Targets { log, blobs, keys, ambient: ambient.clone() })
}
