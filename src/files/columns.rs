//! Which column holds which field: found by its usual names, or named with `--map`.

use std::collections::BTreeMap;

use crate::domain::import::event::ImportKind;
use crate::files::values::filled;

/// The columns in front of a file's own in a file of refused lines.
pub const REFUSED: [&str; 2] = ["refused_line", "refused_reason"];

/// A field of an import: what people write after `=` in `--map column=field`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Field {
    /// The name, such as `unit_price`.
    pub name: &'static str,
    /// What it holds.
    pub meaning: &'static str,
    /// Column names that mean it, in lower case and without anything but letters and digits.
    names: &'static [&'static str],
}

const fn field(name: &'static str, meaning: &'static str, names: &'static [&'static str]) -> Field {
    Field { name, meaning, names }
}

const CUSTOMER: Field = field(
    "customer",
    "the customer's id in your system",
    &["customer", "customerid", "customerno", "customernumber", "externalid", "clientid", "accountid"],
);
const TERRITORY: Field = field("territory", "sales territory", &["territory", "country", "region", "zipcode"]);
const EMAIL: Field = field("email", "email address", &["email", "emailaddress", "mail"]);
const PHONE: Field = field(
    "phone",
    "phone number, best with its country code",
    &["phone", "phonenumber", "mobile", "mobilenumber", "telephone", "msisdn"],
);
const AT: Field = field(
    "at",
    "when it happened",
    &[
        "at",
        "date",
        "time",
        "datetime",
        "timestamp",
        "invoicedate",
        "orderdate",
        "occurredat",
        "createdat",
        "sentat",
        "receivedat",
    ],
);

const CUSTOMERS: &[Field] = &[
    CUSTOMER,
    field("name", "full name", &["name", "fullname", "customername", "company", "companyname"]),
    field("first_name", "first name, joined with last_name", &["firstname", "givenname", "forename"]),
    field("last_name", "last name", &["lastname", "surname", "familyname"]),
    EMAIL,
    PHONE,
    TERRITORY,
    field("account_type", "such as retail, wholesale", &["accounttype", "customertype"]),
    field("priority", "such as high, normal", &["priority", "accountpriority"]),
    field("owner", "who looks after the customer", &["owner", "accountowner", "salesrep", "agent"]),
    field("lead_score", "whole number", &["leadscore", "score"]),
    field("industry", "industry", &["industry", "sector", "branch"]),
    field("locale", "such as en-GB", &["locale", "language"]),
    field("time_zone", "such as Europe/London", &["timezone", "tz"]),
    field("tags", "separated by ; or ,", &["tags", "labels"]),
    field(
        "consent_email",
        "opted_in, opted_out or pending; yes or no",
        &["consentemail", "emailconsent", "emailoptin"],
    ),
    field("consent_sms", "opted_in, opted_out or pending; yes or no", &["consentsms", "smsconsent", "smsoptin"]),
    field("consent_whatsapp", "opted_in, opted_out or pending; yes or no", &["consentwhatsapp", "whatsappconsent"]),
];

const ORDERS: &[Field] = &[
    field(
        "order",
        "the order's or invoice's number",
        &["order", "orderid", "orderno", "ordernumber", "invoice", "invoiceno", "invoicenumber", "reference"],
    ),
    CUSTOMER,
    AT,
    field("sku", "the article's code", &["sku", "stockcode", "itemcode", "articleno", "productid", "productcode"]),
    field("description", "the article's description", &["description", "productname", "itemname", "article"]),
    field("quantity", "how many; negative for returns", &["quantity", "qty"]),
    field("unit_price", "price of one", &["unitprice", "price"]),
    field("currency", "ISO 4217 code", &["currency", "currencycode"]),
    field("status", "the order's status", &["status", "orderstatus"]),
    TERRITORY,
];

const MESSAGES: &[Field] = &[
    field("body", "the text", &["body", "text", "message", "sms", "content"]),
    CUSTOMER,
    field("from", "the address that it came from", &["from", "sender", "fromaddress", "fromnumber"]),
    field("to", "our address", &["to", "recipient", "toaddress", "tonumber"]),
    AT,
    field("subject", "the subject of an email", &["subject"]),
    field("channel", "email, sms, whatsapp, voice, push or in_app", &["channel"]),
    field("id", "the message's id in your system", &["id", "messageid", "messagesid"]),
];

/// The fields of a kind of import.
#[must_use]
pub const fn fields(kind: ImportKind) -> &'static [Field] {
    match kind {
        ImportKind::Customers => CUSTOMERS,
        ImportKind::Orders => ORDERS,
        ImportKind::Messages => MESSAGES,
    }
}

/// A header that cannot be mapped. Says which columns and fields there are.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MapError {
    /// `--map` names a column that the file does not have.
    #[error("the file has no column {column:?}; its columns are {columns}")]
    NoColumn {
        /// The name in `--map`.
        column: String,
        /// The header.
        columns: String,
    },
    /// `--map` names a field that this import does not have.
    #[error("{field:?} is not a field of this import; the fields are {fields}")]
    NoField {
        /// The name in `--map`.
        field: String,
        /// Those that exist.
        fields: String,
    },
    /// Two columns hold the same field.
    #[error("the columns {first:?} and {second:?} both hold the field {field}; choose one with --map {first}={field}")]
    Twice {
        /// The field.
        field: &'static str,
        /// A column.
        first: String,
        /// Another one.
        second: String,
    },
    /// Nothing can be imported without this field.
    #[error(
        "no column holds the field {field} ({meaning}); name it with --map COLUMN={field}; the columns are {columns}"
    )]
    Missing {
        /// The field.
        field: &'static str,
        /// What it holds.
        meaning: &'static str,
        /// The header.
        columns: String,
    },
}

/// What `--map COLUMN=FIELD` asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// The column's name.
    pub column: String,
    /// A field, `attribute.NAME`, or `-` to leave the column out.
    pub field: String,
}

/// A header whose columns have found their fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    header: Vec<String>,
    by_field: BTreeMap<&'static str, usize>,
    /// Columns that hold a free attribute, with its name.
    attributes: Vec<(usize, String)>,
    unused: Vec<usize>,
}

impl Columns {
    /// Maps a header: first as `--map` asks (`field`, `attribute.NAME`, or `-` for "leave it out"), then by the
    /// columns' names. Of customers, every other column becomes a free attribute.
    pub fn map(kind: ImportKind, header: &[String], mappings: &[Mapping]) -> Result<Self, MapError> {
        let header: Vec<String> = header.iter().map(|name| name.trim().to_owned()).collect();
        let fields = fields(kind);
        let mut columns =
            Self { by_field: BTreeMap::new(), attributes: Vec::new(), unused: Vec::new(), header: header.clone() };
        let mut decided = vec![false; header.len()];
        for Mapping { column, field: wish } in mappings {
            let index = header
                .iter()
                .position(|name| name == column)
                .or_else(|| header.iter().position(|name| plain(name) == plain(column)))
                .ok_or_else(|| MapError::NoColumn { column: column.clone(), columns: header.join(", ") })?;
            decided[index] = true;
            if wish == "-" {
                columns.unused.push(index);
            } else if let Some(name) = wish.strip_prefix("attribute.").filter(|name| !name.is_empty()) {
                columns.attributes.push((index, name.to_owned()));
            } else {
                let field = fields.iter().find(|field| field.name == wish).ok_or_else(|| MapError::NoField {
                    field: wish.clone(),
                    fields: fields.iter().map(|field| field.name).collect::<Vec<_>>().join(", "),
                })?;
                columns.assign(field, index)?;
            }
        }
        // In a file of orders, only what tells of the customer is a customer's attribute.
        let of_orders = |name: &str| ORDERS.iter().any(|field| field.names.contains(&name));
        let is_orders = ["order", "sku"].iter().all(|wanted| {
            let names = ORDERS.iter().find(|field| field.name == *wanted).map_or(&[][..], |field| field.names);
            header.iter().any(|name| names.contains(&plain(name).as_str()))
        });
        let wished: Vec<&str> = columns.by_field.keys().copied().collect();
        for (index, name) in header.iter().enumerate().filter(|(index, _)| !decided[*index]) {
            let found = fields.iter().find(|field| field.names.contains(&plain(name).as_str()));
            match found {
                Some(field) if !wished.contains(&field.name) => columns.assign(field, index)?,
                _ if is_orders && of_orders(&plain(name)) => columns.unused.push(index),
                _ if REFUSED.contains(&name.as_str()) => columns.unused.push(index),
                _ if kind == ImportKind::Customers && !name.is_empty() => {
                    columns.attributes.push((index, name.clone()))
                }
                _ => columns.unused.push(index),
            }
        }
        Ok(columns)
    }

    fn assign(&mut self, field: &Field, index: usize) -> Result<(), MapError> {
        match self.by_field.insert(field.name, index) {
            None => Ok(()),
            Some(first) => Err(MapError::Twice {
                field: field.name,
                first: self.header[first].clone(),
                second: self.header[index].clone(),
            }),
        }
    }

    /// The column of a field.
    #[must_use]
    pub fn index(&self, field: &str) -> Option<usize> {
        self.by_field.get(field).copied()
    }

    /// The column of a field without which nothing can be imported.
    pub fn required(&self, kind: ImportKind, name: &'static str) -> Result<usize, MapError> {
        let meaning = fields(kind).iter().find(|field| field.name == name).map_or("", |field| field.meaning);
        self.index(name).ok_or_else(|| MapError::Missing { field: name, meaning, columns: self.header.join(", ") })
    }

    /// The value of a field in a record, if there is such a column and it is not blank.
    #[must_use]
    pub fn value<'r>(&self, field: &str, values: &'r [String]) -> Option<&'r str> {
        values.get(self.index(field)?).and_then(|value| filled(value))
    }

    /// The free attributes of a record: column names and values that are not blank.
    pub fn attributes<'r>(&'r self, values: &'r [String]) -> impl Iterator<Item = (&'r str, &'r str)> {
        self.attributes
            .iter()
            .filter_map(|(index, name)| Some((name.as_str(), values.get(*index).and_then(|v| filled(v))?)))
    }

    /// The header's names.
    #[must_use]
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// One line for people: which column is read as what.
    #[must_use]
    pub fn describe(&self) -> String {
        let mut parts: Vec<(usize, String)> = self
            .by_field
            .iter()
            .map(|(field, &index)| (index, format!("{} → {field}", self.header[index])))
            .chain(
                self.attributes
                    .iter()
                    .map(|(index, name)| (*index, format!("{} → attribute.{name}", self.header[*index]))),
            )
            .chain(self.unused.iter().map(|&index| (index, format!("{} is left out", self.header[index]))))
            .collect();
        parts.sort();
        parts.into_iter().map(|(_, text)| text).collect::<Vec<_>>().join(", ")
    }
}

/// A column name without what people write differently: letters and digits in lower case.
fn plain(name: &str) -> String {
    name.chars().filter(|character| character.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(text: &str) -> Vec<String> {
        text.split(',').map(str::to_owned).collect()
    }

    fn wish(column: &str, field: &str) -> Mapping {
        Mapping { column: column.to_owned(), field: field.to_owned() }
    }

    #[test]
    fn usual_names_are_understood() {
        let online_retail = header("InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country");
        let columns = Columns::map(ImportKind::Orders, &online_retail, &[]).unwrap();
        assert_eq!(
            columns.describe(),
            "InvoiceNo → order, StockCode → sku, Description → description, Quantity → quantity, InvoiceDate → at, \
             UnitPrice → unit_price, CustomerID → customer, Country → territory"
        );
        let sms = Columns::map(ImportKind::Messages, &header("Label,SMS"), &[]).unwrap();
        assert_eq!(sms.describe(), "Label is left out, SMS → body");
    }

    #[test]
    fn other_columns_of_customers_become_attributes() {
        let columns = Columns::map(ImportKind::Customers, &header("e-mail,zip_code,spend"), &[]).unwrap();
        assert_eq!(columns.describe(), "e-mail → email, zip_code → territory, spend → attribute.spend");
        let row = header("a@b.c,,5");
        assert_eq!(columns.attributes(&row).collect::<Vec<_>>(), [("spend", "5")]);
        assert_eq!(columns.value("territory", &row), None);
    }

    #[test]
    fn customers_out_of_a_file_of_orders_do_not_get_the_orders_columns() {
        let columns = Columns::map(ImportKind::Customers, &header("InvoiceNo,StockCode,CustomerID,Country"), &[]);
        let expected = "InvoiceNo is left out, StockCode is left out, CustomerID → customer, Country → territory";
        assert_eq!(columns.unwrap().describe(), expected);
    }

    #[test]
    fn mappings_come_first() {
        let mappings = [wish("Ref", "order"), wish("Order", "attribute.internal"), wish("note", "-")];
        let columns = Columns::map(ImportKind::Orders, &header("Ref,Order,Note"), &mappings).unwrap();
        assert_eq!(columns.describe(), "Ref → order, Order → attribute.internal, Note is left out");
        let mappings = [wish("Customer Number", "customer")];
        let columns = Columns::map(ImportKind::Orders, &header("customer_id,customer_number"), &mappings).unwrap();
        assert_eq!(columns.describe(), "customer_id is left out, customer_number → customer");
    }

    #[test]
    fn what_cannot_be_mapped_is_explained() {
        let map = |text: &str, mappings: &[Mapping]| Columns::map(ImportKind::Orders, &header(text), mappings);
        let error = map("a,b", &[wish("c", "order")]).unwrap_err();
        assert_eq!(error.to_string(), "the file has no column \"c\"; its columns are a, b");
        assert!(map("a", &[wish("a", "colour")]).unwrap_err().to_string().starts_with("\"colour\" is not a field"));
        let error = map("Invoice,Order", &[]).unwrap_err().to_string();
        assert!(error.contains("both hold the field order; choose one with --map Invoice=order"), "{error}");
        let error = map("a,b", &[]).unwrap().required(ImportKind::Orders, "order").unwrap_err().to_string();
        assert!(error.starts_with("no column holds the field order (the order's or invoice's number)"), "{error}");
    }
}
