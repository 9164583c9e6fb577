//! Notices calls that nobody will hear the answer of, since the process that made them is gone; and looks for positive
//! evidence about messages in doubt: whether the provider took them. Finding nothing means nothing: a message stays in
//! doubt until a callback, a later run or an operator settles it.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};

use crate::accounts::Accounts;
use crate::app::{App, AppError, Caller};
use crate::domain::message::decide::RecordProviderFact;
use crate::domain::value::message::Report;
use crate::domain::value::token::Correlation;
use crate::processes::dispatcher::CALL_TIMEOUT;
use crate::processes::every::{Job, JobError};
use crate::providers::{SendError, Unconfirmed};
use crate::queries::messages::MessageRow;
use crate::queries::{QueryError, Reads, messages};

/// The actor that its events name.
const ACTOR: &str = "process:doubts";
/// The pause between two runs.
const POLL_INTERVAL: Duration = Duration::from_secs(30);
/// How long after a call a provider's own listing surely shows the message, if it took it.
const SETTLED_AFTER: TimeDelta = TimeDelta::seconds(15);
/// How long after it was decided on a call has ended, and its outcome is in the log, if its process lives.
const ENDED_AFTER: TimeDelta = TimeDelta::seconds(2 * CALL_TIMEOUT.as_secs().cast_signed());
/// For how long evidence is looked for.
const LOOK_FOR: TimeDelta = TimeDelta::days(3);
/// How many messages are looked for at once.
const AT_ONCE: usize = 200;

/// The process.
pub struct Doubts {
    app: App,
    reads: Reads,
    accounts: Accounts,
}

/// Why no evidence could be looked for.
#[derive(Debug, thiserror::Error)]
pub enum DoubtsError {
    /// The log did not answer.
    #[error("the log did not respond")]
    App(#[from] AppError),
    /// The read tables did not answer.
    #[error("the read tables did not respond")]
    Query(#[from] QueryError),
    /// The provider did not answer.
    #[error("the provider did not respond")]
    Provider(#[from] SendError),
}

impl Doubts {
    /// Over all accounts.
    #[must_use]
    pub fn new(app: App, reads: Reads, accounts: Accounts) -> Self {
        Self { app, reads, accounts }
    }

    /// Looks for calls that were given up, then for each message in doubt. A message that cannot be looked for does not
    /// keep the others from it. Returns how many were put in doubt or found.
    pub async fn look_for_evidence(&self) -> Result<usize, DoubtsError> {
        let now = self.app.ambient().now();
        let doubted = self.doubt_calls(now - ENDED_AFTER).await;
        let rows = messages::in_doubt(&self.reads.db(), now - LOOK_FOR, now - SETTLED_AFTER, AT_ONCE).await?;
        self.app.health().set_aside("doubts", rows.set_aside);
        let mut found = 0;
        for row in rows.rows {
            match self.settle(&row, now).await {
                Ok(is_found) => found += usize::from(is_found),
                Err(error) => {
                    tracing::warn!(message_id = %row.message_id, %error, "a message in doubt could not be searched for");
                }
            }
        }
        Ok(doubted? + found)
    }

    /// Puts messages in doubt whose call was made at or before a time and has not ended. Returns how many.
    pub async fn doubt_calls(&self, called_by: DateTime<Utc>) -> Result<usize, DoubtsError> {
        let mut doubted = 0;
        let found = messages::dispatching(&self.reads.db(), called_by, AT_ONCE).await?;
        self.app.health().set_aside("doubts", found.set_aside);
        for row in found.rows {
            let caller = Caller::new(row.tenant_id, ACTOR);
            let (customer_id, message_id) = (row.customer_id, row.message_id);
            match self.app.doubt_dispatch(&caller, customer_id, message_id, called_by).await {
                Ok(true) => {
                    tracing::warn!(%message_id, "the result of a call was lost; the message is in doubt");
                    doubted += 1;
                }
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(%message_id, %error, "a lost call is set aside");
                    self.app.health().set_aside("doubts", 1);
                }
            }
        }
        Ok(doubted)
    }

    async fn settle(&self, row: &MessageRow, now: DateTime<Utc>) -> Result<bool, DoubtsError> {
        let caller = Caller::new(row.tenant_id, ACTOR);
        let (customer_id, message_id) = (row.customer_id, row.message_id);
        let called_at = row.dispatching_at.unwrap_or(row.created_at);
        let Some(doubt) = self.app.in_doubt(&caller, customer_id, message_id, called_at).await? else {
            return Ok(false);
        };
        let Some(account) = self.accounts.by_name(caller.tenant, &doubt.route.provider, &doubt.route.account) else {
            return Ok(false);
        };
        let Some(to) = doubt.content.to else { return Ok(false) };
        let unconfirmed = Unconfirmed {
            key: doubt.key.clone(),
            token: Some(doubt.token),
            to,
            subject: doubt.content.subject,
            body: doubt.content.body,
            called_at,
            given_up_at: row.in_doubt_at.unwrap_or(now),
            claimed: messages::provider_ids_of(&self.reads.db(), caller.tenant, customer_id).await?,
        };
        let Some(found) = account.provider.find(&unconfirmed).await? else { return Ok(false) };
        let id = found.accepted.provider_message_id.clone().unwrap_or_default();
        let sent = Report::Sent {
            provider_message_id: found.accepted.provider_message_id,
            segments: found.accepted.segments,
            cost_micros: found.accepted.cost.map(|(micros, _)| micros),
            currency: found.accepted.cost.map(|(_, currency)| currency),
            mail_id: None,
        };
        let correlation = Correlation {
            tenant: caller.tenant,
            customer_id,
            key: doubt.key,
            address_id: doubt.address_id,
            route: doubt.route,
            called_at,
        };
        for (what, report) in [("sent", Some(sent)), ("fate", found.report)] {
            let Some(report) = report else { continue };
            let fact = RecordProviderFact {
                correlation: correlation.clone(),
                occurred_at: found.accepted_at.unwrap_or(called_at),
                provider_event_id: Some(format!("found {id} {what}")),
                report,
                raw: None,
            };
            self.app.record_provider_fact(&caller, fact).await?.into_result().ok();
        }
        tracing::info!(%message_id, "a message in doubt was found at the provider");
        Ok(true)
    }
}

#[async_trait]
impl Job for Doubts {
    fn name(&self) -> &'static str {
        "doubts"
    }

    fn interval(&self) -> Duration {
        POLL_INTERVAL
    }

    async fn run_once(&mut self) -> Result<usize, JobError> {
        Ok(self.look_for_evidence().await?)
    }
}
