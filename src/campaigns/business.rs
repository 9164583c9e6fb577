//! What is known of a customer's business, for the texts that name it.

use crate::domain::activity::event::ActivityKind;
use crate::ids::{ActivityId, CustomerId, TenantId};
use crate::queries::activities::{self, ActivityFilter, ActivityRow};
use crate::queries::{Db, Page, QueryError, customer_roots};
use crate::rendering::{Business, Line, MAX_ORDERS, Order};

/// The newest orders of a customer, and the activity that a message is about; [`None`] if the customer has no such activity.
pub async fn find_business(
    db: &Db,
    tenant: TenantId,
    customer: CustomerId,
    activity: Option<ActivityId>,
) -> Result<Option<Business>, QueryError> {
    let filter = ActivityFilter { kinds: vec![ActivityKind::Order], ..ActivityFilter::default() };
    let page = Page::first(MAX_ORDERS);
    let mut rows = activities::of_customer(db, tenant, customer, &filter, &page).await?.into_rows();
    let about = match activity {
        Some(id) => {
            let row = activities::by_id(db, tenant, id).await?;
            let person = customer_roots::whole(db, tenant, customer).await?.ids();
            match row.filter(|row| person.contains(&row.customer_id)) {
                Some(row) => Some(row),
                None => return Ok(None),
            }
        }
        None => None,
    };
    // A cancellation is an order too, but none that was placed.
    let last_order_at =
        rows.iter().find(|row| row.amount_micros.is_none_or(|amount| amount >= 0)).map(|row| row.occurred_at);
    let newest = rows.len();
    rows.extend(about);
    let mut orders = with_lines(db, tenant, rows).await?;
    let order = (orders.len() > newest).then(|| orders.pop()).flatten();
    Ok(Some(Business { last_order_at, orders, order }))
}

async fn with_lines(db: &Db, tenant: TenantId, rows: Vec<ActivityRow>) -> Result<Vec<Order>, QueryError> {
    let ids: Vec<_> = rows.iter().map(|row| row.activity_id).collect();
    let lines = activities::lines(db, tenant, &ids).await?;
    let order = |row: ActivityRow| Order {
        lines: (lines.iter().filter(|line| line.activity_id == row.activity_id))
            .map(|line| Line {
                sku: line.sku.clone(),
                description: line.description.clone(),
                quantity_milli: line.quantity_milli,
                unit_price_micros: line.unit_price_micros,
            })
            .collect(),
        number: row.reference,
        status: row.status,
        title: row.title,
        at: row.occurred_at,
        due_at: row.due_at,
        amount_micros: row.amount_micros,
        currency: row.currency,
        attributes: row.attributes.and_then(|stored| serde_json::from_value(stored.0).ok()).unwrap_or_default(),
    };
    Ok(rows.into_iter().map(order).collect())
}
