//! The figures of a campaign from its exported events alone, by the plainest way, without regard to speed.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use commlog::log::Personal;
use serde_json::Value;

use crate::read_models::story::Story;

/// An event as an export has it.
pub(super) struct Exported {
    pub(super) id: String,
    pub(super) kind: String,
    pub(super) who: String,
    pub(super) at: DateTime<Utc>,
    pub(super) data: Value,
    pub(super) personal: Value,
}

pub(super) fn exported(story: &Story) -> Vec<Exported> {
    let one = |event: &commlog::log::RecordedEvent| Exported {
        id: event.envelope.id.0.to_string(),
        kind: event.envelope.event_type.clone(),
        who: event.envelope.stream.key.to_string(),
        at: event.envelope.occurred_at,
        data: serde_json::from_slice(&event.data).expect("JSON"),
        personal: match &event.personal {
            Personal::Clear(bytes) => serde_json::from_slice(bytes).expect("JSON"),
            Personal::None | Personal::Erased => Value::Null,
        },
    };
    story.events.iter().map(one).collect()
}

/// Figures of one variant: counts of messages and of reports by name.
pub(super) type Counts = BTreeMap<&'static str, i64>;

pub(super) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Which opens and clicks are those of people, in the end.
pub(super) fn human(events: &[Exported]) -> HashSet<&str> {
    let mut human = HashSet::new();
    for event in events {
        let of = match event.kind.as_str() {
            "MessageOpened" | "MessageClicked" => event.id.as_str(),
            "EngagementReclassified" => event.data["corrects"].as_str().expect("an id"),
            _ => continue,
        };
        if event.data["class"] == "human" {
            human.insert(of)
        } else {
            human.remove(of)
        };
    }
    human
}

/// The messages of a campaign, with their variants.
pub(super) fn variants(events: &[Exported], of: &str) -> HashMap<String, String> {
    let queued = events.iter().filter(|event| event.kind == "MessageQueued" && event.data["campaign_id"] == of);
    queued.map(|event| (text(&event.data["message_id"]), text(&event.data["variant"]))).collect()
}

/// What each message of a campaign was reported to be, by name.
pub(super) fn facts(events: &[Exported], of: &str) -> BTreeMap<String, (String, BTreeSet<&'static str>)> {
    let (human, variants) = (human(events), variants(events, of));
    let mut facts: BTreeMap<String, (String, BTreeSet<&'static str>)> = BTreeMap::new();
    for event in events.iter().filter(|event| event.data["campaign_id"] == of) {
        let is_human = human.contains(event.id.as_str());
        let names: &[&'static str] = match event.kind.as_str() {
            "MessageQueued" => &["queued"],
            "MessageSent" | "MessageDeferred" => &["sent"],
            "MessageDelivered" => &["sent", "arrived", "delivered"],
            "MessageBounced" => &["sent", "bounced"],
            "MessageFailed" => &["sent", "failed"],
            "MessageOpened" if is_human => &["sent", "arrived", "opened", "engaged"],
            "MessageClicked" if is_human => &["sent", "arrived", "clicked", "engaged"],
            "MessageOpened" | "MessageClicked" => &["sent", "arrived"],
            "MessageComplained" => &["sent", "arrived", "complained"],
            "ConsentChanged" => &["sent", "arrived", "opted_out"],
            _ => &[],
        };
        let entry = facts.entry(text(&event.data["message_id"])).or_default();
        entry.0 = text(&event.data["variant"]);
        entry.1.extend(names);
    }
    for event in events.iter().filter(|event| event.kind == "MessageReceived") {
        let answered = text(&event.data["in_reply_to"]);
        if let Some(variant) = variants.get(&answered) {
            let entry = facts.entry(answered).or_default();
            entry.0.clone_from(variant);
            entry.1.extend(["sent", "arrived", "replied"]);
        }
    }
    facts
}

/// Reports by variant and hour.
pub(super) type Hours = BTreeMap<(String, DateTime<Utc>), Counts>;

pub(super) fn hours(events: &[Exported], of: &str) -> Hours {
    let (human, variants, mut hours) = (human(events), variants(events, of), Hours::new());
    for event in events {
        let is_human = human.contains(event.id.as_str());
        let name = match event.kind.as_str() {
            "MessageQueued" => "queued",
            "MessageSent" => "sent",
            "MessageDeferred" => "deferred",
            "MessageDelivered" => "delivered",
            "MessageBounced" if event.data["bounce"] == "hard" => "hard_bounced",
            "MessageBounced" => "soft_bounced",
            "MessageFailed" => "failed",
            "MessageComplained" => "complained",
            "ConsentChanged" => "opted_out",
            "MessageReceived" => "replied",
            "MessageOpened" if is_human => "opens_human",
            "MessageOpened" => "opens_machine",
            "MessageClicked" if is_human => "clicks_human",
            "MessageClicked" => "clicks_machine",
            _ => continue,
        };
        let about = if name == "replied" { "in_reply_to" } else { "message_id" };
        if let Some(variant) = variants.get(&text(&event.data[about])) {
            let hour = event.at - TimeDelta::seconds(event.at.timestamp() % 3600);
            *hours.entry((variant.clone(), hour)).or_default().entry(name).or_default() += 1;
        }
    }
    hours
}

/// Costs in micros and segments, by variant and currency.
pub(super) type Costs = BTreeMap<(String, String), (i128, i64)>;

pub(super) fn costs(events: &[Exported], of: &str) -> Costs {
    let mut costs = Costs::new();
    for event in events.iter().filter(|event| event.kind == "MessageSent" && event.data["campaign_id"] == of) {
        if let (Some(cost), Some(currency)) = (event.data["cost_micros"].as_i64(), event.data["currency"].as_str()) {
            let entry = costs.entry((text(&event.data["variant"]), currency.to_owned())).or_default();
            *entry = (entry.0 + i128::from(cost), entry.1 + event.data["segments"].as_i64().expect("a number"));
        }
    }
    costs
}

pub(super) fn counted(facts: &BTreeMap<String, (String, BTreeSet<&'static str>)>) -> BTreeMap<String, Counts> {
    let mut counts: BTreeMap<String, Counts> = BTreeMap::new();
    for (variant, names) in facts.values() {
        for name in names {
            *counts.entry(variant.clone()).or_default().entry(name).or_default() += 1;
        }
    }
    counts
}

/// Converted messages, orders and revenue in micros, by variant.
pub(super) type Brought = BTreeMap<String, (usize, u64, i128)>;

/// Each order looked up among everything that was sent, without regard to speed.
pub(super) fn brought(events: &[Exported], of: &str) -> Brought {
    let mut root: HashMap<String, String> = HashMap::new();
    let mut orders: BTreeMap<String, &Exported> = BTreeMap::new();
    let mut touches: BTreeMap<String, (DateTime<Utc>, &Exported)> = BTreeMap::new();
    for event in events {
        match event.kind.as_str() {
            "CustomerAbsorbed" => drop(root.insert(text(&event.data["absorbed_id"]), event.who.clone())),
            "ActivityRecorded" => drop(orders.insert(text(&event.data["activity_id"]), event)),
            "ActivityRetracted" => drop(orders.remove(&text(&event.data["activity_id"]))),
            "MessageSent" => {
                let first = touches.entry(text(&event.data["message_id"])).or_insert((event.at, event));
                first.0 = first.0.min(event.at);
            }
            _ => {}
        }
    }
    let person = |who: &String| root.get(who).unwrap_or(who).clone();
    let mut orders: Vec<(String, &Exported)> = orders.into_iter().collect();
    orders.sort_by_key(|(id, order)| (order.at, id.clone()));
    // Orders count from the hour of the first sending on, and as long as they can belong to the last; later ones only where
    // a cancellation may be about them.
    let own = || events.iter().filter(|event| event.kind == "MessageSent" && event.data["campaign_id"] == of);
    let hour = |at: DateTime<Utc>| at - TimeDelta::seconds(at.timestamp() % 3600);
    let Some(begin) = own().map(|sent| hour(sent.at)).min() else { return Brought::new() };
    let end = own().map(|sent| hour(sent.at)).max().expect("one") + TimeDelta::hours(1) + TimeDelta::days(5);
    let micros = |order: &Exported| order.data["amount_micros"].as_i64().expect("an amount");
    let may_be_cancelled = |order: &Exported| {
        orders.iter().any(|(_, other)| other.who == order.who && other.at >= order.at && micros(other) < 0)
    };
    let mut left: Vec<(String, DateTime<Utc>, i64)> = Vec::new();
    for (_, order) in orders.iter().filter(|(_, order)| order.at >= begin) {
        let amount = micros(order);
        if amount > 0 && (order.at < end || may_be_cancelled(order)) {
            left.push((person(&order.who), order.at, amount));
        } else if amount < 0 {
            let mut best: Option<(usize, bool)> = None;
            for (index, (who, _, rest)) in left.iter().enumerate() {
                let is_exact = *rest == -amount;
                let is_better = best.is_none_or(|(_, was_exact)| is_exact || !was_exact);
                if *who == person(&order.who) && *rest >= -amount && is_better {
                    best = Some((index, is_exact));
                }
            }
            if let Some((index, _)) = best {
                left[index].2 += amount;
            }
        }
    }
    let mut converted: BTreeMap<String, BTreeSet<&String>> = BTreeMap::new();
    let mut found = Brought::new();
    for (who, at, amount) in left.into_iter().filter(|(.., amount)| *amount > 0) {
        let last = touches
            .iter()
            .filter(|(_, (sent, event))| person(&event.who) == who && *sent < at && at - *sent <= TimeDelta::days(5))
            .max_by_key(|(id, (sent, _))| (*sent, (*id).clone()));
        let Some((id, (_, event))) = last.filter(|(_, (_, event))| event.data["campaign_id"] == of) else { continue };
        let variant = text(&event.data["variant"]);
        converted.entry(variant.clone()).or_default().insert(id);
        let entry = found.entry(variant.clone()).or_default();
        *entry = (converted[&variant].len(), entry.1 + 1, entry.2 + i128::from(amount));
    }
    found
}

/// Clicks by people by link.
pub(super) fn links(events: &[Exported], of: &str, forgotten: &HashSet<&str>) -> BTreeMap<Option<String>, i64> {
    let human = human(events);
    let mut links = BTreeMap::new();
    for event in events.iter().filter(|event| event.kind == "MessageClicked" && event.data["campaign_id"] == of) {
        let is_human = human.contains(event.id.as_str());
        let url = event.personal["url"].as_str().filter(|_| !forgotten.contains(event.who.as_str()));
        *links.entry(url.map(str::to_owned)).or_default() += i64::from(is_human);
    }
    links
}

pub(super) fn domains(events: &[Exported], of: &str, forgotten: &HashSet<&str>) -> BTreeMap<Option<String>, i64> {
    let mut domains = BTreeMap::new();
    for event in events.iter().filter(|event| event.kind == "MessageQueued" && event.data["campaign_id"] == of) {
        let to = event.personal["to"].as_str().filter(|_| !forgotten.contains(event.who.as_str()));
        *domains.entry(to.and_then(|to| to.split('@').nth(1)).map(str::to_owned)).or_default() += 1;
    }
    domains
}
