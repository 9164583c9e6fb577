//! What processes watch for: the log's events that ask for something to be done, in order.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use tokio::sync::watch;

use crate::app::{App, AppError};
use crate::domain::customer::event::{CustomerAbsorbed, CustomerForgotten, CustomerMergedInto, ErasureCompleted};
use crate::domain::event::Event;
use crate::domain::message::event::{
    DispatchFailed, DispatchInDoubt, DispatchStarted, MessageCancelled, MessageHeld, MessageQueued, MessageReleased,
    MessageSent, MessageSuppressed,
};
use crate::domain::value::Channel;
use crate::ids::{CustomerId, MessageId, Position, TenantId};
use crate::log::{Category, LogError, ReadLimit, SealedEvent};
use crate::offload;

/// Something that a process may have to act on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signal {
    /// An outbound message changed its stage.
    Message {
        /// The tenant whose data it is.
        tenant: TenantId,
        /// The customer.
        customer_id: CustomerId,
        /// The message.
        message_id: MessageId,
        /// The channel that it goes by.
        channel: Channel,
        /// What a dispatcher may do with it.
        stage: DispatchSignal,
    },
    /// A customer was merged into another one, whose survivor may not know it yet.
    Merged {
        /// The tenant whose data it is.
        tenant: TenantId,
        /// The customer.
        customer_id: CustomerId,
    },
    /// A merge is complete: the survivor has taken the customer over.
    Absorbed {
        /// The tenant whose data it is.
        tenant: TenantId,
        /// The customer.
        customer_id: CustomerId,
    },
    /// A customer asked to be forgotten.
    Forgotten {
        /// The tenant whose data it is.
        tenant: TenantId,
        /// The customer.
        customer_id: CustomerId,
        /// Where the request stands: read tables are purged once they have reached it.
        position: Position,
    },
    /// A tenant's provider accounts changed.
    Accounts {
        /// The tenant whose data it is.
        tenant: TenantId,
    },
    /// A forgetting ended.
    Erased {
        /// The tenant whose data it is.
        tenant: TenantId,
        /// The customer.
        customer_id: CustomerId,
    },
}

/// Where an outbound message stands, as far as a dispatcher cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DispatchSignal {
    /// It may go out.
    Ready,
    /// It may go out from a time on.
    Due(DateTime<Utc>),
    /// A provider is being called, or was when a process died.
    Dispatching,
    /// There is nothing more to do.
    Settled,
}

impl App {
    /// The signals among the events after a position, and the position up to which was looked. The same position: there
    /// is nothing newer. Reads what is not sealed, and only of the few types that matter.
    pub async fn signals(&self, after: Position, limit: usize) -> Result<(Vec<Signal>, Position), AppError> {
        let events = self.shared.journal.backend().read_all(after, ReadLimit::events(limit)).await?;
        let until = events.last().map_or(after, |event| event.envelope.position);
        let read = offload::map(events.len(), events, |event| signal(&event).transpose()).await;
        let mut signals = Vec::new();
        for found in read.into_iter().flatten() {
            match found {
                Ok(signal) => signals.push(signal),
                // One event that cannot be read must not stop what all others ask for.
                Err(error) => {
                    tracing::error!(%error, "an event cannot be read and is set aside");
                    self.health().set_aside("log", 1);
                }
            }
        }
        Ok((signals, until))
    }

    /// The end of the log.
    pub async fn end(&self) -> Result<Position, AppError> {
        Ok(self.shared.journal.backend().head().await?.position)
    }

    /// Tells each new end of the log.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Position> {
        self.shared.journal.backend().watch()
    }
}

/// The part of an event's data that says what is to be done. It is the same in all schema versions.
#[derive(Deserialize)]
struct Data {
    message_id: MessageId,
    channel: Channel,
    #[serde(default)]
    until: Option<DateTime<Utc>>,
    #[serde(default)]
    retry_at: Option<DateTime<Utc>>,
}

#[derive(Deserialize)]
struct Absorbed {
    absorbed_id: CustomerId,
}

fn read<'e, T: Deserialize<'e>>(event: &'e SealedEvent) -> Result<T, LogError> {
    serde_json::from_slice(&event.data)
        .map_err(|error| LogError::Damaged { position: event.envelope.position, reason: error.to_string() })
}

fn signal(event: &SealedEvent) -> Result<Option<Signal>, LogError> {
    let envelope = &event.envelope;
    let tenant = envelope.stream.tenant;
    match envelope.stream.category {
        Category::Customer => customer_signal(event),
        Category::Account => Ok(Some(Signal::Accounts { tenant })),
        Category::Address
        | Category::Campaign
        | Category::Template
        | Category::List
        | Category::Journey
        | Category::Import
        | Category::Tenant
        | Category::Callback
        | Category::CannedReply => Ok(None),
    }
}

fn customer_signal(event: &SealedEvent) -> Result<Option<Signal>, LogError> {
    let envelope = &event.envelope;
    let tenant = envelope.stream.tenant;
    let customer_id = CustomerId(envelope.stream.key);
    let stage: fn(&Data) -> DispatchSignal = match envelope.event_type.as_str() {
        CustomerForgotten::TYPE => {
            return Ok(Some(Signal::Forgotten { tenant, customer_id, position: envelope.position }));
        }
        ErasureCompleted::TYPE => return Ok(Some(Signal::Erased { tenant, customer_id })),
        CustomerMergedInto::TYPE => return Ok(Some(Signal::Merged { tenant, customer_id })),
        CustomerAbsorbed::TYPE => {
            let Absorbed { absorbed_id } = read(event)?;
            return Ok(Some(Signal::Absorbed { tenant, customer_id: absorbed_id }));
        }
        MessageQueued::TYPE | MessageReleased::TYPE => |_| DispatchSignal::Ready,
        MessageHeld::TYPE => |data| data.until.map_or(DispatchSignal::Ready, DispatchSignal::Due),
        DispatchFailed::TYPE => |data| data.retry_at.map_or(DispatchSignal::Settled, DispatchSignal::Due),
        DispatchStarted::TYPE => |_| DispatchSignal::Dispatching,
        MessageSuppressed::TYPE | MessageCancelled::TYPE | DispatchInDoubt::TYPE | MessageSent::TYPE => {
            |_| DispatchSignal::Settled
        }
        _ => return Ok(None),
    };
    let data: Data = read(event)?;
    let (message_id, channel) = (data.message_id, data.channel);
    Ok(Some(Signal::Message { tenant, customer_id, message_id, channel, stage: stage(&data) }))
}
