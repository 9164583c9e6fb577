//! Order lines, grouped into orders by their number. Pure.
//!
//! The lines of one order need not stand together. The file is read twice: the first pass notes where each order ends,
//! so that the second one holds only the orders that are open, and gives each away with its last line.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, RandomState};

use chrono::{DateTime, Utc};

use crate::domain::activity::event::LineItem;
use crate::domain::import::decide::OrderRow;
use crate::domain::import::event::ImportKind;
use crate::domain::value::Currency;
use crate::files::columns::{Columns, REFUSED};
use crate::files::records::Record;
use crate::files::row::{HeaderError, Parsed, RawLine, RefusedLine, RowReader, Settings, in_field};
use crate::files::values::{external_id, micros, milli};

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

/// The number of the order that a record belongs to, as far as it can be told; also of a malformed record, because an
/// order is imported with all its lines or not at all.
#[must_use]
pub fn reference<'r>(columns: &Columns, record: &'r Record) -> Option<&'r str> {
    record.fields.get(columns.index("order")?).and_then(|text| external_id(text))
}

struct OrderLine {
    item: LineItem,
    at: DateTime<Utc>,
    customer: Option<String>,
    currency: Currency,
    status: Option<String>,
    country: Option<String>,
}

struct OpenOrder {
    first: Option<OrderLine>,
    items: Vec<LineItem>,
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
        for field in ["order", "at", "sku", "quantity", "unit_price"] {
            columns.required(ImportKind::Orders, field)?;
        }
        if !settings.anonymous {
            columns.required(ImportKind::Orders, "customer")?;
        }
        if settings.currency.is_none() && columns.index("currency").is_none() {
            let what = "no column holds the currency of the prices";
            return Err(HeaderError::Incomplete { what, advice: "give it, for instance with --currency EUR" });
        }
        Ok(Self { columns, settings, ends, open: HashMap::new(), open_lines: 0 })
    }

    fn parse(&self, record: &Record) -> Result<OrderLine, String> {
        if let Some(reason) = &record.malformed {
            return Err(reason.clone());
        }
        let values = &record.fields;
        let text = |field| self.columns.value(field, values);
        let needed = |field| text(field).ok_or_else(|| format!("{field} is blank"));
        let mark = self.settings.decimal_mark;
        let currency = match text("currency") {
            Some(code) => in_field("currency", code.trim().parse::<Currency>().map_err(|error| error.reason))?,
            None => self.settings.currency.ok_or("currency is blank")?,
        };
        Ok(OrderLine {
            item: LineItem {
                sku: needed("sku")?.trim().to_owned(),
                description: text("description").map(str::to_owned),
                quantity_milli: in_field("quantity", milli(needed("quantity")?, mark))?,
                unit_price_micros: in_field("unit_price", micros(needed("unit_price")?, mark))?,
            },
            at: in_field("at", self.settings.times.read(needed("at")?))?,
            customer: text("customer").and_then(external_id).map(str::to_owned),
            currency,
            status: text("status").map(|status| status.trim().to_owned()),
            country: text("territory").map(|country| country.trim().to_owned()),
        })
    }

    fn add(&mut self, reference: &str, record: Record) {
        let parsed = self.parse(&record);
        let order = self.open.entry(reference.to_owned()).or_insert_with(|| OpenOrder {
            first: None,
            items: Vec::new(),
            raw: Vec::new(),
            refused: None,
        });
        let line = record.line;
        order.raw.push(record.into());
        self.open_lines += 1;
        let added = parsed.and_then(|parsed| order.add(parsed));
        if let Err(reason) = added {
            order.refused.get_or_insert((line, reason));
        }
    }

    fn close(&mut self, reference: &str) -> Option<Parsed<OrderRow>> {
        let order = self.open.remove(reference)?;
        self.open_lines -= order.raw.len();
        if let Some((line, reason)) = order.refused {
            return Some(Parsed::Refused(refuse_all(order.raw, line, &reason)));
        }
        let (first, raw) = (order.first?, order.raw);
        if first.customer.is_none() && !self.settings.anonymous {
            return Some(Parsed::Refused(refuse_each(raw, NO_CUSTOMER)));
        }
        let attributes = self.attributes(&raw);
        let row = OrderRow {
            line: raw[0].number,
            file_lines: raw.len() as u64,
            customer: first.customer,
            reference: reference.to_owned(),
            occurred_at: first.at,
            currency: first.currency.to_string(),
            amount_micros: None,
            status: first.status,
            lines: order.items,
            attributes,
            customer_attributes: first
                .country
                .map(|country| ("country".to_owned(), country.into()))
                .into_iter()
                .collect(),
        };
        Some(Parsed::Row(row, raw))
    }

    fn attributes(&self, raw: &[RawLine]) -> BTreeMap<String, serde_json::Value> {
        self.columns.attributes(&raw[0].fields).map(|(name, value)| (name.to_owned(), value.into())).collect()
    }
}

impl OpenOrder {
    /// The order was placed at the earliest of its lines' times. It has one customer and one currency.
    fn add(&mut self, line: OrderLine) -> Result<(), String> {
        self.items.push(line.item.clone());
        let Some(first) = &mut self.first else {
            self.first = Some(line);
            return Ok(());
        };
        first.at = first.at.min(line.at);
        first.country = first.country.take().or(line.country);
        first.status = first.status.take().or(line.status);
        match (&first.customer, line.customer) {
            (Some(one), Some(other)) if *one != other => return Err("the order names two customers".to_owned()),
            (None, Some(other)) => first.customer = Some(other),
            _ => {}
        }
        if first.currency == line.currency { Ok(()) } else { Err("the order has two currencies".to_owned()) }
    }
}

impl RowReader for OrderReader {
    type Row = OrderRow;

    fn columns(&self) -> &Columns {
        &self.columns
    }

    fn push(&mut self, record: Record) -> Result<Option<Parsed<OrderRow>>, String> {
        let Some(reference) = reference(&self.columns, &record).map(str::to_owned) else {
            let reason = record.malformed.clone().unwrap_or_else(|| "order is blank".to_owned());
            return Ok(Some(Parsed::Refused(refuse_each(vec![record.into()], &reason))));
        };
        let line = record.line;
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

/// What a file is known by: the columns of the UCI Online Retail data set, whose prices are in pounds and whose times
/// are London's.
#[must_use]
pub fn is_online_retail(header: &[String]) -> bool {
    let known =
        ["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country"];
    // A file of refused lines has two columns more.
    let own = |name: &&str| !name.is_empty() && !REFUSED.contains(name);
    header.iter().map(|name| name.trim()).filter(own).eq(known)
}

#[cfg(test)]
mod tests;
