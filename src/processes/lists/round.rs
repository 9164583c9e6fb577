//! What a look at the log and at the clock concerns, found out once for all lists.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, NaiveDate, Utc};

use super::task::Task;
use super::{EvaluationError, Key, Known};
use crate::app::Touch;
use crate::domain::list::criteria::Source;
use crate::domain::list::decide::Evaluated;
use crate::domain::list::event::MemberCause;
use crate::ids::{CustomerId, Position, TenantId};
use crate::queries::Db;
use crate::queries::lists::{self, Moment, Persons, Window};

/// How many customers all lists look at together: what a few have done is read from the disk, or out of the system's memory,
/// once, and is at hand for the other lists.
const PIECE: usize = 32;

/// What a batch of the log concerns.
#[derive(Default)]
pub(super) struct Touched {
    customers: HashMap<TenantId, HashMap<CustomerId, BTreeSet<Source>>>,
    pub lists: bool,
}

impl Touched {
    pub fn add(&mut self, touches: Vec<Touch>) {
        for touch in touches {
            match touch {
                Touch::Customer { tenant, customer_id, source } => {
                    self.customers.entry(tenant).or_default().entry(customer_id).or_default().insert(source);
                }
                Touch::List { .. } => self.lists = true,
            }
        }
    }

    pub fn len(&self) -> usize {
        self.customers.values().map(HashMap::len).sum()
    }

    /// A tenant's customers of whom something changed that is of interest.
    pub fn of(&self, tenant: TenantId, sources: &BTreeSet<Source>) -> BTreeSet<CustomerId> {
        let customers = self.customers.get(&tenant).into_iter().flatten();
        customers.filter(|(_, changed)| !changed.is_disjoint(sources)).map(|(&customer, _)| customer).collect()
    }
}

/// Customers whom a list is to look at, and the day there.
pub(super) type Concerned = (BTreeSet<CustomerId>, NaiveDate);

/// What is to be looked at now.
pub(super) struct Round {
    now: DateTime<Utc>,
    lists: HashMap<Key, List>,
    /// Those whom the log concerns, in pieces.
    persons: HashMap<TenantId, Vec<Persons>>,
}

struct List {
    concerned: Concerned,
    /// Further ones, whom the passing of time concerns.
    moved: Vec<CustomerId>,
}

impl Round {
    pub async fn new(
        db: &Db,
        known: &HashMap<Key, Known>,
        concerned: HashMap<Key, Concerned>,
        now: DateTime<Utc>,
    ) -> Result<Self, EvaluationError> {
        let mut everybody: HashMap<TenantId, BTreeSet<CustomerId>> = HashMap::new();
        for ((tenant, _), (customers, _)) in &concerned {
            everybody.entry(*tenant).or_default().extend(customers);
        }
        let mut persons: HashMap<TenantId, Vec<Persons>> = HashMap::new();
        for (tenant, customers) in everybody {
            let customers: Vec<CustomerId> = customers.into_iter().collect();
            for piece in customers.chunks(PIECE) {
                persons.entry(tenant).or_default().push(lists::persons(db, tenant, piece).await?);
            }
        }
        let (mut looks, mut moves) = (HashMap::new(), Moves { db, now, known: HashMap::new() });
        for (key, concerned) in concerned {
            let Some(known) = known.get(&key) else { continue };
            let mut moved = BTreeSet::new();
            if now > known.until {
                for window in &known.windows.windows {
                    moved.extend(moves.of(key.0, window, known.until).await?);
                }
            }
            // Those are looked at anyway, and the tables need not show yet what comes of it.
            let moved = moved.difference(&concerned.0).copied().collect();
            looks.insert(key, List { concerned, moved });
        }
        Ok(Self { now, lists: looks, persons })
    }

    /// The lists that are to look at somebody.
    pub fn lists(&self) -> impl Iterator<Item = Key> {
        self.lists.keys().copied()
    }

    /// Those whom the log concerns, in pieces.
    pub fn pieces(&self) -> impl Iterator<Item = (TenantId, &Persons)> {
        self.persons.iter().flat_map(|(tenant, pieces)| pieces.iter().map(|piece| (*tenant, piece)))
    }

    /// Looks at those of a piece who concern a list. `members`: those of the piece, by id.
    pub async fn look(
        &self,
        task: &Task<'_>,
        piece: &Persons,
        members: &[CustomerId],
    ) -> Result<Evaluated, EvaluationError> {
        let Some(list) = self.lists.get(&task.key()) else { return Ok(Evaluated::default()) };
        let persons = piece.among(&list.concerned.0);
        if persons.ids.is_empty() {
            return Ok(Evaluated::default());
        }
        let members: Vec<CustomerId> =
            members.iter().copied().filter(|member| persons.ids.binary_search(member).is_ok()).collect();
        task.compare(&members, &persons, &self.moment(list)).await
    }

    /// Looks at those whom the passing of time concerns, and records what it changes in a list. Returns the position of the last
    /// event.
    pub async fn move_on(&self, task: &Task<'_>) -> Result<Position, EvaluationError> {
        let Some(list) = self.lists.get(&task.key()) else { return Ok(Position::START) };
        task.customers(&list.moved, &self.moment(list), MemberCause::Time).await
    }

    fn moment(&self, list: &List) -> Moment {
        Moment { now: self.now, today: list.concerned.1, past: false }
    }
}

/// What came into windows or left them until now: many lists have the same ones.
struct Moves<'a> {
    db: &'a Db,
    now: DateTime<Utc>,
    known: HashMap<(TenantId, Window, DateTime<Utc>), Vec<CustomerId>>,
}

impl Moves<'_> {
    async fn of(
        &mut self,
        tenant: TenantId,
        window: &Window,
        after: DateTime<Utc>,
    ) -> Result<Vec<CustomerId>, EvaluationError> {
        let key = (tenant, window.clone(), after);
        if let Some(found) = self.known.get(&key) {
            return Ok(found.clone());
        }
        let found = lists::moved(self.db, tenant, window, after, self.now).await?;
        self.known.insert(key, found.clone());
        Ok(found)
    }
}
