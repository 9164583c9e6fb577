//! The tenant's rules for sending.

use async_graphql::{Enum, InputObject, InputType as _, MaybeUndefined, Pos, SimpleObject, Value};
use chrono::{DateTime, Utc};

use crate::domain::customer::decide::Patch;
use crate::domain::tenant::change_policy::{Emergency, UpdatePolicy};
use crate::domain::tenant::policy as domain;
use crate::graphql::engine::author::Author;
use crate::graphql::engine::patch::patch;
use crate::graphql::engine::scalar::{Date, TimeOfDay};
use crate::graphql::engine::words::Channel;
use crate::graphql::policy::tracking::Tracking;

/// What happens to a message that violates a rule.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[graphql(remote = "crate::domain::tenant::policy::RuleAction")]
pub enum RuleAction {
    /// It waits until the rule no longer holds it; then all rules apply again.
    Hold,
    /// The message is not sent.
    Abort,
}

/// A day of the week.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[graphql(remote = "crate::domain::tenant::policy::Weekday")]
pub enum Weekday {
    /// Monday.
    Monday,
    /// Tuesday.
    Tuesday,
    /// Wednesday.
    Wednesday,
    /// Thursday.
    Thursday,
    /// Friday.
    Friday,
    /// Saturday.
    Saturday,
    /// Sunday.
    Sunday,
}

/// The window of a cap.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CapWindow {
    /// The last `hours` hours.
    RollingHours,
    /// The customer's calendar day.
    Day,
    /// The customer's week, from Monday.
    Week,
    /// The customer's calendar month.
    Month,
}

/// At most `limit` marketing messages to a customer within a window.
#[derive(SimpleObject, InputObject, Debug, Clone)]
#[graphql(input_name = "FrequencyCapInput")]
pub struct FrequencyCap {
    /// Counts this channel only; null: all together.
    channel: Option<Channel>,
    /// Counts this topic only; null: all together.
    topic: Option<String>,
    /// The maximum number; 0: off.
    limit: u32,
    /// The window.
    window: CapWindow,
    /// The length of a rolling window in hours; 0: off.
    hours: Option<u32>,
    /// What happens to the message that would exceed the cap.
    #[graphql(default_with = "RuleAction::Abort")]
    action: RuleAction,
}

/// Hours, by the customer's clock, in which no marketing is sent.
#[derive(SimpleObject, InputObject, Debug, Clone)]
#[graphql(input_name = "QuietHoursInput")]
pub struct QuietHours {
    /// Only this channel; null: all channels.
    channel: Option<Channel>,
    /// The first quiet minute, such as `21:00:00`. If later than `to`, the hours span midnight.
    from: TimeOfDay,
    /// The first minute that is no longer quiet. Equal to `from`: off.
    to: TimeOfDay,
    /// What happens to a message in these hours.
    #[graphql(default_with = "RuleAction::Hold")]
    action: RuleAction,
}

/// Days of the customer's calendar on which no marketing is sent.
#[derive(SimpleObject, InputObject, Debug, Clone)]
#[graphql(input_name = "BlackoutInput")]
pub struct Blackout {
    /// The days; an empty list switches the rule off.
    dates: Vec<Date>,
    /// What happens to a message on such a day.
    #[graphql(default_with = "RuleAction::Hold")]
    action: RuleAction,
}

/// Weekdays of the customer's calendar on which no marketing is sent.
#[derive(SimpleObject, InputObject, Debug, Clone)]
#[graphql(input_name = "ProtectedWeekdaysInput")]
pub struct ProtectedWeekdays {
    /// The weekdays; an empty list switches the rule off.
    days: Vec<Weekday>,
    /// What happens to a message on such a day.
    #[graphql(default_with = "RuleAction::Hold")]
    action: RuleAction,
}

/// Lifts caps, quiet hours, blackout dates and weekdays for a while; never STOP, suppressions or consent.
#[derive(SimpleObject, Debug, Clone)]
pub struct EmergencyOverride {
    /// The rules apply again from this time.
    until: DateTime<Utc>,
    /// The reason.
    reason: String,
    /// The actor that declared it.
    author: Author,
}

/// The declaration of an emergency.
#[derive(InputObject, Debug, Clone)]
pub struct EmergencyInput {
    /// The end, at most seven days from now.
    until: DateTime<Utc>,
    /// The reason; must not contain personal data.
    reason: String,
}

/// The tenant's rules for sending, as in force. Caps, quiet hours, blackout dates and weekdays apply to marketing only.
#[derive(SimpleObject, Debug, Clone)]
pub struct Policy {
    /// Whether marketing requires an opt-in; if false, it requires only that there is no opt-out.
    require_opt_in: bool,
    /// The region of phone numbers without a country code.
    default_region: Option<String>,
    /// The time zone of customers whose own is unknown, as an IANA name; null: UTC.
    time_zone: Option<String>,
    /// Frequency caps: the most messages that a customer receives.
    caps: Vec<FrequencyCap>,
    /// The quiet hours.
    quiet_hours: Vec<QuietHours>,
    /// Days on which nothing is sent.
    blackout: Blackout,
    /// Weekdays on which nothing is sent.
    weekdays: ProtectedWeekdays,
    /// The most recently declared emergency, even if it is over.
    emergency_override: Option<EmergencyOverride>,
    /// A conversation is resolved after this many minutes without a message; 0: never.
    auto_resolve_minutes: u32,
    /// A campaign to this many customers or more needs the approval of somebody who did not write it; 0: never.
    campaign_approval_from: u32,
    /// The tenant's own tracking of opens and clicks.
    tracking: Tracking,
}

/// Changes to the rules: omitted fields are kept, null clears one, lists are replaced as a whole.
#[derive(InputObject, Debug, Clone)]
pub struct PolicyPatch {
    /// Whether marketing requires an opt-in.
    require_opt_in: Option<bool>,
    /// The region of phone numbers without a country code, such as `GB`.
    default_region: MaybeUndefined<String>,
    /// The time zone of customers whose own is unknown, as an IANA name.
    time_zone: MaybeUndefined<String>,
    /// Frequency caps: the most messages that a customer receives.
    caps: Option<Vec<FrequencyCap>>,
    /// The quiet hours.
    quiet_hours: Option<Vec<QuietHours>>,
    /// Days on which nothing is sent.
    blackout: Option<Blackout>,
    /// Weekdays on which nothing is sent; at most six.
    weekdays: Option<ProtectedWeekdays>,
    /// Lifts the rules on time and number for a while; the emergency is recorded.
    emergency_override: MaybeUndefined<EmergencyInput>,
    /// A conversation is resolved after this many minutes without a message; 0: never.
    auto_resolve_minutes: Option<u32>,
    /// A campaign to this many customers or more needs the approval of somebody who did not write it; 0: never.
    campaign_approval_from: Option<u32>,
    /// The tenant's own tracking of opens and clicks, replaced as a whole: omitted fields are off.
    tracking: Option<Tracking>,
}

impl PolicyPatch {
    /// Reads changes as `updatePolicy` takes them, out of JSON. The error names what is wrong.
    pub fn read(json: serde_json::Value) -> Result<UpdatePolicy, String> {
        let value = Value::from_json(json).map_err(|error| error.to_string())?;
        let given = value.clone();
        let read = Self::parse(Some(value)).map_err(|error| error.into_server_error(Pos::default()).message)?;
        match unknown(&given, &read.to_value()) {
            Some(name) => Err(format!("there is no setting {name}")),
            None => Ok(read.into()),
        }
    }
}

/// The path of a name in what was given that is in nothing that was read.
fn unknown(given: &Value, read: &Value) -> Option<String> {
    match (given, read) {
        (Value::Object(given), Value::Object(read)) => given.iter().find_map(|(name, value)| {
            let Some(read) = read.get(name) else { return Some(name.to_string()) };
            unknown(value, read).map(|inner| format!("{name}.{inner}"))
        }),
        (Value::List(given), Value::List(read)) => {
            let each = given.iter().zip(read).enumerate();
            each.filter_map(|(index, (given, read))| Some(format!("{index}.{}", unknown(given, read)?))).next()
        }
        _ => None,
    }
}

impl From<&domain::Policy> for Policy {
    fn from(policy: &domain::Policy) -> Self {
        let emergency = policy.emergency_override.as_ref();
        Self {
            require_opt_in: policy.require_opt_in,
            default_region: policy.default_region.clone(),
            time_zone: policy.time_zone.clone(),
            caps: policy.caps.iter().map(FrequencyCap::new).collect(),
            quiet_hours: policy
                .quiet_hours
                .iter()
                .map(|hours| QuietHours {
                    channel: hours.channel.map(Into::into),
                    from: TimeOfDay(hours.from),
                    to: TimeOfDay(hours.to),
                    action: hours.action.into(),
                })
                .collect(),
            blackout: Blackout {
                dates: policy.blackout.dates.iter().copied().map(Date).collect(),
                action: policy.blackout.action.into(),
            },
            weekdays: ProtectedWeekdays {
                days: policy.weekdays.days.iter().map(|day| (*day).into()).collect(),
                action: policy.weekdays.action.into(),
            },
            emergency_override: emergency.map(|emergency| EmergencyOverride {
                until: emergency.until,
                reason: emergency.reason.clone(),
                author: Author::new(emergency.actor.clone()),
            }),
            auto_resolve_minutes: policy.auto_resolve_minutes,
            campaign_approval_from: policy.campaign_approval_from,
            tracking: (&policy.tracking).into(),
        }
    }
}

impl FrequencyCap {
    fn new(cap: &domain::FrequencyCap) -> Self {
        let (window, hours) = match cap.window {
            domain::CapWindow::Rolling { hours } => (CapWindow::RollingHours, Some(hours)),
            domain::CapWindow::Day => (CapWindow::Day, None),
            domain::CapWindow::Week => (CapWindow::Week, None),
            domain::CapWindow::Month => (CapWindow::Month, None),
        };
        Self {
            channel: cap.channel.map(Into::into),
            topic: cap.topic.clone(),
            limit: cap.limit,
            window,
            hours,
            action: cap.action.into(),
        }
    }
}

impl From<FrequencyCap> for domain::FrequencyCap {
    fn from(cap: FrequencyCap) -> Self {
        let window = match cap.window {
            CapWindow::RollingHours => domain::CapWindow::Rolling { hours: cap.hours.unwrap_or(0) },
            CapWindow::Day => domain::CapWindow::Day,
            CapWindow::Week => domain::CapWindow::Week,
            CapWindow::Month => domain::CapWindow::Month,
        };
        let channel = cap.channel.map(Into::into);
        Self { channel, topic: cap.topic, limit: cap.limit, window, action: cap.action.into() }
    }
}

impl From<QuietHours> for domain::QuietHours {
    fn from(hours: QuietHours) -> Self {
        let channel = hours.channel.map(Into::into);
        Self { channel, from: hours.from.0, to: hours.to.0, action: hours.action.into() }
    }
}

impl From<PolicyPatch> for UpdatePolicy {
    fn from(input: PolicyPatch) -> Self {
        Self {
            require_opt_in: input.require_opt_in,
            default_region: patch(input.default_region),
            time_zone: patch(input.time_zone),
            caps: input.caps.map(|caps| caps.into_iter().map(Into::into).collect()),
            quiet_hours: input.quiet_hours.map(|hours| hours.into_iter().map(Into::into).collect()),
            blackout: input.blackout.map(|Blackout { dates, action }| domain::Blackout {
                dates: dates.into_iter().map(|day| day.0).collect(),
                action: action.into(),
            }),
            weekdays: input.weekdays.map(|weekdays| domain::ProtectedWeekdays {
                days: weekdays.days.into_iter().map(Into::into).collect(),
                action: weekdays.action.into(),
            }),
            emergency_override: match patch(input.emergency_override) {
                Patch::Keep => Patch::Keep,
                Patch::Clear => Patch::Clear,
                Patch::Set(input) => Patch::Set(Emergency { until: input.until, reason: input.reason }),
            },
            auto_resolve_minutes: input.auto_resolve_minutes,
            campaign_approval_from: input.campaign_approval_from,
            tracking: input.tracking.map(Into::into),
        }
    }
}
