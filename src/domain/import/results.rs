//! Rows of the results of a campaign of the past, as events of customers: the message, as sent elsewhere, and what followed.

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::activity;
use crate::domain::activity::decide::RecordActivity;
use crate::domain::activity::event::ActivityKind;
use crate::domain::campaign::past::{PastCampaign, message_id};
use crate::domain::customer::event::{CustomerEvent, Source};
use crate::domain::customer::state::Customer;
use crate::domain::decision::{Context, Decided, Decision, Meta};
use crate::domain::import::decide::{OutcomeKind, ResultOutcome, ResultRow};
use crate::domain::import::recorded;
use crate::domain::message::event::{MessageClass, MessageQueued, MessageSent};
use crate::domain::refusal::Refusal;
use crate::domain::value::message::{MessageKey, Route};
use crate::ids::{CampaignId, CustomerId, ImportId, Label};

/// What took a message that was sent elsewhere, where a provider's name is asked for.
const ELSEWHERE: &str = "import";

/// When an outcome without a time of its own happened, after the campaign's start.
const RIGHT_AFTER: TimeDelta = TimeDelta::seconds(1);

/// The campaign that rows belong to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultsOf {
    /// Its id.
    pub campaign_id: CampaignId,
    /// What it was.
    pub campaign: PastCampaign,
    /// The topic of its messages.
    pub topic: String,
}

/// Records what a row says in the stream of its customer. A row that is known brings nothing.
pub fn result(
    state: &Customer,
    customer_id: CustomerId,
    row: ResultRow,
    of: &ResultsOf,
    import_id: ImportId,
    context: &Context<'_>,
) -> Decision<CustomerEvent> {
    state.must_be_known()?;
    let message_id = message_id(context.secret, of.campaign_id, customer_id);
    let mut events = vec![];
    if let Some(entry) = state.recorded.get(message_id.0) {
        return match &row.variant {
            Some(variant) if entry.content == recorded::content_of_campaign_message(Some(variant)) => Ok(vec![]),
            _ => Err(Refusal::new("CAMPAIGN_GROUP_TAKEN", "the customer is in another group of the campaign already")),
        };
    }
    if let Some(variant) = row.variant {
        events.extend(sent(&of.topic, of, message_id, variant, import_id, context));
    }
    let mut after = state.clone();
    for ResultOutcome { kind, occurred_at } in row.outcomes {
        let started_at = of.campaign.started_at;
        if occurred_at.is_some_and(|at| at < started_at) {
            return Err(Refusal::invalid("at", "is before the campaign's start"));
        }
        let at = occurred_at.unwrap_or(started_at + RIGHT_AFTER);
        let command = outcome(customer_id, kind, at, of);
        for decided in activity::decide::record(&after, command, Some(import_id), context)? {
            let meta = Meta { id: decided.id, version: 0, occurred_at: decided.occurred_at };
            after.apply(&decided.event, meta);
            events.push(decided);
        }
    }
    Ok(events)
}

/// A message that was sent elsewhere, in its two steps.
fn sent(
    topic: &str,
    of: &ResultsOf,
    message_id: crate::ids::MessageId,
    variant: String,
    import_id: ImportId,
    context: &Context<'_>,
) -> [Decided<CustomerEvent>; 2] {
    let key = MessageKey {
        message_id,
        channel: of.campaign.channel,
        campaign_id: Some(of.campaign_id),
        variant: Some(variant),
        conversation_id: None,
    };
    let queued = MessageQueued {
        key: key.clone(),
        class: MessageClass::Marketing,
        topic: topic.to_owned(),
        address_id: None,
        instead_of: None,
        send_at: None,
        in_reply_to: None,
        canned_reply: None,
        template: None,
        import_id: Some(import_id),
        timing: None,
        personal: None,
    };
    let sent = MessageSent {
        key,
        route: Route { provider: ELSEWHERE.to_owned(), account: ELSEWHERE.to_owned(), domain: None },
        provider_message_id: None,
        segments: 1,
        cost_micros: None,
        currency: None,
        mail_id: None,
    };
    let derived = |step: &[u8], event: CustomerEvent| {
        let parts: [&[u8]; 2] = [message_id.0.as_bytes(), step];
        context.derived(of.campaign.started_at, Label::ImportedSendingEvent, &parts, event)
    };
    [derived(b"queued", queued.into()), derived(b"sent", sent.into())]
}

fn outcome(customer_id: CustomerId, kind: OutcomeKind, at: DateTime<Utc>, of: &ResultsOf) -> RecordActivity {
    let mut command = RecordActivity {
        customer_id,
        kind: ActivityKind::Order,
        name: None,
        // The campaign's id tells its outcomes apart from everything else of the customer.
        reference: Some(of.campaign_id.to_string()),
        status: None,
        occurred_at: Some(at),
        amount_micros: None,
        currency: None,
        lines: vec![],
        due_at: None,
        message_id: None,
        title: None,
        attributes: std::collections::BTreeMap::new(),
        source: Source::Import,
    };
    match kind {
        OutcomeKind::Order { amount_micros, currency } => {
            (command.amount_micros, command.currency) = (Some(amount_micros), Some(currency));
        }
        OutcomeKind::Activity { name, times } => {
            match name.parse::<ActivityKind>() {
                Ok(kind) if kind != ActivityKind::Custom => command.kind = kind,
                _ => (command.kind, command.name) = (ActivityKind::Custom, Some(name)),
            }
            if times > 1 {
                command.attributes.insert("times".to_owned(), times.into());
            }
        }
    }
    command
}
