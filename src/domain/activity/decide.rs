//! Commands on business activity.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::domain::activity::event::{
    ActivityKind, ActivityRecorded, ActivityRecordedPersonal, ActivityRetracted, LineItem,
};
use crate::domain::customer::event::{CustomerEvent, Source};
use crate::domain::customer::state::Customer;
use crate::domain::decision::{Context, Decision};
use crate::domain::import::recorded::{self, Entry};
use crate::domain::refusal::Refusal;
use crate::domain::text;
use crate::domain::value::Currency;
use crate::domain::value::money::line_total;
use crate::ids::{ActivityId, CustomerId, ImportId, Label, MessageId, TenantSecret};

/// Records business activity.
///
/// With a `reference`, the activity's id derives from customer, kind, reference and time, and that of an order from
/// customer and reference alone: recording it again returns the first one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RecordActivity {
    /// The customer's id.
    pub customer_id: CustomerId,
    /// An order, a call, a visit, or another kind.
    pub kind: ActivityKind,
    /// For custom activities, what it is; not allowed otherwise.
    pub name: Option<String>,
    /// The number that the tenant knows it by.
    pub reference: Option<String>,
    /// Such as `paid`, `cancelled`; the tenant's own words.
    pub status: Option<String>,
    /// When it happened; absent: now.
    pub occurred_at: Option<DateTime<Utc>>,
    /// In micros of the currency; absent: the sum of the lines, if there are any.
    pub amount_micros: Option<i64>,
    /// ISO 4217; needed where there is an amount.
    pub currency: Option<String>,
    /// Line items.
    pub lines: Vec<LineItem>,
    /// When an appointment ends, a payment is due, a parcel should arrive.
    pub due_at: Option<DateTime<Utc>>,
    /// The message that it is attributed to.
    pub message_id: Option<MessageId>,
    /// What people should read in the timeline.
    pub title: Option<String>,
    /// Free attributes.
    pub attributes: BTreeMap<String, serde_json::Value>,
    /// What recorded it: the API, a form, an import, a provider.
    pub source: Source,
}

/// How many line items an activity has at most; the size of an event limits them too.
const MAX_LINES: usize = 5_000;

/// The largest amount, in micros: far beyond what anybody orders.
const LARGEST_AMOUNT: u64 = 10_000_000_000_000_000;

/// Records an activity; `import_id` tells which import brings it. A merged customer keeps getting its own: their ids
/// derive from the customer, so that a repetition is found.
pub fn record(
    state: &Customer,
    command: RecordActivity,
    import_id: Option<ImportId>,
    context: &Context<'_>,
) -> Decision<CustomerEvent> {
    state.must_be_known()?;
    Refusal::unless_bounded("occurred_at", command.occurred_at)?;
    Refusal::unless_bounded("due_at", command.due_at)?;
    let name = text::optional("name", command.name, text::SHORT)?;
    if name.is_some() != (command.kind == ActivityKind::Custom) {
        return Err(Refusal::invalid("name", "is required for custom activities and not allowed for others"));
    }
    let reference = text::optional("reference", command.reference, text::SHORT)?;
    let lines = clean_lines(command.lines)?;
    let amount_micros = match command.amount_micros {
        None if !lines.is_empty() => Some(sum(&lines)?),
        given => given,
    };
    if amount_micros.is_some_and(|micros| micros.unsigned_abs() > LARGEST_AMOUNT) {
        return Err(Refusal::invalid("amount_micros", "must be at most ten billion units of the currency"));
    }
    let currency = text::optional("currency", command.currency, text::SHORT)?
        .map(|code| code.parse::<Currency>().map_err(|e| Refusal::of_value("currency", &e)))
        .transpose()?;
    if amount_micros.is_some() && currency.is_none() {
        return Err(Refusal::invalid("currency", "is required with an amount"));
    }
    let occurred_at = command.occurred_at.unwrap_or(context.now);
    let identity = reference.as_deref().map(|reference| Identity {
        customer_id: command.customer_id,
        kind: command.kind,
        name: name.as_deref().unwrap_or_default(),
        reference,
        micros: if command.kind == ActivityKind::Order { 0 } else { occurred_at.timestamp_micros() },
    });
    let activity_id = identity.as_ref().map_or_else(|| context.id(), |identity| identity.id(context.secret));
    let is_repeatable = identity.is_some();
    let event = ActivityRecorded {
        activity_id,
        kind: command.kind,
        name,
        reference,
        status: text::optional("status", command.status, text::SHORT)?,
        amount_micros,
        currency,
        lines,
        due_at: command.due_at,
        message_id: command.message_id,
        source: command.source,
        import_id,
        personal: Some(ActivityRecordedPersonal {
            title: text::optional("title", command.title, text::SHORT)?,
            attributes: text::attributes("attributes", command.attributes)?,
        }),
    };
    if let Some(entry) = state.recorded.get(activity_id.0).filter(|_| recorded::has_identity(&event)) {
        return again(state, entry, event, command.occurred_at, context);
    }
    Ok(vec![if is_repeatable {
        // An activity that was retracted may come again: as another event, under the same activity id.
        let retractions = state.retractions(activity_id.0).to_be_bytes();
        context.derived(occurred_at, Label::ActivityEvent, &[activity_id.0.as_bytes(), &retractions], event)
    } else {
        context.at(occurred_at, event)
    }])
}

/// What an activity with a number is known by.
struct Identity<'a> {
    customer_id: CustomerId,
    kind: ActivityKind,
    name: &'a str,
    reference: &'a str,
    /// When it happened, in microseconds since 1970; 0 for orders, which are the same whenever they were placed.
    micros: i64,
}

impl Identity<'_> {
    fn id(&self, secret: &TenantSecret) -> ActivityId {
        let (customer, kind) = (self.customer_id.0.as_bytes().as_slice(), self.kind.word().as_bytes());
        let (name, reference) = (self.name.as_bytes(), self.reference.as_bytes());
        let micros = self.micros.to_be_bytes();
        ActivityId(secret.derive(Label::ActivityId, &[customer, kind, name, reference, &micros]))
    }
}

/// The id of a customer's order.
#[must_use]
pub fn order_id(secret: &TenantSecret, customer_id: CustomerId, reference: &str) -> ActivityId {
    Identity { customer_id, kind: ActivityKind::Order, name: "", reference: reference.trim(), micros: 0 }.id(secret)
}

/// An order whose number is known. An import corrects what is different, and says nothing about what is not.
fn again(
    state: &Customer,
    entry: &Entry,
    event: ActivityRecorded,
    occurred_at: Option<DateTime<Utc>>,
    context: &Context<'_>,
) -> Decision<CustomerEvent> {
    let at = DateTime::from_timestamp_micros(entry.at_micros).unwrap_or(context.now);
    let is_same = entry.is(recorded::content_of_order(&event), occurred_at.unwrap_or(at));
    let id = event.activity_id.0;
    let derived = |retractions: u32, at, event: ActivityRecorded| {
        context.derived(at, Label::ActivityEvent, &[id.as_bytes(), &retractions.to_be_bytes()], event)
    };
    match event.import_id {
        Some(_) if is_same => Ok(vec![]),
        None if is_same => Ok(vec![derived(state.retractions(id), at, event)]),
        None => {
            let message = "this order is recorded already, with another time, status, amount or lines";
            Err(Refusal::new("RECORDED_DIFFERENTLY", message))
        }
        Some(import_id) => {
            let retracted = ActivityRetracted {
                activity_id: event.activity_id,
                kind: event.kind,
                amount_micros: entry.amount_micros,
                currency: entry.currency,
                import_id,
            };
            let recorded = derived(state.retractions(id) + 1, occurred_at.unwrap_or(at), event);
            Ok(vec![context.now(retracted), recorded])
        }
    }
}

fn clean_lines(lines: Vec<LineItem>) -> Result<Vec<LineItem>, Refusal> {
    if lines.len() > MAX_LINES {
        let message = format!("has {} line items; at most {MAX_LINES} are allowed", lines.len());
        return Err(Refusal::invalid("lines", message));
    }
    let clean = |line: LineItem| {
        Ok(LineItem {
            sku: text::required("lines.sku", line.sku, text::SHORT)?,
            description: text::optional("lines.description", line.description, text::SHORT)?,
            ..line
        })
    };
    lines.into_iter().map(clean).collect()
}

fn sum(lines: &[LineItem]) -> Result<i64, Refusal> {
    lines
        .iter()
        .try_fold(0_i64, |sum, line| sum.checked_add(line_total(line.quantity_milli, line.unit_price_micros)?))
        .ok_or_else(|| Refusal::invalid("lines", "the sum of the lines is too large"))
}
