//! What the dispatchers of a node have in common: its places for messages, and the rates of its accounts.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Semaphore;

use crate::accounts::Accounts;
use crate::clock::Ambient;

/// How many messages with files are handed over at once: their content is in memory while a provider takes it.
const HEAVY: usize = 3;

/// What dispatchers of one node have in common. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Common {
    dispatchers: Arc<Mutex<u8>>,
    pub(super) heavy: Arc<Semaphore>,
}

impl Default for Common {
    fn default() -> Self {
        Self { dispatchers: Arc::default(), heavy: Arc::new(Semaphore::new(HEAVY)) }
    }
}

impl Common {
    /// A dispatcher's part of so many places: at least one.
    pub(super) fn part(&self, places: usize) -> usize {
        (places / usize::from(*self.count()).max(1)).max(1)
    }

    fn count(&self) -> MutexGuard<'_, u8> {
        self.dispatchers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The shares of dispatching that a node has. Of each account's rate it uses the part that they are of all shares. Cheap to clone.
#[derive(Clone)]
pub struct Held {
    common: Common,
    accounts: Accounts,
    of: u8,
    ambient: Ambient,
}

impl Held {
    /// None of so many shares: a node that has none sends nothing.
    #[must_use]
    pub fn none(of: u8, accounts: Accounts, ambient: Ambient) -> Self {
        let held = Self { common: Common::default(), accounts, of, ambient };
        held.change(|_| 0);
        held
    }

    /// What the dispatchers of all shares have in common.
    #[must_use]
    pub fn common(&self) -> Common {
        self.common.clone()
    }

    /// Whether this node has none at the moment.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self.common.count() == 0
    }

    /// One share more, until what this returns is dropped.
    #[must_use]
    pub fn begin(&self) -> OneMore {
        self.change(|count| count.saturating_add(1));
        OneMore(self.clone())
    }

    fn change(&self, change: impl FnOnce(u8) -> u8) {
        let mut count = self.common.count();
        *count = change(*count);
        self.accounts.set_part(f64::from(*count) / f64::from(self.of), self.ambient.now());
    }
}

/// A share that a node has.
pub struct OneMore(Held);

impl Drop for OneMore {
    fn drop(&mut self) {
        self.0.change(|count| count.saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dispatchers_of_a_node_divide_its_places() {
        let held = Held::none(8, Accounts::new(vec![]), Ambient::system());
        let common = held.common();
        assert_eq!(common.part(64), 64, "the only dispatcher need not say that it is there");
        let shares = [(); 5].map(|()| held.begin());
        assert_eq!((common.part(64), common.part(3)), (12, 1));
        drop(shares);
        assert_eq!(common.part(64), 64);
    }
}
