//! The results of a campaign of the past, a customer a line. Pure.

use crate::domain::import::decide::{OutcomeKind, ResultOutcome, ResultRow};
use crate::domain::import::event::ImportKind;
use crate::domain::value::Currency;
use crate::files::columns::Columns;
use crate::files::groups::{Groups, group};
use crate::files::numbers::{currency_of, micros};
use crate::files::records::Record;
use crate::files::row::{
    Addresses, HeaderError, LeftOut, Parsed, RefusedLine, RowReader, Settings, attributes, consents, in_field,
};
use crate::files::values::{Id, filled};

/// Reads the results of a campaign.
pub struct ResultReader {
    columns: Columns,
    settings: Settings,
    groups: Groups,
    variants: Vec<String>,
    hold_out: Option<String>,
}

impl ResultReader {
    /// Prepares for a file whose columns are mapped and whose groups are known; `hold_out` is the group that got nothing.
    pub fn try_new(
        columns: Columns,
        settings: Settings,
        groups: Groups,
        hold_out: Option<String>,
    ) -> Result<Self, HeaderError> {
        let arm = columns.required(ImportKind::CampaignResults, "arm")?;
        let hold_out = hold_out.map(|name| name.trim().to_owned());
        let variants = groups.variants(columns.name(arm), hold_out.as_deref())?;
        let identified = ["customer", "email", "phone"].iter().any(|field| columns.index(field).is_some());
        if !identified && settings.number_rows.is_none() {
            return Err(HeaderError::Incomplete {
                what: "no column identifies the customers: none holds the field customer, email or phone",
                advice: "name it with --id COLUMN, or number the lines with --number-rows PREFIX",
            });
        }
        if columns.index("spend").is_some() && columns.index("currency").is_none() && settings.currency.is_none() {
            let what = "no column holds the currency of what was spent";
            return Err(HeaderError::Incomplete { what, advice: "give it, for instance with --currency EUR" });
        }
        Ok(Self { columns, settings, groups, variants, hold_out })
    }

    /// The campaign's variants, by name.
    #[must_use]
    pub fn variants(&self) -> &[String] {
        &self.variants
    }

    fn parse(&self, record: &Record) -> Result<(ResultRow, Vec<LeftOut>), String> {
        if let Some(reason) = &record.malformed {
            return Err(reason.clone());
        }
        let name = group(&self.columns, record).ok_or("arm is blank: the line names no group")?;
        if let Some(reason) = self.groups.repeated(&self.columns, record) {
            return Err(reason);
        }
        let customer = match self.columns.text("customer", &record.fields) {
            Some(text) => in_field("customer", Id::read(text).given())?.map(str::to_owned),
            None => None,
        };
        let numbered = || self.settings.number_rows.as_ref().map(|prefix| format!("{prefix}-{}", record.line));
        let customer = customer.or_else(numbered);
        let addresses = Addresses::read(&self.columns, record, &self.settings)?;
        if customer.is_none() && addresses.good.is_empty() {
            let left_out = addresses.left_out.into_iter().next().map(|left_out| left_out.reason);
            return Err(left_out.unwrap_or_else(|| "the line has neither a customer id nor an address".to_owned()));
        }
        let row = ResultRow {
            line: record.line,
            customer,
            addresses: addresses.good,
            consents: consents(&self.columns, record, &self.settings)?,
            attributes: attributes(&self.columns, &record.fields),
            variant: (self.hold_out.as_deref() != Some(name)).then(|| name.to_owned()),
            outcomes: self.outcomes(record)?,
        };
        Ok((row, addresses.left_out))
    }

    /// What the customer did.
    fn outcomes(&self, record: &Record) -> Result<Vec<ResultOutcome>, String> {
        let time = |text: &str| self.settings.times.read(text);
        let at = self.columns.value("at", &record.fields).map(|text| in_field("at", time(text.trim()))).transpose()?;
        let mut outcomes = vec![];
        for (index, name) in self.columns.activities() {
            let cell = record.fields.get(*index).and_then(|cell| filled(cell)).map_or("", str::trim);
            let (times, own) = match (times(cell), time(cell)) {
                (Some(times), _) => (times, None),
                // When it was done shows that it was.
                (None, Ok(own)) => (1, Some(own)),
                (None, Err(_)) => {
                    let column = self.columns.name(*index);
                    return Err(format!("{column} is neither yes or no, nor a whole number, nor a time"));
                }
            };
            if times > 0 {
                let kind = OutcomeKind::Activity { name: name.clone(), times };
                outcomes.push(ResultOutcome { kind, occurred_at: own.or(at) });
            }
        }
        if let Some(text) = self.columns.value("spend", &record.fields) {
            let amount_micros = in_field("spend", micros(text, self.settings.numbers.mark("spend")))?;
            if amount_micros < 0 {
                return Err("spend is negative".to_owned());
            }
            if amount_micros > 0 {
                let currency = self.currency(record, text)?.to_string();
                let kind = OutcomeKind::Order { amount_micros, currency };
                outcomes.push(ResultOutcome { kind, occurred_at: at });
            }
        }
        Ok(outcomes)
    }

    fn currency(&self, record: &Record, spend: &str) -> Result<Currency, String> {
        let code = self.columns.value("currency", &record.fields).map(|code| code.trim().to_uppercase());
        let own = code.map(|code| in_field("currency", code.parse::<Currency>().map_err(|error| error.reason)));
        let currency = own.transpose()?.or(self.settings.currency).ok_or("currency is blank")?;
        match currency_of(spend).filter(|shown| *shown != currency) {
            Some(shown) => Err(format!("spend is in {shown}, not in {currency}")),
            None => Ok(currency),
        }
    }
}

/// How often something was done, as yes or no or as a number; [`None`] if the cell says neither.
fn times(cell: &str) -> Option<u64> {
    match cell.to_ascii_lowercase().as_str() {
        "" | "no" | "n" | "false" | "f" | "off" => Some(0),
        "yes" | "y" | "true" | "t" | "on" | "x" => Some(1),
        number => number.strip_suffix(".0").unwrap_or(number).parse().ok(),
    }
}

impl RowReader for ResultReader {
    type Row = ResultRow;

    fn columns(&self) -> &Columns {
        &self.columns
    }

    fn push(&mut self, record: Record) -> Result<Option<Parsed<ResultRow>>, String> {
        Ok(Some(match self.parse(&record) {
            Ok((row, left_out)) => Parsed::Row { row, raw: vec![record.into()], left_out },
            Err(reason) => Parsed::Refused(vec![RefusedLine { raw: record.into(), reason }]),
        }))
    }
}

#[cfg(test)]
mod tests;
