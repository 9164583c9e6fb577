//! What a dry run reads: the log, if there is one with the tenant; otherwise an empty one that is thrown away.

use tempfile::TempDir;

use crate::app::Caller;
use crate::boot::{BootError, Stores};
use crate::cli::Session;
use crate::cli::failure::{Exit, Failure, Outcome};
use crate::config::{BlobsUrl, Config, LogUrl, MasterKeySource, StoreUrl};
use crate::log::seal::MasterKey;
use crate::log::{Category, StreamId};

/// Opens the stores that a dry run reads; it writes nothing to a log that exists. The folder of an empty log that is made
/// for it goes into `scratch`.
pub(in crate::cli) async fn stores(
    session: &Session,
    caller: &Caller,
    scratch: &mut Option<TempDir>,
) -> Outcome<Stores> {
    match Stores::open_existing(&session.config, &session.ambient).await {
        Ok(stores) => {
            let stream = StreamId::new(caller.tenant, Category::Tenant, caller.tenant.0);
            if stores.journal.backend().stream_heads(&[stream]).await?.iter().any(Option::is_some) {
                return Ok(stores);
            }
            stores.close().await;
        }
        Err(BootError::NoLog { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    if caller.tenant != session.config.tenant {
        let advice = "`commlog tenants list` shows the existing ones, `commlog tenants create` adds one";
        return Err(Failure::new(Exit::Refused, format!("there is no tenant {}; {advice}", caller.tenant)));
    }
    let folder = tempfile::tempdir()
        .map_err(|error| Failure::doing(Exit::Unavailable, "cannot make a folder for the dry run", error))?;
    let path = |name: &str| folder.path().join(name);
    let config = Config {
        data_dir: folder.path().to_owned(),
        log: LogUrl::Sql(StoreUrl::Sqlite(path("log.db"))),
        read: StoreUrl::Sqlite(path("read")),
        keys: StoreUrl::Sqlite(path("keys.db")),
        blobs: BlobsUrl::Folder(path("blobs")),
        master_key: MasterKeySource::Given(MasterKey::generate(&session.ambient)),
        ..session.config.clone()
    };
    let stores = Stores::open(&config, &session.ambient).await?;
    *scratch = Some(folder);
    Ok(stores)
}
