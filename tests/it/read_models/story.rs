//! Builds what a log would return: events with positions, versions and times, from the domain's own structs.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use commlog::domain::account::event::AccountEvent;
use commlog::domain::address::event::AddressEvent;
use commlog::domain::campaign::event::{CampaignEvent, CampaignRunEvent};
use commlog::domain::canned::event::CannedReplyEvent;
use commlog::domain::customer::event::CustomerEvent;
use commlog::domain::decision::{Context, Decided, Policy};
use commlog::domain::event::Payload;
use commlog::domain::import::event::ImportEvent;
use commlog::domain::message::reclass::{Engagements, Sealed};
use commlog::domain::tenant::event::TenantEvent;
use commlog::domain::value::engagement::Rule;
use commlog::ids::{
    ActivityId, AddressId, CampaignId, ConversationId, CustomerId, EventId, ImportId, MessageId, NoteId, Position,
    TenantId, TenantSecret,
};
use commlog::log::{Category, Envelope, Personal, RecordedEvent, StreamId};
use uuid::Uuid;

pub(crate) const TENANT: TenantId = TenantId(Uuid::from_u128(0x7E));

macro_rules! ids {
    ($($name:ident $kind:ident $prefix:literal;)*) => {$(
        pub(crate) const fn $name(number: u128) -> $kind {
            $kind(Uuid::from_u128($prefix << 64 | number))
        }
    )*};
}

ids! {
    customer CustomerId 0xC0;
    address AddressId 0xAD;
    message MessageId 0x3E;
    conversation ConversationId 0xC4;
    campaign CampaignId 0xCA;
    activity ActivityId 0xAC;
    note NoteId 0x40;
    import ImportId 0x13;
}

/// Minutes after the beginning of 2026, UTC.
pub(crate) fn minute(minutes: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_767_225_600, 0).expect("in range") + TimeDelta::minutes(minutes)
}

/// Events in the order of the log.
#[derive(Debug, Clone, Default)]
pub(crate) struct Story {
    pub(crate) events: Vec<RecordedEvent>,
    versions: HashMap<StreamId, u64>,
}

impl Story {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Something happened with a customer, at a minute; it is recorded when it is told.
    pub(crate) fn tell(&mut self, customer: CustomerId, at: i64, event: impl Into<CustomerEvent>) -> EventId {
        self.add(StreamId::new(TENANT, Category::Customer, customer.0), at, event.into().encode())
    }

    pub(crate) fn tell_address(&mut self, address: AddressId, at: i64, event: impl Into<AddressEvent>) {
        self.add(StreamId::new(TENANT, Category::Address, address.0), at, event.into().encode());
    }

    pub(crate) fn tell_tenant(&mut self, at: i64, event: impl Into<TenantEvent>) {
        self.add(StreamId::new(TENANT, Category::Tenant, TENANT.0), at, event.into().encode());
    }

    pub(crate) fn tell_account(&mut self, at: i64, event: impl Into<AccountEvent>) {
        self.add(StreamId::new(TENANT, Category::Account, Uuid::from_u128(0xACC)), at, event.into().encode());
    }

    pub(crate) fn tell_canned(&mut self, reply: u128, at: i64, event: impl Into<CannedReplyEvent>) {
        self.add(StreamId::new(TENANT, Category::CannedReply, Uuid::from_u128(reply)), at, event.into().encode());
    }

    pub(crate) fn campaign(&mut self, campaign: CampaignId, at: i64, event: impl Into<CampaignEvent>) {
        self.add(StreamId::new(TENANT, Category::Campaign, campaign.0), at, event.into().encode());
    }

    pub(crate) fn campaign_run(&mut self, campaign: CampaignId, at: i64, event: impl Into<CampaignRunEvent>) {
        self.add(StreamId::new(TENANT, Category::CampaignRun, campaign.0), at, event.into().encode());
    }

    pub(crate) fn tell_import(&mut self, import: ImportId, at: i64, event: impl Into<ImportEvent>) {
        self.add(StreamId::new(TENANT, Category::Import, import.0), at, event.into().encode());
    }

    /// What classing a customer's opens and clicks by a rule appends; how many corrections.
    pub(crate) fn reclass(&mut self, customer: CustomerId, rule: &Rule) -> usize {
        let stream = StreamId::new(TENANT, Category::Customer, customer.0);
        let mut engagements = Engagements::new(rule);
        for recorded in self.events.iter().filter(|event| event.envelope.stream == stream) {
            let personal = match &recorded.personal {
                Personal::Clear(bytes) => Some(bytes.as_slice()),
                Personal::None | Personal::Erased => None,
            };
            let Envelope { id, occurred_at, event_type, .. } = &recorded.envelope;
            let event = CustomerEvent::decode(event_type, &recorded.data, personal).expect("a customer's event");
            let event = Decided { id: *id, occurred_at: *occurred_at, event };
            engagements.record(&event, Sealed::Open { raw: None }, true);
        }
        let (secret, policy) = (TenantSecret::new([7; 32]), Policy::default());
        let context = Context { now: minute(0), new_id: &|| Uuid::nil(), secret: &secret, policy: &policy };
        let corrections = engagements.corrections(usize::MAX, &context);
        for correction in &corrections {
            self.add(stream, 0, correction.event.encode());
            let envelope = &mut self.events.last_mut().expect("just told").envelope;
            (envelope.id, envelope.occurred_at) = (correction.id, correction.occurred_at);
        }
        corrections.len()
    }

    fn add(&mut self, stream: StreamId, at: i64, payload: Payload) -> EventId {
        let number = self.events.len() as u64 + 1;
        let version = self.versions.entry(stream).or_default();
        *version += 1;
        let id = EventId(Uuid::from_u128(0xE0 << 64 | u128::from(number)));
        let envelope = Envelope {
            position: Position::from_counter(number),
            stream,
            version: *version,
            id,
            event_type: payload.event_type.to_owned(),
            schema_version: payload.schema_version,
            occurred_at: minute(at),
            recorded_at: position_time(number),
            actor: "key:test".to_owned(),
            command_id: None,
            correlation_id: None,
            causation_id: None,
            subject: None,
            epoch: 1,
            hash: [0; 32],
        };
        let personal = payload.personal.map_or(Personal::None, Personal::Clear);
        self.events.push(RecordedEvent { envelope, data: payload.data, personal });
        id
    }

    /// The same log once the customer's key is gone.
    pub(crate) fn without_personal_data_of(&self, customer: CustomerId) -> Self {
        let mut story = self.clone();
        for event in &mut story.events {
            if event.envelope.stream.key == customer.0 && event.personal != Personal::None {
                event.personal = Personal::Erased;
            }
        }
        story
    }
}

/// When the event at a position was recorded.
pub(crate) fn position_time(number: u64) -> DateTime<Utc> {
    minute(1_000_000) + TimeDelta::microseconds(i64::try_from(number).expect("a small number"))
}
