//! A campaign in its run, as the runner has it in memory.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::flight::Flight;
use super::part::{Part, Recording};
use super::{AGAIN, Work};
use crate::app::{AppError, CampaignText};
use crate::campaigns::CampaignError;
use crate::domain::campaign::schedule::Bucket;
use crate::ids::{CampaignId, CustomerId};

/// A campaign in its run.
pub(super) struct Run {
    pub text: Arc<CampaignText>,
    /// The winner that the text knows of.
    pub winner: Option<String>,
    pub part: Option<Part>,
    /// The part that comes next, once all of this one were asked for, and its version.
    pub ahead: Option<(u64, Vec<CustomerId>)>,
    pub flight: Flight,
    /// The part before, of whose last recipients it is not known yet what became of them.
    pub ending: Option<Part>,
    /// The part before that, on its way into the log.
    pub recording: Option<Recording>,
    pub bucket: Bucket,
    pub not_before: DateTime<Utc>,
    /// When its thresholds and its budget are looked at again.
    pub measured_next: DateTime<Utc>,
    /// How many more messages its budget covers until then, if it says.
    pub covered: Option<u64>,
}

impl Run {
    /// The last part all of whose recipients were asked for, as long as the log does not know what became of them.
    pub fn before(&self) -> Option<u32> {
        self.ending.as_ref().map(|part| part.number).or(self.recording.as_ref().map(|recording| recording.number))
    }

    /// All recipients of the part in work were asked for: the next one begins while the last of them are in the air.
    pub async fn end_part(
        &mut self,
        work: &Work<'_>,
        campaign_id: CampaignId,
        now: DateTime<Utc>,
    ) -> Result<(), CampaignError> {
        if self.ending.is_some() {
            self.land(0).await?;
            self.record(work, campaign_id, now).await?;
        }
        self.ending = self.part.take();
        self.ahead = self.ending.as_mut().and_then(|part| part.ahead.take());
        if self.ending.as_ref().is_some_and(Part::is_known) {
            self.record(work, campaign_id, now).await?;
        }
        Ok(())
    }

    /// Waits until it is recorded what became of all who were asked for.
    pub async fn settle(
        &mut self,
        work: &Work<'_>,
        campaign_id: CampaignId,
        now: DateTime<Utc>,
    ) -> Result<(), CampaignError> {
        self.land(0).await?;
        self.record(work, campaign_id, now).await?;
        Ok(self.end_recording(now).await?)
    }

    /// Waits until no more than so many are in the air.
    async fn land(&mut self, most: usize) -> Result<(), CampaignError> {
        let mut parts: Vec<&mut Part> = self.ending.iter_mut().chain(&mut self.part).collect();
        self.flight.land(most, &mut parts).await
    }

    /// Records the part before, in its turn.
    pub async fn record(
        &mut self,
        work: &Work<'_>,
        campaign_id: CampaignId,
        now: DateTime<Utc>,
    ) -> Result<(), AppError> {
        let Some(part) = self.ending.take() else { return Ok(()) };
        self.end_recording(now).await?;
        self.recording = Some(Recording::begin(work.app, work.caller, campaign_id, part));
        Ok(())
    }

    /// Waits until the outcomes of a part are recorded.
    async fn end_recording(&mut self, now: DateTime<Utc>) -> Result<(), AppError> {
        let Some(recording) = self.recording.take() else { return Ok(()) };
        if !recording.end().await? {
            // Another runner is at it.
            self.not_before = now + AGAIN;
        }
        Ok(())
    }

    /// Goes through what is not recorded once more: the log knows what was asked for.
    pub fn give_up(&mut self) {
        (self.part, self.ending, self.recording, self.flight) = (None, None, None, Flight::default());
    }
}
