//! Commands on provider accounts. `elsewhere` says that a file or variable configures the account: then it can be paused
//! and slowed down here, and changed there only.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::domain::account::event::{
    AccountConfigured, AccountEvent, AccountName, AccountPaused, AccountRateChanged, AccountRemoved, AccountResumed,
    AccountSpec, AccountTested, Rate,
};
use crate::domain::account::state::{Configured, Entry, ProviderAccounts};
use crate::domain::decision::{Context, Decision};
use crate::domain::refusal::Refusal;
use crate::domain::text;
use crate::domain::value::message::RetryClass;
use crate::domain::value::secret::Secret;
use crate::ids::SecretId;

/// How many accounts a tenant has at most.
const MAX_ACCOUNTS: usize = 100;
/// How many settings or secrets an account has at most.
const MAX_SETTINGS: usize = 50;
/// The longest setting, in characters.
const LONGEST_SETTING: usize = 2_000;
/// The longest secret, in bytes.
const LONGEST_SECRET: usize = 8_192;
/// The longest name, in bytes.
const LONGEST_NAME: usize = 64;
/// The fastest rate, in thousandths of a unit per second.
const FASTEST: u64 = 1_000_000_000;

/// Sets an account up, or changes it: settings are replaced as a whole, secrets one by one.
#[derive(Debug, Clone)]
pub struct ConfigureAccount {
    /// The account, by its provider and name.
    pub name: AccountName,
    /// How it is set up.
    pub spec: AccountSpec,
    /// Secrets by name: given ones are replaced, [`None`] takes one away, others stay.
    pub secrets: BTreeMap<String, Option<Secret>>,
}

/// Removes an account that an administrator set up.
#[derive(Debug, Clone, Serialize)]
pub struct RemoveAccount {
    /// The account, by its provider and name.
    pub name: AccountName,
}

/// Changes how fast an account sends.
#[derive(Debug, Clone, Serialize)]
pub struct SetAccountRate {
    /// The account, by its provider and name.
    pub name: AccountName,
    /// How fast from now on.
    pub rate: Rate,
}

/// Lets an account rest until further notice.
#[derive(Debug, Clone, Serialize)]
pub struct PauseAccount {
    /// The account, by its provider and name.
    pub name: AccountName,
    /// Why; no personal data.
    pub reason: String,
}

/// Uses a paused account again.
#[derive(Debug, Clone, Serialize)]
pub struct ResumeAccount {
    /// The account, by its provider and name.
    pub name: AccountName,
}

/// Asks the provider whether it lets an account send. What it said is no part of the command: a repetition gets the first
/// result.
#[derive(Debug, Clone, Serialize)]
pub struct TestAccount {
    /// The account, by its provider and name.
    pub name: AccountName,
}

/// What makes two [`ConfigureAccount`]s the same: as that one, with a keyed fingerprint in the place of each secret.
#[derive(Debug, Clone, Serialize)]
pub struct ConfigurationInput {
    /// The account, by its provider and name.
    pub name: AccountName,
    /// How it is set up.
    pub spec: AccountSpec,
    /// The fingerprints, in hexadecimal, by the secrets' names.
    pub secrets: BTreeMap<String, Option<String>>,
}

/// What a provider said when it was asked whether it lets an account send.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TestResult {
    /// True if it does.
    pub passed: bool,
    /// What the refusal means; absent if nobody knows.
    pub class: Option<RetryClass>,
    /// The provider's code, or why nobody knows.
    pub code: Option<String>,
}

impl ConfigureAccount {
    /// Checks what can be checked without knowing the provider.
    pub fn clean(self) -> Result<Self, Refusal> {
        let Self { name, mut spec, secrets } = self;
        let name =
            AccountName { provider: text::word("provider", &name.provider)?, account: plain_name(name.account)? };
        rate(spec.rate)?;
        if spec.cost_micros < 0 {
            return Err(Refusal::invalid("cost_micros", "must be 0 or more"));
        }
        let routing = std::mem::take(&mut spec.routing).clean();
        spec.routing = routing.map_err(|error| Refusal::invalid("routing", error.to_string()))?;
        if spec.settings.len() > MAX_SETTINGS || secrets.len() > MAX_SETTINGS {
            return Err(Refusal::invalid("settings", format!("at most {MAX_SETTINGS} are allowed")));
        }
        // A blank setting is an absent one, as in a file.
        let mut settings = BTreeMap::new();
        for (key, value) in std::mem::take(&mut spec.settings) {
            setting_name("settings", &key)?;
            let value = text::optional("settings", Some(value), LONGEST_SETTING)?;
            settings.extend(value.map(|value| (key, value)));
        }
        spec.settings = settings;
        for (key, secret) in &secrets {
            setting_name("secrets", key)?;
            if spec.settings.contains_key(key) {
                return Err(unusable("secrets", key, "is given as a setting too"));
            }
            let Some(secret) = secret else { continue };
            if secret.is_empty() || secret.expose().len() > LONGEST_SECRET || secret.expose().contains('\0') {
                let message = format!("must have 1 to {LONGEST_SECRET} bytes and no NUL character");
                return Err(unusable("secrets", key, message));
            }
        }
        Ok(Self { name, spec, secrets })
    }
}

/// A setting or secret that is wrong; `list` is the list that it was given in. Its value is never repeated.
pub fn unusable(list: &str, name: &str, reason: impl std::fmt::Display) -> Refusal {
    // What is not set up by a list, such as the provider's name, has a field of its own.
    let field = if list == name { list.to_owned() } else { format!("{list}.{name}") };
    Refusal { code: "INVALID_INPUT", message: format!("{name}: {reason}"), field: Some(field) }
}

/// The name stands in a URL.
fn plain_name(name: String) -> Result<String, Refusal> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(is_plain) {
        return Ok(name);
    }
    Err(Refusal::invalid("name", format!("must have 1 to {LONGEST_NAME} letters, digits, - or _")))
}

/// Settings' names are words of ours, so that a refusal may repeat them.
fn setting_name<'n>(field: &str, name: &'n str) -> Result<&'n str, Refusal> {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    if (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(is_plain) {
        return Ok(name);
    }
    Err(Refusal::invalid(field, "names consist of small letters and _"))
}

fn rate(rate: Rate) -> Result<Rate, Refusal> {
    if rate.per_second_milli <= FASTEST {
        return Ok(rate);
    }
    Err(Refusal::invalid("per_second", format!("must be 0 (no limit) to {}", FASTEST / 1_000)))
}

/// Sets an account up; `command` is [clean](ConfigureAccount::clean), `secrets` are the ids of all its secrets.
pub fn configure(
    state: &ProviderAccounts,
    command: &ConfigureAccount,
    secrets: BTreeMap<String, SecretId>,
    elsewhere: bool,
    context: &Context<'_>,
) -> Decision<AccountEvent> {
    let ConfigureAccount { name, spec, .. } = command;
    let before = state.get(name);
    let configured = before.and_then(|entry| entry.configured.as_ref());
    if elsewhere && configured.is_none() {
        return Err(defined_elsewhere());
    }
    if configured.is_none() && state.configured().count() >= MAX_ACCOUNTS {
        return Err(Refusal::new("TOO_MANY_ACCOUNTS", format!("at most {MAX_ACCOUNTS} accounts are allowed")));
    }
    let changed = changed(configured, before.and_then(|entry| entry.rate), spec, &secrets);
    if changed.is_empty() && configured.is_some() {
        return Ok(vec![]);
    }
    Ok(vec![context.now(AccountConfigured { name: name.clone(), spec: spec.clone(), secrets, changed })])
}

/// The names of what differs.
fn changed(
    before: Option<&Configured>,
    rate: Option<Rate>,
    spec: &AccountSpec,
    secrets: &BTreeMap<String, SecretId>,
) -> Vec<String> {
    let none = (BTreeMap::new(), BTreeMap::new());
    let (old, old_secrets) = before.map_or((&none.0, &none.1), |before| (&before.spec.settings, &before.secrets));
    let mut changed: Vec<String> = old
        .keys()
        .chain(spec.settings.keys())
        .filter(|key| old.get(*key) != spec.settings.get(*key))
        .cloned()
        .collect();
    changed.extend(
        old_secrets.keys().chain(secrets.keys()).filter(|key| old_secrets.get(*key) != secrets.get(*key)).cloned(),
    );
    let terms = [
        ("priority", before.map(|before| before.spec.priority) != Some(spec.priority)),
        ("cost_micros", before.map(|before| before.spec.cost_micros) != Some(spec.cost_micros)),
        ("rate", rate != Some(spec.rate)),
    ];
    changed.extend(terms.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name.to_owned()));
    changed.sort_unstable();
    changed.dedup();
    changed
}

/// Removes an account.
pub fn remove(
    state: &ProviderAccounts,
    command: RemoveAccount,
    elsewhere: bool,
    context: &Context<'_>,
) -> Decision<AccountEvent> {
    match state.get(&command.name) {
        Some(Entry { configured: Some(_), .. }) => Ok(vec![context.now(AccountRemoved { name: command.name })]),
        _ if elsewhere => Err(defined_elsewhere()),
        _ => Err(unknown()),
    }
}

/// Changes how fast an account sends.
pub fn set_rate(
    state: &ProviderAccounts,
    command: SetAccountRate,
    elsewhere: bool,
    context: &Context<'_>,
) -> Decision<AccountEvent> {
    let entry = known(state, &command.name, elsewhere)?;
    let rate = rate(command.rate)?;
    if entry.and_then(|entry| entry.rate) == Some(rate) {
        return Ok(vec![]);
    }
    Ok(vec![context.now(AccountRateChanged { name: command.name, rate })])
}

/// Lets an account rest; one that does stays with its first reason.
pub fn pause(
    state: &ProviderAccounts,
    command: PauseAccount,
    elsewhere: bool,
    context: &Context<'_>,
) -> Decision<AccountEvent> {
    let entry = known(state, &command.name, elsewhere)?;
    let reason = text::required("reason", command.reason, text::SHORT)?;
    if entry.is_some_and(|entry| entry.paused.is_some()) {
        return Ok(vec![]);
    }
    Ok(vec![context.now(AccountPaused { name: command.name, reason })])
}

/// Uses an account again.
pub fn resume(
    state: &ProviderAccounts,
    command: ResumeAccount,
    elsewhere: bool,
    context: &Context<'_>,
) -> Decision<AccountEvent> {
    let entry = known(state, &command.name, elsewhere)?;
    if entry.is_none_or(|entry| entry.paused.is_none()) {
        return Ok(vec![]);
    }
    Ok(vec![context.now(AccountResumed { name: command.name })])
}

/// Records what a test of an account came to.
pub fn tested(
    state: &ProviderAccounts,
    name: AccountName,
    result: TestResult,
    elsewhere: bool,
    context: &Context<'_>,
) -> Decision<AccountEvent> {
    known(state, &name, elsewhere)?;
    let TestResult { passed, class, code } = result;
    let code = code.map(|code| code.replace('\0', "\u{FFFD}").chars().take(text::SHORT).collect());
    Ok(vec![context.now(AccountTested { name, passed, class, code })])
}

/// What is known of an account, which must be configured here or elsewhere.
fn known<'s>(state: &'s ProviderAccounts, name: &AccountName, elsewhere: bool) -> Result<Option<&'s Entry>, Refusal> {
    match state.get(name) {
        Some(entry) if elsewhere || entry.configured.is_some() => Ok(Some(entry)),
        None if elsewhere => Ok(None),
        _ => Err(unknown()),
    }
}

fn unknown() -> Refusal {
    Refusal { field: Some("name".to_owned()), ..Refusal::new("ACCOUNT_UNKNOWN", "this account does not exist") }
}

fn defined_elsewhere() -> Refusal {
    let message = "this account is defined by the server's configuration file or environment: change it there. Its rate \
                   can be set here, and it can be paused";
    Refusal { field: Some("name".to_owned()), ..Refusal::new("ACCOUNT_READ_ONLY", message) }
}
