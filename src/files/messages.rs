//! Messages that customers wrote, one a line. Pure.
//!
//! Logs hold both directions. What you sent is not put in the customer's mouth: such lines are refused as what they are.

use crate::domain::import::decide::MessageRow;
use crate::domain::import::event::ImportKind;
use crate::domain::value::Channel;
use crate::domain::value::address::Address;
use crate::files::columns::Columns;
use crate::files::fields::plain;
use crate::files::records::Record;
use crate::files::row::{HeaderError, Parsed, RefusedLine, RowReader, Settings, in_field};
use crate::files::values::{self, Id};

/// Why messages without a customer are refused unless `--anonymous` is given.
pub const NO_CUSTOMER: &str = "the message names neither a customer nor an address that it came from (--anonymous \
                               imports it for the tenant's anonymous customer)";

/// Why a message that the tenant sent is refused.
pub const SENT_BY_YOU: &str = "you sent this message: only what customers wrote is imported";

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
        if !settings.anonymous && columns.index("customer").is_none() && columns.index("from").is_none() {
            return Err(HeaderError::Incomplete {
                what: "no column shows who wrote the messages",
                advice: "name it with --map COLUMN=customer (an id) or --map COLUMN=from (an address), or give \
                         --anonymous to import them for the tenant's anonymous customer",
            });
        }
        Ok(Self { columns, settings })
    }

    /// The channel of messages that name none.
    #[must_use]
    pub fn assumed_channel(&self) -> Option<Channel> {
        self.settings.channel
    }

    fn parse(&self, record: &Record) -> Result<MessageRow, String> {
        if let Some(reason) = &record.malformed {
            return Err(reason.clone());
        }
        let text = |field| self.columns.value(field, &record.fields);
        let trimmed = |field| text(field).map(|value| value.trim().to_owned());
        let id = |field| match self.columns.text(field, &record.fields) {
            Some(text) => in_field(field, Id::read(text).given()).map(|id| id.map(str::to_owned)),
            None => Ok(None),
        };
        if self.is_ours(record)? {
            return Err(SENT_BY_YOU.to_owned());
        }
        let from = trimmed("from");
        let prefixed = from.as_deref().and_then(|from| from.split_once(':')).map(|(prefix, _)| prefix);
        let is_whatsapp = prefixed.is_some_and(|prefix| prefix.eq_ignore_ascii_case("whatsapp"));
        let channel = match text("channel") {
            Some(word) => in_field(
                "channel",
                word.trim().to_lowercase().parse().map_err(|error: crate::domain::value::InvalidValue| error.reason),
            )?,
            None if is_whatsapp => Channel::Whatsapp,
            None => self.settings.channel.ok_or("channel is blank")?,
        };
        let from = from.map(|from| self.sender(channel, &from, record));
        let customer = id("customer")?;
        if customer.is_none() && from.is_none() && !self.settings.anonymous {
            return Err(NO_CUSTOMER.to_owned());
        }
        Ok(MessageRow {
            line: record.line,
            customer,
            reference: id("id")?,
            channel,
            from,
            to: trimmed("to"),
            occurred_at: text("at").map(|time| in_field("at", self.settings.times.read(time))).transpose()?,
            subject: text("subject").map(str::to_owned),
            body: self.columns.text("body", &record.fields).ok_or("body is blank")?.to_owned(),
        })
    }

    /// A sender's number with its country code, as far as it has one: a short code or a name is a sender too.
    fn sender(&self, channel: Channel, from: &str, record: &Record) -> String {
        let bare = ["whatsapp:", "sms:", "tel:"].into_iter().find_map(|prefix| {
            let start = from.get(..prefix.len())?;
            start.eq_ignore_ascii_case(prefix).then(|| &from[prefix.len()..])
        });
        let from = bare.unwrap_or(from).trim();
        let own = self.columns.value("country", &record.fields).and_then(values::region);
        match Address::parse(channel.address_kind(), from, own.or(self.settings.region.as_deref())) {
            Ok(number) if channel != Channel::Email => number.text().to_owned(),
            _ => from.to_owned(),
        }
    }

    /// True if the tenant sent the message. Words that do not say so are refused, but for those of a column that merely
    /// is called "type".
    fn is_ours(&self, record: &Record) -> Result<bool, String> {
        if let Some(text) = self.columns.value("from_me", &record.fields) {
            return match plain(text).as_str() {
                "yes" | "y" | "true" | "t" | "1" => Ok(true),
                "no" | "n" | "false" | "f" | "0" => Ok(false),
                _ => Err("from_me must be yes or no".to_owned()),
            };
        }
        let Some(index) = self.columns.index("direction") else { return Ok(false) };
        let Some(text) = self.columns.value("direction", &record.fields) else { return Ok(false) };
        match plain(text).as_str() {
            "inbound" | "incoming" | "received" | "in" | "inbox" | "receive" | "mo" | "fromcustomer" | "customer" => {
                Ok(false)
            }
            "outbound" | "outgoing" | "sent" | "out" | "send" | "outbox" | "draft" | "mt" | "agent" | "tocustomer" => {
                Ok(true)
            }
            word if word.starts_with("outbound") || word.starts_with("outgoing") || word.starts_with("sent") => {
                Ok(true)
            }
            word if word.starts_with("inbound") || word.starts_with("incoming") => Ok(false),
            _ if plain(self.columns.name(index)).contains("direction") => {
                Err("direction must be inbound or outbound (or received, sent)".to_owned())
            }
            "sms" | "mms" | "text" | "email" | "whatsapp" | "chat" | "image" | "audio" | "video" | "document" => {
                Ok(false)
            }
            _ => Err(format!(
                "{} must be inbound or outbound (or received, sent); leave it out with --map if it holds something else",
                self.columns.name(index)
            )),
        }
    }
}

impl RowReader for MessageReader {
    type Row = MessageRow;

    fn columns(&self) -> &Columns {
        &self.columns
    }

    fn push(&mut self, record: Record) -> Result<Option<Parsed<MessageRow>>, String> {
        Ok(Some(match self.parse(&record) {
            Ok(row) => Parsed::Row { row, raw: vec![record.into()], left_out: vec![] },
            Err(reason) => Parsed::Refused(vec![RefusedLine { raw: record.into(), reason }]),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::numbers::{DecimalMark, Numbers};
    use crate::files::presets;
    use crate::files::records::{Dialect, Encoding, Records};
    use crate::files::times::TimeReader;

    fn read(text: &str, dialect: Dialect, anonymous: bool) -> Result<Vec<Parsed<MessageRow>>, String> {
        let mut records = Records::new(text.as_bytes(), dialect, Encoding::Auto);
        let header = records.read().unwrap().unwrap();
        let columns = Columns::map(
            ImportKind::Messages,
            &header.fields,
            presets::detect(ImportKind::Messages, &header.fields),
            &[],
        )
        .unwrap();
        let settings = Settings {
            times: TimeReader::try_new(chrono_tz::UTC, None).unwrap(),
            numbers: Numbers::all(DecimalMark::Point),
            currency: None,
            channel: presets::detect(ImportKind::Messages, &header.fields).and_then(|preset| preset.channel),
            anonymous,
            number_rows: None,
            region: None,
            consents: vec![],
        };
        let mut reader = MessageReader::try_new(columns, settings).map_err(|error| error.to_string())?;
        Ok(std::iter::from_fn(|| records.read().unwrap()).filter_map(|record| reader.push(record).unwrap()).collect())
    }

    #[test]
    fn texts_are_kept_exactly() {
        let parsed = read("Label\tSMS\nham\t \"Ok\" lar...  \u{92}\n", Dialect::TSV, true).unwrap();
        let Parsed::Row { row, .. } = &parsed[0] else { panic!("refused") };
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
        let Parsed::Row { row, .. } = &parsed[0] else { panic!("refused") };
        assert_eq!(row.channel, Channel::Email);
        assert_eq!(row.occurred_at.unwrap().to_rfc3339(), "2026-01-02T03:04:00+00:00");
        let Parsed::Refused(lines) = &parsed[1] else { panic!("not refused") };
        assert!(lines[0].reason.starts_with("channel must be one of email sms"), "{}", lines[0].reason);
    }

    #[test]
    fn what_you_sent_is_not_put_in_the_customers_mouth() {
        let csv = Dialect { delimiter: b',', quoting: true };
        let log = "From,To,Body,Status,SentDate,Sid,Direction\n\
                   +12025550199,+14155552671,Reply STOP to end,delivered,2024-05-08T14:22:11Z,SM1,outbound-api\n\
                   +14155552671,+12025550199,STOP,received,2024-05-08T14:25:40Z,SM2,inbound\n\
                   whatsapp:+14155552671,+12025550199,None,received,2024-05-08T14:25:41Z,SM3,inbound\n\
                   +14155552671,+12025550199,x,received,2024-05-08T14:25:41Z,SM4,sideways\n";
        let parsed = read(log, csv, false).unwrap();
        assert!(matches!(&parsed[0], Parsed::Refused(lines) if lines[0].reason == SENT_BY_YOU));
        let Parsed::Row { row, .. } = &parsed[1] else { panic!("refused") };
        assert_eq!(
            (row.from.as_deref(), row.channel, row.reference.as_deref()),
            (Some("+14155552671"), Channel::Sms, Some("SM2"))
        );
        let Parsed::Row { row, .. } = &parsed[2] else { panic!("refused") };
        assert_eq!((row.channel, row.body.as_str()), (Channel::Whatsapp, "None"));
        assert!(matches!(&parsed[3], Parsed::Refused(lines) if lines[0].reason.starts_with("direction must be")));
        for (header, ours, theirs) in [("Type", "sent", "received"), ("is_from_me", "1", "0")] {
            let text = format!("sms,from,{header}\nhello,+14155552671,{ours}\nhello,+14155552671,{theirs}\n");
            let parsed = read(&text, csv, false).unwrap();
            assert!(matches!((&parsed[0], &parsed[1]), (Parsed::Refused(_), Parsed::Row { .. })), "{header}");
        }
    }

    #[test]
    fn ids_that_a_spreadsheet_rounded_are_refused() {
        let csv = Dialect { delimiter: b',', quoting: true };
        let parsed = read("sms,from,id\nfirst,+14155552671,5.12E+17\n", csv, false).unwrap();
        assert!(matches!(&parsed[0], Parsed::Refused(lines) if lines[0].reason.starts_with("id was rounded")));
    }
}
