//! The fold of a campaign's run: how far its audience is chosen, and how far it is decided on.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::campaign::event::{CampaignRunEvent, RecipientsChosen, RecipientsDecided};
use crate::domain::decision::Meta;
use crate::ids::CustomerId;

/// The run of a campaign.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CampaignRun {
    /// The version of each `RecipientsChosen` without the rest: the first parts of the audience, in order.
    pub parts: Vec<u64>,
    /// The same of the rest, which is decided on once a variant has won. Its parts follow all others.
    pub rest: Vec<u64>,
    /// Everybody up to this one is chosen or left out.
    pub chosen_until: Option<CustomerId>,
    /// Whether the audience is complete.
    pub is_chosen: bool,
    /// How many parts were decided on.
    pub decided: u32,
    /// When the last part was decided on before the rest.
    pub tested_at: Option<DateTime<Utc>>,
    /// How many are written to, in the parts so far.
    pub recipients: u64,
    /// How many were left out.
    pub excluded: u64,
}

impl CampaignRun {
    /// Folds an event in.
    pub fn apply(&mut self, event: &CampaignRunEvent, meta: Meta) {
        match event {
            CampaignRunEvent::RecipientsChosen(RecipientsChosen { recipients, excluded, rest, .. }) => {
                let parts = if *rest { &mut self.rest } else { &mut self.parts };
                parts.push(meta.version);
                let last = recipients.last().copied().max(excluded.keys().last().copied());
                self.chosen_until = self.chosen_until.max(last);
                self.recipients += recipients.len() as u64;
                self.excluded += excluded.len() as u64;
            }
            CampaignRunEvent::AudienceChosen(_) => self.is_chosen = true,
            CampaignRunEvent::RecipientsDecided(RecipientsDecided { part, excluded, .. }) => {
                self.decided = self.decided.max(part + 1);
                self.excluded += excluded.len() as u64;
                if self.decided as usize == self.parts.len() {
                    self.tested_at = Some(meta.occurred_at);
                }
            }
        }
    }

    /// The version of a part's event, in the order in which parts are decided on; [`None`] if there is no such part yet.
    #[must_use]
    pub fn part(&self, number: u32) -> Option<u64> {
        self.parts.iter().chain(&self.rest).nth(usize::try_from(number).ok()?).copied()
    }

    /// The version of the part that is decided on next; [`None`] if there is none yet.
    #[must_use]
    pub fn next_part(&self) -> Option<u64> {
        self.part(self.decided)
    }

    /// Whether a part is the first of the rest.
    #[must_use]
    pub fn begins_rest(&self, number: u32) -> bool {
        number as usize == self.parts.len()
    }

    /// Whether the next part is one of the rest.
    #[must_use]
    pub fn is_at_rest(&self) -> bool {
        self.is_chosen && self.decided as usize >= self.parts.len() && self.next_part().is_some()
    }
}
