//! A part of an audience, and recording what became of its recipients.

use tokio::task::JoinHandle;

use crate::app::{App, AppError, Caller, Judged, Recipient};
use crate::campaigns::audience::PART;
use crate::domain::campaign::running::Outcomes;
use crate::ids::{CampaignId, CustomerId};

/// How many recipients are asked for between two looks at the campaign's state, all at the same time: their appends share
/// commits.
pub(super) const AT_ONCE: usize = PART;

/// A part of the audience in work.
pub(super) struct Part {
    pub number: u32,
    pub recipients: Vec<CustomerId>,
    /// Those of the part that follows, and its version.
    pub ahead: Option<(u64, Vec<CustomerId>)>,
    /// How many were asked for.
    pub asked: usize,
    /// Of how many it is known what became of them.
    pub known: usize,
    pub outcomes: Outcomes,
}

impl Part {
    pub fn new(number: u32, recipients: Vec<CustomerId>, ahead: Option<(u64, Vec<CustomerId>)>) -> Self {
        Self { number, recipients, ahead, asked: 0, known: 0, outcomes: Outcomes::default() }
    }

    /// Those who come after so many more.
    pub fn after(&self, count: usize) -> Vec<CustomerId> {
        let ahead = self.ahead.iter().flat_map(|(_, recipients)| recipients);
        self.recipients.iter().skip(self.asked + count).chain(ahead).take(AT_ONCE).copied().collect()
    }

    pub fn is_asked(&self) -> bool {
        self.asked == self.recipients.len()
    }

    pub fn is_known(&self) -> bool {
        self.known == self.recipients.len()
    }

    /// Counts what became of some.
    pub fn add(&mut self, found: Vec<(CustomerId, Judged)>) {
        self.known += found.len();
        for (customer_id, judged) in found {
            self.outcomes.add(customer_id, judged);
        }
    }
}

/// Outcomes of a part on their way into the log.
pub(super) struct Recording {
    pub number: u32,
    task: JoinHandle<Result<bool, AppError>>,
}

impl Recording {
    pub fn begin(app: &App, caller: &Caller, campaign_id: CampaignId, part: Part) -> Self {
        let (app, caller) = (app.clone(), caller.clone());
        let Part { number, outcomes, .. } = part;
        let record = async move { app.record_outcomes(&caller, campaign_id, number, &outcomes).await };
        Self { number, task: tokio::spawn(record) }
    }

    /// Waits until they are recorded. False if another runner was faster.
    pub async fn end(self) -> Result<bool, AppError> {
        self.task.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
    }
}

impl Outcomes {
    fn add(&mut self, customer_id: CustomerId, judged: Judged) {
        match judged.outcome {
            Recipient::Queued => self.queued += 1,
            Recipient::Held => self.held += 1,
            Recipient::Suppressed { rule } => *self.suppressed.entry(rule).or_default() += 1,
            Recipient::Excluded { by } => {
                self.excluded.insert(customer_id, by);
            }
        }
    }
}
