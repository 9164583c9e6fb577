//! Inbound messages, one a line. Pure.

use crate::domain::import::decide::MessageRow;
use crate::domain::import::event::ImportKind;
use crate::domain::value::Channel;
use crate::files::columns::Columns;
use crate::files::records::Record;
use crate::files::row::{HeaderError, Parsed, RefusedLine, RowReader, Settings, in_field};
use crate::files::values::external_id;

/// Why messages without a customer are refused unless `--anonymous` is given. An address alone does not identify
/// one: several customers may share it.
pub const NO_CUSTOMER: &str =
    "the message names no customer (--anonymous imports it for the tenant's anonymous customer)";

/// Reads messages.
pub struct MessageReader {
    columns: Columns,
    settings: Settings,
}

impl MessageReader {
    /// Prepares for a file whose columns are mapped.
    pub fn try_new(columns: Columns, mut settings: Settings) -> Result<Self, HeaderError> {
        let body = columns.required(ImportKind::Messages, "body")?;
        let named_sms = columns.header()[body].eq_ignore_ascii_case("sms");
        settings.channel = settings.channel.or(named_sms.then_some(Channel::Sms));
        if settings.channel.is_none() && columns.index("channel").is_none() {
            return Err(HeaderError::Incomplete {
                what: "no column holds the channel of the messages",
                advice: "give it, for instance with --channel sms",
            });
        }
        if !settings.anonymous && columns.index("customer").is_none() {
            return Err(HeaderError::Incomplete {
                what: "no column shows who wrote the messages",
                advice: "name it with --map COLUMN=customer, or give --anonymous to import them for the tenant's \
                         anonymous customer",
            });
        }
        Ok(Self { columns, settings })
    }

    fn parse(&self, record: &Record) -> Result<MessageRow, String> {
        if let Some(reason) = &record.malformed {
            return Err(reason.clone());
        }
        let text = |field| self.columns.value(field, &record.fields);
        let trimmed = |field| text(field).map(|value| value.trim().to_owned());
        let channel = match text("channel") {
            Some(word) => in_field(
                "channel",
                word.trim().to_lowercase().parse().map_err(|error: crate::domain::value::InvalidValue| error.reason),
            )?,
            None => self.settings.channel.ok_or("channel is blank")?,
        };
        let customer = text("customer").and_then(external_id).map(str::to_owned);
        if customer.is_none() && !self.settings.anonymous {
            return Err(NO_CUSTOMER.to_owned());
        }
        Ok(MessageRow {
            line: record.line,
            customer,
            reference: trimmed("id"),
            channel,
            from: trimmed("from"),
            to: trimmed("to"),
            occurred_at: text("at").map(|time| in_field("at", self.settings.times.read(time))).transpose()?,
            subject: text("subject").map(str::to_owned),
            body: text("body").ok_or("body is blank")?.to_owned(),
        })
    }
}

impl RowReader for MessageReader {
    type Row = MessageRow;

    fn columns(&self) -> &Columns {
        &self.columns
    }

    fn push(&mut self, record: Record) -> Result<Option<Parsed<MessageRow>>, String> {
        Ok(Some(match self.parse(&record) {
            Ok(row) => Parsed::Row(row, vec![record.into()]),
            Err(reason) => Parsed::Refused(vec![RefusedLine { raw: record.into(), reason }]),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::records::{Dialect, Encoding, Records};
    use crate::files::values::{DecimalMark, TimeReader};

    fn read(text: &str, dialect: Dialect, anonymous: bool) -> Result<Vec<Parsed<MessageRow>>, String> {
        let mut records = Records::new(text.as_bytes(), dialect, Encoding::Auto);
        let header = records.read().unwrap().unwrap();
        let columns = Columns::map(ImportKind::Messages, &header.fields, &[]).unwrap();
        let settings = Settings {
            times: TimeReader { zone: chrono_tz::UTC, format: None },
            decimal_mark: DecimalMark::Point,
            currency: None,
            channel: None,
            anonymous,
            number_rows: None,
        };
        let mut reader = MessageReader::try_new(columns, settings).map_err(|error| error.to_string())?;
        Ok(std::iter::from_fn(|| records.read().unwrap()).filter_map(|record| reader.push(record).unwrap()).collect())
    }

    #[test]
    fn texts_are_kept_exactly() {
        let parsed = read("Label\tSMS\nham\t \"Ok\" lar...  \u{92}\n", Dialect::TSV, true).unwrap();
        let Parsed::Row(row, _) = &parsed[0] else { panic!("refused") };
        assert_eq!((row.body.as_str(), row.channel), (" \"Ok\" lar...  \u{92}", Channel::Sms));
        assert_eq!((row.occurred_at, &row.customer), (None, &None));
    }

    #[test]
    fn who_wrote_must_be_known_unless_it_may_be_anonymous() {
        assert!(read("SMS\nhello\n", Dialect::TSV, false).unwrap_err().contains("--anonymous"));
        let csv = Dialect { delimiter: b',', quoting: true };
        let parsed = read("sms,customer\nhello,\n", csv, false).unwrap();
        assert!(matches!(&parsed[0], Parsed::Refused(lines) if lines[0].reason == NO_CUSTOMER));
    }

    #[test]
    fn channel_and_time_come_from_columns() {
        let csv = Dialect { delimiter: b',', quoting: true };
        let parsed =
            read("text,customer,channel,sent_at\nhello,k1,Email,2026-01-02 03:04\nx,k1,fax,\n", csv, false).unwrap();
        let Parsed::Row(row, _) = &parsed[0] else { panic!("refused") };
        assert_eq!(row.channel, Channel::Email);
        assert_eq!(row.occurred_at.unwrap().to_rfc3339(), "2026-01-02T03:04:00+00:00");
        let Parsed::Refused(lines) = &parsed[1] else { panic!("not refused") };
        assert!(lines[0].reason.starts_with("channel must be one of email sms"), "{}", lines[0].reason);
    }
}
