//! What is recorded when links are followed and pictures loaded.

use chrono::{DateTime, Utc};

use crate::app::customers::customer_stream;
use crate::app::engine::states::decode;
use crate::app::{App, AppError, Caller};
use crate::domain::customer::event::CustomerEvent;
use crate::domain::customer::state::Customer;
use crate::domain::event::Event;
use crate::domain::message::decide::RecordProviderFact;
use crate::domain::message::event::{DispatchStarted, MessageEvent, MessageQueued};
use crate::domain::message::tracking::token::{self, Dispatch, Kind};
use crate::domain::message::tracking::{Parameters, code, is_agreed, links};
use crate::domain::value::engagement::{CURRENT, Signs};
use crate::domain::value::message::Report;
use crate::domain::value::token::Correlation;
use crate::ids::{CustomerId, MessageId, Position, TenantId};
use crate::log::{AppendError, Category, ReadLimit, StreamId};

/// The actor of what is recorded.
const ACTOR: &str = "process:tracking";

/// A tracked link or picture of a message of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackedPlace {
    tenant: TenantId,
    dispatch: Dispatch,
    target: Option<String>,
}

impl TrackedPlace {
    /// Whose message it is in.
    #[must_use]
    pub const fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// Where a link leads: always to `http` or `https`. A picture leads nowhere.
    #[must_use]
    pub fn target(&self) -> Option<&str> {
        self.target.as_deref()
    }
}

/// What a short link leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShortLink {
    /// A link of a message of ours.
    Leads(TrackedPlace),
    /// The customer of this tenant was forgotten, and with them where the links of their messages led.
    Gone(TenantId),
    /// Nobody of ours made it.
    Unknown,
}

/// Who followed a link or loaded a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    /// When.
    pub at: DateTime<Utc>,
    /// From which IP address.
    pub ip: Option<String>,
    /// With which program.
    pub user_agent: Option<String>,
}

/// A dispatch as the log has it.
struct Dispatched {
    stream: StreamId,
    version: u64,
    at: DateTime<Utc>,
    event: DispatchStarted,
}

impl App {
    /// The picture that a token is of; [`None`] if it is not one of ours.
    pub async fn tracked_picture(&self, text: &str) -> Result<Option<TrackedPlace>, AppError> {
        self.tracked_place(text, Kind::Open).await
    }

    /// The link that a token is of; [`None`] if it is not one of ours.
    pub async fn tracked_link(&self, text: &str) -> Result<Option<TrackedPlace>, AppError> {
        self.tracked_place(text, Kind::Click).await
    }

    /// Proves a token; the log is not read for it.
    async fn tracked_place(&self, text: &str, kind: Kind) -> Result<Option<TrackedPlace>, AppError> {
        let Some(tenant) = token::tenant_of(text) else { return Ok(None) };
        // Asking for the secret of a tenant makes one: not for everybody who makes up an id.
        if !self.is_tenant(tenant).await? {
            return Ok(None);
        }
        let secret = self.shared.journal.tenant_secret(tenant).await?;
        let tracked = token::open(text, kind, &secret);
        Ok(tracked.map(|tracked| TrackedPlace { tenant, dispatch: tracked.dispatch, target: tracked.target }))
    }

    /// The link that a code is of.
    pub async fn short_link(&self, text: &str) -> Result<ShortLink, AppError> {
        let Some(position) = code::position_of(text) else { return Ok(ShortLink::Unknown) };
        let Some(dispatched) = self.dispatched_at(position).await? else { return Ok(ShortLink::Unknown) };
        let (tenant, message_id) = (dispatched.stream.tenant, dispatched.event.key.message_id);
        let queued = self.queued_before(dispatched.stream, dispatched.version, message_id).await?;
        let Some(MessageQueued { key, topic, personal, .. }) = queued else { return Ok(ShortLink::Unknown) };
        let Some(content) = personal else { return Ok(ShortLink::Gone(tenant)) };
        let caller = Caller::new(tenant, ACTOR);
        let basis = self.basis(&caller).await?;
        let is_it = |link: &&str| code::is_of(text, position, message_id, link, &basis.secret);
        let places = links::in_text(&content.body);
        let Some(link) = places.into_iter().map(|place| &content.body[place]).find(is_it) else {
            return Ok(ShortLink::Unknown);
        };
        let target = Parameters::of(&basis.policy.tracking, &key, &topic).add_to(link).into_owned();
        let dispatch = Dispatch::new(position, message_id);
        Ok(ShortLink::Leads(TrackedPlace { tenant, dispatch, target: Some(target) }))
    }

    /// Records that a link was followed or a picture loaded. Nothing is recorded of a customer who does not agree any more, or
    /// was forgotten, once the tenant switched tracking off, or if the log has no such dispatch: it was restored since. The
    /// same visit again changes nothing.
    pub async fn record_visit(&self, place: &TrackedPlace, visit: &Visit) -> Result<(), AppError> {
        let Some(dispatched) = self.dispatched_at(place.dispatch.position).await? else { return Ok(()) };
        let DispatchStarted { key, route, .. } = dispatched.event;
        if dispatched.stream.tenant != place.tenant || !place.dispatch.is_of(key.message_id) {
            return Ok(());
        }
        let caller = Caller::new(place.tenant, ACTOR);
        let customer_id = CustomerId(dispatched.stream.key);
        let policy = self.policy(place.tenant).await?;
        let settings = &policy.tracking;
        let is_on = if place.target.is_some() { settings.clicks || settings.short_links } else { settings.opens };
        let survivor = customer_stream(place.tenant, self.survivor(&caller, customer_id).await?);
        let agrees = |customer: &Customer| !customer.is_forgotten() && is_agreed(customer, None, key.channel, settings);
        if !is_on || !self.read_state::<Customer, _>(survivor, |loaded| agrees(&loaded.state)).await? {
            return Ok(());
        }
        let correlation =
            Correlation { tenant: place.tenant, customer_id, key, address_id: None, route, called_at: dispatched.at };
        let report = report(place.target.clone(), visit);
        let fact =
            RecordProviderFact { correlation, occurred_at: visit.at, provider_event_id: None, report, raw: None };
        match self.record_provider_fact(&caller, fact).await {
            Ok(_) | Err(AppError::Append(AppendError::SubjectErased { .. })) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The `DispatchStarted` at a position.
    async fn dispatched_at(&self, position: Position) -> Result<Option<Dispatched>, AppError> {
        let Some(before) = position.counter().checked_sub(1) else { return Ok(None) };
        let journal = &self.shared.journal;
        let mut events = journal.backend().read_all(Position::from_counter(before), ReadLimit::events(1)).await?;
        events.retain(|event| {
            let found = &event.envelope;
            found.position == position
                && found.stream.category == Category::Customer
                && found.event_type == DispatchStarted::TYPE
        });
        let Some(recorded) = journal.open_events(events).await?.pop() else { return Ok(None) };
        let (stream, version) = (recorded.envelope.stream, recorded.envelope.version);
        let decided = decode::<Customer>(&recorded)?;
        Ok(match decided.event {
            CustomerEvent::Message(MessageEvent::DispatchStarted(event)) => {
                Some(Dispatched { stream, version, at: decided.occurred_at, event })
            }
            _ => None,
        })
    }

    /// The `MessageQueued` of a message that stands before a version.
    async fn queued_before(
        &self,
        stream: StreamId,
        version: u64,
        message_id: MessageId,
    ) -> Result<Option<MessageQueued>, AppError> {
        let found = |event: &CustomerEvent| match event {
            CustomerEvent::Message(MessageEvent::MessageQueued(queued)) if queued.key.message_id == message_id => {
                Some(queued.clone())
            }
            _ => None,
        };
        Ok(self.last_of(stream, Some(version), MessageQueued::TYPE, found).await?.map(|(_, queued)| queued))
    }
}

/// What a visit says of a message, classed as a provider's report of it would be.
fn report(target: Option<String>, visit: &Visit) -> Report {
    let Visit { ip, user_agent, .. } = visit.clone();
    let signs = Signs { user_agent: user_agent.as_deref(), ip: ip.as_deref(), is_flagged: false };
    let (class, rule) = ((CURRENT.class)(signs), CURRENT.name.to_owned());
    match target {
        None => Report::Opened { class, rule, flagged: None, ip, user_agent },
        Some(url) => Report::Clicked { class, rule, flagged: None, url: Some(url), ip, user_agent },
    }
}
