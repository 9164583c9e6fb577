use super::*;
use crate::files::columns::Mapping;
use crate::files::numbers::{DecimalMark, Numbers};
use crate::files::records::{Dialect, Encoding, Records};
use crate::files::times::TimeReader;

const MAPPED: [(&str, &str); 5] =
    [("id", "customer"), ("arm", "arm"), ("visit", "activity.visit"), ("spend", "spend"), ("when", "at")];

fn read(text: &str, hold_out: Option<&str>) -> Result<Vec<Parsed<ResultRow>>, String> {
    let mut records = Records::new(text.as_bytes(), Dialect { delimiter: b',', quoting: true }, Encoding::Auto);
    let header = records.read().unwrap().unwrap();
    let mappings: Vec<_> = MAPPED
        .iter()
        .filter(|(column, _)| header.fields.iter().any(|name| name == column))
        .map(|(column, field)| Mapping { column: (*column).to_owned(), field: (*field).to_owned() })
        .collect();
    let columns = Columns::map(ImportKind::CampaignResults, &header.fields, None, &mappings);
    let columns = columns.map_err(|error| error.to_string())?;
    let records: Vec<Record> = std::iter::from_fn(|| records.read().unwrap()).collect();
    let mut groups = Groups::default();
    records.iter().for_each(|record| groups.note(&columns, record));
    groups.finish();
    let settings = Settings {
        times: TimeReader::try_new(chrono_tz::UTC, None).unwrap(),
        numbers: Numbers::all(DecimalMark::Point),
        currency: "USD".parse().ok(),
        channel: None,
        anonymous: false,
        number_rows: None,
        region: None,
        consents: vec![],
    };
    let reader = ResultReader::try_new(columns, settings, groups, hold_out.map(str::to_owned));
    let mut reader = reader.map_err(|error| error.to_string())?;
    Ok(records.into_iter().filter_map(|record| reader.push(record).unwrap()).collect())
}

/// Each line in short: its variant and outcomes, or why it was refused.
fn shown(text: &str, hold_out: Option<&str>) -> Vec<String> {
    let show = |parsed: &Parsed<ResultRow>| match parsed {
        Parsed::Refused(lines) => lines[0].reason.clone(),
        Parsed::Row { row, .. } => {
            let outcome = |outcome: &ResultOutcome| {
                let what = match &outcome.kind {
                    OutcomeKind::Activity { name, times } => format!("{name} x{times}"),
                    OutcomeKind::Order { amount_micros, currency } => format!("{amount_micros} {currency}"),
                };
                outcome.occurred_at.map_or(what.clone(), |at| format!("{what} at {}", at.format("%H:%M")))
            };
            let outcomes: Vec<_> = row.outcomes.iter().map(outcome).collect();
            format!("{}: {}", row.variant.as_deref().unwrap_or("-"), outcomes.join(", "))
        }
    };
    read(text, hold_out).unwrap().iter().map(show).collect()
}

#[test]
fn a_line_says_who_got_what_and_what_followed() {
    let text = "id,arm,visit,spend,when\n\
                1,blue,1,12.5,\n\
                2, blue ,no,0,\n\
                3,none,Yes,$0.000001,2024-03-20T10:00:00Z\n\
                4,none,3,,\n\
                5,none,2024-03-20T11:30:00Z,,\n";
    let expected = [
        "blue: visit x1, 12500000 USD",
        "blue: ",
        "-: visit x1 at 10:00, 1 USD at 10:00",
        "-: visit x3",
        "-: visit x1 at 11:30",
    ];
    assert_eq!(shown(text, Some("none")), expected);
}

#[test]
fn what_cannot_be_read_is_refused_with_its_column() {
    let text = "id,arm,visit,spend\n\
                1,blue,maybe,\n\
                2,blue,-1,\n\
                3,blue,1,-4.00\n\
                4,blue,1,twelve\n\
                5,,1,\n\
                ,blue,1,\n\
                5.15123E+10,red,1,\n\
                8,red,0,3.00 EUR\n\
                9,red,0,0.0000001\n";
    let said = shown(text, None);
    for (said, expected) in said.iter().zip([
        "visit is neither yes or no, nor a whole number, nor a time",
        "visit is neither yes or no, nor a whole number, nor a time",
        "spend is negative",
        "spend is not a decimal number such as -1234.56",
        "arm is blank: the line names no group",
        "the line has neither a customer id nor an address",
        "customer was rounded by a spreadsheet",
        "spend is in EUR, not in USD",
        "spend has more than 6 decimals",
    ]) {
        assert!(said.starts_with(expected), "{said} is not {expected}");
    }
}

#[test]
fn a_customer_in_two_groups_counts_in_none_and_one_named_twice_counts_once() {
    let text = "id,email,arm\n1,,blue\n2,,blue\n1,,red\n2,,blue\n3,a@example.org,red\n4,A@example.org,blue\n5,,red\n";
    let said = shown(text, None);
    let (both, mailbox) = (
        "the customer is in different groups in lines 2 and 4",
        "the customer is in different groups in lines 6 and 7",
    );
    assert_eq!(said, [both, "blue: ", both, "the customer is in line 3 already", mailbox, mailbox, "red: "]);
}

#[test]
fn groups_that_cannot_be_compared_stop_the_import() {
    let refusal = |text: &str, hold_out| read(text, hold_out).unwrap_err();
    assert!(
        refusal("id,arm\n1,blue\n2,blue\n", None).starts_with("the column \"arm\" has \"blue\": it takes at least")
    );
    assert!(refusal("id,arm\n1,none\n2,none\n", Some("none")).contains("it takes at least two groups"));
    assert!(refusal("id,arm\n", None).contains("has no values"));
    let no_hold_out = refusal("id,arm\n1,blue\n2,red\n", Some("No E-mail"));
    assert_eq!(no_hold_out, "no line has \"No E-mail\" in the column \"arm\", which has \"blue\", \"red\"");
    let many: String = (0..1_000).map(|number| format!("{number},group {number}\n")).collect();
    assert!(refusal(&format!("id,arm\n{many}"), Some("none")).contains("too many values for the groups"));
    assert!(refusal(&format!("id,arm\n1,blue\n2,{}\n", "x".repeat(41)), None).contains("more than 40 characters"));
    assert!(refusal("id,segment\n1,blue\n", None).contains("no column holds the field arm"));
    assert!(refusal("name,arm\n1,blue\n2,red\n", None).contains("no column identifies the customers"));
}
