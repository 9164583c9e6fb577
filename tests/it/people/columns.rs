//! Names and values of columns decide together: nobody is joined, renamed or heard to say what they did not.

use super::{column, on_both, people, rows};
use crate::cli::Place;

fn refused(place: &Place, arguments: &[&str]) -> String {
    let mut all = arguments.to_vec();
    all.extend_from_slice(&["--refused", "refused.csv"]);
    let ended = place.run(&all);
    assert!(matches!(ended.code, Some(0 | 3)), "{}", ended.stderr);
    std::fs::read_to_string(place.path("refused.csv")).unwrap()
}

#[test]
fn a_company_is_not_a_person() {
    let place = Place::new();
    place.file(
        "salesforce.csv",
        "Id,AccountId,LastName,FirstName,Email\n003A,001X,Varga,Nora,nora@b.example\n003B,001X,Petrov,Ilya,ilya@b.example\n003C,,Osei,Abena,abena@s.example\n",
    );
    place.ok(&["import", "customers", "salesforce.csv"]);
    assert_eq!(column(&people(&place), "external_id"), ["003A", "003B", "003C"]);
    // A column that is called an id of customers, and holds companies.
    place.file("contacts.csv", "Customer,Contact,Email\nB Ltd,Tom Kaye,tom@k.example\nB Ltd,Una Lind,una@k.example\nC Ltd,Pia Berg,pia@k.example\n");
    let lines = refused(&place, &["import", "customers", "contacts.csv"]);
    assert!(lines.contains("tom@k.example") && lines.contains("una@k.example"), "{lines}");
    assert!(lines.contains("Customer is the same in lines 2 and 3"), "{lines}");
    assert!(!lines.contains("pia@k.example"), "{lines}");
}

#[test]
fn a_company_beside_a_name_is_an_attribute() {
    let place = Place::new();
    place.file(
        "outlook.csv",
        "First Name,Last Name,Company,E-mail Address\nNora,Varga,Bricks,nora@b.example\nIlya,Petrov,Bricks,ilya@b.example\n,,Quay Ltd,info@q.example\n",
    );
    place.ok(&["import", "customers", "outlook.csv"]);
    let all = people(&place);
    assert_eq!(column(&all, "name"), ["Ilya Petrov", "Nora Varga", "Quay Ltd"]);
    let with_company = all.iter().filter(|row| row["attributes"].to_string().contains("Bricks"));
    assert_eq!(with_company.count(), 2);
}

#[test]
fn ids_that_a_spreadsheet_destroyed_are_refused_and_nulls_are_blank() {
    let place = Place::new();
    place.file("ids.csv", "customer,Email,Name\n4.71E+11,nora@x.example,Nora\n4.71E+11,ilya@x.example,Ilya\nNULL,abena@x.example,Abena\n#N/A,maja@x.example,Maja\n");
    let lines = refused(&place, &["import", "customers", "ids.csv"]);
    assert_eq!(lines.matches("rounded by a spreadsheet").count(), 2, "{lines}");
    assert_eq!(column(&people(&place), "name"), ["Abena", "Maja"]);
    assert!(column(&people(&place), "external_id").is_empty());
    place.file("orders.csv", "order,customer,date,sku,price,currency\n7.2E+10,7,2026-01-02,A,5,EUR\n7.2E+10,7,2026-02-03,B,7,EUR\n12,NULL,2026-02-03,B,7,EUR\n");
    let lines = refused(&place, &["import", "orders", "orders.csv"]);
    assert_eq!(lines.lines().count(), 4, "{lines}");
    assert!(rows(&place, "activities").is_empty());
}

#[test]
fn preferred_hours_are_read_as_people_write_them_and_a_word_is_refused() {
    let place = Place::new();
    place.file(
        "hours.csv",
        "Name,Email,Preferred hours\nNora,nora@x.example,Mon-Fri 9am-5pm\nIlya,ilya@x.example,\nAbena,abena@x.example,evenings\n",
    );
    let lines = refused(&place, &["import", "customers", "hours.csv"]);
    assert!(lines.contains("abena@x.example") && lines.contains("such as 18:00-21:00"), "{lines}");
    assert!(!lines.contains("nora@x.example") && !lines.contains("ilya@x.example"), "{lines}");
    assert_eq!(column(&people(&place), "preferred_hours"), ["mon-fri 09:00-17:00"]);
}

on_both! {
    fn what_you_sent_is_not_heard_from_the_customer_and_a_stop_of_the_past_holds(place: Place) {
        place.file("people.csv", "customer,name,phone\nC1,Nora Varga,+14155552671\n");
        place.file("log.csv", "From,To,Body,SentDate,Sid,Direction\n\
            +12025550199,+14155552671,Offer. Reply STOP to end,2024-05-08T14:22:11Z,SM1,outbound-api\n\
            +14155552671,+12025550199,START,2024-05-11T09:01:30Z,SM3,inbound\n\
            +14155552671,+12025550199,STOP,2024-05-10T09:01:30Z,SM2,inbound\n");
        place.ok(&["import", "customers", "people.csv"]);
        place.ok(&["import", "messages", "log.csv"]);
        assert_eq!(column(&rows(place, "messages"), "body"), ["START", "STOP"]);
        // START was said last, whatever stands last in the file.
        assert_eq!(column(&rows(place, "consents"), "state"), ["opted_in"]);
        place.file("newer.csv", "From,To,Body,SentDate,Sid,Direction\n+14155552671,+12025550199,STOP,2024-06-10T09:01:30Z,SM9,inbound\n");
        let printed = place.ok(&["import", "messages", "newer.csv"]);
        assert!(printed.contains("1 opt-outs"), "{printed}");
        assert_eq!(column(&rows(place, "consents"), "state"), ["opted_out"]);
        // No START of an older file lifts it.
        place.file("older.csv", "From,To,Body,SentDate,Sid,Direction\n+14155552671,+12025550199,START,2024-06-01T09:01:30Z,SM7,inbound\n");
        place.ok(&["import", "messages", "older.csv"]);
        assert_eq!(column(&rows(place, "consents"), "state"), ["opted_out"]);
    }

    fn another_zone_or_amount_is_a_correction_and_no_other_order(place: Place) {
        place.file("orders.csv", "order,customer,date,sku,quantity,price,currency\n1,7,2026-01-02 10:00,A,1,5.00,EUR\n2,7,2026-01-03 00:30,B,1,7.00,EUR\n");
        place.ok(&["import", "orders", "orders.csv"]);
        let dry = place.ok(&["import", "orders", "orders.csv", "--time-zone", "Europe/Vienna", "--dry-run"]);
        let run = place.ok(&["import", "orders", "orders.csv", "--time-zone", "Europe/Vienna"]);
        for printed in [&dry, &run] {
            assert!(printed.contains("2 of them corrected"), "{printed}");
        }
        place.file("mended.csv", "order,customer,date,sku,quantity,price,currency\n2,7,2026-01-02T23:30Z,B,1,8.00,EUR\n");
        place.ok(&["import", "orders", "mended.csv"]);
        let totals = rows(place, "customer_totals");
        assert_eq!((totals.len(), totals[0]["orders"].as_i64(), totals[0]["revenue_micros"].as_i64()), (1, Some(2), Some(13_000_000)));
        place.ok(&["rebuild", "--check"]);
    }
}

#[test]
fn zones_in_text_are_believed_or_refused() {
    let place = Place::new();
    place.file("zones.csv", "customer,text,at,channel\nUTC,x,2024-02-09 15:00:00 UTC,sms\nEST,x,2024-02-09 15:00:00 EST,sms\nCET,x,2024-02-09 15:00:00 CET,sms\nPST,x,2024-02-09 15:00:00 XYZT,sms\n");
    let lines = refused(&place, &["import", "messages", "zones.csv"]);
    assert!(lines.contains("XYZT") && lines.lines().count() == 2, "{lines}");
    let times = column(&rows(&place, "messages"), "created_at");
    let hours: Vec<&str> = times.iter().map(|at| &at[11..13]).collect();
    assert_eq!(hours, ["14", "15", "20"], "{times:?}");
}

#[test]
fn tags_are_read_in_the_usual_writings_and_sep_names_the_separator() {
    let place = Place::new();
    place.file("tags.csv", "sep=;\r\nEmail;Tags\r\na@x.example;\"\"\"VIP\"\",\"\"Trade, big\"\"\"\r\nb@x.example;[\"VIP\",\"Trade, big\"]\r\nc@x.example;VIP|Trade\r\nd@x.example;{VIP,Trade}\r\n");
    place.ok(&["import", "customers", "tags.csv"]);
    let tags = rows(&place, "customer_tags");
    let count = |tag: &str| tags.iter().filter(|row| row["tag"] == tag).count();
    assert_eq!((count("VIP"), count("Trade, big"), count("Trade")), (4, 2, 2), "{tags:?}");
}

#[test]
fn a_dry_run_refuses_what_the_run_refuses() {
    let place = Place::new();
    let text = "id,email,phone,country,name\n1,not-an-email,,,A\n2,b@x.example,(5) 555-4729,Mexico,B\n3,c@x.example,12,,C\n3,c@x.example,12,,C\n,,,,D\n4,e@x.example,0171 2345678,Germany,E\n";
    for path in ["first.csv", "second.csv"] {
        place.file(path, text.replace("4,e@", if path == "first.csv" { "4,e@" } else { "5,e@" }));
        let dry = refused(&place, &["import", "customers", path, "--dry-run"]);
        let run = refused(&place, &["import", "customers", path]);
        assert_eq!(dry, run, "{path}");
        assert!(dry.contains("email") && dry.lines().count() == 3, "{dry}");
    }
    let printed = place.ok(&["import", "customers", "first.csv", "--refused", "none.csv"]);
    assert!(printed.contains("refused lines are in none.csv"), "{printed}");
    place.file("good.csv", "email\nf@x.example\n");
    let printed = place.ok(&["import", "customers", "good.csv", "--refused", "none.csv"]);
    assert!(!printed.contains("none.csv"), "{printed}");
}

#[test]
fn the_first_rows_are_shown_before_anything_is_imported() {
    let place = Place::new();
    place.file("people.csv", "id,email,name,consent_email\n7,nora@x.example,Nora Varga,no\n");
    let ended = place.run(&["import", "customers", "people.csv", "--dry-run"]);
    let wanted = "line 2 · id 7 · name Nora Varga · email nora@x.example · consent email opted_out";
    assert!(ended.stderr.contains(wanted), "{}", ended.stderr);
    assert!(!crate::cli::exists(&place.path("data")));
}
