//! Order lines, grouped into orders by their number. Pure.
//!
//! The lines of one order need not stand together. The file is read twice: the first pass notes where each order ends,
//! so that the second one holds only the orders that are open, and gives each away with its last line.
//!
//! Shops write currency, customer and totals on an order's first line only; what a line leaves blank, another line of
//! the order says. An order's amount is the shop's own total, less what was refunded; without a total it is the sum of
//! the lines, less the discount, with shipping and tax.

mod amounts;

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, RandomState};

use chrono::{DateTime, Utc};

use crate::domain::activity::event::LineItem;
use crate::domain::customer::decide::AddressInput;
use crate::domain::import::decide::{ConsentRow, OrderRow};
use crate::domain::import::event::ImportKind;
use crate::domain::value::Currency;
use crate::domain::value::money::decimal;
use crate::files::columns::Columns;
use crate::files::consent::strictest;
use crate::files::fields::plain;
use crate::files::records::Record;
use crate::files::row::{
    Addresses, HeaderError, LeftOut, Parsed, RawLine, RefusedLine, RowReader, Settings, attributes, consents, in_field,
};
use crate::files::values::Id;
use amounts::{Amounts, Totals};

/// How many lines of unfinished orders are held at most: about 100 MB of them.
const MAX_OPEN_LINES: usize = 250_000;

/// Why lines without a customer are refused unless `--anonymous` is given.
pub const NO_CUSTOMER: &str =
    "the order names no customer (--anonymous imports it for the tenant's anonymous customer)";

/// Where each order of a file ends. Orders are told apart by a hash; should two share one, both are held until the later
/// of their ends, which changes nothing else.
#[derive(Debug, Default)]
pub struct OrderEnds {
    hasher: RandomState,
    last_line: HashMap<u64, u64>,
}

impl OrderEnds {
    /// Notes that a line belongs to an order. Lines must come in the file's order.
    pub fn note(&mut self, reference: &str, line: u64) {
        self.last_line.insert(self.hasher.hash_one(reference), line);
    }

    fn is_last(&self, reference: &str, line: u64) -> bool {
        self.last_line.get(&self.hasher.hash_one(reference)).is_none_or(|&last| last <= line)
    }

    /// How many orders there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.last_line.len()
    }
}

/// The number of the order that a record belongs to, as far as it can be read; also of a malformed record, because an
/// order is imported with all its lines or not at all.
#[must_use]
pub fn reference<'r>(columns: &Columns, record: &'r Record) -> Option<&'r str> {
    match Id::read(record.fields.get(columns.index("order")?)?) {
        Id::Given(reference) => Some(reference),
        Id::Blank | Id::Rounded => None,
    }
}

/// What one line says.
struct OrderLine {
    item: Option<LineItem>,
    amounts: Amounts,
    at: Option<DateTime<Utc>>,
    customer: Option<String>,
    addresses: Addresses,
    consents: Vec<ConsentRow>,
    currency: Option<Currency>,
    status: Option<String>,
    country: Option<String>,
}

#[derive(Default)]
struct OpenOrder {
    at: Option<DateTime<Utc>>,
    customer: Option<String>,
    addresses: Vec<AddressInput>,
    left_out: Vec<LeftOut>,
    consents: Vec<ConsentRow>,
    currency: Option<Currency>,
    status: Option<String>,
    country: Option<String>,
    items: Vec<LineItem>,
    totals: Totals,
    raw: Vec<RawLine>,
    refused: Option<(u64, String)>,
}

/// Reads order lines.
pub struct OrderReader {
    columns: Columns,
    settings: Settings,
    ends: OrderEnds,
    open: HashMap<String, OpenOrder>,
    open_lines: usize,
}

impl OrderReader {
    /// Prepares for a file whose columns are mapped and whose orders' ends are known.
    pub fn try_new(columns: Columns, settings: Settings, ends: OrderEnds) -> Result<Self, HeaderError> {
        if columns.index("order").is_none() && settings.number_rows.is_none() {
            return Err(HeaderError::Incomplete {
                what: "no column holds the field order (the order's or invoice's number)",
                advice: "name it with --map COLUMN=order, or number the lines with --number-rows PREFIX: each line is then \
                         an order of its own",
            });
        }
        columns.required(ImportKind::Orders, "at")?;
        let has = |field| columns.index(field).is_some();
        if !has("amount") && !has("line_amount") {
            columns.required(ImportKind::Orders, "unit_price")?;
        }
        if !settings.anonymous && !has("customer") && !has("email") && !has("phone") {
            columns.required(ImportKind::Orders, "customer")?;
        }
        if settings.currency.is_none() && !has("currency") {
            let what = "no column holds the currency of the prices";
            return Err(HeaderError::Incomplete { what, advice: "give it, for instance with --currency EUR" });
        }
        Ok(Self { columns, settings, ends, open: HashMap::new(), open_lines: 0 })
    }

    fn parse(&self, record: &Record) -> Result<OrderLine, String> {
        if let Some(reason) = &record.malformed {
            return Err(reason.clone());
        }
        let text = |field| self.columns.value(field, &record.fields).map(str::trim);
        let currency = text("currency")
            .map(|code| in_field("currency", code.to_uppercase().parse::<Currency>().map_err(|error| error.reason)));
        let customer = match self.columns.text("customer", &record.fields) {
            Some(text) => in_field("customer", Id::read(text).given())?,
            None => None,
        };
        let currency = currency.transpose()?;
        let amounts =
            Amounts::read(&self.columns, record, &self.settings.numbers, currency.or(self.settings.currency))?;
        let status = text("status").map(str::to_owned);
        if status.as_deref().is_some_and(brought_nothing) {
            return Err("the payment failed or was cancelled: it brought nothing".to_owned());
        }
        Ok(OrderLine {
            item: amounts.item(text("sku"), text("description"))?,
            amounts,
            at: text("at").map(|at| in_field("at", self.settings.times.read(at))).transpose()?,
            customer: customer.map(str::to_owned),
            addresses: Addresses::read(&self.columns, record, &self.settings)?,
            consents: consents(&self.columns, record, &self.settings)?,
            currency,
            status,
            country: text("country").or_else(|| text("territory")).map(str::to_owned),
        })
    }

    fn add(&mut self, reference: &str, record: Record) {
        let parsed = self.parse(&record);
        let order = self.open.entry(reference.to_owned()).or_default();
        let line = record.line;
        order.raw.push(record.into());
        self.open_lines += 1;
        let added = parsed.and_then(|parsed| order.add(parsed));
        if let Err(reason) = added {
            order.refused.get_or_insert((line, reason));
        }
    }

    fn close(&mut self, reference: &str) -> Option<Parsed<OrderRow>> {
        let mut order = self.open.remove(reference)?;
        self.open_lines -= order.raw.len();
        if let Some((line, reason)) = order.refused {
            return Some(Parsed::Refused(refuse_all(order.raw, line, &reason)));
        }
        let currency = order.currency.or(self.settings.currency);
        let amount = order.totals.amount(&order.items);
        let (Some(at), Some(currency)) = (order.at, currency) else {
            let field = if order.at.is_none() { "at" } else { "currency" };
            return Some(Parsed::Refused(refuse_each(order.raw, &format!("{field} is blank"))));
        };
        let amount_micros = match amount {
            Ok(amount) => amount,
            Err(reason) => return Some(Parsed::Refused(refuse_each(order.raw, &reason))),
        };
        if order.customer.is_none() && order.addresses.is_empty() && !self.settings.anonymous {
            return Some(Parsed::Refused(refuse_each(order.raw, NO_CUSTOMER)));
        }
        order.consents.extend(self.settings.consents.iter().cloned());
        let row = OrderRow {
            line: order.raw[0].number,
            file_lines: order.raw.len() as u64,
            customer: order.customer,
            addresses: order.addresses,
            consents: strictest(order.consents),
            reference: reference.to_owned(),
            occurred_at: at,
            currency: currency.to_string(),
            amount_micros: Some(amount_micros),
            status: order.status,
            lines: order.items,
            attributes: self.attributes(&order.raw, &order.totals),
            customer_attributes: order
                .country
                .map(|country| ("country".to_owned(), country.into()))
                .into_iter()
                .collect(),
        };
        Some(Parsed::Row { row, raw: order.raw, left_out: order.left_out })
    }

    fn attributes(&self, raw: &[RawLine], totals: &Totals) -> BTreeMap<String, serde_json::Value> {
        let mut all = attributes(&self.columns, &raw[0].fields);
        for (name, micros) in totals.named() {
            all.entry(name.to_owned()).or_insert_with(|| decimal(micros.into(), 2).into());
        }
        all
    }
}

/// True for the states of payments that were never made.
fn brought_nothing(status: &str) -> bool {
    matches!(
        plain(status).as_str(),
        "failed" | "canceled" | "requirespaymentmethod" | "incomplete" | "incompleteexpired" | "blocked" | "uncaptured"
    )
}

impl OpenOrder {
    /// The order was placed at the earliest of its lines' times. It has one customer and one currency.
    fn add(&mut self, line: OrderLine) -> Result<(), String> {
        self.at = match (self.at, line.at) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        for address in line.addresses.good {
            if !self.addresses.contains(&address) {
                self.addresses.push(address);
            }
        }
        self.left_out.extend(line.addresses.left_out);
        self.consents.extend(line.consents);
        self.country = self.country.take().or(line.country);
        self.status = self.status.take().or(line.status);
        self.items.extend(line.item);
        self.totals.add(line.amounts)?;
        match (&self.customer, line.customer) {
            (Some(one), Some(other)) if *one != other => return Err("the order names two customers".to_owned()),
            (None, Some(other)) => self.customer = Some(other),
            _ => {}
        }
        match (self.currency, line.currency) {
            (Some(one), Some(other)) if one != other => return Err("the order has two currencies".to_owned()),
            (one, other) => self.currency = one.or(other),
        }
        Ok(())
    }
}

impl RowReader for OrderReader {
    type Row = OrderRow;

    fn columns(&self) -> &Columns {
        &self.columns
    }

    fn push(&mut self, record: Record) -> Result<Option<Parsed<OrderRow>>, String> {
        let line = record.line;
        if self.columns.index("order").is_none()
            && let Some(prefix) = &self.settings.number_rows
        {
            let reference = format!("{prefix}-{line}");
            self.add(&reference, record);
            return Ok(self.close(&reference));
        }
        let Some(reference) = reference(&self.columns, &record).map(str::to_owned) else {
            let rounded = self.columns.text("order", &record.fields).map(Id::read) == Some(Id::Rounded);
            let blank =
                if rounded { format!("order {}", crate::files::values::ROUNDED) } else { "order is blank".to_owned() };
            let reason = record.malformed.clone().unwrap_or(blank);
            return Ok(Some(Parsed::Refused(refuse_each(vec![record.into()], &reason))));
        };
        self.add(&reference, record);
        if self.ends.is_last(&reference, line) {
            return Ok(self.close(&reference));
        }
        if self.open_lines > MAX_OPEN_LINES {
            return Err(format!(
                "at line {line}, more than {MAX_OPEN_LINES} lines belong to orders that go on further down; sort the \
                 file by order number"
            ));
        }
        Ok(None)
    }
}

fn refuse_each(raw: Vec<RawLine>, reason: &str) -> Vec<RefusedLine> {
    raw.into_iter().map(|raw| RefusedLine { raw, reason: reason.to_owned() }).collect()
}

fn refuse_all(raw: Vec<RawLine>, line: u64, reason: &str) -> Vec<RefusedLine> {
    raw.into_iter()
        .map(|raw| {
            let own = raw.number == line;
            let reason =
                if own { reason.to_owned() } else { format!("line {line} of the same order is refused: {reason}") };
            RefusedLine { raw, reason }
        })
        .collect()
}

#[cfg(test)]
mod tests;
