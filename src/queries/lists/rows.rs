//! The rows that criteria look at.

use super::piece::Piece;
use crate::domain::list::criteria::Engagement;
use crate::domain::value::Direction;

/// The condition on an activity `t` that it is an order, and no cancellation.
pub(super) const ORDERS: &str = " AND t.kind = 'order' AND COALESCE(t.amount_micros, 0) >= 0";

/// Rows of a table, in the last so many days.
#[derive(Clone)]
pub(super) struct Rows {
    pub table: &'static str,
    /// The column of the moment.
    pub at: &'static str,
    /// Further conditions on a row `t`.
    pub only: Piece,
    /// The index by which SQLite finds the rows of given customers.
    pub by_customer: &'static str,
    /// The one by which it finds those of a range of customers.
    pub by_range: &'static str,
}

/// Activities that meet further conditions.
pub(super) fn activities(only: Piece) -> Rows {
    let by_customer = "activities_newest";
    Rows { table: "activities", at: "occurred_at", only, by_customer, by_range: by_customer }
}

/// What orders added up to, whenever they were placed.
pub(super) fn totals(only: Piece) -> Rows {
    let by_customer = "sqlite_autoindex_customer_totals_1";
    Rows { table: "customer_totals", at: "", only, by_customer, by_range: by_customer }
}

/// The totals of those who ordered at some time; cancellations are no orders here.
pub(super) fn ordered() -> Rows {
    totals(Piece::new(" AND t.first_order_at IS NOT NULL", []))
}

/// The column of `messages` that says when something was first done with one.
pub(super) const fn engaged_at(kind: Engagement) -> &'static str {
    match kind {
        Engagement::Sent => "sent_at",
        Engagement::Delivered => "delivered_at",
        Engagement::Opened => "opened_human_at",
        Engagement::Clicked => "clicked_human_at",
        Engagement::Replied => "replied_at",
    }
}

/// The column of `customer_contacts` that says when there was contact last.
pub(super) const fn contacted_at(direction: Direction) -> &'static str {
    match direction {
        Direction::Inbound => "last_inbound_at",
        Direction::Outbound => "last_outbound_at",
    }
}
