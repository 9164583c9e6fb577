//! Mutations on provider accounts.

use async_graphql::{Context, Object, Result};

use super::object::{AccountInput, ProviderAccount, rate};
use crate::domain::account::decide::{PauseAccount, RemoveAccount, ResumeAccount, TestResult};
use crate::domain::account::event::AccountName;
use crate::graphql::engine::api::Api;
use crate::graphql::engine::guard::May;
use crate::graphql::engine::payload::{answer, caller, payload, shows};
use crate::graphql::engine::principal::Permission;
use crate::graphql::engine::words::{RateUnit, RetryClass};

payload! {
    /// The result of mutations on provider accounts.
    AccountPayload of complex: AccountName {
        /// The account's provider.
        provider: String = |name| Some(name.provider.clone()),
        /// The account's name.
        name: String = |name| Some(name.account.clone()),
    }
}

shows! {
    AccountPayload {
        /// The account after this mutation; null if it was removed.
        account: ProviderAccount = |ctx, payload| match (&payload.provider, &payload.name) {
            (Some(provider), Some(name)) => ProviderAccount::load(ctx, provider, name).await,
            _ => Ok(None),
        },
    }
}

/// A test of an account.
pub struct Tested {
    name: AccountName,
    result: TestResult,
}

payload! {
    /// The result of `testAccount`.
    TestAccountPayload of complex: Tested {
        /// The account's provider.
        provider: String = |tested| Some(tested.name.provider.clone()),
        /// The account's name.
        name: String = |tested| Some(tested.name.account.clone()),
        /// True if the provider can be reached, knows the account and allows it to send.
        passed: bool = |tested| Some(tested.result.passed),
        /// The class of the provider's refusal; null if the test passed or the class is unknown.
        error_class: RetryClass = |tested| tested.result.class.map(Into::into),
        /// The provider's code, or why the result is unknown.
        error_code: String = |tested| tested.result.code.clone(),
    }
}

shows! {
    TestAccountPayload {
        /// The account after the test.
        account: ProviderAccount = |ctx, payload| match (&payload.provider, &payload.name) {
            (Some(provider), Some(name)) => ProviderAccount::load(ctx, provider, name).await,
            _ => Ok(None),
        },
    }
}

fn named(provider: String, name: String) -> AccountName {
    AccountName { provider, account: name }
}

/// Mutations on provider accounts.
#[derive(Default)]
pub struct AccountMutations;

#[Object]
impl AccountMutations {
    /// Sets up or changes a provider account, without a restart. Secrets are sealed in the key store and never shown
    /// again. Once a tenant has had an account, none of its messages are simulated. Requires the role `ADMIN`.
    #[graphql(guard = "May(Permission::Administer)")]
    async fn configure_account(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The account with its settings and secrets.")] input: AccountInput,
        #[graphql(desc = "Makes the mutation repeatable: the same key with the same input is carried out once.")]
        idempotency_key: Option<String>,
    ) -> Result<AccountPayload> {
        let outcome = Api::of(ctx)?.accounts.configure(&caller(ctx, idempotency_key)?, input.into()).await;
        answer(ctx, outcome).map(Into::into)
    }

    /// Removes an account and destroys its secrets. Calls in progress are completed; its webhook is refused from then
    /// on. Requires the role `ADMIN`.
    #[graphql(guard = "May(Permission::Administer)")]
    async fn remove_account(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The provider's name, such as `twilio`.")] provider: String,
        #[graphql(desc = "The account's name, unique among those of its provider.")] name: String,
        #[graphql(desc = "Makes the mutation repeatable: the same key with the same input is carried out once.")]
        idempotency_key: Option<String>,
    ) -> Result<AccountPayload> {
        let command = RemoveAccount { name: named(provider, name) };
        let outcome = Api::of(ctx)?.accounts.remove(&caller(ctx, idempotency_key)?, command).await;
        answer(ctx, outcome).map(Into::into)
    }

    /// Changes an account's rate while it runs. Requires the role `ADMIN`.
    #[graphql(guard = "May(Permission::Administer)")]
    async fn set_account_rate(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The provider's name, such as `twilio`.")] provider: String,
        #[graphql(desc = "The account's name, unique among those of its provider.")] name: String,
        #[graphql(desc = "Units per second, over all nodes; 0: no limit.")] per_second: f64,
        #[graphql(desc = "The unit of the rate; default: messages.")] unit: Option<RateUnit>,
        #[graphql(desc = "Makes the mutation repeatable: the same key with the same input is carried out once.")]
        idempotency_key: Option<String>,
    ) -> Result<AccountPayload> {
        let caller = caller(ctx, idempotency_key)?;
        let outcome = Api::of(ctx)?.accounts.set_rate(&caller, named(provider, name), rate(per_second, unit)).await;
        answer(ctx, outcome).map(Into::into)
    }

    /// Pauses an account until it is resumed: its messages wait or use another account. Requires the role `ADMIN`.
    #[graphql(guard = "May(Permission::Administer)")]
    async fn pause_account(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The provider's name, such as `twilio`.")] provider: String,
        #[graphql(desc = "The account's name, unique among those of its provider.")] name: String,
        #[graphql(desc = "The reason; must not contain personal data.")] reason: String,
        #[graphql(desc = "Makes the mutation repeatable: the same key with the same input is carried out once.")]
        idempotency_key: Option<String>,
    ) -> Result<AccountPayload> {
        let command = PauseAccount { name: named(provider, name), reason };
        let outcome = Api::of(ctx)?.accounts.pause(&caller(ctx, idempotency_key)?, command).await;
        answer(ctx, outcome).map(Into::into)
    }

    /// Resumes an account that is paused, or suspended because its provider rejected it. Requires the role `ADMIN`.
    #[graphql(guard = "May(Permission::Administer)")]
    async fn resume_account(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The provider's name, such as `twilio`.")] provider: String,
        #[graphql(desc = "The account's name, unique among those of its provider.")] name: String,
        #[graphql(desc = "Makes the mutation repeatable: the same key with the same input is carried out once.")]
        idempotency_key: Option<String>,
    ) -> Result<AccountPayload> {
        let command = ResumeAccount { name: named(provider, name) };
        let outcome = Api::of(ctx)?.accounts.resume(&caller(ctx, idempotency_key)?, command).await;
        answer(ctx, outcome).map(Into::into)
    }

    /// Asks the provider whether an account may send, without sending anything. A rejection is a result, not an error.
    /// Requires the role `ADMIN`.
    #[graphql(guard = "May(Permission::Administer)")]
    async fn test_account(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The provider's name, such as `twilio`.")] provider: String,
        #[graphql(desc = "The account's name, unique among those of its provider.")] name: String,
        #[graphql(desc = "Makes the mutation repeatable: the same key with the same input is carried out once.")]
        idempotency_key: Option<String>,
    ) -> Result<TestAccountPayload> {
        let name = named(provider, name);
        let outcome = Api::of(ctx)?.accounts.test(&caller(ctx, idempotency_key)?, name.clone()).await;
        Ok(answer(ctx, outcome)?.map(|result| Tested { name, result }).into())
    }
}
