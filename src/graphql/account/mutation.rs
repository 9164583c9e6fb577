//! Mutations on provider accounts.

use async_graphql::{Context, Object, Result};

use super::object::{AccountInput, rate};
use crate::domain::account::decide::{PauseAccount, RemoveAccount, ResumeAccount, TestResult};
use crate::domain::account::event::AccountName;
use crate::graphql::engine::api::Api;
use crate::graphql::engine::guard::May;
use crate::graphql::engine::payload::{answer, caller, payload};
use crate::graphql::engine::principal::Permission;
use crate::graphql::engine::words::{RateUnit, RetryClass};

payload! {
    /// The answer to mutations on provider accounts.
    AccountPayload: AccountName {
        /// The account's provider.
        provider: String = |name| Some(name.provider.clone()),
        /// The account's name.
        name: String = |name| Some(name.account.clone()),
    }
}

payload! {
    /// The answer to `testAccount`.
    TestAccountPayload: TestResult {
        /// True if the provider can be reached, knows the account, and lets it send.
        passed: bool = |result| Some(result.passed),
        /// What the provider's refusal means; absent if it passed, or if nobody knows.
        error_class: RetryClass = |result| result.class.map(Into::into),
        /// The provider's code, or why nobody knows.
        error_code: String = |result| result.code.clone(),
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
    /// Sets an account at a provider up, or changes it, without a restart. Secrets are sealed in the key store and never
    /// shown again. From the first account on, nothing of this tenant is simulated. Needs the role `ADMIN`.
    #[graphql(guard = "May(Permission::Administer)")]
    async fn configure_account(
        &self,
        ctx: &Context<'_>,
        input: AccountInput,
        idempotency_key: Option<String>,
    ) -> Result<AccountPayload> {
        let outcome = Api::of(ctx)?.accounts.configure(&caller(ctx, idempotency_key)?, input.into()).await;
        answer(ctx, outcome).map(Into::into)
    }

    /// Removes an account and destroys its secrets. What is being sent with it is finished; its webhook ends. Needs the
    /// role `ADMIN`.
    #[graphql(guard = "May(Permission::Administer)")]
    async fn remove_account(
        &self,
        ctx: &Context<'_>,
        provider: String,
        name: String,
        idempotency_key: Option<String>,
    ) -> Result<AccountPayload> {
        let command = RemoveAccount { name: named(provider, name) };
        let outcome = Api::of(ctx)?.accounts.remove(&caller(ctx, idempotency_key)?, command).await;
        answer(ctx, outcome).map(Into::into)
    }

    /// Changes how fast an account sends while it runs. Needs the role `ADMIN`.
    #[graphql(guard = "May(Permission::Administer)")]
    async fn set_account_rate(
        &self,
        ctx: &Context<'_>,
        provider: String,
        name: String,
        #[graphql(desc = "Units a second, on each node; 0: no limit.")] per_second: f64,
        #[graphql(desc = "What is counted; left out: messages.")] unit: Option<RateUnit>,
        idempotency_key: Option<String>,
    ) -> Result<AccountPayload> {
        let caller = caller(ctx, idempotency_key)?;
        let outcome = Api::of(ctx)?.accounts.set_rate(&caller, named(provider, name), rate(per_second, unit)).await;
        answer(ctx, outcome).map(Into::into)
    }

    /// Lets an account rest until it is resumed: its messages wait, or go through another account. Needs the role `ADMIN`.
    #[graphql(guard = "May(Permission::Administer)")]
    async fn pause_account(
        &self,
        ctx: &Context<'_>,
        provider: String,
        name: String,
        #[graphql(desc = "Why; no personal data.")] reason: String,
        idempotency_key: Option<String>,
    ) -> Result<AccountPayload> {
        let command = PauseAccount { name: named(provider, name), reason };
        let outcome = Api::of(ctx)?.accounts.pause(&caller(ctx, idempotency_key)?, command).await;
        answer(ctx, outcome).map(Into::into)
    }

    /// Uses an account again, also one that rests because its provider refused it. Needs the role `ADMIN`.
    #[graphql(guard = "May(Permission::Administer)")]
    async fn resume_account(
        &self,
        ctx: &Context<'_>,
        provider: String,
        name: String,
        idempotency_key: Option<String>,
    ) -> Result<AccountPayload> {
        let command = ResumeAccount { name: named(provider, name) };
        let outcome = Api::of(ctx)?.accounts.resume(&caller(ctx, idempotency_key)?, command).await;
        answer(ctx, outcome).map(Into::into)
    }

    /// Asks the provider whether it lets an account send; nothing is sent. What it says is an answer, not an error. Needs
    /// the role `ADMIN`.
    #[graphql(guard = "May(Permission::Administer)")]
    async fn test_account(
        &self,
        ctx: &Context<'_>,
        provider: String,
        name: String,
        idempotency_key: Option<String>,
    ) -> Result<TestAccountPayload> {
        let outcome = Api::of(ctx)?.accounts.test(&caller(ctx, idempotency_key)?, named(provider, name)).await;
        answer(ctx, outcome).map(Into::into)
    }
}
