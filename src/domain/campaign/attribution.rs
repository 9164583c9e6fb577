//! Which message an order belongs to: the last one that touched the person before it, within a time.
//!
//! An order belongs to one message at most, so no revenue counts twice. A cancellation is taken off the order that it cancels,
//! not off what was sent last: else a campaign would lose what another one won.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::value::{Channel, words};
use crate::ids::{ActivityId, CampaignId, MessageId};

words! {
    /// What makes a message one that an order can belong to, and when it did.
    Touch, "touch" {
        /// A provider took it.
        Sent = "sent",
        /// A person opened it for the first time.
        Opened = "opened",
        /// A person followed a link in it for the first time.
        Clicked = "clicked",
    }
}

/// A cancellation counts for so long after the order.
pub const CANCELLED_WITHIN: TimeDelta = TimeDelta::days(90);

/// For how long after a touch an order belongs to the message, by channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Windows(BTreeMap<Channel, u32>);

impl Default for Windows {
    /// Five days by email, three on other channels.
    fn default() -> Self {
        Self(Channel::ALL.iter().map(|&channel| (channel, if channel == Channel::Email { 5 } else { 3 })).collect())
    }
}

impl Windows {
    /// The longest window.
    pub const MOST_DAYS: u32 = 90;

    /// The defaults, but for some channels. [`None`] if a window is not 1 to [`Self::MOST_DAYS`] days.
    #[must_use]
    pub fn try_new(changed: impl IntoIterator<Item = (Channel, u32)>) -> Option<Self> {
        let mut windows = Self::default();
        for (channel, days) in changed {
            if !(1..=Self::MOST_DAYS).contains(&days) {
                return None;
            }
            windows.0.insert(channel, days);
        }
        Some(windows)
    }

    /// The days of each channel.
    pub fn days(&self) -> impl Iterator<Item = (Channel, u32)> + '_ {
        self.0.iter().map(|(channel, days)| (*channel, *days))
    }

    /// How long a channel's messages count.
    #[must_use]
    pub fn of(&self, channel: Channel) -> TimeDelta {
        TimeDelta::days(self.0.get(&channel).copied().unwrap_or_default().into())
    }

    /// The longest of all.
    #[must_use]
    pub fn longest(&self) -> TimeDelta {
        TimeDelta::days(self.0.values().copied().max().unwrap_or_default().into())
    }
}

/// A message that touched a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touched {
    /// When it did.
    pub at: DateTime<Utc>,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    pub message_id: MessageId,
    pub campaign_id: Option<CampaignId>,
    /// Empty for messages without a variant.
    pub variant: String,
    pub channel: Channel,
}

/// An order, or a cancellation: an order of negative amount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    pub at: DateTime<Utc>,
    pub activity_id: ActivityId,
    /// In micros of the currency.
    pub amount: i64,
    /// Empty for an order without an amount.
    pub currency: String,
}

/// An order that was not cancelled as a whole, and the message that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credit<'a> {
    pub order: &'a Order,
    /// What cancellations left of it, in micros.
    pub amount: i64,
    pub message: &'a Touched,
}

/// Credits one person's orders to the messages that touched the person; both in any order.
#[must_use]
pub fn credits<'a>(orders: &'a mut [Order], touches: &'a [Touched], windows: &Windows) -> Vec<Credit<'a>> {
    orders.sort_by_key(|order| (order.at, order.activity_id));
    let mut left: Vec<(&Order, i64)> = Vec::new();
    for order in &*orders {
        if order.amount >= 0 {
            left.push((order, order.amount));
        } else if let Some(index) = cancelled(&left, order) {
            left[index].1 += order.amount;
        }
    }
    let whole = left.into_iter().filter(|(order, amount)| *amount > 0 || order.amount == 0);
    whole
        .filter_map(|(order, amount)| Some(Credit { order, amount, message: last_touch(order, touches, windows)? }))
        .collect()
}

/// The order that a cancellation is about: the latest of which exactly that much is left, or else the latest of which that
/// much is.
fn cancelled(left: &[(&Order, i64)], cancellation: &Order) -> Option<usize> {
    let fits = |(order, amount): &(&Order, i64)| {
        order.currency == cancellation.currency
            && amount.checked_add(cancellation.amount).is_some_and(|rest| rest >= 0)
            && cancellation.at - order.at <= CANCELLED_WITHIN
    };
    let exact = left.iter().rposition(|entry| fits(entry) && entry.1.checked_add(cancellation.amount) == Some(0));
    exact.or_else(|| left.iter().rposition(fits))
}

fn last_touch<'a>(order: &Order, touches: &'a [Touched], windows: &Windows) -> Option<&'a Touched> {
    let counts = |touch: &&Touched| touch.at < order.at && order.at - touch.at <= windows.of(touch.channel);
    touches.iter().filter(counts).max_by_key(|touch| (touch.at, touch.message_id))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn day(days: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_767_225_600, 0).expect("in range") + TimeDelta::days(days)
    }

    fn order(number: u128, at: i64, amount: i64) -> Order {
        Order { at: day(at), activity_id: ActivityId(Uuid::from_u128(number)), amount, currency: "EUR".to_owned() }
    }

    fn touched(number: u128, at: i64, channel: Channel) -> Touched {
        let message_id = MessageId(Uuid::from_u128(number));
        Touched { at: day(at), created_at: day(at), message_id, campaign_id: None, variant: String::new(), channel }
    }

    /// The number of each credited message, with the amount.
    fn credited(mut orders: Vec<Order>, touches: &[Touched]) -> Vec<(u128, i64)> {
        let credits = credits(&mut orders, touches, &Windows::default());
        credits.iter().map(|credit| (credit.message.message_id.0.as_u128(), credit.amount)).collect()
    }

    #[test]
    fn an_order_belongs_to_the_last_message_before_it() {
        let touches = [touched(1, 0, Channel::Email), touched(2, 2, Channel::Email), touched(3, 5, Channel::Email)];
        assert_eq!(credited(vec![order(1, 3, 10), order(2, 1, 20)], &touches), [(1, 20), (2, 10)]);
    }

    #[test]
    fn a_message_whose_window_is_over_leaves_the_order_to_an_earlier_one() {
        let touches = [touched(1, 0, Channel::Email), touched(2, 1, Channel::Sms)];
        assert_eq!(credited(vec![order(1, 4, 10), order(2, 5, 20)], &touches), [(2, 10), (1, 20)]);
        assert_eq!(credited(vec![order(1, 6, 10)], &touches), []);
    }

    #[test]
    fn what_was_ordered_before_or_at_the_touch_belongs_to_nothing() {
        assert_eq!(credited(vec![order(1, 0, 10)], &[touched(1, 0, Channel::Email)]), []);
    }

    #[test]
    fn a_cancellation_is_taken_off_its_order_and_not_off_what_was_sent_last() {
        let touches = [touched(1, 0, Channel::Email), touched(2, 10, Channel::Email)];
        let orders = vec![order(1, 1, 30), order(2, 11, 50), order(3, 12, -30)];
        assert_eq!(credited(orders, &touches), [(2, 50)]);
        let in_part = vec![order(1, 1, 30), order(2, 11, 50), order(3, 12, -20)];
        assert_eq!(credited(in_part, &touches), [(1, 30), (2, 30)]);
        let of_nothing_here = vec![order(1, 1, 30), order(2, 2, -99)];
        assert_eq!(credited(of_nothing_here, &touches), [(1, 30)]);
    }

    #[test]
    fn a_window_has_1_to_90_days() {
        assert!(Windows::try_new([(Channel::Email, 0)]).is_none());
        assert!(Windows::try_new([(Channel::Sms, 91)]).is_none());
        let windows = Windows::try_new([(Channel::Sms, 7)]).expect("a window");
        assert_eq!((windows.of(Channel::Sms), windows.longest()), (TimeDelta::days(7), TimeDelta::days(7)));
    }
}
