//! What resolvers work with.

use std::sync::Arc;
use std::sync::OnceLock;
use std::time::Duration;

use async_graphql::dataloader::DataLoader;
use async_graphql::{Context, Error, Result};

use super::connection::of_page;
use super::failure::{field_refused, opaque};
use super::keys::Keys;
use super::limits::Limits;
use super::loaders::Batches;
use super::metrics::Metrics;
use super::model::event::AsOfInput;
use super::principal::{Permission, Principal};
use super::scalar::Cursor;
use crate::accounts::service::AccountService;
use crate::app::App;
use crate::clock::Ambient;
use crate::ids::CustomerId;
use crate::queries::Db;
use crate::queries::roots::{self, Whole};
use crate::queries::{QueryError, Reads};

/// What all requests share.
#[derive(Clone)]
pub struct Api {
    /// The use cases.
    pub app: App,
    /// The read tables.
    pub reads: Reads,
    /// The provider accounts.
    pub accounts: AccountService,
    /// What a request may cost.
    pub limits: Arc<Limits>,
    /// The API keys that were checked lately.
    pub keys: Keys,
    /// What is counted.
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
        self.reads.wait_for(position.0, most).await.map_err(|_| {
            let seconds = most.as_secs();
            field_refused("NOT_YET_VISIBLE", format!("the read tables did not reach this position within {seconds} s"))
        })
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

/// What belongs to one request: who asks, and the batches in which nested objects are read.
pub struct Session {
    /// The key's holder.
    pub principal: Principal,
    batches: OnceLock<DataLoader<Batches>>,
}

impl Session {
    /// A session without reads so far.
    #[must_use]
    pub const fn new(principal: Principal) -> Self {
        Self { principal, batches: OnceLock::new() }
    }

    /// The request's data loader.
    pub fn batches(&self, api: &Api) -> &DataLoader<Batches> {
        self.batches.get_or_init(|| DataLoader::new(Batches::new(api.clone(), self.principal.tenant), tokio::spawn))
    }
}

/// The session, the shared part and the tables at once: what a resolver of the read side begins with.
#[derive(Clone, Copy)]
pub struct Reading<'a> {
    /// What all requests share.
    pub api: &'a Api,
    /// What belongs to this one.
    pub session: &'a Session,
}

impl<'a> Reading<'a> {
    /// Out of a field's context.
    pub fn of(ctx: &Context<'a>) -> Result<Self> {
        let session = ctx.data::<Session>().map_err(|_| field_refused("UNAUTHENTICATED", "an API key is needed"))?;
        Ok(Self { api: Api::of(ctx)?, session })
    }

    /// Whether names, addresses and texts are shown.
    #[must_use]
    pub const fn personal(self) -> bool {
        self.session.principal.may(Permission::SeePersonal)
    }

    /// The tables to read of a customer: the live ones, or as of an earlier moment.
    pub async fn tables(self, customer: CustomerId, as_of: Option<AsOfInput>) -> Result<Tables> {
        let Some(as_of) = as_of else { return Ok(Tables::Live) };
        let tenant = self.session.principal.tenant;
        // Those who are one person now; the tables as of then know who was.
        let ids = self.person(&Tables::Live, customer).await?.ids();
        let tables = self.api.reads.as_of_customers(tenant, &ids, as_of.into()).await;
        tables.map(Tables::AsOf).map_err(|error| opaque(self.api.ambient(), &error))
    }

    /// The person that a customer's id stands for.
    pub async fn person(self, tables: &Tables, customer: CustomerId) -> Result<Whole> {
        let tenant = self.session.principal.tenant;
        roots::whole(&tables.db(self.api), tenant, customer).await.map_err(|error| self.api.failed(&error))
    }

    /// The request's data loader.
    #[must_use]
    pub fn batches(self) -> &'a DataLoader<Batches> {
        self.session.batches(self.api)
    }
}

/// Which tables an object was read from; what hangs on it is read from the same.
#[derive(Clone)]
pub enum Tables {
    /// The live ones.
    Live,
    /// One customer's, as of an earlier moment.
    AsOf(Db),
}

impl Tables {
    /// The tables to read.
    #[must_use]
    pub fn db(&self, api: &Api) -> Db {
        match self {
            Self::Live => api.reads.db(),
            Self::AsOf(db) => db.clone(),
        }
    }
}
