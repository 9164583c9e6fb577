//! A tenant's rules for sending, as they stand in its stream: data only, judged in `domain/message/rules`.
//!
//! Everything is off by default, except that marketing calls keep to the hours that the law leaves them; and a limit of 0 or a
//! blank value is off: nothing here means "block everything".

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::domain::tenant::tracking::Tracking;
use crate::domain::value::{Channel, words};

/// A tenant's rules for sending. Caps, quiet hours, blackout dates and weekdays hold for marketing only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Policy {
    /// Marketing needs an explicit opt-in; if false, it needs the absence of an opt-out.
    pub require_opt_in: bool,
    /// The region that phone numbers without a country code belong to, such as `GB`.
    pub default_region: Option<String>,
    /// IANA name of the zone that local times mean for customers whose own zone is not known; absent: UTC. A zone is
    /// never guessed from a phone number: countries have several, and numbers travel.
    pub time_zone: Option<String>,
    /// How many messages a customer gets at most.
    pub caps: Vec<FrequencyCap>,
    /// When nothing is sent, by the customer's clock. At first, no marketing calls are made from 21 to 8.
    pub quiet_hours: Vec<QuietHours>,
    /// Days on which nothing is sent.
    pub blackout: Blackout,
    /// Weekdays on which nothing is sent.
    pub weekdays: ProtectedWeekdays,
    /// Lifts caps, quiet hours, blackout dates and weekdays for a while; never STOP, suppressions or consent.
    pub emergency_override: Option<EmergencyOverride>,
    /// After how many minutes without a message a conversation resolves itself; 0: never.
    pub auto_resolve_minutes: u32,
    /// From how many customers on a campaign needs the approval of somebody who did not write it; 0: never.
    pub campaign_approval_from: u32,
    /// Our own tracking of opens and clicks, and what links get in their query.
    pub tracking: Tracking,
}

words! {
    /// What becomes of a message that a rule stands against.
    RuleAction, "rule action" {
        /// It waits until the rule lets it pass.
        Hold = "hold",
        /// It is not sent.
        Abort = "abort",
    }
}

/// At most `limit` marketing messages to a customer within a window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrequencyCap {
    /// Counts this channel only; absent: all channels together.
    pub channel: Option<Channel>,
    /// Counts this topic only; absent: all topics together.
    pub topic: Option<String>,
    /// 0: off.
    pub limit: u32,
    /// Within which time.
    pub window: CapWindow,
    /// What becomes of the message that would be one too many.
    pub action: RuleAction,
}

/// The time that a cap counts in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "unit", rename_all = "snake_case")]
pub enum CapWindow {
    /// The last hours. A message counts until it is exactly this old.
    Rolling {
        /// 0: off.
        hours: u32,
    },
    /// The customer's calendar day.
    Day,
    /// The customer's week, from Monday.
    Week,
    /// The customer's calendar month.
    Month,
}

/// Hours of the customer's clock in which nothing is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuietHours {
    /// For this channel only; absent: for all.
    pub channel: Option<Channel>,
    /// The first quiet minute. Later than `to`: over midnight.
    pub from: NaiveTime,
    /// The first minute that is no longer quiet. Equal to `from`: off.
    pub to: NaiveTime,
    /// What becomes of a message in between.
    pub action: RuleAction,
}

/// Days of the customer's calendar on which nothing is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blackout {
    /// The dates on which nothing is sent; none: the rule is off.
    pub dates: Vec<NaiveDate>,
    /// What becomes of a message on one of them.
    pub action: RuleAction,
}

/// Weekdays of the customer's calendar on which nothing is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProtectedWeekdays {
    /// Which weekdays; none: off.
    pub days: Vec<Weekday>,
    /// What becomes of a message on one of them.
    pub action: RuleAction,
}

/// Lifts the rules on time and number, on the record: who did it, until when, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmergencyOverride {
    /// From then on the rules hold again.
    pub until: DateTime<Utc>,
    /// Why; no personal data.
    pub reason: String,
    /// Who decided so, as an identifier.
    pub actor: String,
}

words! {
    /// A day of the week.
    Weekday, "weekday" {
        /// Monday.
        Monday = "monday",
        /// Tuesday.
        Tuesday = "tuesday",
        /// Wednesday.
        Wednesday = "wednesday",
        /// Thursday.
        Thursday = "thursday",
        /// Friday.
        Friday = "friday",
        /// Saturday.
        Saturday = "saturday",
        /// Sunday.
        Sunday = "sunday",
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            require_opt_in: false,
            default_region: None,
            time_zone: None,
            caps: vec![],
            quiet_hours: vec![QuietHours::of_calls()],
            blackout: Blackout::default(),
            weekdays: ProtectedWeekdays::default(),
            emergency_override: None,
            auto_resolve_minutes: 0,
            campaign_approval_from: 0,
            tracking: Tracking::default(),
        }
    }
}

impl QuietHours {
    /// Telephone solicitations are allowed from 8 to 21 by the called party's clock (47 CFR 64.1200(c)(1)). Several states leave
    /// less: a tenant who calls there narrows it.
    fn of_calls() -> Self {
        let hour = |hour| NaiveTime::from_hms_opt(hour, 0, 0).unwrap_or_default();
        Self { channel: Some(Channel::Voice), from: hour(21), to: hour(8), action: RuleAction::Hold }
    }
}

impl Default for Blackout {
    fn default() -> Self {
        Self { dates: vec![], action: RuleAction::Hold }
    }
}

impl Default for ProtectedWeekdays {
    fn default() -> Self {
        Self { days: vec![], action: RuleAction::Hold }
    }
}

impl From<chrono::Weekday> for Weekday {
    fn from(day: chrono::Weekday) -> Self {
        match day {
            chrono::Weekday::Mon => Self::Monday,
            chrono::Weekday::Tue => Self::Tuesday,
            chrono::Weekday::Wed => Self::Wednesday,
            chrono::Weekday::Thu => Self::Thursday,
            chrono::Weekday::Fri => Self::Friday,
            chrono::Weekday::Sat => Self::Saturday,
            chrono::Weekday::Sun => Self::Sunday,
        }
    }
}

impl Policy {
    /// The zone that a customer's local times are in: the customer's own, else the tenant's, else UTC.
    #[must_use]
    pub fn zone_of(&self, customer: Option<&str>) -> Tz {
        let known = |name: Option<&str>| name.and_then(|name| name.parse::<Tz>().ok());
        known(customer).or_else(|| known(self.time_zone.as_deref())).unwrap_or(Tz::UTC)
    }

    /// The override that is in force at a moment.
    #[must_use]
    pub fn emergency_at(&self, now: DateTime<Utc>) -> Option<&EmergencyOverride> {
        self.emergency_override.as_ref().filter(|emergency| now < emergency.until)
    }
}
