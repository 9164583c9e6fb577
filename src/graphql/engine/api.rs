//! What all requests share.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::{Context, Error, Result};

use super::connection::of_page;
use super::failure::{bad_argument, field_refused, opaque};
use super::keys::Keys;
use super::limits::Limits;
use super::metrics::Metrics;
use super::scalar::Cursor;
use crate::accounts::service::AccountService;
use crate::accounts::validation::ValidationService;
use crate::app::App;
use crate::clock::Ambient;
use crate::exports::Exports;
use crate::ids::Position;
use crate::imports::Runs;
use crate::queries::{QueryError, Reads};
use crate::verification::Verifications;

/// What a node carries out beside requests, and requests ask for.
pub struct Work {
    /// Imports of files.
    pub imports: Runs,
    /// Exports of read models.
    pub exports: Exports,
    /// Verifications of the log.
    pub verifications: Verifications,
}

/// What all requests share.
#[derive(Clone)]
pub struct Api {
    /// The use cases.
    pub app: App,
    /// The read tables.
    pub reads: Reads,
    /// The provider accounts.
    pub accounts: AccountService,
    /// What checks addresses.
    pub validations: ValidationService,
    /// The imports that this node carries out.
    pub imports: Runs,
    /// The exports that this node carries out.
    pub exports: Exports,
    /// The verifications of the log that this node carries out.
    pub verifications: Verifications,
    /// What a request may cost.
    pub limits: Arc<Limits>,
    /// The API keys that were checked lately.
    pub keys: Keys,
    /// The unit of the rate.
    pub metrics: Metrics,
}

impl Api {
    /// The shared part, out of a field's context.
    pub fn of<'a>(ctx: &Context<'a>) -> Result<&'a Self> {
        ctx.data::<Self>()
    }

    /// Clock and randomness.
    #[must_use]
    pub fn ambient(&self) -> &Ambient {
        self.app.ambient()
    }

    /// Waits until the read tables show a position, if one is given.
    pub async fn wait_for(&self, position: Option<Cursor>) -> Result<()> {
        let Some(position) = position else { return Ok(()) };
        let most: Duration = self.limits.wait_for;
        self.reads.hurry_to(position.0, most).await.map_err(|_| {
            let seconds = most.as_secs();
            field_refused("NOT_YET_VISIBLE", format!("the read tables did not reach this position within {seconds} s"))
        })
    }

    /// Waits until the read tables show the position that a subscription continues after. One that the log does not have
    /// would never come.
    pub async fn wait_for_after(&self, after: Position) -> Result<()> {
        if after <= *self.reads.applied().borrow() {
            return Ok(());
        }
        let head = self.reads.journal().backend().head().await.map_err(|error| opaque(self.ambient(), &error))?;
        if after > head.position {
            return Err(bad_argument("after", "is beyond the end of the log"));
        }
        self.wait_for(Some(after.into())).await
    }

    /// A failed read as the caller may know it: a page that does not exist is the caller's matter.
    #[must_use]
    pub fn failed(&self, error: &QueryError) -> Error {
        match error {
            QueryError::Page(error) => of_page(error),
            QueryError::Database { .. } => opaque(self.ambient(), error),
        }
    }
}
