//! Opening a log: its own stream says which one it is, and the index beside it must be that of this log.

use std::path::Path;
use std::sync::Arc;

use eventstore::{Error, StreamState};
use uuid::Uuid;

use super::address::Address;
use super::channel;
use super::connection::{CallError, Connection, Direction, Most, place_of};
use super::index::{self, Index};
use super::record::{EPOCH_STARTED, EpochStarted, LOG_OPENED, LogOpened, Proposed, micros};
use crate::clock::Ambient;
use crate::log::LogError;
use crate::log::format::{self, FORMAT};

/// Opens nothing yet. The client takes whatever implementation of TLS the process has chosen, and panics if it cannot tell which, or
/// cannot read a certificate.
pub(super) fn prepare(address: &str) -> Result<Connection, LogError> {
    // Another part of the process may have chosen.
    _ = rustls::crypto::ring::default_provider().install_default();
    let connection = Connection::new(Address::parse(address)?);
    let tls = channel::tls(&connection.address.settings);
    tls.map_err(|error| connection.failed("be opened", CallError::Channel(error)))?;
    Ok(connection)
}

/// Reads which log it is; [`None`] if there is none yet.
pub(super) async fn log_id(connection: &Connection) -> Result<Option<Uuid>, LogError> {
    let foreign = |reason| LogError::Foreign { url: connection.address.url.clone(), reason };
    let name = connection.address.names.log();
    let first = connection.read_stream(&name, Direction::Forwards(None), Most::events(1)).await?;
    let Some(first) = first.first() else { return Ok(None) };
    if first.event_type != LOG_OPENED || first.revision != 0 {
        return Err(foreign(format!("its stream {name} does not begin with {LOG_OPENED}")));
    }
    let opened: LogOpened = serde_json::from_slice(&first.data)
        .map_err(|error| foreign(format!("the first event of its stream {name} cannot be read ({error})")))?;
    match opened.format {
        FORMAT => Ok(Some(opened.log_id)),
        other => Err(foreign(format::refusal(other))),
    }
}

/// Whether a log is still being loaded: it has an id, and no epoch yet.
pub(super) async fn is_loading(connection: &Connection) -> Result<bool, LogError> {
    let name = connection.address.names.log();
    let second = connection.read_stream(&name, Direction::Forwards(Some(1)), Most::events(1)).await?;
    Ok(second.is_empty())
}

/// Begins to load the log with this id, unless another process has begun a log by now: which one, is returned.
pub(super) async fn begin_load(connection: &Connection, ambient: &Ambient, log_id: Uuid) -> Result<Uuid, LogError> {
    let opened = LogOpened { log_id, format: FORMAT };
    append_first(connection, vec![Proposed::of_own(ambient.uuid(), LOG_OPENED, &opened)], log_id).await
}

/// Makes a log, unless another process has made it by now. Returns its id.
pub(super) async fn make(connection: &Connection, ambient: &Ambient) -> Result<Uuid, LogError> {
    let log_id = ambient.uuid();
    let opened = LogOpened { log_id, format: FORMAT };
    let epoch = first_epoch(log_id, ambient);
    let events = vec![
        Proposed::of_own(ambient.uuid(), LOG_OPENED, &opened),
        Proposed::of_own(ambient.uuid(), EPOCH_STARTED, &epoch),
    ];
    append_first(connection, events, log_id).await
}

async fn append_first(connection: &Connection, events: Vec<Proposed>, log_id: Uuid) -> Result<Uuid, LogError> {
    match connection.append(&connection.address.names.log(), StreamState::NoStream, events).await {
        Ok(()) => Ok(log_id),
        Err(CallError::Client(Error::WrongExpectedVersion { .. })) => {
            let missing = CallError::Client(Error::ResourceNotFound);
            self::log_id(connection).await?.ok_or_else(|| connection.failed("be made", missing))
        }
        Err(error) => Err(connection.failed("be made", error)),
    }
}

/// What distinguishes a store of this log from others. A copy of a cluster has the same: that it is one shows only in the mark,
/// which is kept outside of it.
pub(super) fn system_id(log_id: Uuid) -> String {
    format!("kurrentdb log {log_id}")
}

fn first_epoch(log_id: Uuid, ambient: &Ambient) -> EpochStarted {
    EpochStarted { epoch: 1, started_at: micros(ambient.now()), system_id: system_id(log_id), loaded: false }
}

/// Opens the index. It is made again if its last event is not, or no longer, in the log.
pub(super) async fn index(connection: &Arc<Connection>, path: &Path, log_id: Uuid) -> Result<Index, LogError> {
    let index = Index::open(path, log_id).await?;
    if let Some((id, last)) = index.run("be read", index::last_event).await? {
        let name = connection.address.names.stream(&last.stream);
        let revision = last.version.saturating_sub(1);
        let found = connection.read_stream(&name, Direction::Forwards(Some(revision)), Most::events(1)).await?;
        let stands = found
            .first()
            .is_some_and(|event| event.id == id && event.revision == revision && place_of(event) == last.place);
        if !stands {
            tracing::warn!(url = connection.address.url, "the index knows another log, and is made again");
            index.clear().await?;
        }
    }
    Ok(index)
}
