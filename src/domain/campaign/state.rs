//! The fold of a campaign. Its recipients are not part of it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::campaign::event::{CampaignEvent, PauseCause};
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
    /// Everybody who wrote a part of the plan.
    pub authors: BTreeSet<String>,
    /// Who approved the plan as it is.
    pub approved_by: Option<String>,
    /// The recurring campaign that it is an occurrence of.
    pub series: Option<CampaignId>,
    /// Where it stands.
    pub state: CampaignState,
    /// When it starts, until it does.
    pub start_at: Option<DateTime<Utc>>,
    /// When it started.
    pub started_at: Option<DateTime<Utc>>,
    /// The versions of its templates by code, once it started.
    pub versions: BTreeMap<String, u32>,
    /// The variant that the rest of the audience gets, once it is known.
    pub winner: Option<String>,
    /// Whether the test of its variants left the choice to a colleague.
    pub asks_for_winner: bool,
    /// Whether it was told that most of its budget is spent.
    pub budget_noticed: bool,
    /// Whether it was paused because its budget is spent, and the budget is still the same.
    pub budget_spent: bool,
    /// What had become of its messages when that paused it last: thresholds count from there.
    pub measured: Counts,
}

impl Described {
    /// Until when its messages may be sent, once it has started; [`None`]: without end.
    #[must_use]
    pub fn stops_at(&self) -> Option<DateTime<Utc>> {
        let minutes = self.plan.stop_after_minutes;
        let started_at = self.started_at.filter(|_| minutes > 0)?;
        Some(started_at + TimeDelta::minutes(minutes.into()))
    }

    /// Whether it cannot go on until a colleague says which variant the rest gets.
    #[must_use]
    pub const fn waits_for_winner(&self) -> bool {
        self.asks_for_winner && self.winner.is_none()
    }
}

impl Campaign {
    /// Folds an event in.
    pub fn apply(&mut self, event: &CampaignEvent, meta: Meta) {
        if let CampaignEvent::CampaignCreated(e) = event {
            self.current = Some(Described {
                campaign_id: e.campaign_id,
                plan: e.plan.clone(),
                authors: e.author.iter().cloned().collect(),
                approved_by: None,
                series: e.series,
                state: CampaignState::Draft,
                start_at: None,
                started_at: None,
                versions: BTreeMap::new(),
                winner: None,
                asks_for_winner: false,
                budget_noticed: false,
                budget_spent: false,
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
            CampaignEvent::CampaignPlanChanged(e) => {
                current.plan.clone_from(&e.plan);
                current.authors.extend(e.author.clone());
                current.approved_by = None;
            }
            CampaignEvent::CampaignApproved(e) => current.approved_by = Some(e.by.clone()),
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
                current.budget_spent |= e.cause == PauseCause::Budget;
                current.asks_for_winner |= e.cause == PauseCause::Winner;
                current.measured = e.counts.unwrap_or(current.measured);
            }
            CampaignEvent::CampaignResumed(_) => {
                let has_started = current.started_at.is_some();
                current.state = if has_started { CampaignState::Running } else { CampaignState::Scheduled };
            }
            CampaignEvent::CampaignBudgetChanged(e) => {
                current.plan.budget = e.budget;
                current.budget_noticed = false;
                current.budget_spent = false;
            }
            CampaignEvent::CampaignBudgetNoticed(_) => current.budget_noticed = true,
            CampaignEvent::WinnerChosen(e) => current.winner = Some(e.winner.variant.clone()),
            CampaignEvent::CampaignRateChanged(e) => current.plan.rate = e.rate,
            CampaignEvent::CampaignCancelled(_) => current.state = CampaignState::Cancelled,
            CampaignEvent::CampaignCompleted(_) => current.state = CampaignState::Completed,
        }
    }
}
