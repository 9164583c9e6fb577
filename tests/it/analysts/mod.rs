//! What analysts use: views that follow the live read tables, and what reads them.

mod export;
mod pages;
mod queries;
mod views;

use crate::cli::Place;

/// Two customers, who are one person, a third one, and their orders.
pub(crate) const CUSTOMERS: &str = "customer,name,email,phone\nk1,Ann Lee,ann@example.com,+442079460001\n\
    k2,Bob Ray,bob@example.org,+442079460002\nk3,Cyd Fox,cyd@example.com,+442079460003\n";

pub(crate) const ORDERS: &str = "order,date,customer,sku,quantity,price\n\
    o1,2026-01-05 10:00:00,k1,A,2,10.50\no1,2026-01-05 10:00:00,k1,B,1,4.25\n\
    o2,2026-02-07 11:30:00,k1,A,1,10.50\no3,2026-02-09 09:15:00,k2,A,3,10.00\n";

/// A place with these, imported.
pub(crate) fn fill(place: &Place) {
    place.file("crm.csv", CUSTOMERS);
    place.file("orders.csv", ORDERS);
    place.ok(&["import", "customers", "crm.csv"]);
    place.ok(&["import", "orders", "orders.csv", "--currency", "EUR", "--time-zone", "UTC"]);
    place.ok(&["rebuild"]);
}
