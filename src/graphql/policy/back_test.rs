//! Rules on sending, tried on what has been.

use async_graphql::{Context, Enum, InputObject, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};

use super::object::{Policy, PolicyPatch};
use crate::campaigns::back_test::{BackTest, Counts, Prepared, Question, Ruled, back_test, prepare};
use crate::graphql::engine::failure::opaque;
use crate::graphql::engine::guard::May;
use crate::graphql::engine::id::Of;
use crate::graphql::engine::payload::{Refusal, caller};
use crate::graphql::engine::principal::Permission;
use crate::graphql::engine::reading::Reading;
use crate::graphql::engine::scalar::Date;
use crate::graphql::engine::words::Channel;
use crate::ids::{CampaignId, CustomerId, ListId, MessageId};

/// How many messages one request looks at. The command line has no limit.
const MOST_MESSAGES: u64 = 10_000;

/// What is to be tried.
#[derive(InputObject, Debug, Clone)]
pub struct BackTestInput {
    /// Changes to the rules for sending, as `updatePolicy` takes them, but without an emergency. If omitted, the rules in force are tried.
    policy: Option<PolicyPatch>,
    /// Lists whose members would have received no marketing while they were members; at most 20.
    exclude_lists: Option<Vec<Of<ListId>>>,
    /// Only messages requested at or after this time; by default 30 days before `until`.
    since: Option<DateTime<Utc>>,
    /// Only messages requested before this time; by default now. At most 366 days after `since`.
    until: Option<DateTime<Utc>>,
}

/// What a proposal changes for a message.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "crate::campaigns::back_test::Change")]
pub enum BackTestChange {
    /// It was sent and would not have been.
    NotSent,
    /// It was sent and would have been sent later, or would still wait.
    Later,
    /// It waited and would have been sent sooner.
    Sooner,
    /// It was not sent and would have been, or would wait to be.
    Sent,
}

/// The result of `backTest`.
#[derive(SimpleObject, Clone)]
pub struct BackTestResult {
    /// What was found; null if it was refused.
    back_test: Option<BackTestReport>,
    /// Why it cannot be tried.
    refusal: Option<Refusal>,
}

/// Numbers of messages; the last seven add up to the first.
#[derive(SimpleObject, Debug, Clone, Copy)]
pub struct BackTestCounts {
    /// All messages.
    messages: u64,
    /// They were sent and would have been sent at the same time.
    sent_as_well: u64,
    /// They were not sent and would not have been either.
    stopped_as_well: u64,
    /// They wait and would wait.
    waiting_as_well: u64,
    /// They were sent and would not have been.
    not_sent: u64,
    /// They were sent and would have been sent later, or would still wait.
    later: u64,
    /// They waited and would have been sent sooner.
    sooner: u64,
    /// They were not sent and would have been, or would wait to be.
    sent: u64,
}

/// The messages of a campaign.
#[derive(SimpleObject, Debug, Clone)]
pub struct BackTestOfCampaign {
    /// The campaign's id; null: messages outside of campaigns.
    campaign_id: Option<Of<CampaignId>>,
    /// Their numbers.
    counts: BackTestCounts,
}

/// The messages of a channel.
#[derive(SimpleObject, Debug, Clone)]
pub struct BackTestOfChannel {
    /// The channel.
    channel: Channel,
    /// Their numbers.
    counts: BackTestCounts,
}

/// The messages requested on a day.
#[derive(SimpleObject, Debug, Clone)]
pub struct BackTestOfDay {
    /// The day, in the tenant's time zone.
    day: Date,
    /// Their numbers.
    counts: BackTestCounts,
}

/// A message for which something changes.
#[derive(SimpleObject, Debug, Clone)]
pub struct BackTestExample {
    /// The customer's id.
    customer_id: Of<CustomerId>,
    /// The message's id.
    message_id: Of<MessageId>,
    /// When it was requested.
    requested_at: DateTime<Utc>,
    /// When it was sent; null if it was not.
    was_sent_at: Option<DateTime<Utc>>,
    /// When it would have been sent, or the end of the hold in which it would wait; null if never.
    would_be_sent_at: Option<DateTime<Utc>>,
}

/// Messages for which one rule changes something.
#[derive(SimpleObject, Debug, Clone)]
pub struct BackTestOfRule {
    /// What changes.
    change: BackTestChange,
    /// The rule that would hold or stop the messages; of `SOONER` and `SENT` the one that held or stopped them. `list` is an excluded list,
    /// `cancelled` a message that was cancelled while it waited.
    rule: String,
    /// The number of messages.
    messages: u64,
    /// The number of people with such a message.
    customers: u64,
    /// When the first of them was requested.
    first_at: Option<DateTime<Utc>>,
    /// When the last of them was requested.
    last_at: Option<DateTime<Utc>>,
    /// By how many hours they would have been sent later (of `SOONER`: sooner), on average. Of those that would still wait, the end of
    /// the hold counts.
    mean_hours: Option<f64>,
    /// The same of the message that moves most.
    most_hours: Option<f64>,
    /// How many of them would still wait.
    still_waiting: u64,
    /// Some of them, at most five.
    examples: Vec<BackTestExample>,
}

/// What other rules for sending would have done with the messages of a period.
#[derive(SimpleObject, Clone)]
pub struct BackTestReport {
    /// The start of the period.
    since: DateTime<Utc>,
    /// The end of the period, exclusive.
    until: DateTime<Utc>,
    /// The rules that were tried.
    policy: Policy,
    /// People whose messages were decided again; customers who were merged count as one.
    customers: u64,
    /// People with a message for which something changes.
    changed_customers: u64,
    /// The messages' numbers.
    totals: BackTestCounts,
    /// The same by campaign; of at most 1,000 campaigns.
    by_campaign: Vec<BackTestOfCampaign>,
    /// The messages of further campaigns together.
    other_campaigns: BackTestCounts,
    /// The same by channel.
    by_channel: Vec<BackTestOfChannel>,
    /// The same by day.
    by_day: Vec<BackTestOfDay>,
    /// What changes, by change and rule.
    by_rule: Vec<BackTestOfRule>,
    /// People who were forgotten since; their messages are not decided again.
    forgotten_customers: u64,
    /// Their messages.
    forgotten_messages: u64,
}

impl From<Counts> for BackTestCounts {
    fn from(counts: Counts) -> Self {
        Self {
            messages: counts.messages,
            sent_as_well: counts.sent_as_well,
            stopped_as_well: counts.stopped_as_well,
            waiting_as_well: counts.waiting_as_well,
            not_sent: counts.not_sent,
            later: counts.later,
            sooner: counts.sooner,
            sent: counts.sent,
        }
    }
}

impl BackTestOfRule {
    fn new(change: crate::campaigns::back_test::Change, rule: String, ruled: Ruled) -> Self {
        let examples = ruled.examples.iter().map(|example| BackTestExample {
            customer_id: Of(example.customer_id),
            message_id: Of(example.message_id),
            requested_at: example.asked_at,
            was_sent_at: example.was_sent_at,
            would_be_sent_at: example.would_be_sent_at,
        });
        Self {
            change: change.into(),
            rule,
            messages: ruled.messages,
            customers: ruled.customers,
            first_at: ruled.first_at,
            last_at: ruled.last_at,
            mean_hours: ruled.mean_hours(),
            most_hours: ruled.most_hours(),
            still_waiting: ruled.still_waiting,
            examples: examples.collect(),
        }
    }
}

impl BackTestReport {
    fn new(prepared: &Prepared, found: BackTest) -> Self {
        let proposal = &prepared.proposal;
        let campaigns = found.by_campaign.into_iter();
        let channels = found.by_channel.into_iter();
        let days = found.by_day.into_iter();
        let rules = found.by_rule.into_iter();
        Self {
            since: proposal.since,
            until: proposal.until,
            policy: (&proposal.policy).into(),
            customers: found.customers,
            changed_customers: found.changed_customers,
            totals: found.totals.into(),
            by_campaign: campaigns
                .map(|(id, counts)| BackTestOfCampaign { campaign_id: id.map(Of), counts: counts.into() })
                .collect(),
            other_campaigns: found.other_campaigns.into(),
            by_channel: channels
                .map(|(channel, counts)| BackTestOfChannel { channel: channel.into(), counts: counts.into() })
                .collect(),
            by_day: days.map(|(day, counts)| BackTestOfDay { day: Date(day), counts: counts.into() }).collect(),
            by_rule: rules.map(|((change, rule), ruled)| BackTestOfRule::new(change, rule, ruled)).collect(),
            forgotten_customers: found.forgotten_customers,
            forgotten_messages: found.forgotten_messages,
        }
    }
}

impl From<BackTestInput> for Question {
    fn from(input: BackTestInput) -> Self {
        let BackTestInput { policy, exclude_lists, since, until } = input;
        let exclude = exclude_lists.unwrap_or_default().into_iter().map(|id| id.0).collect();
        Self { policy: policy.map(Into::into).unwrap_or_default(), exclude, since, until }
    }
}

/// Queries that try rules for sending.
#[derive(Default)]
pub struct BackTestQueries;

#[Object]
impl BackTestQueries {
    /// What changed rules for sending, or excluded lists, would have done with the messages of a period: each is decided again as the
    /// customer stood at its moment, by the code that sends. Nothing is recorded. At most 10,000 messages; `commlog back-test` has no
    /// limit. Requires the role `ADMIN` or `MARKETER`.
    #[graphql(guard = "May(Permission::Author)", complexity = "500 + child_complexity")]
    async fn back_test(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is to be tried.")] input: BackTestInput,
    ) -> Result<BackTestResult> {
        let api = Reading::of(ctx)?.api;
        let caller = caller(ctx, None)?;
        let prepared = prepare(&api.app, &api.reads, &caller, input.into(), Some(MOST_MESSAGES)).await;
        let prepared = match prepared.map_err(|error| opaque(api.ambient(), &error))? {
            Ok(prepared) => prepared,
            Err(refusal) => return Ok(BackTestResult { back_test: None, refusal: Some(refusal.into()) }),
        };
        let found = back_test(&api.app, &api.reads, &caller, &prepared, |_| {}).await;
        let found = found.map_err(|error| opaque(api.ambient(), &error))?;
        Ok(BackTestResult { back_test: Some(BackTestReport::new(&prepared, found)), refusal: None })
    }
}
