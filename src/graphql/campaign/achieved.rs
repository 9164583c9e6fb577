//! What campaigns brought in, and their figures as rates, by domain, list and link.

use async_graphql::{Enum, InputObject, SimpleObject};
use chrono::{DateTime, Utc};

use crate::campaigns::attribution::{Amounts, Attribution, Share};
use crate::campaigns::rates::{Rates, part};
use crate::domain::campaign::attribution::{Touch, Windows};
use crate::graphql::engine::flat::Flat;
use crate::graphql::engine::id::Of;
use crate::graphql::engine::money::Money;
use crate::graphql::engine::scalar::Micros;
use crate::graphql::engine::words::Channel;
use crate::ids::ListId;
use crate::queries::campaign_groups::{GroupFigures, LinkRow};

/// Messages as parts of each other, likely-human opens and clicks only: from 0 to 1; null where there are none to be a part of.
#[derive(SimpleObject, Debug, Clone, Copy)]
pub struct CampaignRates {
    /// Arrived of those sent: by any evidence, such as an open whose delivery nobody reported.
    delivery: Option<f64>,
    /// Bounced of those sent.
    bounce: Option<f64>,
    /// Opened by a person of those that arrived.
    open: Option<f64>,
    /// Clicked by a person of those that arrived.
    click: Option<f64>,
    /// Clicked of those that a person opened or clicked.
    click_to_open: Option<f64>,
    /// Replied to of those that arrived.
    reply: Option<f64>,
    /// Reported as spam of those that arrived.
    complaint: Option<f64>,
    /// That led to an opt-out of those that arrived.
    opt_out: Option<f64>,
}

impl From<Rates> for CampaignRates {
    fn from(rates: Rates) -> Self {
        let Rates { delivery, bounce, open, click, click_to_open, reply, complaint, opt_out } = rates;
        Self { delivery, bounce, open, click, click_to_open, reply, complaint, opt_out }
    }
}

/// Messages of a campaign that have something in common, each once in a count. Opens and clicks are a person's.
#[derive(SimpleObject, Debug, Clone)]
pub struct CampaignFigures {
    /// Requested messages.
    queued: i64,
    /// Messages that a rule suppressed.
    suppressed: i64,
    /// Messages that a provider accepted.
    sent: i64,
    /// Messages that arrived, by any evidence.
    arrived: i64,
    /// Messages that bounced.
    bounced: i64,
    /// Messages that were refused for good, or could not be delivered.
    failed: i64,
    /// Messages that a person opened.
    opened: i64,
    /// Messages in which a person followed a link.
    clicked: i64,
    /// Messages that were replied to.
    replied: i64,
    /// Messages reported as spam.
    complained: i64,
    /// Messages that led to an opt-out.
    opted_out: i64,
    /// The same as parts of each other.
    rates: CampaignRates,
}

impl From<&GroupFigures> for CampaignFigures {
    fn from(row: &GroupFigures) -> Self {
        Self {
            queued: row.queued,
            suppressed: row.suppressed,
            sent: row.sent,
            arrived: row.arrived,
            bounced: row.bounced,
            failed: row.failed,
            opened: row.opened,
            clicked: row.clicked,
            replied: row.replied,
            complained: row.complained,
            opted_out: row.opted_out,
            rates: Rates::from(row).into(),
        }
    }
}

/// A campaign's messages to one domain.
#[derive(SimpleObject, Debug, Clone)]
pub struct DomainFigures {
    /// The domain of the mailboxes. Personal; null for forgotten customers and for channels without mailboxes.
    domain: Option<String>,
    /// The counts.
    figures: Flat<CampaignFigures>,
}

impl DomainFigures {
    /// Out of a row; the domain only for those who may see personal data.
    #[must_use]
    pub fn new(row: GroupFigures, personal: bool) -> Self {
        Self { figures: Flat((&row).into()), domain: row.label.filter(|_| personal) }
    }
}

/// A campaign's messages to the members of one list of its audience. A customer who is a member of several counts in each.
#[derive(SimpleObject, Debug, Clone)]
pub struct ListFigures {
    /// The list.
    list_id: Of<ListId>,
    /// Who was a member at this time counts: when the campaign started.
    members_as_of: DateTime<Utc>,
    /// The counts; all 0 once the list was deleted.
    figures: Flat<CampaignFigures>,
}

impl ListFigures {
    /// Out of a row.
    #[must_use]
    pub fn new(list: ListId, members_as_of: DateTime<Utc>, row: &GroupFigures) -> Self {
        Self { list_id: Of(list), members_as_of, figures: Flat(row.into()) }
    }
}

/// What was done with a link of a campaign.
#[derive(SimpleObject, Debug, Clone)]
pub struct LinkFigures {
    /// The link. Personal; null for clicks of forgotten customers.
    url: Option<String>,
    /// Messages in which a person followed it.
    clicked: i64,
    /// Clicks by people.
    clicks_human: i64,
    /// Clicks by scanners.
    clicks_machine: i64,
}

impl LinkFigures {
    /// Out of a row; the link only for those who may see personal data.
    #[must_use]
    pub fn new(row: LinkRow, personal: bool) -> Self {
        Self {
            url: row.url.filter(|_| personal),
            clicked: row.messages_human,
            clicks_human: row.clicks_human,
            clicks_machine: row.clicks_machine,
        }
    }
}

/// What makes a message one that an order can belong to.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "crate::domain::campaign::attribution::Touch")]
pub enum CampaignTouch {
    /// A provider accepted it.
    Sent,
    /// A person opened it for the first time.
    Opened,
    /// A person followed a link in it for the first time.
    Clicked,
}

/// For how long after the touch an order belongs to a message of a channel.
#[derive(InputObject, Debug, Clone, Copy)]
pub struct AttributionWindowInput {
    /// The channel.
    pub channel: Channel,
    /// 1 to 90 days.
    pub days: u32,
}

/// For how long after the touch an order belongs to a message of a channel.
#[derive(SimpleObject, Debug, Clone, Copy)]
pub struct AttributionWindow {
    /// The channel.
    channel: Channel,
    /// Days.
    days: u32,
}

/// Revenue and costs of one currency.
#[derive(SimpleObject, Debug, Clone)]
pub struct AttributedAmounts {
    /// ISO 4217.
    currency: String,
    /// What was ordered, cancellations taken off.
    revenue: Money,
    /// What providers reported that they charge.
    cost: Money,
    /// What accounts charge for messages whose provider reported no price; only with `estimateIn`.
    estimated_cost: Money,
}

/// What some messages brought in.
#[derive(SimpleObject, Debug, Clone)]
pub struct AttributedShare {
    /// The variant; empty for messages without one, null for all of the campaign.
    variant: Option<String>,
    /// The channel; null for all of the campaign.
    channel: Option<Channel>,
    /// Messages that a provider accepted.
    sent: u64,
    /// Messages that at least one order belongs to.
    converted: u64,
    /// Converted messages of those sent.
    conversion_rate: Option<f64>,
    /// The orders, without those that were cancelled as a whole.
    orders: u64,
    /// By currency; currencies are never added together.
    amounts: Vec<Flat<AttributedAmounts>>,
    /// Messages that were sent and whose cost is neither reported nor estimated.
    unpriced: u64,
    /// (Revenue - cost) / cost, estimates included. Null if the money is of several currencies, nothing was spent, or `unpriced` is
    /// not 0.
    roi: Option<f64>,
}

impl AttributedShare {
    fn new(of: Option<(String, Channel)>, share: &Share) -> Self {
        let (variant, channel) = of.unzip();
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        Self {
            variant,
            channel,
            sent: share.sent,
            converted: share.converted,
            conversion_rate: part(number(share.converted), number(share.sent)),
            orders: share.orders,
            amounts: share.amounts.iter().map(|(currency, amounts)| Flat(shown(currency, amounts))).collect(),
            unpriced: share.unpriced,
            roi: share.roi(),
        }
    }
}

fn shown(currency: &str, amounts: &Amounts) -> AttributedAmounts {
    let money = |micros| Money { micros: Micros(micros), currency: currency.to_owned() };
    AttributedAmounts {
        currency: currency.to_owned(),
        revenue: money(amounts.revenue),
        cost: money(amounts.cost),
        estimated_cost: money(amounts.estimated_cost),
    }
}

/// The orders that belong to a campaign's messages: each to the last message, of any campaign or none, that touched the person
/// before it and within the window of its channel. A cancellation is taken off its order, for up to 90 days. Late and
/// corrected orders count as soon as they are known.
#[derive(SimpleObject, Debug, Clone)]
pub struct CampaignAttribution {
    /// What makes a message one that an order can belong to.
    touch: CampaignTouch,
    /// The windows.
    windows: Vec<AttributionWindow>,
    /// All of the campaign.
    total: Flat<AttributedShare>,
    /// By variant and channel.
    by_variant: Vec<Flat<AttributedShare>>,
}

impl CampaignAttribution {
    /// Out of what was found.
    #[must_use]
    pub fn new(found: Attribution, touch: Touch, windows: &Windows) -> Self {
        let windows = windows.days().map(|(channel, days)| AttributionWindow { channel: channel.into(), days });
        let each = found
            .shares
            .into_iter()
            .map(|((variant, channel), share)| Flat(AttributedShare::new(Some((variant, channel.into())), &share)));
        Self {
            touch: touch.into(),
            windows: windows.collect(),
            total: Flat(AttributedShare::new(None, &found.total)),
            by_variant: each.collect(),
        }
    }
}

/// What became of a recipient. What a customer did afterwards does not take a recipient out of `SENT` to `COMPLAINED`; the others
/// are where the message stands.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "crate::queries::messages::Outcome")]
pub enum CampaignOutcome {
    /// It waits to be handed to a provider.
    Queued,
    /// A rule holds it until a time.
    Held,
    /// A rule suppressed it.
    Suppressed,
    /// It was cancelled before dispatch.
    Cancelled,
    /// Nobody knows whether a provider accepted it.
    InDoubt,
    /// It was refused for good, or could not be delivered.
    Failed,
    /// It bounced, and no person is known to have read it.
    Bounced,
    /// A provider accepted it.
    Sent,
    /// It arrived, by any evidence.
    Delivered,
    /// A person opened it.
    Opened,
    /// A person followed a link in it.
    Clicked,
    /// The customer replied.
    Replied,
    /// It led to an opt-out.
    OptedOut,
    /// It was reported as spam.
    Complained,
    /// An order belongs to it, by the default windows of `attribution`.
    Converted,
}
