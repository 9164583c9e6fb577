//! A list that is looked at as a whole: first everybody, range by range, then what was found is recorded, piece by piece.
//!
//! Between two steps, the other lists are kept up. The members stay who they are until everybody was looked at. Customers whom
//! something concerns in the meantime are looked at once more at the end: what was found of them may be out of date.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::task::Task;
use super::{EvaluationError, Key};
use crate::domain::list::decide::Evaluated;
use crate::domain::list::event::{ListEvaluated, MemberCause};
use crate::ids::{CustomerId, Position};
use crate::queries::lists::{self, Moment};

/// A list on its way.
pub(super) struct Whole {
    pub key: Key,
    /// What it is evaluated at.
    pub moment: Moment,
    /// When it was gone on with.
    pub last: DateTime<Utc>,
    /// Of its criteria.
    pub rule_version: u32,
    /// What was recorded up to here is known, or concerns customers who are looked at once more.
    begun: Position,
    /// How many customers a step looks at, and how many members it records: the read tables apply these at once.
    most: usize,
    stage: Stage,
    again: BTreeSet<CustomerId>,
}

enum Stage {
    /// Everybody after a customer is still to be looked at.
    Looking { after: Option<CustomerId>, found: Evaluated },
    /// What is still to be recorded, the last first.
    Recording { found: Evaluated },
}

/// What a step came to.
pub(super) struct Step {
    /// The last event that it recorded.
    pub recorded: Position,
    /// Whether it was the last one.
    pub is_last: bool,
}

impl Whole {
    pub fn new(key: Key, rule_version: u32, moment: Moment, begun: Position, most: usize) -> Self {
        let stage = Stage::Looking { after: None, found: Evaluated::default() };
        Self { key, last: moment.now, moment, rule_version, begun, most, stage, again: BTreeSet::new() }
    }

    /// Something concerns customers.
    pub fn concerns(&mut self, customers: impl IntoIterator<Item = CustomerId>) {
        self.again.extend(customers);
    }

    /// Goes on. The read tables have what the last step recorded.
    pub async fn step(&mut self, task: &Task<'_>) -> Result<Step, EvaluationError> {
        let cause = MemberCause::Criteria;
        match &mut self.stage {
            Stage::Looking { after, found } => {
                let range = lists::range_after(task.db, task.tenant, *after, self.most).await?;
                let Evaluated { entered, left } = task.range(&self.moment, range).await?;
                found.entered.extend(entered);
                found.left.extend(left);
                if range.until.is_some() {
                    *after = range.until;
                } else {
                    let mut found = std::mem::take(found);
                    found.entered.reverse();
                    found.left.reverse();
                    self.stage = Stage::Recording { found };
                }
                Ok(Step { recorded: Position::START, is_last: false })
            }
            Stage::Recording { found } if *found != Evaluated::default() => {
                let left = next_of(&mut found.left, self.most);
                let entered = next_of(&mut found.entered, self.most - left.len());
                let recorded = task.record(&Evaluated { entered, left }, cause, None).await?;
                Ok(Step { recorded, is_last: false })
            }
            Stage::Recording { .. } => {
                let again: Vec<CustomerId> = std::mem::take(&mut self.again).into_iter().collect();
                let recorded = task.customers(&again, &self.moment, cause).await?;
                let completed = task.criteria.map(|_| ListEvaluated {
                    list_id: task.list_id,
                    rule_version: task.rule_version,
                    evaluated_at: self.moment.now,
                    evaluated_position: self.begun,
                });
                let completed = task.record(&Evaluated::default(), cause, completed).await?;
                Ok(Step { recorded: recorded.max(completed), is_last: true })
            }
        }
    }
}

/// Takes up to so many from the end, which is the beginning of what is left.
fn next_of(ids: &mut Vec<CustomerId>, most: usize) -> Vec<CustomerId> {
    let mut next = ids.split_off(ids.len().saturating_sub(most));
    next.reverse();
    ids.shrink_to(2 * ids.len());
    next
}
