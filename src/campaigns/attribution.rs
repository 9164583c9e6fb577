//! What a campaign brought in: the orders that belong to its messages, beside what these cost.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use crate::domain::account::event::AccountName;
use crate::domain::campaign::attribution::{Credit, Order, Touch, Touched, Windows, credits};
use crate::domain::value::Channel;
use crate::ids::{CampaignId, MessageId, TenantId};
use crate::queries::campaign_attribution::{self, TouchedOrderRow, UnpricedRow};
use crate::queries::campaign_metrics::{self, CostRow, MetricsRow};
use crate::queries::{Db, QueryError};

/// What accounts charge for a message, or a segment of SMS: for messages whose provider said no price.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Prices {
    /// ISO 4217.
    pub currency: String,
    /// In micros, by account; accounts without a price are left out.
    pub micros: BTreeMap<AccountName, i64>,
}

/// Money of one currency, in micros.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Amounts {
    /// What was ordered; cancellations are taken off.
    pub revenue: i128,
    /// What providers charged.
    pub cost: i128,
    /// What accounts charge for messages whose provider said no price.
    pub estimated_cost: i128,
}

/// Messages of one variant and channel, or all of a campaign.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Share {
    /// Messages that a provider took.
    pub sent: u64,
    /// Messages that at least one order belongs to.
    pub converted: u64,
    /// Orders that belong to them, without those that were cancelled as a whole.
    pub orders: u64,
    /// By currency.
    pub amounts: BTreeMap<String, Amounts>,
    /// Messages that were sent and have neither a price nor an estimate.
    pub unpriced: u64,
}

/// What a campaign brought in, and which messages did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attribution {
    /// By variant and channel.
    pub shares: BTreeMap<(String, Channel), Share>,
    /// All of them together.
    pub total: Share,
    /// The messages that orders belong to, with the times at which they were asked for.
    pub converted: BTreeSet<(DateTime<Utc>, MessageId)>,
}

impl Share {
    /// What came back of what was spent, as a part of it: 0.5 is half as much more. [`None`] if the money is of several
    /// currencies, nothing was spent, or what a message cost is not known.
    #[must_use]
    pub fn roi(&self) -> Option<f64> {
        let (1, Some(amounts), 0) = (self.amounts.len(), self.amounts.values().next(), self.unpriced) else {
            return None;
        };
        let cost = amounts.cost + amounts.estimated_cost;
        #[expect(clippy::cast_precision_loss, reason = "a ratio, for people")]
        (cost > 0).then(|| (amounts.revenue - cost) as f64 / cost as f64)
    }

    fn credit(&mut self, credit: &Credit<'_>) {
        self.orders += 1;
        if credit.order.amount != 0 {
            self.amounts.entry(credit.order.currency.clone()).or_default().revenue += i128::from(credit.amount);
        }
    }

    fn cost(&mut self, row: &CostRow) {
        self.amounts.entry(row.currency.clone()).or_default().cost += row.cost();
    }

    fn estimate(&mut self, row: &UnpricedRow, prices: Option<&Prices>) {
        let name = row.provider.clone().zip(row.account.clone());
        let name = name.map(|(provider, account)| AccountName { provider, account });
        let price = prices.zip(name).and_then(|(prices, name)| Some((&prices.currency, prices.micros.get(&name)?)));
        match price {
            Some((currency, micros)) => {
                let cost = i128::from(*micros) * i128::from(row.segments);
                self.amounts.entry(currency.clone()).or_default().estimated_cost += cost;
            }
            None => self.unpriced += count(row.messages),
        }
    }
}

/// Credits orders to a campaign's messages, and adds up what these cost.
pub async fn attribution(
    db: &Db,
    tenant: TenantId,
    campaign: CampaignId,
    touch: Touch,
    windows: &Windows,
    prices: Option<&Prices>,
) -> Result<Attribution, QueryError> {
    let mut found = Attribution::default();
    let totals = campaign_metrics::totals(db, tenant, &[campaign]).await?;
    for MetricsRow { variant, channel, sent, .. } in totals {
        found.each(&variant, channel, |share| share.sent += count(sent));
    }
    for row in campaign_metrics::costs(db, tenant, &[campaign]).await? {
        found.each(&row.variant, row.channel, |share| share.cost(&row));
    }
    for row in campaign_attribution::unpriced(db, tenant, campaign).await? {
        found.each(&row.variant, row.channel, |share| share.estimate(&row, prices));
    }
    let rows = campaign_attribution::touched_orders(db, tenant, campaign, touch, windows).await?;
    for person in rows.chunk_by(|one, other| one.person_id == other.person_id) {
        let (mut orders, touches) = of_person(person);
        let credits = credits(&mut orders, &touches, windows);
        for credit in credits.iter().filter(|credit| credit.message.campaign_id == Some(campaign)) {
            let Touched { variant, channel, created_at, message_id, .. } = credit.message;
            let is_first = found.converted.insert((*created_at, *message_id));
            found.each(variant, *channel, |share| {
                share.converted += u64::from(is_first);
                share.credit(credit);
            });
        }
    }
    Ok(found)
}

/// The messages of a campaign that orders belong to, with the times at which they were asked for.
pub async fn converted(
    db: &Db,
    tenant: TenantId,
    campaign: CampaignId,
    touch: Touch,
    windows: &Windows,
) -> Result<Vec<(DateTime<Utc>, MessageId)>, QueryError> {
    let found = attribution(db, tenant, campaign, touch, windows, None).await?;
    Ok(found.converted.into_iter().collect())
}

impl Attribution {
    fn each(&mut self, variant: &str, channel: Channel, add: impl Fn(&mut Share)) {
        add(self.shares.entry((variant.to_owned(), channel)).or_default());
        add(&mut self.total);
    }
}

/// The person's orders and touches, each once.
fn of_person(rows: &[TouchedOrderRow]) -> (Vec<Order>, Vec<Touched>) {
    let (mut orders, mut touches) = (BTreeMap::new(), BTreeMap::new());
    for row in rows {
        orders.entry(row.activity_id).or_insert_with(|| Order {
            at: row.occurred_at,
            activity_id: row.activity_id,
            amount: row.amount_micros.unwrap_or_default(),
            currency: row.currency.clone().unwrap_or_default(),
        });
        touches.entry(row.message_id).or_insert_with(|| Touched {
            at: row.touched_at,
            created_at: row.created_at,
            message_id: row.message_id,
            campaign_id: row.campaign_id,
            variant: row.variant.clone().unwrap_or_default(),
            channel: row.channel,
        });
    }
    (orders.into_values().collect(), touches.into_values().collect())
}

fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}
