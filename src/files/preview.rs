//! Rows as they are understood, for people who look at them before anything is imported.

use crate::domain::customer::decide::AddressInput;
use crate::domain::import::decide::{ConsentRow, CustomerRow, MessageRow, OrderRow, OutcomeKind, ResultRow};
use crate::domain::value::money::decimal;

/// A row that can be shown.
pub trait Preview {
    /// The row in one line: each field with its meaning.
    fn preview(&self) -> String;
}

/// Longer values are cut.
const LONGEST: usize = 60;

struct Line(Vec<String>);

impl Line {
    fn new(line: u64) -> Self {
        Self(vec![format!("line {line}")])
    }

    fn add(&mut self, field: &str, value: Option<impl AsRef<str>>) {
        let Some(value) = value else { return };
        let shown: String =
            value.as_ref().chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
        let cut: String = shown.chars().take(LONGEST).collect();
        let dots = if cut.len() < shown.len() { "…" } else { "" };
        self.0.push(format!("{field} {cut}{dots}"));
    }

    fn addresses(&mut self, addresses: &[AddressInput]) {
        addresses.iter().for_each(|address| self.add(address.kind.word(), Some(&address.address)));
    }

    fn consents(&mut self, consents: &[ConsentRow]) {
        for consent in consents {
            let topic = if consent.topic == "all" { String::new() } else { format!(" ({})", consent.topic) };
            let since =
                consent.said_at.map_or_else(String::new, |at| format!(" since {}", at.format("%Y-%m-%d %H:%MZ")));
            let what = format!("{}{topic} {}{since}", consent.channel.word(), consent.state.word());
            self.add("consent", Some(what));
        }
    }

    fn text(self) -> String {
        self.0.join(" · ")
    }
}

impl Preview for CustomerRow {
    fn preview(&self) -> String {
        let mut line = Line::new(self.line);
        let profile = &self.profile;
        for (field, value) in [
            ("id", &profile.external_id),
            ("name", &profile.name),
            ("territory", &profile.territory),
            ("account type", &profile.account_type),
            ("priority", &profile.priority),
            ("owner", &profile.owner),
            ("industry", &profile.industry),
            ("locale", &profile.locale),
            ("time zone", &profile.time_zone),
            ("preferred hours", &profile.preferred_hours),
        ] {
            line.add(field, value.as_ref());
        }
        line.addresses(&self.addresses);
        line.consents(&self.consents);
        line.add("tags", (!profile.tags.is_empty()).then(|| profile.tags.join(", ")));
        for (name, value) in &profile.attributes {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            line.add(&format!("attribute {name}"), Some(value));
        }
        line.text()
    }
}

impl Preview for OrderRow {
    fn preview(&self) -> String {
        let mut line = Line::new(self.line);
        line.add("order", Some(&self.reference));
        line.add("customer", self.customer.as_ref());
        line.addresses(&self.addresses);
        line.add("at", Some(self.occurred_at.format("%Y-%m-%d %H:%M:%SZ").to_string()));
        line.add("amount", self.amount_micros.map(|micros| format!("{} {}", decimal(micros.into(), 2), self.currency)));
        line.add("status", self.status.as_ref());
        let items = self.lines.iter().map(|item| item.sku.as_str()).collect::<Vec<_>>();
        line.add("items", (!items.is_empty()).then(|| items.join(", ")));
        line.consents(&self.consents);
        line.text()
    }
}

impl Preview for MessageRow {
    fn preview(&self) -> String {
        let mut line = Line::new(self.line);
        line.add("id", self.reference.as_ref());
        line.add("customer", self.customer.as_ref());
        line.add("channel", Some(self.channel.word()));
        line.add("from", self.from.as_ref());
        line.add("to", self.to.as_ref());
        line.add("at", self.occurred_at.map(|at| at.format("%Y-%m-%d %H:%M:%SZ").to_string()));
        line.add("subject", self.subject.as_ref());
        line.add("text", Some(&self.body));
        line.text()
    }
}

impl Preview for ResultRow {
    fn preview(&self) -> String {
        let mut line = Line::new(self.line);
        line.add("customer", self.customer.as_ref());
        line.addresses(&self.addresses);
        match &self.variant {
            Some(variant) => line.add("variant", Some(variant)),
            None => line.add("held", Some("out")),
        }
        for outcome in &self.outcomes {
            match &outcome.kind {
                OutcomeKind::Activity { name, .. } => line.add("activity", Some(name)),
                OutcomeKind::Order { amount_micros, currency } => {
                    line.add("spend", Some(format!("{} {currency}", decimal((*amount_micros).into(), 2))));
                }
            }
            line.add("at", outcome.occurred_at.map(|at| at.format("%Y-%m-%d %H:%M:%SZ").to_string()));
        }
        line.consents(&self.consents);
        line.text()
    }
}
