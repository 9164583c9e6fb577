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
fn every_number_and_mailbox_of_a_person_is_read() {
    let columns = map(ImportKind::Customers, "phone,phone 2,Phone_3,Email 2,Email,Alternate email", &[]).unwrap();
    assert_eq!(
        columns.describe(),
        "phone → phone, phone 2 → phone, Phone_3 → phone, Email 2 → email, Email → email, Alternate email → email"
    );
    let values = header("1,2,3,a@b.c,d@e.f,");
    assert_eq!(columns.all("phone", &values).collect::<Vec<_>>(), ["1", "2", "3"]);
    let mailboxes: Vec<_> = columns.all("email", &values).collect();
    assert_eq!(mailboxes.len(), 2, "{mailboxes:?}");
}

#[test]
fn a_column_whose_cells_refuse_messages_stops_the_import_whatever_it_is_called() {
    let settled = |cell: &str, mappings: &[(&str, &str)]| {
        let mut columns = map(ImportKind::Customers, "email,Remark", mappings).unwrap();
        let mut seen = Seen::default();
        seen.note(&columns, &header("a@b.c,"));
        seen.note(&columns, &header(&format!("d@e.f,{cell}")));
        columns.settle(&seen).map_err(|error| error.to_string())
    };
    for cell in ["Unsubscribed", "opted out", "DO NOT CONTACT", "Hard-bounced"] {
        assert!(settled(cell, &[]).unwrap_err().contains("\"Remark\""), "{cell}");
        assert_eq!(settled(cell, &[("Remark", "attribute.remark")]), Ok(()), "{cell}: it was asked for");
    }
    for cell in ["Unsubscribed from the red wine, likes white", "bounced a ball", "no"] {
        assert_eq!(settled(cell, &[]), Ok(()), "{cell}");
    }
}

#[test]
fn a_column_of_mailboxes_or_numbers_without_a_usual_name_is_read_as_such() {
    let settled = |names: &str, rows: &[&str]| {
        let mut columns = map(ImportKind::Customers, names, &[]).unwrap();
        let mut seen = Seen::default();
        rows.iter().for_each(|row| seen.note(&columns, &header(row)));
        columns.settle(&seen).unwrap();
        columns.describe()
    };
    assert_eq!(
        settled("ID,Email ID (Email IDs),Number (Contact Numbers)", &["1,a@b.example,+447911123456", "2,,"]),
        "ID → customer, Email ID (Email IDs) → email, Number (Contact Numbers) → phone"
    );
    assert_eq!(
        settled("ID,phoneNumberOffice,phoneNumberHome", &["1,+44 20 7946 0190,", "2,,020 7946 0191"]),
        "ID → customer, phoneNumberOffice → phone, phoneNumberHome → phone"
    );
    for names in ["ID,Owner mail", "ID,Mail format"] {
        let cell = if names.contains("Owner") { "1,boss@b.example" } else { "1,HTML" };
        assert!(settled(names, &[cell]).contains("attribute."), "{names}");
    }
    let both = settled("Email,Mail of the shop", &["a@b.example,c@d.example"]);
    assert_eq!(both, "Email → email, Mail of the shop → attribute.Mail of the shop");
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
