//! The fold of a campaign. Its recipients are not part of it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::campaign::event::CampaignEvent;
use crate::domain::campaign::past::PastCampaign;
use crate::domain::campaign::plan::CampaignPlan;
use crate::domain::campaign::schedule::Counts;
use crate::domain::decision::Meta;
use crate::domain::value::words;
use crate::ids::CampaignId;

words! {
    /// Where a campaign stands.
    CampaignState, "campaign state" {
        /// It is being written.
        Draft = "draft",
        /// It starts at a time.
        Scheduled = "scheduled",
        /// It goes out.
        Running = "running",
        /// It goes on when it is resumed.
        Paused = "paused",
        /// Everybody of its audience was decided on.
        Completed = "completed",
        /// It was stopped for good.
        Cancelled = "cancelled",
    }
}

impl CampaignState {
    /// Whether nothing more happens.
    #[must_use]
    pub const fn has_ended(self) -> bool {
        matches!(self, Self::Completed | Self::Cancelled)
    }
}

/// A campaign.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Campaign {
    /// What it is; absent before it was made, and for one of the past.
    pub current: Option<Described>,
    /// What an import brought of a campaign of the past; nothing of it can be sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub past: Option<Past>,
}

/// A campaign of the past, brought in by an import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Past {
    /// As it was brought in.
    pub campaign: PastCampaign,
    /// Whether the import was undone.
    pub is_retracted: bool,
}

/// What a campaign is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Described {
    /// The campaign's id.
    pub campaign_id: CampaignId,
    /// What it is to do. The rate is the present one.
    pub plan: CampaignPlan,
    /// Where it stands.
    pub state: CampaignState,
    /// When it starts, while it is scheduled.
    pub start_at: Option<DateTime<Utc>>,
    /// When it started.
    pub started_at: Option<DateTime<Utc>>,
    /// The versions of its templates by code, once it started.
    pub versions: BTreeMap<String, u32>,
    /// What had become of its messages when that paused it last: thresholds count from there.
    pub measured: Counts,
}

impl Campaign {
    /// Folds an event in.
    pub fn apply(&mut self, event: &CampaignEvent, meta: Meta) {
        if let CampaignEvent::CampaignCreated(e) = event {
            self.current = Some(Described {
                campaign_id: e.campaign_id,
                plan: e.plan.clone(),
                state: CampaignState::Draft,
                start_at: None,
                started_at: None,
                versions: BTreeMap::new(),
                measured: Counts::default(),
            });
        }
        match event {
            CampaignEvent::CampaignImported(e) => {
                self.past = Some(Past { campaign: PastCampaign::of(e), is_retracted: false });
            }
            CampaignEvent::CampaignRetracted(_) => {
                self.past.iter_mut().for_each(|past| past.is_retracted = true);
            }
            _ => {}
        }
        let Some(current) = &mut self.current else { return };
        match event {
            CampaignEvent::CampaignCreated(_)
            | CampaignEvent::CampaignImported(_)
            | CampaignEvent::CampaignRetracted(_) => {}
            CampaignEvent::CampaignPlanChanged(e) => current.plan.clone_from(&e.plan),
            CampaignEvent::CampaignScheduled(e) => {
                current.state = CampaignState::Scheduled;
                current.start_at = Some(e.start_at);
            }
            CampaignEvent::CampaignUnscheduled(_) => {
                current.state = CampaignState::Draft;
                current.start_at = None;
            }
            CampaignEvent::CampaignStarted(e) => {
                current.state = CampaignState::Running;
                current.start_at = None;
                current.started_at = Some(meta.occurred_at);
                current.versions.clone_from(&e.versions);
            }
            CampaignEvent::CampaignPaused(e) => {
                current.state = CampaignState::Paused;
                current.measured = e.counts.unwrap_or(current.measured);
            }
            CampaignEvent::CampaignResumed(_) => current.state = CampaignState::Running,
            CampaignEvent::CampaignRateChanged(e) => current.plan.rate = e.rate,
            CampaignEvent::CampaignCancelled(_) => current.state = CampaignState::Cancelled,
            CampaignEvent::CampaignCompleted(_) => current.state = CampaignState::Completed,
        }
    }
}
