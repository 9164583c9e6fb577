//! Versions of commlog whose projections differ, beside each other on the same database, as while nodes are replaced one after the
//! other. Each version reads its own tables: what the newer one has built is ready beside the live tables while processes of the
//! other version read those, and becomes live once none does. Whose projector follows which tables: [`super::run`].

use std::sync::atomic::Ordering;

use super::ReadStore;
use super::catalog::{Entry, State};
use super::generation::Generation;
use super::lease;
use crate::projections::error::ProjectionError;

/// The live generation, if there is one.
pub(super) fn live(entries: &[Entry]) -> Option<&Entry> {
    entries.iter().find(|entry| entry.state == State::Live)
}

/// The complete generation of a version, if there is one.
fn own<'e>(entries: &'e [Entry], fingerprint: &str) -> Option<&'e Entry> {
    let of = |state| entries.iter().rfind(move |entry| entry.state == state && entry.fingerprint == fingerprint);
    of(State::Live).or_else(|| of(State::Ready))
}

/// The ids of the generations that a version may read when it starts: first its own, then the live one.
pub(super) fn candidates<'e>(entries: &'e [Entry], fingerprint: &str) -> impl Iterator<Item = &'e str> {
    let own = own(entries, fingerprint);
    let live = live(entries).filter(|live| own.is_none_or(|own| own.id != live.id));
    own.into_iter().chain(live).map(|entry| entry.id.as_str())
}

impl ReadStore {
    /// What tells the tables of this version from those of others.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.0.fingerprint
    }

    /// Whether this process reads tables of another version until its own are built, and processes of that version read them,
    /// too: those serve better meanwhile.
    #[must_use]
    pub fn is_waiting_for_own(&self) -> bool {
        self.0.waits_for_own.load(Ordering::Relaxed)
    }

    /// Whether a generation was built by this version's projections.
    pub(super) fn is_own(&self, entries: &[Entry], id: &str) -> bool {
        entries.iter().any(|entry| entry.id == id && entry.fingerprint == self.0.fingerprint)
    }

    /// The tables that readers should use in place of the current ones; [`None`] if these are right.
    pub(super) fn preferred<'e>(&self, entries: &'e [Entry], current: &str) -> Option<&'e Entry> {
        let preferred = match own(entries, &self.0.fingerprint) {
            Some(own) => Some(own),
            // Another version took over, and this one has tables that serve it still.
            None if self.is_own(entries, current) => None,
            None => live(entries),
        };
        preferred.filter(|entry| entry.id != current)
    }

    /// Takes note whether the tables that this process reads are another version's.
    pub(super) async fn look_for_other_versions(&self, entries: &[Entry]) -> Result<(), ProjectionError> {
        let current = self.live();
        let is_known = entries.iter().any(|entry| entry.id == current.id);
        let waits = is_known
            && !self.is_own(entries, &current.id)
            && lease::is_taken_by_another_version(&self.0.location, &current.id).await?;
        self.0.waits_for_own.store(waits, Ordering::Relaxed);
        Ok(())
    }

    /// Lets readers use tables that are built: makes them live, or ready while processes of another version read the live ones.
    pub(super) async fn put_to_use(&self, built: &Generation) -> Result<(), ProjectionError> {
        let catalog = &self.0.catalog;
        if let Some(live) = catalog.live().await?
            && live.fingerprint != self.0.fingerprint
            && lease::is_taken_by_another_version(&self.0.location, &live.id).await?
        {
            return catalog.make_ready(&built.id).await;
        }
        catalog.promote(&built.id, &built.views(&self.0.projections)).await
    }
}
