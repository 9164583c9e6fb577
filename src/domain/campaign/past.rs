//! A campaign of the past: who was in which group, as a file says. Nothing of it is ever sent from here.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::campaign::event::{
    AudienceChosen, CampaignEvent, CampaignImported, CampaignRetracted, CampaignRunEvent, Exclusion, RecipientsChosen,
    RecipientsDecided,
};
use crate::domain::campaign::experiment::shares::{LONGEST_NAME, MOST_VARIANTS};
use crate::domain::campaign::run::CampaignRun;
use crate::domain::campaign::state::Campaign;
use crate::domain::decision::{Context, Decided, Decision};
use crate::domain::refusal::Refusal;
use crate::domain::text;
use crate::domain::value::Channel;
use crate::ids::{CampaignId, CustomerId, ImportId, Label, MessageId, TenantSecret};

/// What a campaign of the past was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastCampaign {
    /// For people.
    pub name: String,
    /// How its messages travelled.
    pub channel: Channel,
    /// When it went out.
    pub started_at: DateTime<Utc>,
    /// The names of its variants.
    pub variants: BTreeSet<String>,
    /// Whether customers were held out.
    pub held_out: bool,
}

impl PastCampaign {
    /// As an event says.
    #[must_use]
    pub fn of(event: &CampaignImported) -> Self {
        Self {
            name: event.name.clone(),
            channel: event.channel,
            started_at: event.started_at,
            variants: event.variants.iter().cloned().collect(),
            held_out: event.held_out,
        }
    }

    /// The campaign as it is kept.
    ///
    /// # Errors
    /// What is wrong with it, and in which field.
    pub fn checked(self, now: DateTime<Utc>) -> Result<Self, Refusal> {
        Refusal::unless_bounded("started_at", Some(self.started_at))?;
        if self.started_at > now {
            return Err(Refusal::invalid("started_at", "must not be in the future: the campaign is over"));
        }
        let fewest = if self.held_out { 1 } else { 2 };
        if !(fewest..=MOST_VARIANTS).contains(&self.variants.len()) {
            let message = format!(
                "must be {fewest} to {MOST_VARIANTS} beside those who were held out, not {}: one group alone cannot be \
                 compared",
                self.variants.len()
            );
            return Err(Refusal::invalid("variants", message));
        }
        let is_name = |name: &String| {
            name.trim() == name
                && (1..=LONGEST_NAME).contains(&name.chars().count())
                && !name.chars().any(char::is_control)
        };
        if !self.variants.iter().all(is_name) {
            let message = format!("must have names of 1 to {LONGEST_NAME} characters, without control characters");
            return Err(Refusal::invalid("variants", message));
        }
        Ok(Self { name: text::required("name", self.name, text::SHORT)?, ..self })
    }
}

/// The id of the campaign that an import brings: one file is one campaign.
#[must_use]
pub fn campaign_id(secret: &TenantSecret, import_id: ImportId) -> CampaignId {
    CampaignId(secret.derive(Label::ImportedCampaignId, &[import_id.0.as_bytes()]))
}

/// The id of its message to a customer.
#[must_use]
pub fn message_id(secret: &TenantSecret, campaign_id: CampaignId, customer_id: CustomerId) -> MessageId {
    let parts: [&[u8]; 2] = [campaign_id.0.as_bytes(), customer_id.0.as_bytes()];
    MessageId(secret.derive(Label::CampaignMessageId, &parts))
}

/// Brings a campaign in. Nothing if it is there already.
pub fn import(
    state: &Campaign,
    campaign: PastCampaign,
    import_id: ImportId,
    context: &Context<'_>,
) -> Decision<CampaignEvent> {
    let campaign = campaign.checked(context.now)?;
    match &state.past {
        Some(past) if past.campaign == campaign => return Ok(vec![]),
        Some(past) => {
            let message = format!(
                "this file is the campaign {:?} already, with another name, start, channel or other groups; undo that \
                 import first",
                past.campaign.name
            );
            return Err(Refusal::new("CAMPAIGN_IMPORTED_DIFFERENTLY", message));
        }
        None => {}
    }
    if state.current.is_some() {
        return Err(Refusal::new("CAMPAIGN_EXISTS", "a campaign with this id already exists"));
    }
    let PastCampaign { name, channel, started_at, variants, held_out } = campaign;
    let campaign_id = campaign_id(context.secret, import_id);
    let variants = variants.into_iter().collect();
    Ok(vec![context.now(CampaignImported { campaign_id, import_id, name, channel, started_at, variants, held_out })])
}

/// Takes a campaign back, as the import that brought it is undone.
#[must_use]
pub fn retract(state: &Campaign, campaign_id: CampaignId, import_id: ImportId) -> Option<CampaignEvent> {
    let past = state.past.as_ref().filter(|past| !past.is_retracted);
    past.map(|_| CampaignRetracted { campaign_id, import_id }.into())
}

/// The audience is complete, as the file was read to its end.
#[must_use]
pub fn end(run: &CampaignRun, campaign_id: CampaignId) -> Option<CampaignRunEvent> {
    let (recipients, excluded) = (run.recipients, run.excluded);
    (!run.is_chosen).then(|| AudienceChosen { campaign_id, recipients, excluded }.into())
}

/// The customers of some rows, by the group that they were in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Assigned {
    /// Who was written to.
    pub recipients: BTreeSet<CustomerId>,
    /// Who was held out.
    pub held_out: BTreeSet<CustomerId>,
}

impl Assigned {
    /// Whether there is nobody.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.recipients.is_empty() && self.held_out.is_empty()
    }

    /// Leaves out those whom an event of the run names already.
    pub fn leave_out(&mut self, event: &CampaignRunEvent) {
        if let CampaignRunEvent::RecipientsChosen(chosen) = event {
            let known: BTreeSet<CustomerId> = chosen.recipients.iter().chain(chosen.excluded.keys()).copied().collect();
            self.recipients.retain(|id| !known.contains(id));
            self.held_out.retain(|id| !known.contains(id));
        }
    }

    /// A part of the audience that was decided on long ago. The same part has the same ids, however often it is recorded.
    /// `at` is when the import was started.
    #[must_use]
    pub fn events(
        &self,
        campaign_id: CampaignId,
        part: u32,
        at: DateTime<Utc>,
        context: &Context<'_>,
    ) -> Vec<Decided<CampaignRunEvent>> {
        let excluded: BTreeMap<_, _> =
            self.held_out.iter().map(|id| (*id, Exclusion::HoldOut.word().to_owned())).collect();
        let queued = self.recipients.len() as u64;
        let number = part.to_be_bytes();
        let first = self.recipients.iter().chain(&self.held_out).min().map_or([0; 16], |id| *id.0.as_bytes());
        let derived = |step: &[u8], event: CampaignRunEvent| {
            let parts: [&[u8]; 4] = [campaign_id.0.as_bytes(), &number, &first, step];
            context.derived(at, Label::ImportedPartEvent, &parts, event)
        };
        let recipients = self.recipients.iter().copied().collect();
        let (suppressed, nobody) = (BTreeMap::new(), BTreeMap::new());
        let decided =
            RecipientsDecided { campaign_id, part, decided: queued, queued, held: 0, suppressed, excluded: nobody };
        vec![
            derived(b"chosen", RecipientsChosen { campaign_id, recipients, rest: false, excluded }.into()),
            derived(b"decided", decided.into()),
        ]
    }
}

#[cfg(test)]
mod tests;
