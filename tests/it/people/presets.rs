//! One small export of each system that imports know, as the system writes it. The same rows in another order, format or
//! zone change no figure, and a dry run says what the run does.

use serde_json::Value;

use super::{on_both, rows};
use crate::cli::Place;

/// An export.
struct Export {
    system: &'static str,
    title: &'static str,
    kind: &'static str,
    /// Whether the header does not show the system.
    is_named: bool,
    /// What the command needs beside the file.
    options: &'static [&'static str],
    /// Header and rows, with commas.
    text: &'static str,
    /// Texts in it that mean the same moment in another zone or format.
    moments: &'static [(&'static str, &'static str)],
    /// People, orders and messages that it brings.
    counts: (usize, usize, usize),
    /// What it says about consent: states, sorted.
    consents: &'static [&'static str],
}

const EXPORT: Export = Export {
    system: "",
    title: "",
    kind: "customers",
    is_named: false,
    options: &[],
    text: "",
    moments: &[],
    counts: (2, 0, 0),
    consents: &[],
};

const EXPORTS: &[Export] = &[
    Export {
        system: "shopify",
        title: "Shopify customers",
        text: "First Name,Last Name,Email,Accepts Email Marketing,Company,Phone,Accepts SMS Marketing,Tags\n\
               Zoë,Varga,zoe@x.example,no,Brickworks Ltd,+442079460101,no,\"vip, trade\"\n\
               Ilya,Petrov,ilya@x.example,yes,Brickworks Ltd,+442079460102,yes,\n",
        consents: &["opted_in", "opted_in", "opted_out", "opted_out"],
        ..EXPORT
    },
    Export {
        system: "shopify",
        title: "Shopify customers",
        text: "First Name,Last Name,Email,Accepts Marketing,Total Spent\n\
               Zoë,Varga,zoe@x.example,no,120.50\nIlya,Petrov,ilya@x.example,yes,0.00\n",
        consents: &["opted_in", "opted_out"],
        ..EXPORT
    },
    Export {
        system: "mailchimp",
        title: "Mailchimp audience",
        text: "Email Address,First Name,Last Name,MEMBER_RATING,OPTIN_TIME,CONFIRM_TIME,UNSUB_TIME,LEID,EUID,TAGS\n\
               zoe@x.example,Zoë,Varga,3,2023-03-14 09:12:31,2023-03-14 09:14:00,,101,a1,\"\"\"VIP\"\",\"\"Trade, wholesale\"\"\"\n\
               ilya@x.example,Ilya,Petrov,2,,,2023-03-15 10:00:00,102,a2,\"\"\"VIP\"\"\"\n",
        moments: &[("2023-03-15 10:00:00", "2023-03-15T11:00:00+01:00")],
        consents: &["opted_out"],
        ..EXPORT
    },
    Export {
        system: "hubspot",
        title: "HubSpot contacts",
        text: "Record ID,First Name,Last Name,Email,Unsubscribed from all email\n\
               51001,Zoë,Varga,zoe@x.example,true\n51002,Ilya,Petrov,ilya@x.example,\n",
        consents: &["opted_out"],
        ..EXPORT
    },
    Export {
        system: "salesforce",
        title: "Salesforce contacts",
        text: "Id,AccountId,LastName,FirstName,Email,HasOptedOutOfEmail\n\
               0031A,0011A,Varga,Zoë,zoe@x.example,false\n0031B,0011A,Petrov,Ilya,ilya@x.example,true\n",
        consents: &["opted_out"],
        ..EXPORT
    },
    Export {
        system: "salesforce",
        title: "Salesforce contacts",
        text: "Contact ID,First Name,Last Name,Email,Email Opt Out\n\
               0031A,Zoë,Varga,zoe@x.example,0\n0031B,Ilya,Petrov,ilya@x.example,1\n",
        consents: &["opted_out"],
        ..EXPORT
    },
    Export {
        system: "klaviyo",
        title: "Klaviyo profiles",
        text: "Email,Klaviyo ID,First Name,Last Name,Phone Number,Email Marketing Consent,SMS Marketing Consent\n\
               zoe@x.example,01A,Zoë,Varga,+442079460101,SUBSCRIBED,NEVER_SUBSCRIBED\n\
               ilya@x.example,01B,Ilya,Petrov,,UNSUBSCRIBED,\n",
        consents: &["opted_in", "opted_out", "opted_out"],
        ..EXPORT
    },
    Export {
        system: "brevo",
        title: "Brevo contacts",
        text: "CONTACT ID,EMAIL,FIRSTNAME,LASTNAME,SMS,EMAIL_BLACKLISTED,SMS_BLACKLISTED,ADDED_TIME,MODIFIED_TIME\n\
               1,zoe@x.example,Zoë,Varga,+442079460101,true,false,2023-01-01,2023-02-01\n\
               2,ilya@x.example,Ilya,Petrov,,false,false,2023-01-01,2023-02-01\n",
        consents: &["opted_out"],
        ..EXPORT
    },
    Export {
        system: "activecampaign",
        title: "ActiveCampaign contacts",
        is_named: true,
        text: "ID,Email,First Name,Last Name,Status\n1,zoe@x.example,Zoë,Varga,Active\n2,ilya@x.example,Ilya,Petrov,Unsubscribed\n",
        consents: &["opted_out"],
        ..EXPORT
    },
    Export {
        system: "woocommerce",
        title: "WooCommerce customers",
        text: "Name,Username,Last Active,Sign Up,Email,Orders,Total Spend,AOV,Country / Region,City,Region,Postal Code\n\
               Zoë Varga,zoe,2024-01-02,2023-01-02,zoe@x.example,2,20.00,10.00,AT,Wien,,1010\n\
               Ilya Petrov,ilya,2024-01-02,2023-01-02,ilya@x.example,0,0.00,0.00,GB,London,,E1\n",
        ..EXPORT
    },
    Export {
        system: "outlook",
        title: "Outlook contacts",
        text: "First Name,Last Name,Company,E-mail Address,E-mail 2 Address,Business Phone\n\
               Zoë,Varga,Brickworks Ltd,zoe@x.example,zoe.varga@y.example,+442079460101\n\
               Ilya,Petrov,Brickworks Ltd,ilya@x.example,,\n",
        ..EXPORT
    },
    Export {
        system: "google",
        title: "Google Contacts",
        text: "First Name,Last Name,Organization Name,Labels,E-mail 1 - Value,Phone 1 - Value\n\
               Zoë,Varga,Brickworks Ltd,* myContacts,zoe@x.example ::: zoe.varga@y.example,+442079460101\n\
               Ilya,Petrov,,,ilya@x.example,\n",
        ..EXPORT
    },
    Export {
        system: "mautic",
        title: "Mautic contacts",
        text: "id,date_identified,email,firstname,lastname\n\
               1,2023-03-14 09:12:31,zoe@x.example,Zoë,Varga\n2,2023-03-14 09:12:31,ilya@x.example,Ilya,Petrov\n",
        ..EXPORT
    },
    Export {
        system: "listmonk",
        title: "listmonk subscribers",
        text: "uuid,email,name,attributes,status\n\
               7f3c0001,zoe@x.example,Zoë Varga,\"{\"\"age\"\": 44, \"\"city\"\": \"\"Wien\"\"}\",enabled\n\
               7f3c0002,ilya@x.example,Ilya Petrov,{},blocklisted\n",
        consents: &["opted_out"],
        ..EXPORT
    },
    Export {
        system: "constant-contact",
        title: "Constant Contact contacts",
        text: "Email address,First name,Last name,Email permission status,Email update source\n\
               zoe@x.example,Zoë,Varga,Implied,import\nilya@x.example,Ilya,Petrov,Unsubscribed,contact\n",
        consents: &["opted_out"],
        ..EXPORT
    },
    Export {
        system: "shopify",
        title: "Shopify orders",
        kind: "orders",
        text: "Name,Email,Financial Status,Currency,Subtotal,Total,Discount Amount,Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku\n\
               #1001,zoe@x.example,paid,EUR,32.00,36.90,2.00,2025-02-09 10:00:12 +0100,2,Hand brush,12.00,BR-12\n\
               #1001,zoe@x.example,,,,,,2025-02-09 10:00:12 +0100,1,Mörtelkelle,10.00,\n\
               #1002,ilya@x.example,paid,EUR,10.00,10.00,0.00,2025-02-10 23:29:58 +0100,1,Mörtelkelle,10.00,\n",
        moments: &[
            ("2025-02-09 10:00:12 +0100", "2025-02-09T09:00:12Z"),
            ("2025-02-10 23:29:58 +0100", "2025-02-10 17:29:58 -0500"),
        ],
        counts: (2, 2, 0),
        ..EXPORT
    },
    Export {
        system: "woocommerce",
        title: "WooCommerce orders",
        kind: "orders",
        options: &["--currency", "EUR", "--time-zone", "Europe/Vienna"],
        text: "Order Number,Order Status,Order Date,Email (Billing),Order Total Amount,Item Name,Quantity,Item Cost\n\
               501,Completed,2025-02-09 10:00,zoe@x.example,34.00,Hand brush,2,12.00\n\
               501,Completed,2025-02-09 10:00,zoe@x.example,34.00,Kelle,1,10.00\n\
               502,Completed,2025-02-10 10:00,ilya@x.example,10.00,Kelle,1,10.00\n",
        moments: &[("2025-02-09 10:00", "2025-02-09T09:00:00Z"), ("2025-02-10 10:00", "2025-02-10T04:00:00-05:00")],
        counts: (2, 2, 0),
        ..EXPORT
    },
    Export {
        system: "woocommerce",
        title: "WooCommerce orders",
        kind: "orders",
        text: "order_id,order_number,order_date,status,billing_email,order_total,order_currency\n\
               9,501,2025-02-09 10:00:00,completed,zoe@x.example,34.00,EUR\n\
               10,502,2025-02-10 10:00:00,completed,ilya@x.example,10.00,EUR\n",
        moments: &[("2025-02-09 10:00:00", "2025-02-09 11:00:00 +01:00")],
        counts: (2, 2, 0),
        ..EXPORT
    },
    Export {
        system: "stripe",
        title: "Stripe payments",
        kind: "orders",
        text: "id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Description,Status,Customer ID,Customer Email\n\
               ch_1,2025-02-09 09:00:12,34.00,4.00,eur,true,Brushes,Paid,cus_1,zoe@x.example\n\
               ch_2,2025-02-10 09:00:12,10.00,0.00,eur,true,Kelle,Paid,cus_2,ilya@x.example\n",
        moments: &[("2025-02-09 09:00:12", "2025-02-09T10:00:12+01:00")],
        counts: (2, 2, 0),
        ..EXPORT
    },
    Export {
        system: "online-retail",
        title: "UCI Online Retail data set",
        kind: "orders",
        text: "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n\
               1,A,LAMP,2,2010-12-01 08:26:00,2.55,17850.0,United Kingdom\n\
               1,C,CUP,1,2010-12-01 08:26:00,0.10,17850.0,United Kingdom\n\
               C3,A,LAMP,-1,2010-12-02 08:26:00,2.55,13047.0,United Kingdom\n",
        moments: &[("2010-12-01 08:26:00", "2010-12-01T09:26:00+01:00")],
        counts: (2, 2, 0),
        ..EXPORT
    },
    Export {
        system: "twilio",
        title: "Twilio message log",
        kind: "messages",
        text: "From,To,Body,Status,SentDate,ApiVersion,NumSegments,ErrorCode,AccountSid,Sid,Direction\n\
               +14155552671,+12025550199,Thanks!,received,2024-05-08T14:25:40Z,2010-04-01,1,0,AC1,SM02,inbound\n\
               +14155552671,+12025550199,STOP,received,2024-05-10T09:01:30Z,2010-04-01,1,0,AC1,SM04,inbound\n\
               +14155552672,+12025550199,Grüezi,received,2024-05-10T09:02:30Z,2010-04-01,1,0,AC1,SM05,inbound\n",
        moments: &[("2024-05-08T14:25:40Z", "2024-05-08 16:25:40 +0200")],
        counts: (2, 0, 3),
        consents: &["opted_out"],
        ..EXPORT
    },
];

/// What must not change: who there is, what they agreed to, what they bought and wrote.
fn figures(place: &Place) -> Vec<String> {
    let mut figures = vec![];
    let mut take = |model: &str, names: &[&str]| {
        for row in rows(place, model) {
            let values: Vec<_> = names.iter().map(|name| row[*name].to_string()).collect();
            figures.push(format!("{model}: {}", values.join(" ")));
        }
    };
    take("customers", &["customer_id", "name", "external_id", "tags", "attributes"]);
    take("customer_addresses", &["customer_id", "address"]);
    take("consents", &["customer_id", "channel", "topic", "state"]);
    take("customer_totals", &["customer_id", "orders", "revenue_micros"]);
    take("activities", &["activity_id", "occurred_at", "amount_micros", "status"]);
    take("messages", &["message_id", "created_at", "body"]);
    figures.sort();
    figures
}

/// The figures of a report: rows, known rows, events, refused lines, and what else changes.
fn counts(report: &str) -> (u64, u64, u64, u64, Vec<String>) {
    let number = |endings: [&str; 2]| -> u64 {
        let upto = endings.iter().find_map(|ending| report.split_once(ending)).map(|(before, _)| before);
        let words = upto.unwrap_or_else(|| panic!("none of {endings:?} in {report}")).rsplit([' ', ':', ',', '\n']);
        words.filter(|word| !word.is_empty()).find_map(|word| word.parse().ok()).unwrap()
    };
    let changes = ["of them corrected", "new customers", "ids joined", "opt-outs"];
    let changes = report.lines().filter(|line| changes.iter().any(|change| line.contains(change)));
    (
        number([" can be imported", " read, "]),
        number([" of them known already"; 2]),
        number([" events would be appended", " events appended"]),
        number([" lines are refused", " lines refused"]),
        changes.map(str::to_owned).collect(),
    )
}

fn parsed(text: &str) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect()
}

fn written(records: &[Vec<String>], delimiter: u8, style: csv::QuoteStyle, end: csv::Terminator) -> Vec<u8> {
    let mut writer =
        csv::WriterBuilder::new().delimiter(delimiter).quote_style(style).terminator(end).from_writer(vec![]);
    records.iter().for_each(|record| writer.write_record(record).unwrap());
    writer.into_inner().unwrap()
}

/// The same file as other programs would write it.
fn variants(export: &Export) -> Vec<(&'static str, Vec<u8>)> {
    let records = parsed(export.text);
    let mut reversed = records.clone();
    reversed[1..].reverse();
    let mut moved = export.text.to_owned();
    for (one, other) in export.moments {
        assert!(moved.contains(one), "{}: {one}", export.title);
        moved = moved.replace(one, other);
    }
    let mut turned: Vec<Vec<String>> = parsed(&moved);
    turned.iter_mut().for_each(|record| record.reverse());
    let latin: Vec<u8> = export.text.chars().map(|letter| u8::try_from(letter).unwrap()).collect();
    let lines = csv::Terminator::Any(b'\n');
    let mut semicolons = b"\xef\xbb\xbfsep=;\r\n".to_vec();
    semicolons.extend(written(&records, b';', csv::QuoteStyle::Always, csv::Terminator::CRLF));
    vec![
        ("in another order", written(&reversed, b',', csv::QuoteStyle::Necessary, lines)),
        ("with semicolons, quotes and CRLF", semicolons),
        ("in Windows-1252", latin),
        ("with tabs", written(&records, b'\t', csv::QuoteStyle::Necessary, lines)),
        ("with other columns first and in another zone", written(&turned, b',', csv::QuoteStyle::Always, lines)),
    ]
}

fn check_export(place: &Place, export: &Export) {
    let import = |file: &str, more: &[&str]| {
        let mut arguments = vec!["import", export.kind, file];
        arguments.extend_from_slice(export.options);
        arguments.extend_from_slice(more);
        if export.is_named {
            arguments.extend_from_slice(&["--from", export.system]);
        }
        let ended = place.run(&arguments);
        assert_eq!(ended.code, Some(0), "{} {file}: {}{}", export.title, ended.stdout, ended.stderr);
        assert!(ended.stderr.contains(&format!("read as {} (", export.title)), "{}: {}", export.title, ended.stderr);
        ended.stdout
    };
    place.file("export.csv", export.text);
    let dry = import("export.csv", &["--dry-run"]);
    let run = import("export.csv", &[]);
    assert_eq!(counts(&dry), counts(&run), "{}:\n{dry}{run}", export.title);
    let before = figures(place);
    let of = |model: &str| before.iter().filter(|figure| figure.starts_with(&format!("{model}: "))).count();
    assert_eq!((of("customers"), of("activities"), of("messages")), export.counts, "{}: {before:#?}", export.title);
    let mut states: Vec<_> =
        rows(place, "consents").iter().map(|row| row["state"].as_str().unwrap_or_default().to_owned()).collect();
    states.sort();
    assert_eq!(states, export.consents, "{}", export.title);
    let repeated = states.iter().filter(|state| *state == "opted_out").count() as u64;
    for (how, bytes) in variants(export) {
        let file = place.file("again.csv", bytes);
        let run = import(file, &[]);
        let (rows, already, appended, refused, changes) = counts(&run);
        // An opt-out that another file says again is recorded again: it must stand when the first file is undone.
        let outs = if export.kind == "messages" { 0 } else { repeated };
        let said_again = if outs > 0 { vec![format!("  {outs} opt-outs")] } else { vec![] };
        assert!(rows - already <= outs, "{} {how}: {run}", export.title);
        assert_eq!((appended, refused, changes), (outs, 0, said_again), "{} {how}: {run}", export.title);
    }
    let dry = import("again.csv", &["--dry-run"]);
    let (rows, already, appended, ..) = counts(&dry);
    assert_eq!((rows - already, appended), (0, 0), "{}: {dry}", export.title);
    assert_eq!(figures(place), before, "{}", export.title);
}

/// Every fourth export: the tests share the processors.
fn check_every_fourth(from: usize) {
    for export in EXPORTS.iter().skip(from).step_by(4) {
        check_export(&Place::new(), export);
    }
}

#[test]
fn an_export_comes_in_once_however_it_is_written() {
    check_every_fourth(0);
}

#[test]
fn an_export_comes_in_once_however_it_is_written_2() {
    check_every_fourth(1);
}

#[test]
fn an_export_comes_in_once_however_it_is_written_3() {
    check_every_fourth(2);
}

#[test]
fn an_export_comes_in_once_however_it_is_written_4() {
    check_every_fourth(3);
}

#[test]
fn an_export_of_each_system_is_tried() {
    let known: std::collections::BTreeSet<_> = EXPORTS.iter().map(|export| (export.system, export.kind)).collect();
    let own = "commlog";
    for preset in commlog::files::presets::ALL.iter().filter(|preset| preset.name != own) {
        let kind = preset.kind.word();
        assert!(known.contains(&(preset.name, kind)), "no export of {} {kind} is tried", preset.name);
    }
}

on_both! {
    fn all_exports_of_one_shop_together_are_the_same_people(place: Place) {
        for export in EXPORTS.iter().filter(|export| !matches!(export.system, "twilio" | "online-retail")) {
            place.file("export.csv", export.text);
            let mut arguments = vec!["import", export.kind, "export.csv"];
            arguments.extend_from_slice(export.options);
            if export.is_named {
                arguments.extend_from_slice(&["--from", export.system]);
            }
            place.ok(&arguments);
        }
        let people = rows(place, "customers");
        let names: Vec<&Value> = people.iter().map(|row| &row["name"]).collect();
        assert_eq!(people.len(), 2, "{names:?}");
        let consents = rows(place, "consents");
        let of_email = consents.iter().filter(|row| row["channel"] == "email" && row["topic"] == "all");
        assert!(of_email.clone().all(|row| row["state"] == "opted_out"), "each opted out in one of the systems");
        assert_eq!(of_email.count(), 2);
        place.ok(&["rebuild", "--check"]);
    }
}
