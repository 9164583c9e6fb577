//! What an order's lines and totals add up to. Exact: nothing is rounded but a line's unit price that does not divide.

use crate::domain::activity::event::LineItem;
use crate::domain::value::Currency;
use crate::domain::value::money::line_total;
use crate::files::columns::Columns;
use crate::files::numbers::{Numbers, currency_of, micros, milli};
use crate::files::records::Record;
use crate::files::row::in_field;

/// The amounts that one line holds, in micros; the quantity in thousandths.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Amounts {
    quantity: Option<i64>,
    unit_price: Option<i64>,
    line_amount: Option<i64>,
    amount: Option<i64>,
    discount: Option<i64>,
    shipping: Option<i64>,
    tax: Option<i64>,
    refunded: Option<i64>,
}

impl Amounts {
    /// Reads the amounts of a record, which are in this currency, if it is known.
    pub(super) fn read(
        columns: &Columns,
        record: &Record,
        numbers: &Numbers,
        currency: Option<Currency>,
    ) -> Result<Self, String> {
        let money = |field| match columns.value(field, &record.fields) {
            Some(text) => {
                if let (Some(named), Some(currency)) = (currency_of(text), currency)
                    && named != currency
                {
                    return Err(format!("{field} is in {named}, but the order is in {currency}"));
                }
                in_field(field, micros(text, numbers.mark(field))).map(Some)
            }
            None => Ok(None),
        };
        let needs = |field| columns.index(field).is_some() && columns.value(field, &record.fields).is_none();
        // A line without a total is an item; without a price, it would be an item for nothing.
        let is_item = columns.value("amount", &record.fields).is_none();
        for field in ["quantity", "unit_price"] {
            if is_item && needs(field) && columns.value("line_amount", &record.fields).is_none() {
                return Err(format!("{field} is blank"));
            }
        }
        let quantity = columns.value("quantity", &record.fields);
        Ok(Self {
            quantity: quantity.map(|text| in_field("quantity", milli(text, numbers.mark("quantity")))).transpose()?,
            unit_price: money("unit_price")?,
            line_amount: money("line_amount")?,
            amount: money("amount")?,
            discount: money("discount")?,
            shipping: money("shipping")?,
            tax: money("tax")?,
            refunded: money("refunded")?,
        })
    }

    /// The line's item: an article without a code goes by its description.
    pub(super) fn item(&self, sku: Option<&str>, description: Option<&str>) -> Result<Option<LineItem>, String> {
        if self.unit_price.is_none() && self.line_amount.is_none() {
            return Ok(None);
        }
        let quantity_milli = self.quantity.unwrap_or(1_000);
        let unit_price_micros = match (self.unit_price, self.line_amount) {
            (Some(price), _) => price,
            (None, Some(amount)) => {
                divided(amount, quantity_milli).ok_or("quantity is 0, and the line has an amount")?
            }
            (None, None) => return Ok(None),
        };
        Ok(Some(LineItem {
            sku: sku.or(description).ok_or("sku and description are blank")?.chars().take(200).collect(),
            description: description.map(|text| text.chars().take(200).collect()),
            quantity_milli,
            unit_price_micros,
        }))
    }

    /// What the line comes to.
    fn line(&self) -> Option<i64> {
        self.line_amount.or_else(|| line_total(self.quantity.unwrap_or(1_000), self.unit_price?))
    }
}

/// The nearest micro.
fn divided(amount: i64, quantity_milli: i64) -> Option<i64> {
    if quantity_milli == 0 {
        return (amount == 0).then_some(0);
    }
    let (amount, quantity) = (i128::from(amount) * 1_000, i128::from(quantity_milli));
    let half = quantity.abs() / 2;
    let rounded = if (amount < 0) == (quantity < 0) { amount.abs() + half } else { -(amount.abs() + half) };
    i64::try_from(rounded / quantity.abs()).ok()
}

/// The totals of an order, as its lines come in. Each total stands on one line, or on every line alike.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Totals {
    lines: Vec<Amounts>,
}

impl Totals {
    /// Takes a line's amounts.
    pub(super) fn add(&mut self, line: Amounts) -> Result<(), String> {
        self.lines.push(line);
        Ok(())
    }

    fn once(&self, name: &str, of: impl Fn(&Amounts) -> Option<i64>) -> Result<Option<i64>, String> {
        let mut found = None;
        for value in self.lines.iter().filter_map(of) {
            match found {
                Some(first) if first != value => {
                    return Err(format!(
                        "the lines of the order have several values of {name}; map it as line_amount if it is the line's own"
                    ));
                }
                _ => found = Some(value),
            }
        }
        Ok(found)
    }

    /// The order's amount: its total less what was refunded; without a total, its lines less the discount, with shipping
    /// and tax.
    pub(super) fn amount(&self, items: &[LineItem]) -> Result<i64, String> {
        let refunded = self.once("refunded", |line| line.refunded)?.unwrap_or(0);
        let total = match self.total()? {
            Some(total) => Some(total),
            None => {
                let lines = self.lines.iter().filter_map(Amounts::line);
                let sum = lines.into_iter().try_fold(0_i64, i64::checked_add);
                let discount = self.once("discount", |line| line.discount)?.unwrap_or(0);
                let shipping = self.once("shipping", |line| line.shipping)?.unwrap_or(0);
                let tax = self.once("tax", |line| line.tax)?.unwrap_or(0);
                if items.is_empty() {
                    return Err("amount is blank".to_owned());
                }
                // Some systems write a discount as a negative number.
                sum.and_then(|sum| sum.checked_sub(discount.abs())?.checked_add(shipping)?.checked_add(tax))
            }
        };
        total.and_then(|total| total.checked_sub(refunded.abs())).ok_or_else(|| "amount is too large".to_owned())
    }

    /// The total that the lines name. Where every line has one and it is the line's own price, it is the lines' sum.
    fn total(&self) -> Result<Option<i64>, String> {
        let given = self.lines.iter().filter(|line| line.amount.is_some()).count();
        let is_own = |line: &Amounts| line.amount.is_some() && line.line() == line.amount;
        if given == self.lines.len() && given > 1 && self.lines.iter().all(is_own) {
            let sum = self.lines.iter().try_fold(0_i64, |sum, line| sum.checked_add(line.amount?));
            return sum.map(Some).ok_or_else(|| "amount is too large".to_owned());
        }
        self.once("amount", |line| line.amount)
    }

    /// The totals that the order's amount does not show, by name.
    pub(super) fn named(&self) -> Vec<(&'static str, i64)> {
        let value = |name: &'static str, of: fn(&Amounts) -> Option<i64>| {
            self.once(name, of).ok().flatten().filter(|value| *value != 0).map(|value| (name, value))
        };
        [
            value("discount", |line| line.discount),
            value("shipping", |line| line.shipping),
            value("tax", |line| line.tax),
            value("refunded", |line| line.refunded),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}
