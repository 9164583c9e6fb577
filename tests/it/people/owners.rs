//! Whose a row is: that of the customer whom its id names or who has its address, in any spelling and any order of files.

use super::{column, on_both, people, rows};
use crate::cli::{Place, import_id};

const LIST: &str = "Email,Name\nNora.Varga@x.example,Nora Varga\n";
const CRM: &str = "Customer ID,Email,Name,Industry\n77,nora.varga@X.example,\"Varga, Nora\",bricks\n";
const ORDERS: &str = "order,customer,email,date,sku,price,currency\n\
                      1001,,NORA.VARGA@x.example,2026-01-02,A,5,EUR\n\
                      1002,77,,2026-01-03,A,7,EUR\n\
                      1003,77,nora.varga@x.example,2026-01-04,A,9,EUR\n";

fn files(place: &Place) {
    place.file("list.csv", LIST);
    place.file("crm.csv", CRM);
    place.file("orders.csv", ORDERS);
}

fn import(place: &Place, kind: &str, file: &str) -> String {
    place.ok(&["import", kind, file])
}

/// The customers, each with the number of orders and the revenue, of the figures of a person.
fn totals(place: &Place) -> Vec<(i64, i64)> {
    let number = |row: &serde_json::Value, name: &str| row[name].as_i64().unwrap();
    let all = rows(place, "customer_totals");
    let mut totals: Vec<_> = all.iter().map(|row| (number(row, "orders"), number(row, "revenue_micros"))).collect();
    totals.sort_unstable();
    totals
}

on_both! {
    fn the_order_of_files_does_not_matter(place: Place) {
        files(place);
        for (kind, file) in [("customers", "list.csv"), ("customers", "crm.csv"), ("orders", "orders.csv")] {
            import(place, kind, file);
        }
        let all = people(place);
        assert_eq!(all.len(), 1, "{all:?}");
        assert_eq!((all[0]["external_id"].as_str(), all[0]["industry"].as_str()), (Some("77"), Some("bricks")));
        assert_eq!(totals(place), [(3, 21_000_000)]);
        // Again, with other bytes: nothing new.
        place.file("again.csv", ORDERS.replace('\n', "\r\n"));
        let again = import(place, "orders", "again.csv");
        assert!(again.contains("3 of them known already, 0 events appended"), "{again}");
        place.ok(&["rebuild", "--check"]);
    }

    fn a_list_without_ids_finds_the_customers_of_a_file_with_ids(place: Place) {
        files(place);
        import(place, "customers", "crm.csv");
        let list = import(place, "customers", "list.csv");
        assert!(list.contains("1 of them known already, 0 events appended"), "{list}");
        import(place, "orders", "orders.csv");
        assert_eq!(people(place).len(), 1);
        assert_eq!(totals(place), [(3, 21_000_000)]);
    }

    fn rows_of_one_file_find_each_other(place: Place) {
        place.file("mixed.csv", "id,email,name\n,nora@x.example,Nora\n77,NORA@x.example,Nora Varga\n77,nora2@x.example,Nora Varga\n");
        import(place, "customers", "mixed.csv");
        assert_eq!(column(&people(place), "external_id"), ["77"]);
        assert_eq!(rows(place, "customer_addresses").len(), 1, "an address does not fill a blank");
    }

    fn an_undone_join_leaves_nothing_behind(place: Place) {
        files(place);
        import(place, "customers", "list.csv");
        let crm = import(place, "customers", "crm.csv");
        assert!(crm.contains("1 ids joined to customers who have the address already"), "{crm}");
        place.ok(&["import", "undo", &import_id(&crm), "--yes"]);
        let all = people(place);
        assert_eq!((all.len(), &all[0]["external_id"], &all[0]["industry"]), (1, &serde_json::Value::Null, &serde_json::Value::Null));
        // The id is nobody's again: who else has it is somebody else.
        place.file("other.csv", "id,email,name\n77,ilya@x.example,Ilya Petrov\n");
        import(place, "customers", "other.csv");
        assert_eq!(column(&people(place), "name"), ["Ilya Petrov", "Nora Varga"]);
    }

    fn ids_of_another_system_are_joined_by_the_address(place: Place) {
        place.file("hubspot.csv", "Record ID,First Name,Last Name,Email\n501,Nora,Varga,nora@x.example\n");
        place.file("orders.csv", "order,customer,email,date,sku,price,currency\n1,6001,nora@x.example,2026-01-02,A,5,EUR\n");
        place.file("later.csv", "order,customer,date,sku,price,currency\n2,6001,2026-01-03,A,7,EUR\n");
        import(place, "customers", "hubspot.csv");
        import(place, "orders", "orders.csv");
        import(place, "orders", "later.csv");
        assert_eq!(column(&people(place), "external_id"), ["501"]);
        assert_eq!(totals(place), [(2, 12_000_000)]);
    }

    fn two_people_with_one_mailbox_stay_two(place: Place) {
        place.file("crm.csv", "id,email,name\n1,info@bricks.example,Nora Varga\n2,info@bricks.example,Ilya Petrov\n3,info@bricks.example,\n");
        import(place, "customers", "crm.csv");
        assert_eq!(column(&people(place), "external_id"), ["1", "2", "3"]);
        // By the mailbox alone nobody knows whose it is: both are named.
        place.file("orders.csv", "order,email,date,sku,price,currency\n1,info@bricks.example,2026-01-02,A,5,EUR\n");
        let refused = place.fails(3, &["import", "orders", "orders.csv", "--refused", "refused.csv"]);
        assert!(refused.contains("every line of orders.csv was refused"), "{refused}");
        let lines = std::fs::read_to_string(place.path("refused.csv")).unwrap();
        assert!(lines.contains("Nora Varga") && lines.contains("Ilya Petrov") && lines.contains(",1,info@bricks.example,"), "{lines}");
        // A name tells.
        place.file("named.csv", "email,name,industry\ninfo@bricks.example,\"Petrov, Ilya\",bricks\n");
        import(place, "customers", "named.csv");
        let all = people(place);
        let ilya = all.iter().find(|row| row["external_id"] == "2").unwrap();
        assert_eq!(ilya["industry"], "bricks");
    }

    fn an_id_of_one_and_an_address_of_another_are_refused_with_both_names(place: Place) {
        place.file("orders.csv", "order,customer,date,sku,price,currency\n1,77,2026-01-02,A,5,EUR\n");
        place.file("list.csv", LIST);
        place.file("crm.csv", CRM);
        import(place, "orders", "orders.csv");
        import(place, "customers", "list.csv");
        let refused = place.run(&["import", "customers", "crm.csv"]);
        assert_eq!(refused.code, Some(3), "{}", refused.stderr);
        assert!(refused.stdout.contains("the customer with the id 77") && refused.stdout.contains("\"Nora Varga\""), "{}", refused.stdout);
    }

    fn messages_find_whoever_has_the_address(place: Place) {
        place.file("crm.csv", "id,name,phone\nC1,Nora Varga,+14155552671\n");
        place.file("texts.csv", "from,text,at,id\n+1 415 555 2671,hello,2024-05-08T14:25:40Z,m1\n22395,your code,2024-05-08T14:26:40Z,m2\n");
        import(place, "customers", "crm.csv");
        place.ok(&["import", "messages", "texts.csv", "--channel", "sms"]);
        let all = people(place);
        assert_eq!((all.len(), column(&all, "name")), (2, vec!["Nora Varga".to_owned()]), "a short code is a sender too");
        let nora = all.iter().find(|row| row["external_id"] == "C1").unwrap();
        let messages = rows(place, "messages");
        assert_eq!(messages.iter().filter(|row| row["customer_id"] == nora["customer_id"]).count(), 1);
    }
}
