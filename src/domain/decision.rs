//! What a decision is given, and what comes out of it.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::domain::refusal::Refusal;
pub use crate::domain::tenant::policy::Policy;
use crate::ids::{EventId, Label, TenantSecret};

/// What a decision depends on beside state and command: time, new ids, the tenant's secret and rules.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The present moment.
    pub now: DateTime<Utc>,
    /// Gives new time-ordered ids.
    pub new_id: &'a dyn Fn() -> Uuid,
    /// Derives ids from input.
    pub secret: &'a TenantSecret,
    /// The tenant's rules.
    pub policy: &'a Policy,
}

/// Where a folded event stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meta {
    /// The event's id.
    pub id: EventId,
    /// Its place in the stream, from 1.
    pub version: u64,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
}

/// An event that was decided on, not yet appended.
#[derive(Debug, Clone, PartialEq)]
pub struct Decided<E> {
    /// New, or derived from what the event reports.
    pub id: EventId,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// What happened.
    pub event: E,
}

/// The outcome of a decision: what happens, or why nothing does. No events: it already is as asked.
pub type Decision<E> = Result<Vec<Decided<E>>, Refusal>;

impl Context<'_> {
    /// A new id of any kind.
    #[must_use]
    pub fn id<T: From<Uuid>>(&self) -> T {
        T::from((self.new_id)())
    }

    /// An event that happens now.
    pub fn now<E>(&self, event: impl Into<E>) -> Decided<E> {
        self.at(self.now, event)
    }

    /// An event that happened at another time.
    pub fn at<E>(&self, occurred_at: DateTime<Utc>, event: impl Into<E>) -> Decided<E> {
        Decided { id: self.id(), occurred_at, event: event.into() }
    }

    /// An event that always gets the same id, whenever and wherever it is reported.
    pub fn derived<E>(
        &self,
        occurred_at: DateTime<Utc>,
        label: Label,
        parts: &[&[u8]],
        event: impl Into<E>,
    ) -> Decided<E> {
        Decided { id: EventId(self.secret.derive_ordered(occurred_at, label, parts)), occurred_at, event: event.into() }
    }
}
