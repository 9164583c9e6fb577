//! What processes watch for: the log's events that ask for something to be done, in order.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use tokio::sync::watch;

use crate::app::engine::share::Share;
use crate::app::{App, AppError};
use crate::domain::activity::event::{ActivityRecorded, ActivityRetracted};
use crate::domain::consent::event::ConsentChanged;
use crate::domain::customer::event::{
    CustomerAbsorbed, CustomerAddressAdded, CustomerAddressRemoved, CustomerForgotten, CustomerMergedInto,
    CustomerProfileChanged, CustomerRegistered, CustomerRetracted, ErasureCompleted,
};
use crate::domain::event::Event;
use crate::domain::list::criteria::Source;
use crate::domain::list::event::{MembersEntered, MembersLeft};
use crate::domain::message::event::{
    DispatchFailed, DispatchInDoubt, DispatchStarted, EngagementReclassified, MessageCancelled, MessageClicked,
    MessageDelivered, MessageHeld, MessageOpened, MessageQueued, MessageReceived, MessageReleased, MessageRetracted,
    MessageSent, MessageSuppressed,
};
use crate::domain::value::Channel;
use crate::ids::{CampaignId, CustomerId, ImportId, ListId, MessageId, Position, TenantId};
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
        /// Where it waits.
        lane: Lane,
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

/// In which of two queues a message waits to be dispatched: nobody's password waits behind a newsletter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    /// Messages of their own, which go first.
    Single,
    /// Messages of campaigns.
    Campaign,
}

impl Lane {
    /// The lane of a message that belongs to a campaign, or to none.
    #[must_use]
    pub const fn of(campaign: Option<CampaignId>) -> Self {
        match campaign {
            Some(_) => Self::Campaign,
            None => Self::Single,
        }
    }
}

/// What a process wants to hear of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interest {
    /// Everything.
    All,
    /// Messages of a lane to the customers of a share.
    Messages(Lane, Share),
    /// Customers who are merged or forgotten.
    People,
}

impl Interest {
    /// Whether messages to a customer are wanted.
    fn is_in_messages_to(self, customer: CustomerId) -> bool {
        match self {
            Self::All => true,
            Self::Messages(_, share) => share.has(customer),
            Self::People => false,
        }
    }

    fn wants(self, signal: &Signal) -> bool {
        match (self, signal) {
            (Self::All, _) => true,
            (Self::Messages(wanted, _), Signal::Message { lane, .. }) => wanted == *lane,
            (Self::Messages(..), _) | (Self::People, Signal::Message { .. } | Signal::Accounts { .. }) => false,
            (Self::People, _) => true,
        }
    }
}

/// What an event changes for lists of customers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Touch {
    /// Something of a customer, which criteria are answered from.
    Customer {
        /// The tenant whose data it is.
        tenant: TenantId,
        /// The customer, or a record of one.
        customer_id: CustomerId,
        /// What changed.
        source: Source,
    },
    /// A list was made, changed or deleted.
    List {
        /// The tenant whose data it is.
        tenant: TenantId,
        /// The list.
        list_id: ListId,
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
    pub async fn signals(
        &self,
        interest: Interest,
        after: Position,
        limit: usize,
    ) -> Result<(Vec<Signal>, Position), AppError> {
        let events = self.shared.journal.follow_sealed(after, ReadLimit::events(limit)).await?;
        let until = events.last().map_or(after, |event| event.envelope.position);
        let read = offload::map(events.len(), events, move |event| signal(&event, interest).transpose()).await;
        let mut signals = Vec::new();
        for found in read.into_iter().flatten() {
            match found {
                Ok(signal) if interest.wants(&signal) => signals.push(signal),
                Ok(_) => {}
                // One event that cannot be read must not stop what all others ask for.
                Err(error) => {
                    tracing::error!(%error, "an event cannot be read and is set aside");
                    self.health().set_aside("log", 1);
                }
            }
        }
        Ok((signals, until))
    }

    /// What the events after a position change for lists of customers, and the position up to which was looked. The same
    /// position: there is nothing newer. Of who entered and left lists, only what concerns `followed` ones. Reads what is not
    /// sealed.
    pub async fn touches(
        &self,
        after: Position,
        limit: usize,
        followed: &BTreeSet<ListId>,
    ) -> Result<(Vec<Touch>, Position), AppError> {
        let events = self.shared.journal.follow_sealed(after, ReadLimit::events(limit)).await?;
        let until = events.last().map_or(after, |event| event.envelope.position);
        let mut touches = Vec::new();
        for event in &events {
            if let Err(error) = touch(event, followed, &mut touches) {
                tracing::error!(%error, "an event cannot be read and is set aside");
                self.health().set_aside("lists", 1);
            }
        }
        Ok((touches, until))
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

#[derive(Deserialize)]
struct Moved {
    members: Vec<CustomerId>,
}

fn touch(event: &SealedEvent, followed: &BTreeSet<ListId>, touches: &mut Vec<Touch>) -> Result<(), LogError> {
    let envelope = &event.envelope;
    let stream = envelope.stream;
    let tenant = stream.tenant;
    match (stream.category, envelope.event_type.as_str()) {
        (Category::ListMembers, MembersEntered::TYPE | MembersLeft::TYPE) => {
            if !followed.contains(&ListId(stream.key)) {
                return Ok(());
            }
            let source = Source::Members(ListId(stream.key));
            let members = read::<Moved>(event)?.members;
            touches.extend(members.into_iter().map(|customer_id| Touch::Customer { tenant, customer_id, source }));
        }
        (Category::List, _) => touches.push(Touch::List { tenant, list_id: ListId(stream.key) }),
        (Category::Customer, event_type) => {
            let customer_id = CustomerId(stream.key);
            let sources: &[Source] = match event_type {
                CustomerRegistered::TYPE => &[Source::Customer],
                CustomerForgotten::TYPE | CustomerRetracted::TYPE | CustomerAbsorbed::TYPE => &[Source::Customer],
                CustomerProfileChanged::TYPE => &[Source::Profile],
                CustomerAddressAdded::TYPE | CustomerAddressRemoved::TYPE => &[Source::Addresses],
                ActivityRecorded::TYPE | ActivityRetracted::TYPE => &[Source::Activities],
                ConsentChanged::TYPE => &[Source::Consents],
                MessageSent::TYPE | MessageDelivered::TYPE => &[Source::Contacts],
                MessageReceived::TYPE | MessageRetracted::TYPE => &[Source::Contacts, Source::Engagements],
                MessageOpened::TYPE | MessageClicked::TYPE | EngagementReclassified::TYPE => &[Source::Engagements],
                _ => &[],
            };
            touches.extend(sources.iter().map(|&source| Touch::Customer { tenant, customer_id, source }));
            if event_type == CustomerAbsorbed::TYPE {
                let Absorbed { absorbed_id } = read(event)?;
                touches.push(Touch::Customer { tenant, customer_id: absorbed_id, source: Source::Customer });
            }
        }
        _ => {}
    }
    Ok(())
}

/// The part of an event's data that says what is to be done. It is the same in all schema versions.
#[derive(Deserialize)]
struct Data {
    message_id: MessageId,
    channel: Channel,
    #[serde(default)]
    campaign_id: Option<CampaignId>,
    #[serde(default)]
    until: Option<DateTime<Utc>>,
    #[serde(default)]
    retry_at: Option<DateTime<Utc>>,
    /// Of a message that an import brought, which was sent elsewhere.
    #[serde(default)]
    import_id: Option<ImportId>,
}

#[derive(Deserialize)]
struct Absorbed {
    absorbed_id: CustomerId,
}

fn read<'e, T: Deserialize<'e>>(event: &'e SealedEvent) -> Result<T, LogError> {
    serde_json::from_slice(&event.data)
        .map_err(|error| LogError::Damaged { position: event.envelope.position, reason: error.to_string() })
}

fn signal(event: &SealedEvent, interest: Interest) -> Result<Option<Signal>, LogError> {
    let envelope = &event.envelope;
    let tenant = envelope.stream.tenant;
    match envelope.stream.category {
        Category::Customer => customer_signal(event, interest),
        Category::Account => Ok(Some(Signal::Accounts { tenant })),
        Category::Address
        | Category::Campaign
        | Category::Template
        | Category::List
        | Category::ListMembers
        | Category::CampaignRun
        | Category::Journey
        | Category::Import
        | Category::Tenant
        | Category::Callback
        | Category::CannedReply
        | Category::Check => Ok(None),
    }
}

fn customer_signal(event: &SealedEvent, interest: Interest) -> Result<Option<Signal>, LogError> {
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
    if !interest.is_in_messages_to(customer_id) {
        return Ok(None);
    }
    let data: Data = read(event)?;
    if data.import_id.is_some() {
        return Ok(None);
    }
    let (message_id, channel, lane) = (data.message_id, data.channel, Lane::of(data.campaign_id));
    Ok(Some(Signal::Message { tenant, customer_id, message_id, channel, lane, stage: stage(&data) }))
}
