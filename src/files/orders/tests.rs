use super::*;
use crate::domain::value::Channel;
use crate::files::numbers::{DecimalMark, Numbers};
use crate::files::presets;
use crate::files::records::{Dialect, Encoding, Records};
use crate::files::times::TimeReader;

const HEADER: &str = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n";

fn settings(anonymous: bool) -> Settings {
    Settings {
        times: TimeReader::try_new(chrono_tz::Europe::London, None).unwrap(),
        numbers: Numbers::all(DecimalMark::Point),
        currency: Some("GBP".parse().unwrap()),
        channel: None,
        anonymous,
        number_rows: None,
        region: None,
        consents: vec![],
    }
}

fn records(text: &str) -> (Columns, Vec<Record>) {
    let mut records = Records::new(text.as_bytes(), Dialect { delimiter: b',', quoting: true }, Encoding::Auto);
    let header = records.read().unwrap().unwrap();
    let columns =
        Columns::map(ImportKind::Orders, &header.fields, presets::detect(ImportKind::Orders, &header.fields), &[])
            .unwrap();
    (columns, std::iter::from_fn(|| records.read().unwrap()).collect())
}

fn orders(body: &str, anonymous: bool) -> Vec<Parsed<OrderRow>> {
    read(&format!("{HEADER}{body}"), settings(anonymous))
}

fn read(text: &str, settings: Settings) -> Vec<Parsed<OrderRow>> {
    let (columns, records) = records(text);
    let mut ends = OrderEnds::default();
    for record in &records {
        if let Some(reference) = reference(&columns, record) {
            ends.note(reference, record.line);
        }
    }
    let mut reader = OrderReader::try_new(columns, settings, ends).unwrap();
    let parsed = records.into_iter().filter_map(|record| reader.push(record).unwrap()).collect();
    assert_eq!(reader.open_lines, 0);
    parsed
}

fn row(parsed: &Parsed<OrderRow>) -> &OrderRow {
    match parsed {
        Parsed::Row { row, .. } => row,
        Parsed::Refused(lines) => panic!("refused: {lines:?}"),
    }
}

fn reasons(parsed: &Parsed<OrderRow>) -> Vec<(u64, &str)> {
    match parsed {
        Parsed::Row { row, .. } => panic!("not refused: {row:?}"),
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
fn orders_of_shopify_come_as_they_are() {
    let text = "Name,Email,Financial Status,Accepts Marketing,Currency,Subtotal,Shipping,Taxes,Total,Discount Amount,Created at,\
                Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku,Customer ID,Refunded Amount,Id\n\
                #1001,nora@x.example,paid,no,EUR,34.00,4.90,6.21,38.90,0.00,2025-02-09 10:00:12 +0100,2,Hand brush,12.00,BR-12,6001,0.00,77\n\
                #1001,nora@x.example,,,,,,,,,2025-02-09 10:00:12 +0100,1,Mortar pan,10.00,MP-10,,,\n\
                #1002,ilya@x.example,partially_refunded,yes,EUR,10.00,0.00,1.60,10.00,0.00,2025-02-10 23:29:58 +0100,1,Gift wrapping,10.00,,,2.50,78\n";
    let orders = read(text, Settings { currency: None, ..settings(false) });
    let (first, second) = (row(&orders[0]), row(&orders[1]));
    assert_eq!((first.reference.as_str(), first.customer.as_deref()), ("#1001", Some("6001")));
    assert_eq!((first.amount_micros, first.currency.as_str(), first.lines.len()), (Some(38_900_000), "EUR", 2));
    assert_eq!(first.occurred_at.to_rfc3339(), "2025-02-09T09:00:12+00:00");
    assert_eq!(first.addresses[0].address, "nora@x.example");
    assert_eq!(first.consents.iter().map(|row| row.channel).collect::<Vec<_>>(), [Channel::Email]);
    assert_eq!((second.amount_micros, second.lines[0].sku.as_str()), (Some(7_500_000), "Gift wrapping"));
    assert_eq!((second.customer.as_deref(), second.attributes["refunded"].as_str()), (None, Some("2.50")));
}

#[test]
fn payments_of_stripe_come_as_they_are() {
    let text = "id,Description,Created date (UTC),Amount,Amount Refunded,Currency,Fee,Status,Customer ID,Customer Email,Captured\n\
                ch_1,Subscription,2024-01-31 15:04,20.00,5.00,eur,0.55,Paid,cus_1,nora@x.example,true\n\
                ch_2,Subscription,2024-02-29 15:04,20.00,0.00,eur,0.00,Failed,cus_1,nora@x.example,false\n";
    let orders = read(text, Settings { currency: None, ..settings(false) });
    let first = row(&orders[0]);
    assert_eq!(
        (first.reference.as_str(), first.amount_micros, first.currency.as_str()),
        ("ch_1", Some(15_000_000), "EUR")
    );
    assert_eq!((first.customer.as_deref(), first.lines.len()), (Some("cus_1"), 0));
    assert_eq!(reasons(&orders[1]), [(3, "the payment failed or was cancelled: it brought nothing")]);
}

#[test]
fn orders_of_woocommerce_come_as_they_are() {
    let text = "Order Number,Order Status,Order Date,Email (Billing),Cart Discount Amount,Order Subtotal Amount,Order Shipping Amount,\
                Order Refund Amount,Order Total Amount,Order Total Tax Amount,SKU,Item #,Item Name,Quantity (- Refund),Item Cost\n\
                12,Completed,2024-01-31 15:04,nora@x.example,2.00,30.00,4.00,0,36.00,4.00,A-1,1,Brush,2,10.00\n\
                12,Completed,2024-01-31 15:04,nora@x.example,2.00,30.00,4.00,0,36.00,4.00,,2,Pan,1,10.00\n";
    let orders = read(text, settings(false));
    let first = row(&orders[0]);
    assert_eq!((first.amount_micros, first.lines.len(), first.lines[1].sku.as_str()), (Some(36_000_000), 2, "Pan"));
}

#[test]
fn amounts_of_lines_and_orders_are_told_apart() {
    let amount = |text: &str| row(&read(text, settings(true))[0]).amount_micros;
    // Each line's own.
    assert_eq!(
        amount("order,date,sku,quantity,price,total\n1,2024-01-01,A,2,5,10\n1,2024-01-01,B,1,5,5\n"),
        Some(15_000_000)
    );
    // The order's, on each line.
    assert_eq!(
        amount("order,date,sku,quantity,price,total\n1,2024-01-01,A,2,5,18\n1,2024-01-01,B,1,5,18\n"),
        Some(18_000_000)
    );
    // Without a unit price, exact though it does not divide.
    assert_eq!(amount("order,date,sku,quantity,line total\n1,2024-01-01,CD,3,10.00\n"), Some(10_000_000));
    // From the lines, with discount, shipping and tax.
    let text = "order,date,sku,quantity,price,discount amount,shipping,tax total\n1,2024-01-01,A,2,5,1,3,2\n1,2024-01-01,B,1,5,,,\n";
    assert_eq!(amount(text), Some(19_000_000));
    let several = "order,date,sku,quantity,price,total\n1,2024-01-01,A,2,5,18\n1,2024-01-01,B,1,5,19\n";
    assert!(reasons(&read(several, settings(true))[0])[0].1.contains("several values of amount"));
}

#[test]
fn lines_without_an_order_number_can_be_numbered() {
    let text = "customer,date,quantity,line total\n7,1997-01-01,3,10.00\n7,1997-01-02,1,12.00\n";
    let (columns, _) = records(text);
    let error = OrderReader::try_new(columns, settings(false), OrderEnds::default()).err().unwrap().to_string();
    assert!(error.contains("--number-rows"), "{error}");
    let text = "customer,date,sku,quantity,line total\n7,1997-01-01,CD,3,10.00\n7,1997-01-02,CD,1,12.00\n";
    let orders = read(text, Settings { number_rows: Some("cd".to_owned()), ..settings(false) });
    assert_eq!(orders.iter().map(|order| row(order).reference.as_str()).collect::<Vec<_>>(), ["cd-2", "cd-3"]);
}

#[test]
fn rounded_numbers_and_words_for_nothing_are_not_pooled() {
    let orders = orders(
        "1.00023E+11,A,LAMP,2,2010-12-01 08:26:00,2.55,17850.0,United Kingdom\n\
         2,A,LAMP,2,2010-12-01 08:26:00,2.55,NULL,United Kingdom\n\
         3,A,LAMP,2,2010-12-01 08:26:00,2.55,5.1E+10,United Kingdom\n",
        false,
    );
    assert!(reasons(&orders[0])[0].1.starts_with("order was rounded by a spreadsheet"));
    assert_eq!(reasons(&orders[1]), [(3, NO_CUSTOMER)]);
    assert!(reasons(&orders[2])[0].1.starts_with("customer was rounded by a spreadsheet"));
}
