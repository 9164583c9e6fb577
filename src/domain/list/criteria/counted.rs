//! Criteria that count: so many messages, orders or activities.

use serde::{Deserialize, Serialize};

use super::Engagement;
use super::read::{campaign_id, optional_word, word};
use crate::domain::activity::event::ActivityKind;
use crate::domain::value::Channel;
use crate::ids::CampaignId;

/// How many of something, in which window. Without bounds: at least one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Count {
    /// At least so many.
    #[serde(default, alias = "at_least", skip_serializing_if = "Option::is_none")]
    pub at_least: Option<u32>,
    /// At most so many; 0: never.
    #[serde(default, alias = "at_most", skip_serializing_if = "Option::is_none")]
    pub at_most: Option<u32>,
    /// In the last so many days; absent: ever.
    #[serde(default, alias = "within_days", skip_serializing_if = "Option::is_none")]
    pub within_days: Option<u32>,
}

impl Count {
    /// The fewest and the most; without bounds one at least.
    #[must_use]
    pub fn bounds(&self) -> (u32, Option<u32>) {
        let fewest = if self.at_most.is_none() { 1 } else { 0 };
        (self.at_least.unwrap_or(fewest), self.at_most)
    }
}

/// So many messages that the customer did something with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EngagementTest {
    /// What was done; machines are left out.
    #[serde(deserialize_with = "word")]
    pub kind: Engagement,
    /// Messages of this channel; absent: of any.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "optional_word")]
    pub channel: Option<Channel>,
    /// Messages of this campaign; absent: of any, or none.
    #[serde(default, alias = "campaign_id", skip_serializing_if = "Option::is_none", deserialize_with = "campaign_id")]
    pub campaign_id: Option<CampaignId>,
    #[serde(default, alias = "at_least", skip_serializing_if = "Option::is_none")]
    at_least: Option<u32>,
    #[serde(default, alias = "at_most", skip_serializing_if = "Option::is_none")]
    at_most: Option<u32>,
    #[serde(default, alias = "within_days", skip_serializing_if = "Option::is_none")]
    within_days: Option<u32>,
}

/// So many activities of a kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ActivityTest {
    /// The kind.
    #[serde(deserialize_with = "word")]
    pub kind: ActivityKind,
    /// What a custom activity is called; absent: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, alias = "at_least", skip_serializing_if = "Option::is_none")]
    at_least: Option<u32>,
    #[serde(default, alias = "at_most", skip_serializing_if = "Option::is_none")]
    at_most: Option<u32>,
    #[serde(default, alias = "within_days", skip_serializing_if = "Option::is_none")]
    within_days: Option<u32>,
}

impl EngagementTest {
    /// Whether it is about what we did, and not the customer.
    #[must_use]
    pub const fn is_ours(&self) -> bool {
        matches!(self.kind, Engagement::Sent | Engagement::Delivered)
    }

    /// How many messages.
    #[must_use]
    pub const fn count(&self) -> Count {
        Count { at_least: self.at_least, at_most: self.at_most, within_days: self.within_days }
    }
}

impl ActivityTest {
    /// How many activities.
    #[must_use]
    pub const fn count(&self) -> Count {
        Count { at_least: self.at_least, at_most: self.at_most, within_days: self.within_days }
    }
}
