//! Frequency caps: how many marketing messages a customer gets within a window.
//!
//! A customer's state remembers the last 200, and a cap counts at most 100. A customer who was sent more than is remembered
//! within a window has reached every cap: forgetting is no way around a limit.

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};

use super::{Asked, Case, Obstacle, hours};
use crate::domain::message::event::MessageClass;
use crate::domain::message::state::Stage;
use crate::domain::tenant::policy::{CapWindow, FrequencyCap};
use crate::domain::value::Channel;

/// The first cap that a message would exceed. What was handed to a provider counts, and what stands in the queue before
/// the message; what is held does not, as it is judged again.
pub(super) fn exceeded(case: &Case<'_>) -> Option<Obstacle> {
    concerned(case).find_map(|cap| Counted::of(case, cap).obstacle(case, cap))
}

/// How much of each cap is used up.
pub(super) fn counted(case: &Case<'_>) -> Value {
    let caps: Vec<Value> = concerned(case).map(|cap| Counted::of(case, cap).inputs(case, cap)).collect();
    json!({ "caps": caps })
}

fn concerned<'a>(case: &Case<'a>) -> impl Iterator<Item = &'a FrequencyCap> + use<'a> {
    let Asked { channel, topic, .. } = case.asked;
    case.context.policy.caps.iter().filter(move |cap| cap.is_on() && cap.concerns(channel, topic))
}

impl FrequencyCap {
    fn is_on(&self) -> bool {
        self.limit > 0 && self.window != CapWindow::Rolling { hours: 0 }
    }

    fn concerns(&self, channel: Channel, topic: &str) -> bool {
        self.channel.is_none_or(|capped| capped == channel) && self.topic.as_ref().is_none_or(|capped| capped == topic)
    }
}

impl CapWindow {
    /// The first day of the calendar window that a day belongs to.
    fn first_day(self, day: NaiveDate) -> NaiveDate {
        match self {
            Self::Rolling { .. } | Self::Day => day,
            Self::Week => day - TimeDelta::days(day.weekday().num_days_from_monday().into()),
            Self::Month => day.with_day(1).unwrap_or(day),
        }
    }
}

/// What counts against a cap.
struct Counted {
    /// When each message was sent, or now for what stands in the queue; in order.
    moments: Vec<DateTime<Utc>>,
    /// The oldest that is remembered, if older ones within the window may be forgotten.
    forgotten: Option<DateTime<Utc>>,
}

impl Counted {
    fn of(case: &Case<'_>, cap: &FrequencyCap) -> Self {
        let &Case { customer, asked, .. } = case;
        let (now, zone) = (case.context.now, case.zone());
        let first_day = cap.window.first_day(day_of(zone, now));
        let in_window = |at: DateTime<Utc>| match cap.window {
            CapWindow::Rolling { hours } => now - at < TimeDelta::hours(hours.into()),
            CapWindow::Day | CapWindow::Week | CapWindow::Month => day_of(zone, at) >= first_day,
        };
        let sent = customer.recent.all();
        let mut moments: Vec<_> = sent
            .filter(|contact| cap.concerns(contact.channel, &contact.topic) && in_window(contact.at))
            .map(|contact| contact.at)
            .collect();
        let waiting = customer.pending.all().iter().filter(|message| {
            message.class == MessageClass::Marketing
                && matches!(message.stage, Stage::Queued | Stage::Retry { .. })
                && asked.queued_version.is_none_or(|own| message.queued_version < own)
                && cap.concerns(message.key.channel, &message.topic)
        });
        moments.extend(waiting.map(|_| now));
        moments.sort_unstable();
        let oldest = customer.recent.all().next().map(|contact| contact.at);
        let forgotten =
            oldest.filter(|oldest| in_window(*oldest) && !customer.recent.reaches_back_to(now - longest(cap)));
        Self { moments, forgotten }
    }

    /// Where the cap is reached, until when.
    fn obstacle(&self, case: &Case<'_>, cap: &FrequencyCap) -> Option<Obstacle> {
        let limit = usize::try_from(cap.limit).unwrap_or(usize::MAX);
        if self.moments.len() < limit && self.forgotten.is_none() {
            return None;
        }
        let (now, zone) = (case.context.now, case.zone());
        let until = match cap.window {
            // The window is free again once this one is no longer in it.
            CapWindow::Rolling { hours } => {
                let leaves = self.moments.len().checked_sub(limit).and_then(|index| self.moments.get(index)).copied();
                leaves.or(self.forgotten).map(|at| at + TimeDelta::hours(hours.into()))
            }
            window => {
                let first_day = window.first_day(day_of(zone, now));
                hours::first_day(zone, now, |day| window.first_day(day) == first_day)
            }
        };
        let mut inputs = self.inputs(case, cap);
        inputs["until"] = json!(until);
        Some(Obstacle { action: cap.action, until, inputs })
    }

    fn inputs(&self, case: &Case<'_>, cap: &FrequencyCap) -> Value {
        json!({
            "channel": cap.channel, "topic": cap.topic, "limit": cap.limit, "window": cap.window,
            "counted": self.moments.len(), "all_remembered": self.forgotten.is_none(), "zone": case.zone().name(),
        })
    }
}

fn day_of(zone: Tz, at: DateTime<Utc>) -> NaiveDate {
    zone.from_utc_datetime(&at.naive_utc()).date_naive()
}

/// How long a window is at most.
fn longest(cap: &FrequencyCap) -> TimeDelta {
    match cap.window {
        CapWindow::Rolling { hours } => TimeDelta::hours(hours.into()),
        CapWindow::Day => TimeDelta::hours(26),
        CapWindow::Week => TimeDelta::days(8),
        CapWindow::Month => TimeDelta::days(32),
    }
}
