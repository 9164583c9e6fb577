//! Pins what each fold makes of stored events. A snapshot that users have was written by a fold of some version: a fold
//! that makes another state of the same events must have another version, or an old snapshot would be believed.
//!
//! When a test here fails, raise the fold's version in `aggregate.rs`, and accept the new snapshot. A new event needs a
//! story in `folds/`: events as the log stores them, each list one stream.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::aggregate::Aggregate;
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
use crate::domain::decision::Meta;
use crate::domain::import::event::ImportEvent;
use crate::domain::import::state::Import;
use crate::domain::list::event::ListEvent;
use crate::domain::list::state::List;
use crate::domain::template::event::TemplateEvent;
use crate::domain::template::state::Template;
use crate::domain::tenant::event::TenantEvent;
use crate::domain::tenant::state::Tenant;
use crate::ids::EventId;

/// An event as the log stores it, its payloads in the open.
#[derive(Deserialize)]
struct Stored {
    #[serde(rename = "type")]
    event_type: String,
    id: Uuid,
    at: DateTime<Utc>,
    data: Value,
    personal: Option<Value>,
}

/// Folds each story, and compares the states with those of the fold's version.
fn pin<A: Aggregate>(name: &str, stories: &str, types: &[(&str, u16)]) {
    let stories: Vec<Vec<Stored>> = serde_json::from_str(stories).expect("stories are events as they are stored");
    let occurring: BTreeSet<_> = stories.iter().flatten().map(|event| event.event_type.as_str()).collect();
    let missing: Vec<_> = types.iter().filter(|(name, _)| !occurring.contains(name)).collect();
    assert!(missing.is_empty(), "no story of {name} has these events: {missing:?}");
    let states: Vec<A> = stories.iter().map(|story| fold(story)).collect();
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_json_snapshot!(format!("{name}_v{}", A::FOLD_VERSION), states);
    });
}

fn fold<A: Aggregate>(story: &[Stored]) -> A {
    let mut state = A::default();
    for (version, stored) in (1..).zip(story) {
        let data = stored.data.to_string();
        let personal = stored.personal.as_ref().map(Value::to_string);
        let event = A::decode(&stored.event_type, data.as_bytes(), personal.as_deref().map(str::as_bytes));
        let event = event.unwrap_or_else(|error| panic!("{}: {error}", stored.event_type));
        state.apply(&event, Meta { id: EventId(stored.id), version, occurred_at: stored.at });
    }
    state
}

#[test]
fn customers_fold_as_their_snapshots_say() {
    pin::<Customer>("customer", include_str!("folds/customer.json"), CustomerEvent::TYPES);
}

#[test]
fn addresses_fold_as_their_snapshots_say() {
    pin::<Address>("address", include_str!("folds/address.json"), AddressEvent::TYPES);
}

#[test]
fn tenants_fold_as_their_snapshots_say() {
    pin::<Tenant>("tenant", include_str!("folds/tenant.json"), TenantEvent::TYPES);
}

#[test]
fn imports_fold_as_their_snapshots_say() {
    pin::<Import>("import", include_str!("folds/import.json"), ImportEvent::TYPES);
}

#[test]
fn canned_replies_fold_as_their_snapshots_say() {
    pin::<CannedReply>("canned_reply", include_str!("folds/canned_reply.json"), CannedReplyEvent::TYPES);
}

#[test]
fn days_of_checks_fold_as_their_snapshots_say() {
    pin::<DayOfChecks>("check", include_str!("folds/check.json"), CheckEvent::TYPES);
}

#[test]
fn lists_fold_as_their_snapshots_say() {
    pin::<List>("list", include_str!("folds/list.json"), ListEvent::TYPES);
}

#[test]
fn campaigns_fold_as_their_snapshots_say() {
    pin::<Campaign>("campaign", include_str!("folds/campaign.json"), CampaignEvent::TYPES);
}

#[test]
fn runs_of_campaigns_fold_as_their_snapshots_say() {
    pin::<CampaignRun>("campaign_run", include_str!("folds/campaign_run.json"), CampaignRunEvent::TYPES);
}

#[test]
fn templates_fold_as_their_snapshots_say() {
    pin::<Template>("template", include_str!("folds/template.json"), TemplateEvent::TYPES);
}

#[test]
fn accounts_fold_as_their_snapshots_say() {
    pin::<ProviderAccounts>("account", include_str!("folds/account.json"), AccountEvent::TYPES);
}

#[test]
fn kept_callbacks_fold_as_their_snapshots_say() {
    pin::<KeptCallbacks>("callback", include_str!("folds/callback.json"), CallbackEvent::TYPES);
}
