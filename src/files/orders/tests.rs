use super::*;
use crate::files::records::{Dialect, Encoding, Records};
use crate::files::values::{DecimalMark, TimeReader};

const HEADER: &str = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n";

fn settings(anonymous: bool) -> Settings {
    Settings {
        times: TimeReader { zone: chrono_tz::Europe::London, format: None },
        decimal_mark: DecimalMark::Point,
        currency: Some("GBP".parse().unwrap()),
        channel: None,
        anonymous,
        number_rows: None,
    }
}

fn records(text: &str) -> (Columns, Vec<Record>) {
    let mut records = Records::new(text.as_bytes(), Dialect { delimiter: b',', quoting: true }, Encoding::Auto);
    let header = records.read().unwrap().unwrap();
    let columns = Columns::map(ImportKind::Orders, &header.fields, &[]).unwrap();
    (columns, std::iter::from_fn(|| records.read().unwrap()).collect())
}

fn orders(body: &str, anonymous: bool) -> Vec<Parsed<OrderRow>> {
    let (columns, records) = records(&format!("{HEADER}{body}"));
    let mut ends = OrderEnds::default();
    for record in &records {
        if let Some(reference) = reference(&columns, record) {
            ends.note(reference, record.line);
        }
    }
    let mut reader = OrderReader::try_new(columns, settings(anonymous), ends).unwrap();
    let parsed = records.into_iter().filter_map(|record| reader.push(record).unwrap()).collect();
    assert_eq!(reader.open_lines, 0);
    parsed
}

fn row(parsed: &Parsed<OrderRow>) -> &OrderRow {
    match parsed {
        Parsed::Row(row, _) => row,
        Parsed::Refused(lines) => panic!("refused: {lines:?}"),
    }
}

fn reasons(parsed: &Parsed<OrderRow>) -> Vec<(u64, &str)> {
    match parsed {
        Parsed::Row(row, _) => panic!("not refused: {row:?}"),
        Parsed::Refused(lines) => lines.iter().map(|line| (line.raw.number, line.reason.as_str())).collect(),
    }
}

#[test]
fn lines_of_an_order_are_grouped_wherever_they_stand() {
    let orders = orders(
        "1,A,LAMP,2,2010-12-01 08:26:00,2.55,17850.0,United Kingdom\n\
         C2,B,,-1,2010-12-01 08:30:00,3.39,17851.0,France\n\
         1,C,\"LAMP, RED\",1,2010-12-01 08:25:00,0.001,17850.0,United Kingdom\n",
        false,
    );
    assert_eq!(orders.len(), 2);
    let (cancelled, order) = (row(&orders[0]), row(&orders[1]));
    assert_eq!((cancelled.reference.as_str(), cancelled.lines[0].quantity_milli), ("C2", -1_000));
    assert_eq!(cancelled.lines[0].description, None);
    assert_eq!((order.line, order.file_lines, order.customer.as_deref()), (2, 2, Some("17850")));
    assert_eq!(order.occurred_at.to_rfc3339(), "2010-12-01T08:25:00+00:00", "the earlier of two times");
    assert_eq!(order.lines[0].unit_price_micros, 2_550_000);
    assert_eq!(order.lines[1].unit_price_micros, 1_000);
    assert_eq!(order.customer_attributes["country"], "United Kingdom");
}

#[test]
fn orders_without_a_customer_are_refused_unless_they_may_be_anonymous() {
    let body = "1,A,LAMP,2,2010-12-01 08:26:00,2.55,,United Kingdom\n";
    assert_eq!(reasons(&orders(body, false)[0]), [(2, NO_CUSTOMER)]);
    assert_eq!(row(&orders(body, true)[0]).customer, None);
}

#[test]
fn an_order_is_taken_with_all_its_lines_or_not_at_all() {
    let orders = orders(
        "1,A,LAMP,2,2010-12-01 08:26:00,2.55,17850.0,United Kingdom\n\
         1,A,LAMP,two,2010-12-01 08:26:00,2.55,17850.0,United Kingdom\n\
         2,A,LAMP\n\
         2,A,LAMP,2,2010-12-01 08:26:00,2.55,17850.0,United Kingdom\n\
         ,A,LAMP,2,2010-12-01 08:26:00,2.55,17850.0,United Kingdom\n",
        false,
    );
    let reason = "quantity is not a decimal number such as -1234.56";
    assert_eq!(
        reasons(&orders[0]),
        [(2, format!("line 3 of the same order is refused: {reason}").as_str()), (3, reason)]
    );
    assert_eq!(reasons(&orders[1])[0], (4, "the line has 3 values; the header has 8"));
    assert_eq!(reasons(&orders[1]).len(), 2);
    assert_eq!(reasons(&orders[2]), [(6, "order is blank")]);
}

#[test]
fn an_order_has_one_customer() {
    let orders = orders(
        "1,A,LAMP,2,2010-12-01 08:26:00,2.55,,United Kingdom\n\
         1,A,LAMP,2,2010-12-01 08:26:00,2.55,17850.0,United Kingdom\n\
         2,A,LAMP,2,2010-12-01 08:26:00,2.55,17850.0,United Kingdom\n\
         2,A,LAMP,2,2010-12-01 08:26:00,2.55,17851.0,United Kingdom\n",
        false,
    );
    assert_eq!(row(&orders[0]).customer.as_deref(), Some("17850"));
    assert!(reasons(&orders[1])[1].1.contains("two customers"));
}

#[test]
fn the_currency_must_be_known() {
    let (columns, _) = records(HEADER);
    let mut settings = settings(false);
    settings.currency = None;
    let error = OrderReader::try_new(columns, settings, OrderEnds::default()).err().unwrap();
    assert!(error.to_string().ends_with("--currency EUR"), "{error}");
}

#[test]
fn the_real_file_is_recognised() {
    let header: Vec<String> = HEADER.trim().split(',').map(str::to_owned).collect();
    assert!(is_online_retail(&header));
    assert!(!is_online_retail(&header[1..]));
}
