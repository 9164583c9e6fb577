//! Which parts of a node run on one node at a time: what acts on the world, and what writes the read tables. Of stores in a SQLite
//! file there is one node ([`super::sole`]), or the file's own locks keep order; several nodes on stores in databases take turns.

use std::net::SocketAddr;

use super::{BootError, Stores, process};
use crate::config::{LogUrl, StoreUrl};
use crate::log::keys::lease;
use crate::log::sql::postgres::PostgresLog;
use crate::processes::lease::{Candidate, Lasting, LeaseMetrics};
use crate::processes::spread::Spread;
use crate::projections::ReadStore;

/// What acts on the world, in metrics and diagnostics.
pub(super) const PROCESSES: &str = "processes";

/// What writes the read tables, likewise.
pub(super) const PROJECTOR: &str = "projector";

/// What acts on the world waits for its lease; [`None`] if there is one node only.
pub(super) fn processes(stores: &Stores, address: SocketAddr, metrics: &LeaseMetrics) -> Option<Candidate> {
    is_shared(stores).then(|| candidate(stores, address, metrics, PROCESSES, lease::PROCESSES.to_owned()))
}

/// What dispatches in shares takes part in that, beside the processes; [`None`] if the dispatcher is one of these.
pub(super) fn dispatch(stores: &Stores, address: SocketAddr, metrics: &LeaseMetrics) -> Option<Spread> {
    let shares = stores.config().dispatch_shares;
    let like = processes(stores, address, metrics).filter(|_| shares > 1)?;
    Some(Spread::new(shares, &like))
}

/// What writes the read tables waits for its lease; [`None`] if they are files. Each database of read tables has a lease of its own,
/// and each version of them in it.
pub(super) async fn projector(
    stores: &Stores,
    reads: &ReadStore,
    address: SocketAddr,
    metrics: &LeaseMetrics,
) -> Result<Option<Candidate>, BootError> {
    let StoreUrl::Postgres(url) = &stores.config().read else { return Ok(None) };
    if !is_shared(stores) {
        return Ok(None);
    }
    let name = lease::projector(&PostgresLog::database_at(url).await?, reads.fingerprint());
    Ok(Some(candidate(stores, address, metrics, PROJECTOR, name)))
}

fn is_shared(stores: &Stores) -> bool {
    !matches!(stores.config().log, LogUrl::Sql(StoreUrl::Sqlite(_)))
}

fn candidate(
    stores: &Stores,
    address: SocketAddr,
    metrics: &LeaseMetrics,
    part: &'static str,
    lease: String,
) -> Candidate {
    Candidate {
        store: stores.journal.key_store().clone(),
        lease,
        part: part.to_owned(),
        node: process::node_name(address),
        lasting: Lasting::default(),
        metrics: metrics.clone(),
        ambient: stores.ambient().clone(),
    }
}
