//! The keys in use: a bounded cache before the key store.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use moka::sync::Cache;

use crate::ids::SubjectId;
use crate::log::keys::{KeyState, KeyStore, KeyStoreError};

/// About 200 bytes each.
const CAPACITY: u64 = 32_768;

/// How long a key that another process destroyed may still be used here.
const RECHECK: Duration = Duration::from_secs(1);

/// Keys by subject, as far as they were asked for; a subject without an entry is unknown to the store.
pub(in crate::log) type Keys = HashMap<SubjectId, KeyState>;

/// Caches keys, asks the store for those of concurrent callers together, and drops what other processes destroyed.
pub(in crate::log) struct KeyRing {
    store: Arc<dyn KeyStore>,
    cache: Cache<SubjectId, KeyState>,
    wanted: Mutex<HashSet<SubjectId>>,
    turn: tokio::sync::Mutex<()>,
    seen: tokio::sync::Mutex<Option<(Instant, i64)>>,
}

impl KeyRing {
    pub(in crate::log) fn new(store: Arc<dyn KeyStore>) -> Self {
        Self {
            store,
            cache: Cache::new(CAPACITY),
            wanted: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
            seen: tokio::sync::Mutex::default(),
        }
    }

    pub(in crate::log) fn store(&self) -> &Arc<dyn KeyStore> {
        &self.store
    }

    /// The keys to seal with; made where there was none.
    pub(in crate::log) async fn for_sealing(&self, subjects: &HashSet<SubjectId>) -> Result<Keys, KeyStoreError> {
        self.forget_destroyed().await?;
        let (mut keys, missing) = self.cached(subjects);
        if missing.is_empty() {
            return Ok(keys);
        }
        self.wanted().extend(missing.iter().copied());
        // Who comes first asks for all who wait; most of those find their keys in the cache afterwards.
        let _turn = self.turn.lock().await;
        let (found, still_missing) = self.cached(&missing);
        keys.extend(found);
        if !still_missing.is_empty() {
            let mut batch = std::mem::take(&mut *self.wanted());
            batch.extend(still_missing.iter().copied());
            let batch: Vec<SubjectId> = batch.into_iter().collect();
            for (subject, state) in batch.iter().zip(self.store.get_or_create(&batch).await?) {
                if still_missing.contains(subject) {
                    keys.insert(*subject, state.clone());
                }
                self.cache.insert(*subject, state);
            }
        }
        Ok(keys)
    }

    /// The keys to open with; none is made.
    pub(in crate::log) async fn for_opening(&self, subjects: &HashSet<SubjectId>) -> Result<Keys, KeyStoreError> {
        if subjects.is_empty() {
            return Ok(Keys::new());
        }
        self.forget_destroyed().await?;
        let (mut keys, missing) = self.cached(subjects);
        if !missing.is_empty() {
            let missing: Vec<SubjectId> = missing.into_iter().collect();
            for (subject, state) in missing.iter().zip(self.store.get(&missing).await?) {
                if let Some(state) = state {
                    self.cache.insert(*subject, state.clone());
                    keys.insert(*subject, state);
                }
            }
        }
        Ok(keys)
    }

    pub(in crate::log) async fn destroy(&self, subject: SubjectId) -> Result<(), KeyStoreError> {
        self.store.destroy(subject).await?;
        self.cache.insert(subject, KeyState::Destroyed);
        Ok(())
    }

    fn cached(&self, subjects: &HashSet<SubjectId>) -> (Keys, HashSet<SubjectId>) {
        let mut keys = Keys::with_capacity(subjects.len());
        let mut missing = HashSet::new();
        for &subject in subjects {
            match self.cache.get(&subject) {
                Some(state) => {
                    keys.insert(subject, state);
                }
                None => {
                    missing.insert(subject);
                }
            }
        }
        (keys, missing)
    }

    async fn forget_destroyed(&self) -> Result<(), KeyStoreError> {
        let mut seen = self.seen.lock().await;
        let mark = match *seen {
            Some((at, _)) if at.elapsed() < RECHECK => return Ok(()),
            Some((_, mark)) => mark,
            None => 0,
        };
        let (mark, destroyed) = self.store.destroyed_since(mark).await?;
        for subject in destroyed {
            self.cache.insert(subject, KeyState::Destroyed);
        }
        *seen = Some((Instant::now(), mark));
        Ok(())
    }

    fn wanted(&self) -> std::sync::MutexGuard<'_, HashSet<SubjectId>> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
