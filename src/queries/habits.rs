//! When customers read and reply: the moments that the best hour to write to them follows from.

use chrono::{DateTime, Utc};

use super::QueryError;
use super::select::Select;
use crate::ids::{CustomerId, TenantId};
use crate::sql::{Db, Engine, row};

/// How many of a customer's latest messages are looked at.
const LATEST: usize = 200;

row! {
    struct ReadRow {
        opened_human_at: Option<DateTime<Utc>>,
        replied_at: Option<DateTime<Utc>>,
    }
}

/// When people first opened the latest messages to a customer, and when the customer replied to them. Machines are left out.
pub async fn of_customer(
    db: &Db,
    tenant: TenantId,
    customer: CustomerId,
) -> Result<(Vec<DateTime<Utc>>, Vec<DateTime<Utc>>), QueryError> {
    let by_customer = if db.engine() == Engine::Sqlite { " INDEXED BY messages_of_customer" } else { "" };
    let mut select = Select::new(&format!("SELECT m.opened_human_at, m.replied_at FROM messages m{by_customer}"), []);
    select.and_equal("m.tenant_id", Some(tenant.0));
    select.and_equal("m.customer_id", Some(customer.0));
    select.and("m.direction = 'outbound'", []);
    select.push(&format!(" ORDER BY m.created_at DESC LIMIT {LATEST}"), []);
    let rows: Vec<ReadRow> = select.all(db, "when a customer reads").await?;
    let opened = rows.iter().filter_map(|row| row.opened_human_at).collect();
    Ok((opened, rows.iter().filter_map(|row| row.replied_at).collect()))
}
