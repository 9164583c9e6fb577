//! Frequency caps: how many marketing messages a customer gets within a window.
//!
//! A customer's state remembers the last 200, and a cap counts at most 100. A customer who was sent more than is remembered
//! within a window has reached every cap: forgetting is no way around a limit.

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use serde_json::json;

use super::{Asked, Obstacle, hours};
use crate::domain::customer::state::Customer;
use crate::domain::message::event::MessageClass;
use crate::domain::message::state::Stage;
use crate::domain::tenant::policy::{CapWindow, FrequencyCap};
use crate::domain::value::Channel;

/// The first cap that a message would exceed. What was handed to a provider counts, and what stands in the queue before
/// the message; what is held does not, as it is judged again.
pub(super) fn exceeded(
    customer: &Customer,
    asked: Asked<'_>,
    caps: &[FrequencyCap],
    zone: Tz,
    now: DateTime<Utc>,
) -> Option<Obstacle> {
    caps.iter()
        .filter(|cap| cap.is_on() && cap.concerns(asked.channel, asked.topic))
        .find_map(|cap| obstacle(customer, asked, cap, zone, now))
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

fn obstacle(
    customer: &Customer,
    asked: Asked<'_>,
    cap: &FrequencyCap,
    zone: Tz,
    now: DateTime<Utc>,
) -> Option<Obstacle> {
    let day_of = |at: DateTime<Utc>| zone.from_utc_datetime(&at.naive_utc()).date_naive();
    let first_day = cap.window.first_day(day_of(now));
    let in_window = |at: DateTime<Utc>| match cap.window {
        CapWindow::Rolling { hours } => now - at < TimeDelta::hours(hours.into()),
        CapWindow::Day | CapWindow::Week | CapWindow::Month => day_of(at) >= first_day,
    };
    let sent = customer.recent.all();
    let mut counted: Vec<_> = sent
        .filter(|contact| cap.concerns(contact.channel, &contact.topic) && in_window(contact.at))
        .map(|contact| contact.at)
        .collect();
    let waiting = customer.pending.all().iter().filter(|message| {
        message.class == MessageClass::Marketing
            && matches!(message.stage, Stage::Queued | Stage::Retry { .. })
            && asked.queued_version.is_none_or(|own| message.queued_version < own)
            && cap.concerns(message.key.channel, &message.topic)
    });
    counted.extend(waiting.map(|_| now));
    counted.sort_unstable();
    let oldest = customer.recent.all().next().map(|contact| contact.at);
    let forgotten = oldest.filter(|oldest| in_window(*oldest) && !customer.recent.reaches_back_to(now - longest(cap)));
    let limit = usize::try_from(cap.limit).unwrap_or(usize::MAX);
    if counted.len() < limit && forgotten.is_none() {
        return None;
    }
    let until = match cap.window {
        // The window is free again once this one is no longer in it.
        CapWindow::Rolling { hours } => {
            let leaves = counted.len().checked_sub(limit).and_then(|index| counted.get(index)).copied();
            leaves.or(forgotten).map(|at| at + TimeDelta::hours(hours.into()))
        }
        window => hours::first_day(zone, now, |day| window.first_day(day) == first_day),
    };
    let inputs = json!({
        "channel": cap.channel, "topic": cap.topic, "limit": cap.limit, "window": cap.window, "counted": counted.len(),
        "all_remembered": forgotten.is_none(), "zone": zone.name(), "until": until,
    });
    Some(Obstacle { rule: "frequency_cap", action: cap.action, until, inputs })
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
