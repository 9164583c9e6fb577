//! What the use cases need to know of each kind of stream.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::domain::account::event::AccountEvent;
use crate::domain::account::state::ProviderAccounts;
use crate::domain::address::event::AddressEvent;
use crate::domain::address::state::Address;
use crate::domain::callback::event::CallbackEvent;
use crate::domain::callback::state::KeptCallbacks;
use crate::domain::campaign::event::{CampaignEvent, CampaignRunEvent};
use crate::domain::campaign::run::CampaignRun;
use crate::domain::campaign::state::Campaign;
use crate::domain::canned::event::CannedReplyEvent;
use crate::domain::canned::state::CannedReply;
use crate::domain::check::event::CheckEvent;
use crate::domain::check::state::DayOfChecks;
use crate::domain::customer::event::CustomerEvent;
use crate::domain::customer::state::Customer;
use crate::domain::decision::{Decided, Meta};
use crate::domain::event::{DecodeError, Payload};
use crate::domain::import::event::ImportEvent;
use crate::domain::import::state::Import;
use crate::domain::list::event::ListEvent;
use crate::domain::list::state::List;
use crate::domain::template::content;
use crate::domain::template::event::TemplateEvent;
use crate::domain::template::state::Template;
use crate::domain::tenant::event::TenantEvent;
use crate::domain::tenant::state::Tenant;
use crate::ids::SubjectId;
use crate::log::{Category, NewEvent, StreamId};

/// A state that is folded from the events of one stream.
pub(crate) trait Aggregate: Default + Clone + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The events of its streams.
    type Event: Send + Sync + 'static;
    /// The category of its streams, which no other kind shares.
    const CATEGORY: Category;
    /// The version of the fold: raised whenever the same events fold to another state, so that older snapshots are
    /// ignored.
    const FOLD_VERSION: u32;

    /// Folds an event in.
    fn apply(&mut self, event: &Self::Event, meta: Meta);
    /// Reads a stored payload.
    fn decode(event_type: &str, data: &[u8], personal: Option<&[u8]>) -> Result<Self::Event, DecodeError>;
    /// Writes a payload.
    fn encode(event: &Self::Event) -> Payload;
    /// Roughly how many bytes the state takes beyond its own size.
    fn heap_bytes(&self) -> usize;

    /// Whose key seals the personal part of a stream's events.
    fn subject(stream: &StreamId) -> SubjectId {
        match stream.category {
            Category::Customer | Category::Address => SubjectId(stream.key),
            Category::Campaign
            | Category::Template
            | Category::List
            | Category::ListMembers
            | Category::CampaignRun
            | Category::Journey
            | Category::Import
            | Category::Tenant
            | Category::Account
            | Category::Callback
            | Category::CannedReply
            | Category::Check => stream.tenant.into(),
        }
    }

    /// Whose key seals an event's personal part, where it is not the stream's.
    fn own_subject(_event: &Self::Event) -> Option<SubjectId> {
        None
    }

    /// An event as the log takes it.
    fn seal_ready(stream: &StreamId, decided: &Decided<Self::Event>) -> NewEvent {
        let payload = Self::encode(&decided.event);
        NewEvent {
            id: decided.id,
            event_type: payload.event_type,
            schema_version: payload.schema_version,
            occurred_at: decided.occurred_at,
            data: payload.data,
            subject: payload
                .personal
                .is_some()
                .then(|| Self::own_subject(&decided.event).unwrap_or_else(|| Self::subject(stream))),
            personal: payload.personal,
        }
    }
}

macro_rules! aggregate {
    ($state:ident, $event:ident, $category:ident, $fold:literal, $heap:expr $(, $subject:path)?) => {
        impl Aggregate for $state {
            type Event = $event;
            const CATEGORY: Category = Category::$category;
            const FOLD_VERSION: u32 = $fold;

            fn apply(&mut self, event: &$event, meta: Meta) {
                $state::apply(self, event, meta);
            }

            fn decode(event_type: &str, data: &[u8], personal: Option<&[u8]>) -> Result<$event, DecodeError> {
                $event::decode(event_type, data, personal)
            }

            fn encode(event: &$event) -> Payload {
                event.encode()
            }

            $(fn own_subject(event: &$event) -> Option<SubjectId> {
                $subject(event)
            })?

            fn heap_bytes(&self) -> usize {
                let heap: fn(&$state) -> usize = $heap;
                heap(self)
            }
        }
    };
}

aggregate!(Customer, CustomerEvent, Customer, 11, |state| {
    let attributes: usize = state.personal.attributes.iter().map(|(name, value)| name.len() + json_bytes(value)).sum();
    attributes
        + state.profile.tags.len() * 48
        + state.addresses.len() * 256
        + state.consents.all().len() * 96
        + state.recent_notes.len() * 16
        + state.pending.all().len() * 320
        + state.recent.all().len() * 80
        + state.retracted.len() * 32
        + state.recorded.len() * 96
        + state.absorbed.len() * 16
        + 256
});
aggregate!(Address, AddressEvent, Address, 4, |state| {
    let validation: usize = state.validation.as_ref().map_or(0, |found| found.heap_bytes());
    state.claims.len() * 16 + state.outcomes.len() * 48 + state.words.len() * 96 + validation
});
aggregate!(
    Tenant,
    TenantEvent,
    Tenant,
    6,
    |state| {
        let users = state.users.len() + state.forgotten_users.len();
        let logo = state.brand.logo.as_ref().map_or(0, |logo| logo.content.len());
        (state.keys.len() + state.revoked.len()) * 16 + users * 128 + state.brand.topics.len() * 128 + logo + 1024
    },
    TenantEvent::subject
);
aggregate!(Import, ImportEvent, Import, 1, |_| 0);
aggregate!(DayOfChecks, CheckEvent, Check, 1, |_| 0);
aggregate!(CannedReply, CannedReplyEvent, CannedReply, 1, |state| {
    state.current.iter().flat_map(|texts| texts.bodies.values()).map(|body| body.len() + 64).sum()
});
aggregate!(List, ListEvent, List, 1, |_| 1024);
aggregate!(Campaign, CampaignEvent, Campaign, 2, |_| 2048);
aggregate!(CampaignRun, CampaignRunEvent, CampaignRun, 2, |state| (state.parts.len() + state.rest.len()) * 8);
aggregate!(Template, TemplateEvent, Template, 1, |state| {
    let draft = state.draft.as_ref().map_or(0, |draft| content::bytes(&draft.contents) + 1024);
    draft + state.versions.len() * 128
});
aggregate!(ProviderAccounts, AccountEvent, Account, 1, |state| state.all().count() * 2048);
aggregate!(KeptCallbacks, CallbackEvent, Callback, 1, |_| 0);

fn json_bytes(value: &serde_json::Value) -> usize {
    match value {
        serde_json::Value::String(text) => 32 + text.len(),
        serde_json::Value::Array(values) => 32 + values.iter().map(json_bytes).sum::<usize>(),
        serde_json::Value::Object(fields) => {
            32 + fields.iter().map(|(name, value)| 32 + name.len() + json_bytes(value)).sum::<usize>()
        }
        _ => 32,
    }
}
