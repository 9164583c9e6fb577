//! What is left to do when processes start.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use crate::app::{App, AppError, DispatchSignal, Interest, Lane, Signal};
use crate::domain::value::Channel;
use crate::domain::value::message::MessageState;
use crate::ids::{CustomerId, MessageId, Position, TenantId};
use crate::queries::messages::UndispatchedRow;
use crate::queries::{QueryError, Reads, customer_roots, customers, messages};

/// How many events are looked at in one read.
const PAGE: usize = 10_000;
/// How many rows are read at once.
const ROWS: usize = 1_000;

/// A message that a dispatcher has to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// The tenant whose data it is.
    pub tenant: TenantId,
    /// The customer.
    pub customer_id: CustomerId,
    /// The message.
    pub message_id: MessageId,
    /// The channel that it goes by.
    pub channel: Channel,
    /// Where it waits.
    pub lane: Lane,
    /// What a dispatcher may do with it.
    pub stage: DispatchSignal,
    /// When it was asked for, as far as the read tables know: those that they do not show yet are new.
    pub since: Option<DateTime<Utc>>,
}

/// What earlier processes left to do, up to a position of the log.
#[derive(Debug, Clone, Default)]
pub struct Backlog {
    /// What follows this position is in the log only.
    pub position: Position,
    /// Messages that are not settled.
    pub messages: Vec<Waiting>,
    /// Customers who asked to be forgotten, with the position of the request.
    pub erasures: Vec<(TenantId, CustomerId, Position)>,
    /// Tenants whose provider accounts changed after what the read tables show.
    pub accounts: BTreeSet<TenantId>,
    /// Merged customers that their survivor has not absorbed yet.
    pub merges: Vec<(TenantId, CustomerId)>,
}

/// Why the backlog could not be gathered.
#[derive(Debug, thiserror::Error)]
pub enum BacklogError {
    /// The log did not answer.
    #[error("the log could not be read for what is left to do")]
    App(#[from] AppError),
    /// The read tables did not answer.
    #[error("the read tables could not be read for what is left to do")]
    Query(#[from] QueryError),
}

impl Backlog {
    /// Gathers from the log alone, from its first event on.
    pub async fn from_log(app: &App) -> Result<Self, BacklogError> {
        Self::since(app, Position::START, BTreeMap::new(), BTreeMap::new(), BTreeSet::new()).await
    }

    /// Gathers from the read tables, and from the log after what they show.
    pub async fn from_tables(app: &App, reads: &Reads) -> Result<Self, BacklogError> {
        // Read before the tables, so that they stand there at least.
        let applied = *reads.applied().borrow();
        let db = &reads.db();
        let mut waiting = BTreeMap::new();
        let mut after = None;
        loop {
            let found = messages::undispatched(db, after, ROWS).await?;
            let Some((tenant, message)) = found.last else { break };
            after = Some((TenantId(tenant), MessageId(message)));
            app.health().set_aside("backlog", found.set_aside);
            for row in &found.rows {
                waiting.extend(read(row).map(|message| (message.message_id, message)));
            }
        }
        let mut forgotten = BTreeMap::new();
        let mut after = None;
        loop {
            let page = customers::forgotten(db, after, ROWS).await?;
            let Some(last) = page.last() else { break };
            after = Some(*last);
            forgotten.extend(page.into_iter().map(|key| (key, applied)));
        }
        let mut merged = BTreeSet::new();
        let mut after = None;
        loop {
            let page = customer_roots::open_merges(db, after, ROWS).await?;
            let Some(last) = page.last() else { break };
            after = Some(*last);
            merged.extend(page);
        }
        Self::since(app, applied, waiting, forgotten, merged).await
    }

    async fn since(
        app: &App,
        mut position: Position,
        mut waiting: BTreeMap<MessageId, Waiting>,
        mut forgotten: BTreeMap<(TenantId, CustomerId), Position>,
        mut merged: BTreeSet<(TenantId, CustomerId)>,
    ) -> Result<Self, BacklogError> {
        let mut accounts = BTreeSet::new();
        loop {
            let (signals, until) = app.signals(Interest::All, position, PAGE).await?;
            if until == position {
                break;
            }
            position = until;
            for signal in signals {
                match signal {
                    Signal::Message { message_id, stage: DispatchSignal::Settled, .. } => {
                        waiting.remove(&message_id);
                    }
                    Signal::Message { tenant, customer_id, message_id, channel, lane, stage } => {
                        let since = waiting.get(&message_id).and_then(|known| known.since);
                        let message = Waiting { tenant, customer_id, message_id, channel, lane, stage, since };
                        waiting.insert(message_id, message);
                    }
                    Signal::Merged { tenant, customer_id } => {
                        merged.insert((tenant, customer_id));
                    }
                    Signal::Absorbed { tenant, customer_id } => {
                        merged.remove(&(tenant, customer_id));
                    }
                    Signal::Forgotten { tenant, customer_id, position } => {
                        forgotten.insert((tenant, customer_id), position);
                    }
                    Signal::Accounts { tenant } => {
                        accounts.insert(tenant);
                    }
                    Signal::Erased { tenant, customer_id } => {
                        forgotten.remove(&(tenant, customer_id));
                    }
                }
            }
        }
        let erasures = forgotten.into_iter().map(|((tenant, customer), at)| (tenant, customer, at)).collect();
        let merges = merged.into_iter().collect();
        Ok(Self { position, messages: waiting.into_values().collect(), erasures, merges, accounts })
    }
}

/// A row as it stands; the log may know more.
fn read(row: &UndispatchedRow) -> Option<Waiting> {
    let due = |at: Option<DateTime<Utc>>| at.map_or(DispatchSignal::Ready, DispatchSignal::Due);
    let stage = match row.state {
        MessageState::Dispatching => DispatchSignal::Dispatching,
        MessageState::Held => due(row.held_until),
        MessageState::Queued => due(row.retry_at),
        _ => return None,
    };
    Some(Waiting {
        tenant: row.tenant_id,
        customer_id: row.customer_id,
        message_id: row.message_id,
        channel: row.channel,
        lane: Lane::of(row.campaign_id),
        stage,
        since: Some(row.created_at),
    })
}
