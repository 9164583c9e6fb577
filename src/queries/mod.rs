//! Reads for people and processes: one file per read model, over the tables that `projections/*.sql` declare.
//!
//! Every function takes the tables to read ([`Db`]: the live generation, or one as of an earlier
//! moment) and the tenant. Rows hold what the tables hold: ids as UUIDs, words as text, money as integer micros.
//! Columns that come from sealed data are [`None`] once the person was forgotten.

pub mod activities;
pub mod address_validations;
pub mod attachments;
pub mod back_test;
pub mod campaign_attribution;
pub mod campaign_effects;
pub mod campaign_groups;
pub mod campaign_metrics;
pub mod campaigns;
pub mod canned_replies;
pub mod consents;
pub mod conversations;
mod customer_condition;
mod customer_list;
mod customer_order;
pub mod customer_roots;
pub mod customers;
pub mod deliverability;
mod error;
pub mod habits;
pub mod imports;
pub mod in_app;
pub mod inbox;
pub mod kept_callbacks;
pub mod lists;
mod message_list;
pub mod messages;
pub mod page;
pub mod provider_accounts;
mod reads;
pub mod search;
mod select;
pub mod suppressions;
pub mod templates;
pub mod tenants;
pub mod timeline;
pub mod traffic;

pub use error::QueryError;
pub use page::{Cursor, Page, PageError, Slice};

use crate::sql::row;
/// The tables that a query reads: the live generation's, or one as of an earlier moment.
pub use crate::sql::{Db, Share, Shares};

pub use crate::projections::{AsOf, Parked, ParkedStream, ProjectionError, ProjectionStatus, WaitError};
pub use reads::Reads;
pub use select::{Counted, Readable};

/// A JSON column.
pub type Json = sqlx::types::Json<serde_json::Value>;

row! {
    /// The number in the only column of a query's only row.
    struct Count {
        count: i64,
    }
}
