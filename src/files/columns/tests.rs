use super::*;

fn header(text: &str) -> Vec<String> {
    text.split(',').map(str::to_owned).collect()
}

fn map(kind: ImportKind, text: &str, mappings: &[(&str, &str)]) -> Result<Columns, MapError> {
    let mapping = |(column, field): &(&str, &str)| Mapping { column: (*column).to_owned(), field: (*field).to_owned() };
    Columns::map(kind, &header(text), None, &mappings.iter().map(mapping).collect::<Vec<_>>())
}

#[test]
fn usual_names_are_understood() {
    let online_retail = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country";
    assert_eq!(
        map(ImportKind::Orders, online_retail, &[]).unwrap().describe(),
        "InvoiceNo → order, StockCode → sku, Description → description, Quantity → quantity, InvoiceDate → at, \
         UnitPrice → unit_price, CustomerID → customer, Country → country"
    );
    let sms = map(ImportKind::Messages, "Label,SMS", &[]).unwrap();
    assert_eq!(sms.describe(), "Label is left out, SMS → body");
}

#[test]
fn other_columns_of_customers_become_attributes() {
    let columns = map(ImportKind::Customers, "e-mail,zip_code,spend", &[]).unwrap();
    assert_eq!(columns.describe(), "e-mail → email, zip_code → territory, spend → attribute.spend");
    let row = header("a@b.c,NULL,5");
    assert_eq!(columns.attributes(&row).collect::<Vec<_>>(), [("spend", "5")]);
    assert_eq!(columns.value("territory", &row), None);
}

#[test]
fn customers_out_of_a_file_of_orders_do_not_get_the_orders_columns() {
    let columns = map(ImportKind::Customers, "InvoiceNo,StockCode,CustomerID,Country", &[]);
    let expected = "InvoiceNo is left out, StockCode is left out, CustomerID → customer, Country → country";
    assert_eq!(columns.unwrap().describe(), expected);
}

#[test]
fn an_account_is_not_a_person() {
    let columns = map(ImportKind::Customers, "Id,AccountId,LastName,Email", &[]).unwrap();
    assert_eq!(
        columns.describe(),
        "Id → customer, AccountId → attribute.AccountId, LastName → last_name, Email → email"
    );
}

#[test]
fn columns_of_one_name_are_told_apart() {
    let columns = map(ImportKind::Customers, "Email,Notes,Notes,Email", &[("Notes (2)", "-")]).unwrap();
    assert_eq!(columns.describe(), "Email → email, Notes → attribute.Notes, Notes (2) is left out, Email (2) → email");
    let values = header("a@b.c,x,y,d@e.f");
    assert_eq!(columns.all("email", &values).collect::<Vec<_>>(), ["a@b.c", "d@e.f"]);
    let error = map(ImportKind::Orders, "Order,Order", &[]).unwrap_err().to_string();
    assert!(error.contains("\"Order\" and \"Order (2)\""), "{error}");
}

#[test]
fn mappings_come_first() {
    let columns = map(
        ImportKind::Orders,
        "Ref,Order,Note",
        &[("Ref", "order"), ("Order", "attribute.internal"), ("note", "ignore")],
    );
    assert_eq!(columns.unwrap().describe(), "Ref → order, Order → attribute.internal, Note is left out");
    let columns = map(ImportKind::Orders, "customer_id,customer_number", &[("Customer Number", "customer")]);
    assert_eq!(columns.unwrap().describe(), "customer_id is left out, customer_number → customer");
}

#[test]
fn what_cannot_be_mapped_is_explained() {
    let error = map(ImportKind::Orders, "a,b", &[("c", "order")]).unwrap_err();
    assert_eq!(error.to_string(), "the file has no column \"c\"; its columns are a, b");
    let error = map(ImportKind::Orders, "a", &[("a", "colour")]).unwrap_err().to_string();
    assert!(error.starts_with("\"colour\" is not a field"), "{error}");
    let error = map(ImportKind::Orders, "Invoice,Order", &[]).unwrap_err().to_string();
    assert!(error.contains("both hold the field order; choose one with --map Invoice=order"), "{error}");
    let columns = map(ImportKind::Orders, "a,b", &[]).unwrap();
    let error = columns.required(ImportKind::Orders, "order").unwrap_err().to_string();
    assert!(error.starts_with("no column holds the field order (the order's or invoice's number)"), "{error}");
}

#[test]
fn a_column_that_seems_to_be_about_consent_stops_the_import_unless_it_is_empty() {
    let read = |value: &str, mappings: &[(&str, &str)]| {
        let mut columns = map(ImportKind::Customers, "Email,GDPR status 2", mappings)?;
        let mut seen = Seen::default();
        seen.note(&columns, &header(&format!("a@b.c,{value}")));
        columns.settle(&seen).map(|()| columns.describe())
    };
    let question = read("no", &[]).unwrap_err().to_string();
    assert!(question.contains("--map \"GDPR status 2\"=opt_out_email"), "{question}");
    assert_eq!(read("", &[]).unwrap(), "Email → email, GDPR status 2 is left out");
    assert_eq!(read("no", &[("GDPR status 2", "ignore")]).unwrap(), "Email → email, GDPR status 2 is left out");
    assert_eq!(
        read("no", &[("GDPR status 2", "consent_email")]).unwrap(),
        "Email → email, GDPR status 2 → consent of email (yes: opted in)"
    );
}

#[test]
fn a_status_is_about_consent_if_its_values_are() {
    let read = |value: &str| {
        let mut columns = map(ImportKind::Customers, "Email,Status", &[]).unwrap();
        let mut seen = Seen::default();
        seen.note(&columns, &header(&format!("a@b.c,{value}")));
        columns.settle(&seen).unwrap();
        columns.describe()
    };
    assert_eq!(read("gold"), "Email → email, Status → attribute.Status");
    assert_eq!(read("unsubscribed"), "Email → email, Status → consent of email (its words)");
}
