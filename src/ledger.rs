//! Runs that a node carries out beside its requests: each can be watched, and they are listed in a file of the node.
//! A run that the end of the process cut off is known as such afterwards, and a page that is loaded again finds its
//! run.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use uuid::Uuid;

use crate::ids::TenantId;

/// A run, as those who watch it see it.
pub trait Run: Clone + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Its id.
    fn id(&self) -> Uuid;
    /// Whose it is.
    fn tenant(&self) -> TenantId;
    /// Whether nothing of it changes any more.
    fn has_ended(&self) -> bool;
    /// Ends it: nobody carries it out any more.
    fn interrupt(&mut self, now: DateTime<Utc>);
}

/// What a run was begun with, by which a repeated request is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Who asked for it.
    pub actor: String,
    /// The idempotency key.
    pub key: Option<String>,
    /// What was asked for.
    pub input: String,
}

/// What came of asking for a run.
#[derive(Debug)]
pub enum Begun<R> {
    /// It is to be carried out.
    New(R),
    /// An earlier request with the same key began it.
    Repeated(R),
    /// The key was used with other input.
    KeyReused,
    /// As many runs are on their way as may be.
    Full,
}

/// The runs of a node, newest first.
pub struct Ledger<R>(Arc<Shared<R>>);

impl<R> Clone for Ledger<R> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

struct Shared<R> {
    file: PathBuf,
    /// How many runs that have ended are known.
    most: usize,
    known: Mutex<VecDeque<Known<R>>>,
    /// One write at a time: the last one has the newest state.
    writing: tokio::sync::Mutex<()>,
}

struct Known<R> {
    asked: Asked,
    run: watch::Sender<R>,
}

#[derive(Serialize, Deserialize)]
struct Line<R> {
    asked: Asked,
    run: R,
}

impl<R: Run> Ledger<R> {
    /// The runs that are listed in a file, which need not exist. Those that had not ended were interrupted. A file
    /// that cannot be read is begun again.
    #[must_use]
    pub fn open(file: PathBuf, most: usize, now: DateTime<Utc>) -> Self {
        let lines: Vec<Line<R>> = match std::fs::read(&file) {
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_else(|error| {
                tracing::warn!(%error, file = %file.display(), "a list of earlier runs cannot be read; it is begun again");
                vec![]
            }),
            Err(error) => {
                if error.kind() != io::ErrorKind::NotFound {
                    tracing::warn!(%error, file = %file.display(), "a list of earlier runs cannot be read");
                }
                vec![]
            }
        };
        let known = lines.into_iter().map(|Line { asked, mut run }| {
            if !run.has_ended() {
                run.interrupt(now);
            }
            Known { asked, run: watch::Sender::new(run) }
        });
        let known = Mutex::new(known.collect());
        Self(Arc::new(Shared { file, most, known, writing: tokio::sync::Mutex::default() }))
    }

    /// Lists a run, unless it was begun before, or `limit` runs have not ended.
    pub async fn begin(&self, asked: Asked, limit: usize, run: R) -> Begun<R> {
        {
            let mut known = self.0.known.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(begun) = asked.repeats(run.tenant(), &known) {
                return begun;
            }
            if known.iter().filter(|known| !known.run.borrow().has_ended()).count() >= limit {
                return Begun::Full;
            }
            known.push_front(Known { asked, run: watch::Sender::new(run.clone()) });
            let mut ended = 0;
            known.retain(|known| {
                ended += usize::from(known.run.borrow().has_ended());
                !known.run.borrow().has_ended() || ended <= self.0.most
            });
        }
        self.save().await;
        Begun::New(run)
    }

    /// Changes a run. What has ended is written to the file.
    pub async fn change(&self, id: Uuid, change: impl FnOnce(&mut R)) {
        let has_ended = {
            let known = self.0.known.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(own) = known.iter().find(|known| known.run.borrow().id() == id) else { return };
            own.run.send_modify(change);
            own.run.borrow().has_ended()
        };
        if has_ended {
            self.save().await;
        }
    }

    /// Lets those who watch a run know how far it is.
    pub fn progress(&self, id: Uuid, change: impl FnOnce(&mut R)) {
        let known = self.0.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = known.iter().find(|known| known.run.borrow().id() == id) {
            own.run.send_modify(change);
        }
    }

    /// Forgets runs that have ended.
    pub async fn forget(&self, is_forgotten: impl Fn(&R) -> bool) {
        {
            let mut known = self.0.known.lock().unwrap_or_else(PoisonError::into_inner);
            let before = known.len();
            known.retain(|known| !known.run.borrow().has_ended() || !is_forgotten(&known.run.borrow()));
            if known.len() == before {
                return;
            }
        }
        self.save().await;
    }

    /// A run, and the changes of it.
    #[must_use]
    pub fn watch(&self, tenant: TenantId, id: Uuid) -> Option<watch::Receiver<R>> {
        let known = self.0.known.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it = |run: &R| run.tenant() == tenant && run.id() == id;
        known.iter().find(|known| is_it(&known.run.borrow())).map(|own| own.run.subscribe())
    }

    /// The runs of a tenant, newest first.
    #[must_use]
    pub fn list(&self, tenant: TenantId) -> Vec<R> {
        let all = self.all();
        all.into_iter().filter(|run| run.tenant() == tenant).collect()
    }

    /// The runs of all tenants, newest first.
    #[must_use]
    pub fn all(&self) -> Vec<R> {
        let known = self.0.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().map(|known| known.run.borrow().clone()).collect()
    }

    /// Writes the list. A list that cannot be written is only missed after a restart.
    async fn save(&self) {
        let _turn = self.0.writing.lock().await;
        let lines = {
            let known = self.0.known.lock().unwrap_or_else(PoisonError::into_inner);
            let line = |known: &Known<R>| Line { asked: known.asked.clone(), run: known.run.borrow().clone() };
            serde_json::to_vec(&known.iter().map(line).collect::<Vec<_>>())
        };
        let written = match lines {
            Ok(lines) => write(&self.0.file, &lines).await,
            Err(error) => Err(error.into()),
        };
        if let Err(error) = written {
            tracing::warn!(%error, file = %self.0.file.display(), "a list of runs cannot be written");
        }
    }
}

impl Asked {
    /// The run that was begun with the same key by the same actor.
    fn repeats<R: Run>(&self, tenant: TenantId, known: &VecDeque<Known<R>>) -> Option<Begun<R>> {
        self.key.as_ref()?;
        let is_it = |known: &&Known<R>| {
            (&known.asked.key, &known.asked.actor) == (&self.key, &self.actor) && known.run.borrow().tenant() == tenant
        };
        let before = known.iter().find(is_it)?;
        Some(match before.asked.input == self.input {
            true => Begun::Repeated(before.run.borrow().clone()),
            false => Begun::KeyReused,
        })
    }
}

async fn write(file: &Path, lines: &[u8]) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        tokio::fs::create_dir_all(folder).await?;
    }
    let part = file.with_extension("part");
    tokio::fs::write(&part, lines).await?;
    tokio::fs::rename(&part, file).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Walk {
        id: Uuid,
        steps: u32,
        ended: Option<String>,
    }

    impl Run for Walk {
        fn id(&self) -> Uuid {
            self.id
        }

        fn tenant(&self) -> TenantId {
            TenantId(Uuid::nil())
        }

        fn has_ended(&self) -> bool {
            self.ended.is_some()
        }

        fn interrupt(&mut self, _now: DateTime<Utc>) {
            self.ended = Some("interrupted".to_owned());
        }
    }

    fn walk(number: u128) -> Walk {
        Walk { id: Uuid::from_u128(number), steps: 0, ended: None }
    }

    fn asked(key: &str, input: &str) -> Asked {
        Asked { actor: "cli".to_owned(), key: Some(key.to_owned()), input: input.to_owned() }
    }

    #[tokio::test]
    async fn a_run_is_found_again_and_one_that_was_cut_off_says_so() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("walks/list.json");
        let open = || Ledger::<Walk>::open(file.clone(), 1, DateTime::UNIX_EPOCH);
        let ledger = open();
        assert!(matches!(ledger.begin(asked("a", "x"), 1, walk(1)).await, Begun::New(_)));
        assert!(matches!(ledger.begin(asked("b", "x"), 1, walk(2)).await, Begun::Full));
        assert!(matches!(ledger.begin(asked("a", "x"), 1, walk(2)).await, Begun::Repeated(run) if run == walk(1)));
        assert!(matches!(ledger.begin(asked("a", "y"), 1, walk(2)).await, Begun::KeyReused));
        let mut seen = ledger.watch(TenantId(Uuid::nil()), Uuid::from_u128(1)).expect("is known");
        ledger.progress(Uuid::from_u128(1), |run| run.steps = 7);
        assert_eq!(seen.borrow_and_update().steps, 7);
        assert!(ledger.watch(TenantId(Uuid::from_u128(9)), Uuid::from_u128(1)).is_none());

        let cut_off = open().all();
        assert_eq!(cut_off[0].ended.as_deref(), Some("interrupted"));

        ledger.change(Uuid::from_u128(1), |run| run.ended = Some("whole".to_owned())).await;
        assert_eq!(open().all(), ledger.all());
        ledger.begin(asked("c", "x"), 1, walk(3)).await;
        ledger.change(Uuid::from_u128(3), |run| run.ended = Some("whole".to_owned())).await;
        ledger.begin(asked("d", "x"), 1, walk(4)).await;
        let known: Vec<u128> = ledger.all().iter().map(|run| run.id.as_u128()).collect();
        assert_eq!(known, [4, 3], "as many as are kept");
        ledger.forget(|_| true).await;
        assert_eq!(ledger.all(), [walk(4)], "what goes on is not forgotten");
    }
}
