use std::collections::BTreeMap;

use super::decide::{
    ConfigureAccount, PauseAccount, RemoveAccount, ResumeAccount, SetAccountRate, configure, pause, remove, resume,
    set_rate,
};
use super::event::{AccountEvent, AccountName, AccountSpec, Rate, RateUnit};
use super::state::ProviderAccounts;
use crate::domain::decision::{Context, Decision, Meta, Policy};
use crate::domain::scenario::{noon, with_context};
use crate::domain::value::routing::RoutingTerms;
use crate::domain::value::secret::Secret;
use crate::ids::{EventId, SecretId};

fn name() -> AccountName {
    AccountName { provider: "twilio".to_owned(), account: "main".to_owned() }
}

fn command(settings: &[(&str, &str)], secrets: &[(&str, Option<&str>)]) -> ConfigureAccount {
    let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let secrets = secrets.iter().map(|(name, value)| ((*name).to_owned(), value.map(Secret::new))).collect();
    let spec =
        AccountSpec { settings, priority: 0, cost_micros: 0, rate: Rate::UNLIMITED, routing: RoutingTerms::default() };
    ConfigureAccount { name: name(), spec, secrets }
}

fn secrets(number: u128) -> BTreeMap<String, SecretId> {
    BTreeMap::from([("auth_token".to_owned(), SecretId(uuid::Uuid::from_u128(number)))])
}

/// Decides and folds what was decided; the names of the events.
fn happen(
    state: &mut ProviderAccounts,
    decide: impl FnOnce(&ProviderAccounts, &Context<'_>) -> Decision<AccountEvent>,
) -> Vec<&'static str> {
    let events = with_context(&Policy::default(), |context| decide(state, context)).expect("is decided");
    let meta = |version| Meta { id: EventId(uuid::Uuid::nil()), version, occurred_at: noon() };
    for (version, decided) in (1..).zip(&events) {
        state.apply(&decided.event, meta(version));
    }
    events.iter().map(|decided| decided.event.encode().event_type).collect()
}

fn refused(
    state: &ProviderAccounts,
    decide: impl FnOnce(&ProviderAccounts, &Context<'_>) -> Decision<AccountEvent>,
) -> &'static str {
    with_context(&Policy::default(), |context| decide(state, context)).expect_err("is refused").code
}

fn configured() -> ProviderAccounts {
    let mut state = ProviderAccounts::default();
    let command = command(&[("from", "+442079460123")], &[]);
    happen(&mut state, |state, context| configure(state, &command, secrets(1), false, context));
    state
}

#[test]
fn an_account_is_set_up_changed_and_removed_and_nothing_to_change_changes_nothing() {
    let mut state = configured();
    assert!(state.has_real_account);
    let same = command(&[("from", "+442079460123")], &[]);
    assert!(happen(&mut state, |state, context| configure(state, &same, secrets(1), false, context)).is_empty());
    let rotated = with_context(&Policy::default(), |context| configure(&state, &same, secrets(2), false, context));
    let Some(AccountEvent::AccountConfigured(event)) = rotated.expect("is decided").pop().map(|decided| decided.event)
    else {
        panic!("it is configured")
    };
    assert_eq!((event.changed, event.secrets), (vec!["auth_token".to_owned()], secrets(2)));
    let gone = RemoveAccount { name: name() };
    assert_eq!(happen(&mut state, |state, context| remove(state, gone.clone(), false, context)), ["AccountRemoved"]);
    assert_eq!((state.get(&name()), state.secrets().len(), state.has_real_account), (None, 0, true));
    assert_eq!(refused(&state, |state, context| remove(state, gone, false, context)), "ACCOUNT_UNKNOWN");
}

#[test]
fn what_a_file_defines_is_paused_and_slowed_down_here_and_changed_there() {
    let mut state = ProviderAccounts::default();
    let command = command(&[], &[]);
    let setup =
        |state: &ProviderAccounts, context: &Context<'_>| configure(state, &command, BTreeMap::new(), true, context);
    assert_eq!(refused(&state, setup), "ACCOUNT_READ_ONLY");
    let gone = RemoveAccount { name: name() };
    assert_eq!(refused(&state, |state, context| remove(state, gone, true, context)), "ACCOUNT_READ_ONLY");
    let rest = PauseAccount { name: name(), reason: "bill unpaid".to_owned() };
    assert_eq!(refused(&state, |state, context| pause(state, rest.clone(), false, context)), "ACCOUNT_UNKNOWN");
    assert_eq!(happen(&mut state, |state, context| pause(state, rest.clone(), true, context)), ["AccountPaused"]);
    assert!(happen(&mut state, |state, context| pause(state, rest, true, context)).is_empty());
    let paused = state.get(&name()).and_then(|entry| entry.paused.clone()).expect("it rests");
    assert_eq!((paused.reason.as_str(), paused.since), ("bill unpaid", noon()));
    let slow = SetAccountRate { name: name(), rate: Rate { per_second_milli: 500, unit: RateUnit::Segments } };
    let slower = happen(&mut state, |state, context| set_rate(state, slow.clone(), true, context));
    assert_eq!(slower, ["AccountRateChanged"]);
    assert!(happen(&mut state, |state, context| set_rate(state, slow, true, context)).is_empty());
    let again = ResumeAccount { name: name() };
    assert_eq!(happen(&mut state, |state, context| resume(state, again, true, context)), ["AccountResumed"]);
    assert!(!state.has_real_account);
}

#[test]
fn what_makes_no_sense_is_refused_and_never_repeats_a_secret() {
    let field = |command: ConfigureAccount| command.clean().expect_err("is refused").field.expect("a field");
    assert_eq!(
        field(ConfigureAccount { name: AccountName { account: "a/b".to_owned(), ..name() }, ..command(&[], &[]) }),
        "name"
    );
    assert_eq!(field(command(&[("Bad Name", "x")], &[])), "settings");
    assert_eq!(field(command(&[], &[("auth_token", Some(""))])), "secrets.auth_token");
    assert_eq!(field(command(&[("auth_token", "x")], &[("auth_token", Some("y"))])), "secrets.auth_token");
    let mut fast = command(&[], &[]);
    fast.spec.rate.per_second_milli = u64::MAX;
    assert_eq!(field(fast), "per_second");
    let blank = command(&[("from", "  ")], &[]).clean().expect("is fine");
    assert!(blank.spec.settings.is_empty());
    assert!(!format!("{:?}", command(&[], &[("auth_token", Some("hunter2"))])).contains("hunter2"));
}
