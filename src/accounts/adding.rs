//! Setting accounts up step by step: what would be stored is checked and tried at the provider before anything is.

use std::sync::Arc;

use crate::accounts::AccountService;
use crate::accounts::service::ask;
use crate::app::{AppError, Caller, Outcome};
use crate::domain::account::decide::{ConfigureAccount, TestResult};
use crate::domain::account::event::AccountName;
use crate::domain::refusal::Refusal;

impl AccountService {
    /// Whether an account could be used as it is described. Stores nothing and calls nobody; a refusal of a setting begins with
    /// its name and a colon.
    pub fn check(&self, caller: &Caller, command: &ConfigureAccount) -> Result<(), Refusal> {
        self.built(caller, command).map(drop)
    }

    /// Asks the provider whether it would let an account send that is not set up yet. Stores nothing.
    pub async fn try_out(&self, caller: &Caller, command: &ConfigureAccount) -> Result<TestResult, Refusal> {
        Ok(ask(&self.built(caller, command)?).await)
    }

    fn built(&self, caller: &Caller, command: &ConfigureAccount) -> Result<crate::accounts::Account, Refusal> {
        let ConfigureAccount { name, spec, secrets } = command.clone().clean()?;
        let secrets = secrets.into_iter().filter_map(|(name, secret)| Some((name, secret?))).collect();
        let build = Arc::clone(self.registry.build());
        build(caller.tenant, &name, &spec, &secrets)
    }

    /// Sets an account up as [`Self::configure`] does, and records how its test went.
    pub async fn add(
        &self,
        caller: &Caller,
        command: ConfigureAccount,
        tested: Option<TestResult>,
    ) -> Result<Outcome<AccountName>, AppError> {
        let outcome = self.configure(caller, command).await?;
        if let (Outcome::Done(done), Some(result)) = (&outcome, tested) {
            self.app.record_account_test(caller, done.value.clone(), result, false).await?;
        }
        Ok(outcome)
    }
}
