//! What the rows of customers get beside the table's columns: whom they were merged into, addresses, consent. With these,
//! `commlog import customers` makes the same people of the file.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::{Map, Value};

use super::ExportError;
use crate::ids::{CustomerId, TenantId};
use crate::queries::{consents, customer_roots, customers};
use crate::sql::Db;

/// Columns of the table that only say in short what stands behind them.
pub(super) const DERIVED: [&str; 4] = ["sort_name", "merged", "has_email", "has_phone"];

/// The columns behind the table's own.
pub(super) const COLUMNS: [&str; 3] = ["merged_into", "addresses", "consents"];

/// How many customers are looked up at once.
pub(super) const AT_ONCE: usize = 500;

#[derive(Serialize)]
struct Address<'a> {
    kind: &'a str,
    address: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<&'a str>,
    primary: bool,
}

#[derive(Serialize)]
struct Consent<'a> {
    channel: &'a str,
    topic: &'a str,
    state: &'a str,
    at: String,
    source: &'a str,
    method: &'a str,
}

/// Completes rows of customers, each a JSON object.
pub(super) async fn complete(db: &Db, tenant: TenantId, rows: &[String]) -> Result<Vec<String>, ExportError> {
    let damaged = ExportError::Row;
    let mut ids = Vec::with_capacity(rows.len());
    for row in rows {
        let row: Map<String, Value> = serde_json::from_str(row).map_err(damaged)?;
        let id = row.get("customer_id").and_then(Value::as_str).and_then(|id| id.parse::<uuid::Uuid>().ok());
        ids.push(CustomerId(id.ok_or(ExportError::NoId)?));
    }
    let wholes = customer_roots::wholes(db, tenant, &ids).await?;
    let mut addresses: HashMap<CustomerId, Vec<Value>> = HashMap::new();
    for own in customers::addresses(db, tenant, &ids).await? {
        // What is forgotten has no address any more.
        let Some(address) = &own.address else { continue };
        let (kind, label, primary) = (own.kind.word(), own.label.as_deref(), own.is_primary);
        let value = serde_json::to_value(Address { kind, address, label, primary }).map_err(damaged)?;
        addresses.entry(own.customer_id).or_default().push(value);
    }
    let mut said: HashMap<CustomerId, Vec<Value>> = HashMap::new();
    for own in consents::of_customers(db, tenant, &ids).await? {
        let value = serde_json::to_value(Consent {
            channel: own.channel.word(),
            topic: &own.topic,
            state: own.state.word(),
            at: own.occurred_at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true),
            source: own.source.word(),
            method: &own.method,
        });
        said.entry(own.customer_id).or_default().push(value.map_err(damaged)?);
    }
    let mut completed = Vec::with_capacity(rows.len());
    for ((row, id), whole) in rows.iter().zip(&ids).zip(wholes) {
        let merged_into = if whole.root == *id { Value::Null } else { whole.root.to_string().into() };
        let list = |lists: &mut HashMap<CustomerId, Vec<Value>>| Value::Array(lists.remove(id).unwrap_or_default());
        let (addresses, consents) = (list(&mut addresses), list(&mut said));
        let bare = row.trim_end().trim_end_matches('}');
        let [merged, own, words] = COLUMNS;
        completed.push(format!("{bare},\"{merged}\":{merged_into},\"{own}\":{addresses},\"{words}\":{consents}}}"));
    }
    Ok(completed)
}
