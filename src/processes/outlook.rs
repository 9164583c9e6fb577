//! What goes out once an operator confirms a log that is held: looked at before, so that what must not is cancelled.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::backlog::Waiting;
use super::hold::{OVERDUE, due};
use crate::accounts::Accounts;
use crate::app::DispatchSignal;
use crate::domain::value::Channel;
use crate::domain::value::message::Route;
use crate::ids::TenantId;

/// Messages of one tenant, on one channel, by one account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Expected {
    /// Those that go out at once, as far as rules, rates and accounts allow.
    pub now: u64,
    /// Those of them that should have gone out more than an hour ago.
    pub overdue: u64,
    /// Those that go out later: at their time, or when quiet hours end.
    pub later: u64,
    /// Since when the oldest of those that go out at once has waited.
    pub oldest: Option<DateTime<Utc>>,
}

/// Who sends what by which account: the one that is asked first, or none.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Group {
    /// Whose messages.
    pub tenant: TenantId,
    /// Their channel.
    pub channel: Channel,
    /// `provider/account` of the first choice; [`None`] if no account serves the channel.
    pub account: Option<String>,
}

/// All that waits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outlook {
    /// By group.
    pub groups: BTreeMap<Group, Expected>,
    /// Messages whose provider was being called when the log ended: they become in doubt, and are not sent again by themselves.
    pub called: u64,
}

impl Outlook {
    /// What waits, by the accounts that would be asked first.
    #[must_use]
    pub fn of(waiting: &[Waiting], accounts: &Accounts, now: DateTime<Utc>) -> Self {
        let mut outlook = Self::default();
        let mut first = BTreeMap::new();
        for message in waiting {
            let at = match message.stage {
                DispatchSignal::Dispatching => {
                    outlook.called += 1;
                    continue;
                }
                DispatchSignal::Settled => continue,
                DispatchSignal::Ready | DispatchSignal::Due(_) => due(message),
            };
            let (tenant, channel) = (message.tenant, message.channel);
            let account = first.entry((tenant, channel)).or_insert_with(|| {
                let serving = accounts.serving(tenant, channel, now);
                serving.first().map(|account| name(account.route()))
            });
            let group = Group { tenant, channel, account: account.clone() };
            outlook.groups.entry(group).or_default().add(at, now);
        }
        outlook
    }

    /// All groups together.
    #[must_use]
    pub fn total(&self) -> Expected {
        self.groups.values().fold(Expected::default(), |sum, group| Expected {
            now: sum.now + group.now,
            overdue: sum.overdue + group.overdue,
            later: sum.later + group.later,
            oldest: sum.oldest.into_iter().chain(group.oldest).min(),
        })
    }
}

impl Expected {
    /// Of one whose time is not known nobody knows since when it waits.
    fn add(&mut self, at: Option<DateTime<Utc>>, now: DateTime<Utc>) {
        if at.is_some_and(|at| at > now) {
            self.later += 1;
            return;
        }
        self.now += 1;
        self.overdue += u64::from(at.is_some_and(|at| at < now - OVERDUE));
        self.oldest = self.oldest.into_iter().chain(at).min();
    }
}

fn name(route: &Route) -> String {
    format!("{}/{}", route.provider, route.account)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use uuid::Uuid;

    use super::*;
    use crate::app::Lane;
    use crate::ids::{CustomerId, MessageId};

    #[test]
    fn messages_are_counted_by_when_they_go_out() {
        let now = DateTime::from_timestamp(1_700_000_000, 0).expect("a time");
        let message = |stage, since| Waiting {
            tenant: TenantId(Uuid::nil()),
            customer_id: CustomerId(Uuid::nil()),
            message_id: MessageId(Uuid::nil()),
            channel: Channel::Sms,
            lane: Lane::Single,
            stage,
            since,
        };
        let hours = |number| now - TimeDelta::hours(number);
        let waiting = [
            message(DispatchSignal::Ready, Some(hours(3))),
            message(DispatchSignal::Ready, None),
            message(DispatchSignal::Due(hours(0)), Some(hours(9))),
            message(DispatchSignal::Due(hours(-1)), Some(hours(9))),
            message(DispatchSignal::Dispatching, Some(hours(9))),
        ];
        let outlook = Outlook::of(&waiting, &Accounts::new(vec![]), now);
        assert_eq!(outlook.total(), Expected { now: 3, overdue: 1, later: 1, oldest: Some(hours(3)) });
        assert_eq!((outlook.called, outlook.groups.len()), (1, 1));
        assert!(outlook.groups.keys().all(|group| group.account.is_none()));
    }
}
