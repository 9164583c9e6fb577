//! A part of an audience, and asking its recipients for their messages.

use std::sync::Arc;

use futures::{StreamExt as _, TryStreamExt as _};
use tokio::task::JoinSet;

use crate::app::{App, Caller, CampaignText, Judged, Recipient};
use crate::campaigns::CampaignError;
use crate::campaigns::audience::PART;
use crate::campaigns::dry_run::known_of;
use crate::domain::campaign::running::Outcomes;
use crate::ids::CustomerId;
use crate::queries::Reads;

/// How many recipients are asked for between two looks at the campaign's state, all at the same time: their appends share
/// commits.
pub(super) const AT_ONCE: usize = PART;
/// How many of them one task asks for: several decide on several processors.
const BY_TASK: usize = 64;

/// A part of the audience in work.
pub(super) struct Part {
    pub number: u32,
    pub recipients: Vec<CustomerId>,
    /// Those of the part that follows, and its version.
    pub ahead: Option<(u64, Vec<CustomerId>)>,
    pub done: usize,
    pub outcomes: Outcomes,
}

impl Part {
    /// Those who come after so many more.
    pub fn after(&self, count: usize) -> Vec<CustomerId> {
        let ahead = self.ahead.iter().flat_map(|(_, recipients)| recipients);
        self.recipients.iter().skip(self.done + count).chain(ahead).take(AT_ONCE).copied().collect()
    }
}

/// What a recipient is asked for with.
#[derive(Clone)]
pub(super) struct Asking {
    pub app: App,
    pub reads: Reads,
    pub caller: Caller,
    pub text: Arc<CampaignText>,
}

impl Asking {
    /// Asks for the messages to recipients of whom none stands in another's way.
    pub async fn ask_at_once(&self, recipients: &[CustomerId]) -> Result<Vec<(CustomerId, Judged)>, CampaignError> {
        let mut tasks = JoinSet::new();
        for some in recipients.chunks(BY_TASK) {
            let (asking, some) = (self.clone(), some.to_vec());
            tasks.spawn(async move {
                let asked = futures::stream::iter(some).map(|id| asking.ask(id)).buffer_unordered(BY_TASK);
                asked.try_collect::<Vec<_>>().await
            });
        }
        let mut found = Vec::with_capacity(recipients.len());
        while let Some(done) = tasks.join_next().await {
            // A fault in a task is one of the runner.
            found.extend(done.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))?);
        }
        Ok(found)
    }

    pub async fn ask(&self, customer_id: CustomerId) -> Result<(CustomerId, Judged), CampaignError> {
        let known = known_of(&self.reads, &self.caller, &self.text, customer_id).await?;
        let judged = self.app.send_in_campaign(&self.caller, &self.text, customer_id, &known).await?;
        Ok((customer_id, judged))
    }
}

impl Outcomes {
    pub(super) fn add(&mut self, customer_id: CustomerId, judged: Judged) {
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
