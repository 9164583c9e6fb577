//! The values of variables: of the sender, of the customer, of the customer's orders, and of the template itself.
//!
//! Of values with the same name, the first counts: given for this message; of the field's own words (`customer_name`,
//! `last_order_date`, `territory`, `rep_name`) and the objects `customer` and `order`; the customer's attributes; the
//! template's variables. What nobody knows is not there, so that naming it is a mistake and not an empty place.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, Utc};
use liquid_core::model::{DateTime as Moment, KString, Object, Value};
use serde_json::Value as Json;

use crate::domain::customer::state::Customer;
use crate::domain::value::{AddressKind, money};

/// The newest orders that `customer.orders` holds at most.
pub const MAX_ORDERS: usize = 10;
/// The lines that an order holds at most.
pub const MAX_LINES: usize = 200;

/// All values for a rendering.
#[derive(Debug, Clone, Default)]
pub struct Values(Object);

/// What is known of a customer's business, for those variables that name it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Business {
    /// When the last order was placed.
    pub last_order_at: Option<DateTime<Utc>>,
    /// The newest orders, newest first.
    pub orders: Vec<Order>,
    /// The order that the message is about.
    pub order: Option<Order>,
}

/// An order, invoice or the like.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Order {
    /// Its number in the tenant's own system.
    pub number: Option<String>,
    /// In the tenant's own words.
    pub status: Option<String>,
    /// A line for people.
    pub title: Option<String>,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// When it is due.
    pub due_at: Option<DateTime<Utc>>,
    /// In micros of the currency.
    pub amount_micros: Option<i64>,
    /// ISO 4217.
    pub currency: Option<String>,
    /// Free attributes.
    pub attributes: BTreeMap<String, Json>,
    /// In order.
    pub lines: Vec<Line>,
}

/// A line of an order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Line {
    /// Article number.
    pub sku: String,
    /// The article's name.
    pub description: Option<String>,
    /// In thousandths.
    pub quantity_milli: i64,
    /// Of one, in micros.
    pub unit_price_micros: i64,
}

impl Values {
    /// Values that do not come from a customer: those given, then the template's.
    #[must_use]
    pub fn given(given: &BTreeMap<String, Json>, template: &BTreeMap<String, Json>) -> Self {
        let mut values = Self::default();
        values.add_all(given);
        values.add_all(template);
        values
    }

    /// All values of a message to a customer. `now` is when it is written.
    #[must_use]
    pub fn for_customer(
        given: &BTreeMap<String, Json>,
        customer: &Customer,
        business: &Business,
        template: &BTreeMap<String, Json>,
        now: DateTime<Utc>,
    ) -> Self {
        let mut values = Self::default();
        values.add_all(given);
        let (profile, personal) = (&customer.profile, &customer.personal);
        values.add("customer_name", text(personal.name.as_ref()));
        values.add("last_order_date", business.last_order_at.and_then(moment));
        values.add("territory", text(profile.territory.as_ref()));
        values.add("rep_name", text(profile.owner.as_ref()));
        values.add("now", moment(now));
        values.add("order", business.order.as_ref().map(order));
        values.add("customer", Some(Value::Object(about(customer, business))));
        values.add_all(&personal.attributes);
        values.add_all(template);
        values
    }

    /// The same with the moment at which the message is made.
    #[must_use]
    pub fn at(mut self, now: DateTime<Utc>) -> Self {
        self.add("now", moment(now));
        self
    }

    /// The same with another value, which stands before all others.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.0.insert(KString::from_static(name), Value::scalar(value.to_owned()));
        self
    }

    pub(super) fn object(&self) -> &Object {
        &self.0
    }

    fn add(&mut self, name: &'static str, value: Option<Value>) {
        if let Some(value) = value
            && !self.0.contains_key(name)
        {
            self.0.insert(KString::from_static(name), value);
        }
    }

    fn add_all(&mut self, more: &BTreeMap<String, Json>) {
        for (name, value) in more {
            if !self.0.contains_key(name.as_str())
                && let Some(value) = liquid(value)
            {
                self.0.insert(KString::from_ref(name), value);
            }
        }
    }
}

fn text(text: Option<&String>) -> Option<Value> {
    text.filter(|text| !text.trim().is_empty()).map(|text| Value::scalar(text.clone()))
}

/// A moment, to the second. Reading it out of a text would make a regular expression each time, which costs more than all the
/// rest of a message.
fn moment(at: DateTime<Utc>) -> Option<Value> {
    if !(1..=9999).contains(&at.year()) {
        return None;
    }
    let (mut moment, seconds) = (Moment::from_ymd(1970, 1, 1), at.timestamp());
    let span = std::time::Duration::from_secs(seconds.unsigned_abs());
    if seconds < 0 {
        *moment -= span;
    } else {
        *moment += span;
    }
    Some(Value::scalar(moment))
}

/// A JSON value; null is not there.
fn liquid(json: &Json) -> Option<Value> {
    Some(match json {
        Json::Null => return None,
        Json::Bool(truth) => Value::scalar(*truth),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Value::scalar(whole),
            (None, Some(real)) => Value::scalar(real),
            (None, None) => Value::scalar(number.to_string()),
        },
        Json::String(text) => Value::scalar(text.clone()),
        Json::Array(list) => Value::Array(list.iter().filter_map(liquid).collect()),
        Json::Object(fields) => Value::Object(
            fields.iter().filter_map(|(name, value)| Some((KString::from_ref(name), liquid(value)?))).collect(),
        ),
    })
}

/// An object of those fields that have a value.
fn object(fields: impl IntoIterator<Item = (&'static str, Option<Value>)>) -> Object {
    fields.into_iter().filter_map(|(name, value)| Some((KString::from_static(name), value?))).collect()
}

fn attributes(attributes: &BTreeMap<String, Json>) -> Value {
    Value::Object(
        attributes.iter().filter_map(|(name, value)| Some((KString::from_ref(name), liquid(value)?))).collect(),
    )
}

fn about(customer: &Customer, business: &Business) -> Object {
    let (profile, personal) = (&customer.profile, &customer.personal);
    let address = |kind: AddressKind| text(customer.primary(kind).and_then(|own| own.address.as_ref()));
    let tags = profile.tags.iter().map(|tag| Value::scalar(tag.clone())).collect();
    object([
        ("name", text(personal.name.as_ref())),
        ("external_id", text(personal.external_id.as_ref())),
        ("territory", text(profile.territory.as_ref())),
        ("account_type", text(profile.account_type.as_ref())),
        ("priority", text(profile.priority.as_ref())),
        ("owner", text(profile.owner.as_ref())),
        ("lead_score", profile.lead_score.map(Value::scalar)),
        ("industry", text(profile.industry.as_ref())),
        ("locale", text(profile.locale.as_ref())),
        ("time_zone", text(profile.time_zone.as_ref())),
        ("tags", Some(Value::Array(tags))),
        ("email", address(AddressKind::Email)),
        ("phone", address(AddressKind::Phone)),
        ("attributes", Some(attributes(&personal.attributes))),
        ("last_order_at", business.last_order_at.and_then(moment)),
        ("orders", Some(Value::Array(business.orders.iter().take(MAX_ORDERS).map(order).collect()))),
    ])
}

fn amount(micros: i64) -> Value {
    Value::scalar(money::decimal(i128::from(micros), 2))
}

fn order(order: &Order) -> Value {
    let line = |line: &Line| {
        let total = money::line_total(line.quantity_milli, line.unit_price_micros);
        Value::Object(object([
            ("sku", text(Some(&line.sku))),
            ("description", text(line.description.as_ref())),
            // Thousandths of a piece, as millionths are of a unit.
            (
                "quantity",
                Some(Value::scalar(
                    money::decimal(i128::from(line.quantity_milli) * 1_000, 0).trim_end_matches('.').to_owned(),
                )),
            ),
            ("unit_price", Some(amount(line.unit_price_micros))),
            ("total", total.map(amount)),
        ]))
    };
    Value::Object(object([
        ("number", text(order.number.as_ref())),
        ("reference", text(order.number.as_ref())),
        ("status", text(order.status.as_ref())),
        ("title", text(order.title.as_ref())),
        ("date", moment(order.at)),
        ("due_date", order.due_at.and_then(moment)),
        ("total", order.amount_micros.map(amount)),
        ("currency", text(order.currency.as_ref())),
        ("attributes", Some(attributes(&order.attributes))),
        ("lines", Some(Value::Array(order.lines.iter().take(MAX_LINES).map(line).collect()))),
    ]))
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;

    #[test]
    fn a_moment_is_that_which_liquid_would_read() {
        for text in ["1969-12-31 23:59:59 +0000", "1970-01-01 00:00:00 +0000", "2024-02-29 12:34:56 +0000"] {
            let at = DateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S %z").expect("a moment").to_utc();
            assert_eq!(moment(at), Moment::from_str(text).map(Value::scalar), "{text}");
        }
        let far = Utc.with_ymd_and_hms(20_000, 1, 1, 0, 0, 0).unwrap();
        assert_eq!(moment(far), None);
    }
}
