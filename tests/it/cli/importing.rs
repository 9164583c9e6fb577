//! `commlog import`, with everything that files get wrong.

use super::{Place, import_id};

const HEADER: &str = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n";

fn orders() -> String {
    format!(
        "{HEADER}\
         1,A,LAMP,2,2010-12-01 08:26:00,2.55,17850.0,United Kingdom\n\
         2,B,\"VASE, BLUE\",1,2010-12-01 08:28:00,10.00,,United Kingdom\n\
         1,C,CUP,1,2010-12-01 08:26:00,0.001,17850.0,United Kingdom\n\
         C3,A,LAMP,-1,2010-12-02 08:26:00,2.55,17850.0,United Kingdom\n"
    )
}

fn count(place: &Place, event_type: &str) -> usize {
    place.ok(&["export", "events", "--type", event_type]).lines().count()
}

#[test]
fn importing_twice_changes_nothing_and_undo_takes_it_back() {
    let place = Place::new();
    place.file("orders.csv", orders());
    let first = place.ok(&["import", "orders", "orders.csv"]);
    assert!(first.contains("4 lines: 2 orders read, 0 of them known already"), "{first}");
    assert!(first.contains("refused: 1 line, first line 3: the order names no customer"), "{first}");
    let end = place.ok(&["verify"]);

    let second = place.ok(&["import", "orders", "orders.csv"]);
    assert!(second.contains("2 orders read, 2 of them known already, 0 events appended"), "{second}");
    assert_eq!(place.ok(&["verify"]), end, "nothing was appended");

    let undone = place.ok(&["import", "undo", &import_id(&first), "--yes"]);
    assert!(undone.contains("3 facts were undone"), "{undone}");
    assert_eq!((count(&place, "ActivityRecorded"), count(&place, "ActivityRetracted")), (2, 2), "the log still tells");

    let third = place.ok(&["import", "orders", "orders.csv"]);
    assert!(third.contains("2 orders read, 0 of them known already"), "{third}");
    assert_ne!(import_id(&third), import_id(&first));
    let listed = place.ok(&["import", "list"]);
    assert_eq!(listed.lines().filter(|line| line.contains("undone")).count(), 1, "{listed}");
    assert_eq!(listed.lines().filter(|line| line.contains("completed")).count(), 1, "{listed}");
}

#[test]
fn figures_are_exact_to_the_last_micro() {
    let place = Place::new();
    place.file("orders.csv", orders());
    place.ok(&["import", "orders", "orders.csv", "--anonymous"]);
    let totals = place.ok(&["export", "customer_totals"]);
    let revenue: Vec<i64> = totals
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["revenue_micros"].as_i64().unwrap())
        .collect();
    assert_eq!(revenue.iter().sum::<i64>(), 5_101_000 + 10_000_000 - 2_550_000, "{totals}");
    assert_eq!(revenue.len(), 2, "a customer and the anonymous one");
}

#[test]
fn refused_lines_can_be_mended_and_imported() {
    let place = Place::new();
    place.file("orders.csv", orders());
    let strict = place.fails(3, &["import", "orders", "orders.csv", "--refused", "refused.csv", "--strict"]);
    assert!(strict.contains("1 lines of orders.csv were refused"), "{strict}");
    let refused = std::fs::read_to_string(place.path("refused.csv")).unwrap();
    assert!(refused.starts_with("refused_line,refused_reason,InvoiceNo,"), "{refused}");
    assert!(refused.contains("\n3,the order names no customer"), "{refused}");
    place.file("mended.csv", refused.replace("10.00,,", "10.00,17850.0,"));
    let mended = place.ok(&["import", "orders", "mended.csv"]);
    assert!(mended.contains("1 lines: 1 orders read, 0 of them known already"), "{mended}");
}

#[test]
fn refused_lines_hold_no_formula_and_are_imported_as_they_were() {
    let place = Place::new();
    let header = "customer,name,email,phone\n";
    place.file(
        "people.csv",
        format!("{header}=1+1,\"=HYPERLINK(\"\"http://evil\"\",\"\"x\"\")\",broken,\n'k2,'@who,broken,\n"),
    );
    place.run(&["import", "customers", "people.csv", "--refused", "refused.csv"]);
    let refused = std::fs::read_to_string(place.path("refused.csv")).unwrap();
    let cells: Vec<Vec<String>> = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(refused.as_bytes())
        .records()
        .map(|record| record.unwrap().iter().map(str::to_owned).collect())
        .collect();
    assert_eq!(cells.len(), 3, "{refused}");
    assert_eq!(&cells[1][2..4], ["'=1+1", "'=HYPERLINK(\"http://evil\",\"x\")"]);
    assert_eq!(&cells[2][2..4], ["'k2", "''@who"], "one that was there before stays");
    place.file("mended.csv", refused.replace("broken", ""));
    place.ok(&["import", "customers", "mended.csv"]);
    let people = place.ok(&["export", "customers"]);
    for text in ["=1+1", "=HYPERLINK(\\\"http://evil\\\",\\\"x\\\")", "'k2", "'@who"] {
        assert!(people.contains(&format!("\"{text}\"")), "{text}: {people}");
    }
}

#[test]
fn malformed_lines_are_refused_one_by_one_with_their_numbers() {
    let place = Place::new();
    let mut file = b"\xef\xbb\xbf".to_vec();
    file.extend_from_slice(HEADER.trim_end().as_bytes());
    file.extend_from_slice(b"\r\n1,A,CAF\xc9 LAMP,2,2010-12-01 08:26:00,2.55,17850.0,United Kingdom\r\n");
    file.extend_from_slice(b"2,A,too,few\n");
    file.extend_from_slice(b"3,A,LAMP,2,01/12/2010,2.55,17850.0,United Kingdom\r");
    file.extend_from_slice(b"4,A,\"never closed,2,2010-12-01 08:26:00,2.55,17850.0,United Kingdom\n");
    file.extend_from_slice(b"\n5,A,NUL\0LAMP,2,2010-12-01 08:26:00,2.55,17850.0,United Kingdom");
    place.file("orders.csv", file);
    let ended = place.run(&["import", "orders", "orders.csv", "--refused", "refused.csv"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stderr.contains("not UTF-8 from line 2 on: such lines are read as Windows-1252"), "{}", ended.stderr);
    assert!(ended.stdout.contains("5 lines: 2 orders read"), "{}", ended.stdout);
    let refused = std::fs::read_to_string(place.path("refused.csv")).unwrap();
    let numbers: Vec<&str> = refused.lines().skip(1).map(|line| line.split(',').next().unwrap()).collect();
    assert_eq!(numbers, ["3", "4", "5", "7"], "{refused}");
    assert!(refused.contains("must not contain the NUL character"), "{refused}");
    assert!(place.ok(&["export", "events", "--personal", "--type", "ActivityRecorded"]).contains("CAFÉ LAMP"));
    place.ok(&["rebuild", "--check"]);
}

#[test]
fn a_file_in_utf_16_is_read_by_its_byte_order_mark() {
    let text = "Email\tName\r\nzoe@x.example\tZoë Ωmega\r\nilya@x.example\tИлья\r\n";
    for (name, mark) in [("little.csv", 0xFEFF_u16.to_le_bytes()), ("big.csv", 0xFEFF_u16.to_be_bytes())] {
        let place = Place::new();
        let units = text.encode_utf16().flat_map(|unit| match name {
            "big.csv" => unit.to_be_bytes(),
            _ => unit.to_le_bytes(),
        });
        let bytes: Vec<u8> = mark.into_iter().chain(units).collect();
        place.file(name, bytes);
        let run = place.ok(&["import", "customers", name, "--encoding", "windows-1252"]);
        assert!(run.contains("2 lines: 2 customers read") && run.contains("0 lines refused"), "{run}");
        let people = place.ok(&["export", "customers"]);
        assert!(people.contains("Zoë Ωmega") && people.contains("Илья"), "{people}");
    }
}

#[test]
fn numbers_are_read_as_their_columns_write_them_and_what_is_unclear_is_asked() {
    let place = Place::new();
    let header = "order;customer;date;sku;quantity;price;total\n";
    place.file(
        "comma.csv",
        format!("{header}1;7;2026-02-01;A;1;1.234,50 €;1.234,50\n2;7;2026-02-01;A;1.000;0,5;500,00\n"),
    );
    place.file("point.csv", format!("{header}3;7;2026-02-01;A;1;$1,234.50;\n4;7;2026-02-01;A;2;(5.00);\n"));
    place.ok(&["import", "orders", "comma.csv", "--currency", "EUR"]);
    place.ok(&["import", "orders", "point.csv", "--currency", "EUR"]);
    let activities = place.ok(&["export", "activities"]);
    let mut amounts: Vec<i64> = activities
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["amount_micros"].as_i64().unwrap())
        .collect();
    amounts.sort_unstable();
    assert_eq!(amounts, [-10_000_000, 500_000_000, 1_234_500_000, 1_234_500_000]);
    place.file("either.csv", format!("{header}5;7;2026-02-01;A;1;1.234;\n"));
    let question = place.fails(3, &["import", "orders", "either.csv", "--currency", "EUR"]);
    assert!(question.contains("unit_price is 1.234 in line 2") && question.contains("--decimal comma"), "{question}");
    place.ok(&["import", "orders", "either.csv", "--currency", "EUR", "--decimal", "comma"]);
    assert!(place.ok(&["export", "activities"]).contains("1234000000"));
    place.file("foreign.csv", format!("{header}6;7;2026-02-01;A;1;€2,50;\n7;7;2026-02-01;A;1;2,50;\n"));
    let run = place.ok(&["import", "orders", "foreign.csv", "--currency", "USD"]);
    assert!(run.contains("unit_price is in EUR, but the order is in USD"), "{run}");
}

#[test]
fn a_dry_run_writes_nothing() {
    let place = Place::new();
    place.file("orders.csv", orders());
    let printed = place.ok(&["import", "orders", "orders.csv", "--dry-run"]);
    assert!(printed.contains("2 orders can be imported, 1 lines are refused"), "{printed}");
    assert!(!super::exists(&place.path("data")));
}

#[test]
fn files_that_are_no_csv_are_refused_as_a_whole() {
    let place = Place::new();
    let gzip = |text: &str| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        std::io::Write::write_all(&mut encoder, text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    let whole = gzip(&orders().repeat(200));
    let cases: [(&str, Vec<u8>, &str); 6] = [
        ("empty.csv", Vec::new(), "empty.csv is empty"),
        ("cut.csv.gz", whole[..whole.len() / 2].to_vec(), "cut.csv.gz is not a complete gzip file"),
        ("sheet.csv", b"PK\x03\x04rest".to_vec(), "an Excel workbook: unpack it, or save the sheet as CSV"),
        ("wide.csv", b"a\0,\0b\0".to_vec(), "UTF-16 text without a byte order mark: save it as UTF-8"),
        ("other.csv", b"a,b\n1,2\n".to_vec(), "no column holds the field order"),
        ("price.csv", b"order,customer,date,sku,quantity,price\n1,2,2020-01-01,A,1,1\n".to_vec(), "--currency EUR"),
    ];
    for (name, content, expected) in cases {
        place.file(name, content);
        let error = place.fails(3, &["import", "orders", name]);
        assert!(error.contains(expected), "{name}: {error}");
    }
    let missing = place.fails(3, &["import", "orders", "nowhere.csv"]);
    assert!(missing.contains("cannot read nowhere.csv\n  because: No such file"), "{missing}");
    assert!(!super::exists(&place.path("data/log.db")), "nothing was begun");
    place.file("whole.csv.gz", gzip(&orders()));
    place.ok(&["import", "orders", "whole.csv.gz"]);
}

#[test]
fn wrong_command_lines_are_explained() {
    let place = Place::new();
    place.file("orders.csv", orders());
    for arguments in [
        &["import", "orders", "orders.csv", "--map", "InvoiceNo"][..],
        &["import", "orders", "orders.csv", "--currency", "pounds"],
        &["import", "orders", "orders.csv", "--time-zone", "Mars/Olympus"],
        &["import", "orders", "orders.csv", "--collision", "sometimes"],
        &["import", "undo", "7"],
        &["import"],
    ] {
        let ended = place.run(arguments);
        assert_eq!(ended.code, Some(2), "{arguments:?}: {}", ended.stderr);
    }
}

#[test]
fn messages_keep_every_character() {
    let place = Place::new();
    let texts = ["Ok lar... \"Joking\" wif u", " £1.50 to rcv\u{92}", "he said \"no", "5\u{1F37A} and a\ttab?"];
    place.file("sms.tsv", format!("Label\tSMS\nham\t{}\nspam\t{}\nham\t{}\n", texts[0], texts[1], texts[2]));
    let refused = place.fails(3, &["import", "messages", "sms.tsv"]);
    assert!(refused.contains("no column shows who wrote the messages"), "{refused}");
    place.ok(&["import", "messages", "sms.tsv", "--anonymous"]);
    let events = place.ok(&["export", "events", "--personal", "--type", "MessageReceived"]);
    let bodies: Vec<String> = events
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["personal"]["body"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(bodies, texts[..3]);
}

#[test]
fn customers_follow_the_collision_rules() {
    let place = Place::new();
    place.file("crm.csv", "id,customer,name,owner,email\nx,1,Ada,mara,ada@example.org\ny,2,Bob,,bob@example\n");
    let first = place.ok(&["import", "customers", "crm.csv", "--map", "id=-"]);
    assert!(first.contains("refused: 1 line, first line 3"), "{first}");
    place.file("newer.csv", "customer,name,owner\n1,Ada Lovelace,tom\n");
    place.ok(&["import", "customers", "newer.csv", "--collision", "overwrite", "--collision", "owner=never"]);
    let customers = place.ok(&["export", "customers"]);
    assert!(customers.contains("Ada Lovelace") && customers.contains("\"mara\""), "{customers}");
}

#[test]
fn an_import_that_was_killed_goes_on_where_it_stopped() {
    let place = Place::new();
    let mut file = HEADER.to_owned();
    for order in 0..20_000 {
        file.push_str(&format!("{order},A,LAMP,2,2010-12-01 08:26:00,2.55,{}.0,UK\n", order % 500));
    }
    place.file("orders.csv", file);
    let mut importing = place.command(&["import", "orders", "orders.csv"]).spawn().unwrap();
    // Once the log's files have grown, something of the import is in them.
    let files = [place.path("data/log.db"), place.path("data/log.db-wal")];
    let length = |file| std::fs::metadata(file).map_or(0, |metadata| metadata.len());
    while files.iter().map(length).sum::<u64>() < 5_000_000 {
        assert!(importing.try_wait().unwrap().is_none(), "the import was over before it could be killed");
        std::thread::yield_now();
    }
    importing.kill().unwrap();
    importing.wait().unwrap();
    place.ok(&["verify"]);
    let before = count(&place, "ActivityRecorded");
    assert!(before > 0 && before < 20_000, "{before}");
    let resumed = place.ok(&["import", "orders", "orders.csv"]);
    assert!(resumed.contains(&format!("20000 orders read, {before} of them known already")), "{resumed}");
    assert_eq!(count(&place, "ActivityRecorded"), 20_000);
    place.ok(&["verify"]);
}

/// Lines of an export, as JSON.
fn exported(place: &Place, what: &str) -> Vec<serde_json::Value> {
    place.ok(&["export", what]).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn the_people_of_a_company_stay_several_and_keep_their_names() {
    let place = Place::new();
    place.file(
        "contacts.csv",
        "Id,AccountId,LastName,FirstName,Email,Phone,HasOptedOutOfEmail\n\
         003A,001X,Varga,Nora,nora@bricks.example,+442079460101,false\n\
         003B,001X,Petrov,Ilya,ilya@bricks.example,+442079460102,true\n\
         003C,,Lindqvist,Maja,maja@solo.example,call me,false\n",
    );
    let printed = place.ok(&["import", "customers", "contacts.csv"]);
    assert!(printed.contains("3 customers read, 0 of them known already"), "{printed}");
    assert!(printed.contains("left out: 1 value, first line 4: phone"), "{printed}");
    let names: Vec<_> =
        exported(&place, "customers").iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect();
    assert_eq!(names.len(), 3);
    assert!(names.contains(&"Ilya Petrov".to_owned()), "{names:?}");
    let consents = exported(&place, "consents");
    assert_eq!(consents.iter().filter(|row| row["state"] == "opted_out").count(), 1, "{consents:?}");
}

#[test]
fn a_header_that_may_be_about_consent_stops_the_import_with_the_question() {
    let place = Place::new();
    place.file("people.csv", "Email,Contact permission (2019)\na@x.example,no\n");
    let question = place.fails(3, &["import", "customers", "people.csv"]);
    assert!(question.contains("--map \"Contact permission (2019)\"=opt_out_email"), "{question}");
    assert!(!super::exists(&place.path("data/log.db")), "nothing was begun");
    place.ok(&["import", "customers", "people.csv", "--map", "Contact permission (2019)=ignore"]);
    place.file("left.csv", "Email\nb@x.example\nc@x.example\n");
    place.ok(&["import", "customers", "left.csv", "--consent", "email=opted_out"]);
    let consents = exported(&place, "consents");
    assert_eq!(consents.iter().filter(|row| row["state"] == "opted_out").count(), 2, "{consents:?}");
}

#[test]
fn orders_of_a_shop_add_up_to_its_own_totals() {
    let place = Place::new();
    place.file(
        "orders.csv",
        "Name,Email,Financial Status,Currency,Subtotal,Shipping,Total,Discount Amount,Created at,Lineitem quantity,\
         Lineitem name,Lineitem price,Lineitem sku,Accepts Marketing\n\
         #1001,nora@bricks.example,paid,EUR,34.00,4.90,38.90,0.00,2025-02-09 10:00:12 +0100,2,Hand brush,12.00,BR-12,no\n\
         #1001,nora@bricks.example,,,,,,,2025-02-09 10:00:12 +0100,1,Mortar pan,10.00,MP-10,\n\
         #1002,ilya@bricks.example,paid,EUR,8.00,0.00,8.00,2.00,2025-02-10 23:29:58 +0100,1,Gift wrap,10.00,,yes\n",
    );
    let printed = place.ok(&["import", "orders", "orders.csv"]);
    assert!(printed.contains("2 orders read, 0 of them known already"), "{printed}");
    let totals = exported(&place, "customer_totals");
    let revenue: i64 = totals.iter().map(|row| row["revenue_micros"].as_i64().unwrap()).sum();
    assert_eq!((totals.len(), revenue), (2, 46_900_000));
    let consents = exported(&place, "consents");
    assert_eq!(consents.iter().filter(|row| row["state"] == "opted_out").count(), 1, "{consents:?}");
}

#[test]
fn a_line_that_names_the_separator_is_skipped() {
    let place = Place::new();
    place.file("people.csv", "sep=;\r\nE-Mail;Name;Mobile\r\nnora@x.example;Nora;+447911123456\r\n");
    let printed = place.ok(&["import", "customers", "people.csv"]);
    assert!(printed.contains("1 customers read"), "{printed}");
}

#[test]
fn only_what_customers_wrote_is_imported_from_a_log_of_messages() {
    let place = Place::new();
    place.file(
        "log.csv",
        "From,To,Body,Status,SentDate,Sid,Direction\n\
         +12025550199,+14155552671,Reply STOP to end,delivered,2024-05-08T14:22:11Z,SM1,outbound-api\n\
         +14155552671,+12025550199,Thanks!,received,2024-05-08T14:25:40Z,SM2,inbound\n",
    );
    let printed = place.ok(&["import", "messages", "log.csv"]);
    assert!(printed.contains("refused: 1 line, first line 2: you sent this message"), "{printed}");
    assert_eq!(count(&place, "MessageReceived"), 1);
}

#[test]
fn the_same_orders_in_another_zone_or_with_another_amount_are_corrected_not_doubled() {
    let place = Place::new();
    let orders = |amount: &str, more: &str| {
        format!(
            "order,customer,date,sku,quantity,price,currency\n1001,7,2026-01-02 10:00,A,1,{amount},EUR\n\
             1002,7,2026-01-03 00:30,B,1,7.00,EUR\n{more}"
        )
    };
    let figures = |place: &Place| {
        let totals = exported(place, "customer_totals");
        (totals[0]["orders"].as_i64().unwrap(), totals[0]["revenue_micros"].as_i64().unwrap())
    };
    place.file("orders.csv", orders("5.00", ""));
    let first = place.ok(&["import", "orders", "orders.csv"]);
    let moved = place.ok(&["import", "orders", "orders.csv", "--time-zone", "Europe/Vienna"]);
    assert!(moved.contains("2 of them corrected"), "{moved}");
    assert_eq!(figures(&place), (2, 12_000_000));
    let again = place.ok(&["import", "orders", "orders.csv", "--time-zone", "Europe/Vienna"]);
    assert!(again.contains("2 orders read, 2 of them known already, 0 events appended"), "{again}");

    place.file("later.csv", orders("6.00", "1003,7,2026-01-04 10:00,C,1,1.00,EUR\n"));
    let later = place.ok(&["import", "orders", "later.csv", "--time-zone", "Europe/Vienna"]);
    assert!(
        later.contains("3 orders read, 1 of them known already") && later.contains("1 of them corrected"),
        "{later}"
    );
    assert_eq!(figures(&place), (3, 14_000_000));
    place.ok(&["import", "undo", &import_id(&later), "--yes"]);
    assert_eq!(figures(&place), (2, 12_000_000), "what stood before stands again");
    place.ok(&["import", "undo", &import_id(&first), "--yes"]);
    let left = exported(&place, "customer_totals");
    assert!(left.is_empty(), "the same file is the same import, in whichever zone it was read: {left:?}");
    place.ok(&["rebuild", "--check"]);
}
