//! What a resolver reads with: who asks, and which tables.

use std::sync::OnceLock;

use async_graphql::dataloader::DataLoader;
use async_graphql::{Context, OneofObject, Result};
use chrono::{DateTime, Utc};
use futures::future::BoxFuture;

use super::api::Api;
use super::failure::{field_refused, opaque};
use super::loaders::Batches;
use super::principal::{Permission, Principal};
use super::scalar::Cursor;
use crate::ids::CustomerId;
use crate::queries::customer_roots::Whole;
use crate::queries::{AsOf, Db, Share, customer_roots};

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
        self.batches.get_or_init(|| {
            let share = Share::current();
            let spawn = move |batch: BoxFuture<'static, ()>| match share.clone() {
                Some(share) => tokio::spawn(share.run(batch)),
                None => tokio::spawn(batch),
            };
            DataLoader::new(Batches::new(api.clone(), self.principal.tenant), spawn)
        })
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
        let db = tables.map_err(|error| opaque(self.api.ambient(), &error))?;
        Ok(Tables::AsOf(Past { db, customer, moment: as_of }))
    }

    /// The person that a customer's id stands for.
    pub async fn person(self, tables: &Tables, customer: CustomerId) -> Result<Whole> {
        let tenant = self.session.principal.tenant;
        customer_roots::whole(&tables.db(self.api), tenant, customer).await.map_err(|error| self.api.failed(&error))
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
    AsOf(Past),
}

/// The tables of one customer as of an earlier moment.
#[derive(Clone)]
pub struct Past {
    /// The tables.
    pub db: Db,
    /// The customer whose history was read.
    pub customer: CustomerId,
    /// The moment, as it was asked for.
    pub moment: AsOfInput,
}

impl Tables {
    /// The tables to read.
    #[must_use]
    pub fn db(&self, api: &Api) -> Db {
        match self {
            Self::Live => api.reads.db(),
            Self::AsOf(past) => past.db.clone(),
        }
    }
}

/// A moment in the past: by the time of recording, or by a position in the log.
#[derive(OneofObject, Debug, Clone, Copy)]
pub enum AsOfInput {
    /// Includes everything recorded at or before this time.
    Time(DateTime<Utc>),
    /// Includes everything up to and including this position.
    Position(Cursor),
}

impl From<AsOfInput> for AsOf {
    fn from(input: AsOfInput) -> Self {
        match input {
            AsOfInput::Time(time) => Self::Time(time),
            AsOfInput::Position(position) => Self::Position(position.0),
        }
    }
}
