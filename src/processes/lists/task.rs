//! One list's evaluation: who of some customers is to enter, and who to leave.

use std::collections::{BTreeMap, BTreeSet};

use super::{ACTOR, EvaluationError, Known};
use crate::app::{App, Caller};
use crate::domain::list::criteria::Criterion;
use crate::domain::list::decide::Evaluated;
use crate::domain::list::event::{ListEvaluated, MemberCause};
use crate::ids::{CustomerId, ListId, Position, TenantId};
use crate::processes::lease::Tenure;
use crate::queries::Db;
use crate::queries::lists::{self, Moment, PIECE, Persons, Range};

/// A list that is evaluated.
pub(super) struct Task<'a> {
    pub app: &'a App,
    pub db: &'a Db,
    pub tenant: TenantId,
    pub list_id: ListId,
    pub criteria: Option<&'a Criterion>,
    pub rule_version: u32,
    tenure: Tenure,
}

impl<'a> Task<'a> {
    pub fn new(app: &'a App, db: &'a Db, key: (TenantId, ListId), known: &'a Known) -> Self {
        let (tenant, list_id) = key;
        let (criteria, rule_version) = (known.criteria.as_ref(), known.rule_version);
        Self { app, db, tenant, list_id, criteria, rule_version, tenure: Tenure::sole() }
    }

    /// The same, while this node may act.
    pub fn during(self, tenure: &Tenure) -> Self {
        Self { tenure: tenure.clone(), ..self }
    }

    /// Looks at a range of customers.
    pub async fn range(&self, moment: &Moment, range: Range) -> Result<Evaluated, EvaluationError> {
        let members = lists::members_in(self.db, self.tenant, self.list_id, range).await?;
        match self.criteria {
            Some(criteria) => {
                let meeting = lists::meeting_in(self.db, self.tenant, criteria, moment, range).await?;
                Ok(difference(&members, &meeting))
            }
            None => self.kept(&members).await,
        }
    }

    pub fn key(&self) -> (TenantId, ListId) {
        (self.tenant, self.list_id)
    }

    /// Looks at some persons.
    pub async fn find(&self, persons: &Persons, moment: &Moment) -> Result<Evaluated, EvaluationError> {
        let members = lists::members_among(self.db, self.tenant, self.list_id, &persons.ids).await?;
        self.compare(&members, persons, moment).await
    }

    /// Looks at some persons of whom the members are known.
    pub async fn compare(
        &self,
        members: &[CustomerId],
        persons: &Persons,
        moment: &Moment,
    ) -> Result<Evaluated, EvaluationError> {
        match self.criteria {
            Some(criteria) => {
                let meeting = lists::meeting_among(self.db, self.tenant, criteria, moment, persons).await?;
                Ok(difference(members, &meeting))
            }
            None => self.kept(members).await,
        }
    }

    /// Looks at some customers, piece by piece, and records what changed. Returns the position of the last event.
    pub async fn customers(
        &self,
        customers: &[CustomerId],
        moment: &Moment,
        cause: MemberCause,
    ) -> Result<Position, EvaluationError> {
        let mut last = Position::START;
        for piece in customers.chunks(PIECE) {
            let persons = lists::persons(self.db, self.tenant, piece).await?;
            last = last.max(self.record(&self.find(&persons, moment).await?, cause, None).await?);
        }
        Ok(last)
    }

    /// Records who entered and left, and with `completed`, that all customers were looked at; members of a static list leave
    /// because of what became of the customer. Returns the position of the last event. What was found before another node may have gone on is out of date, and is not recorded.
    pub async fn record(
        &self,
        found: &Evaluated,
        cause: MemberCause,
        completed: Option<ListEvaluated>,
    ) -> Result<Position, EvaluationError> {
        if self.tenure.is_over() || *found == Evaluated::default() && completed.is_none() {
            return Ok(Position::START);
        }
        let caller = Caller::new(self.tenant, ACTOR);
        let cause = if self.criteria.is_some() { cause } else { MemberCause::Customer };
        let recorded =
            self.app.record_evaluation(&caller, self.list_id, self.rule_version, found, cause, completed).await?;
        Ok(recorded.unwrap_or(Position::START))
    }

    /// Of a static list: members who no longer act leave, and who acts for them enters.
    async fn kept(&self, members: &[CustomerId]) -> Result<Evaluated, EvaluationError> {
        let mut found = Evaluated::default();
        for piece in members.chunks(PIECE) {
            let acting = lists::acting(self.db, self.tenant, piece).await?;
            let gone: Vec<CustomerId> =
                piece.iter().copied().filter(|member| acting.binary_search(member).is_err()).collect();
            if gone.is_empty() {
                continue;
            }
            let persons = lists::persons(self.db, self.tenant, &gone).await?;
            let roots: BTreeMap<CustomerId, CustomerId> = persons.acting.into_iter().collect();
            let survivors: BTreeSet<CustomerId> =
                gone.iter().filter_map(|member| roots.get(member).copied().filter(|root| root != member)).collect();
            let survivors: Vec<CustomerId> = survivors.into_iter().collect();
            let present = lists::members_among(self.db, self.tenant, self.list_id, &survivors).await?;
            let acting = lists::acting(self.db, self.tenant, &survivors).await?;
            found.entered.extend(acting.into_iter().filter(|id| present.binary_search(id).is_err()));
            found.left.extend(gone);
        }
        Ok(found)
    }
}

/// Who entered and left, of two sorted lists of ids.
fn difference(members: &[CustomerId], meeting: &[CustomerId]) -> Evaluated {
    let missing = |from: &[CustomerId], of: &[CustomerId]| -> Vec<CustomerId> {
        let mut rest = of.iter().peekable();
        let mut missing = Vec::new();
        for id in from {
            while rest.next_if(|other| *other < id).is_some() {}
            if rest.peek() != Some(&id) {
                missing.push(*id);
            }
        }
        missing
    };
    Evaluated { entered: missing(meeting, members), left: missing(members, meeting) }
}
